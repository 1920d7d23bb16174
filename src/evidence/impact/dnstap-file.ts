// A file of dnstap: Frame Streams as fstrm_capture and resolvers write them. Answers of clients are read, or their queries
// where a file has no answers; what upstreams were asked is nobody's question.
import { createAddress, formatAddress, readIpv4, readIpv6 } from '../../base/base.ts';
import { type Logged, logError, type ReadingOf } from './logged.ts';
import { readMessageText, textOfRecords } from './message-text.ts';

const LENGTH_BYTES = 4;
/** A message of 64 KiB twice, and around it. */
const FRAME_BYTES_MAX = 1 << 18;
const CLIENT_QUERY = 5;
const CLIENT_RESPONSE = 6;

/** A field of Protocol Buffers: a number, or bytes. */
type Field = number | Uint8Array;

/** The first field of each number; undefined for bytes that are no message. */
const readFields = (bytes: Uint8Array): ReadonlyMap<number, Field> | undefined => {
  const fields = new Map<number, Field>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      if (factor > 2 ** 49) break;
    }
    return -1;
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    let value: Field;
    switch (tag & 7) {
      case 0:
        value = varint();
        break;
      case 2: {
        const length = varint();
        if (length < 0 || at + length > bytes.length) return undefined;
        value = bytes.subarray(at, at + length);
        at += length;
        break;
      }
      case 5:
        if (at + 4 > bytes.length) return undefined;
        value = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
        at += 4;
        break;
      case 1:
        at += 8;
        continue;
      default:
        return undefined;
    }
    if (tag < 0 || (typeof value === 'number' && value < 0)) return undefined;
    if (!fields.has(field)) fields.set(field, value);
  }
  return fields;
};

const bytesAt = (fields: ReadonlyMap<number, Field>, field: number): Uint8Array | undefined => {
  const found = fields.get(field);
  return typeof found === 'number' ? undefined : found;
};

const numberAt = (fields: ReadonlyMap<number, Field>, field: number): number => {
  const found = fields.get(field);
  return typeof found === 'number' ? found : 0;
};

const addressText = (bytes: Uint8Array | undefined): string => {
  const words = createAddress();
  if (bytes?.length === 4) readIpv4(bytes, 0, words);
  else if (bytes?.length === 16) readIpv6(bytes, 0, words);
  else return '';
  return formatAddress(words);
};

/** Reads frames of a stream that comes in pieces. */
export class DnstapReader {
  readonly #path: string;
  readonly #how: ReadingOf;
  readonly #take: (logged: Logged) => void;
  #rest: Buffer = Buffer.alloc(0);
  #frame = 0;
  #hasResponses = false;
  /** Queries that count unless answers come. */
  #queries: Logged[] = [];

  constructor(path: string, how: ReadingOf, take: (logged: Logged) => void) {
    this.#path = path;
    this.#how = how;
    this.#take = take;
  }

  /** The next piece. */
  push(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let at = 0;
    while (at + LENGTH_BYTES <= bytes.length) {
      const length = bytes.readUInt32BE(at);
      // 0: a control frame follows with a length of its own.
      const isControl = length === 0;
      if (isControl && at + 2 * LENGTH_BYTES > bytes.length) break;
      const start = at + (isControl ? 2 : 1) * LENGTH_BYTES;
      const size = isControl ? bytes.readUInt32BE(at + LENGTH_BYTES) : length;
      if (size > FRAME_BYTES_MAX) throw this.#fail('is no frame of Frame Streams');
      if (start + size > bytes.length) break;
      if (!isControl) {
        this.#read(bytes.subarray(start, start + size));
        this.#frame++;
      }
      at = start + size;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  /** Throws ERR_QUERY_LOG_READ for a file that ends within a frame. */
  end(): void {
    if (this.#rest.length > 0) throw this.#fail('is cut short');
    if (!this.#hasResponses) for (const query of this.#queries) this.#take(query);
  }

  #fail(text: string): Error {
    return logError(this.#path, undefined, `frame ${this.#frame + 1} ${text}`);
  }

  #read(frame: Uint8Array): void {
    const payload = readFields(frame);
    const message = payload && readFields(bytesAt(payload, 14) ?? new Uint8Array(0));
    if (payload === undefined || message === undefined) throw this.#fail('is no message of dnstap');
    const type = numberAt(message, 1);
    if (type !== CLIENT_QUERY && type !== CLIENT_RESPONSE) return;
    const isResponse = type === CLIENT_RESPONSE;
    if (!isResponse && this.#hasResponses) return;
    const asked = readMessageText(bytesAt(message, isResponse ? 14 : 10) ?? new Uint8Array(0));
    if (asked === undefined) return;
    const timeMs = numberAt(message, isResponse && message.has(12) ? 12 : 8) * 1000;
    if (timeMs < this.#how.sinceMs) return;
    const { name, type: qtype, records } = asked;
    const logged: Logged = {
      ...{ timeMs, name, type: qtype },
      client: addressText(bytesAt(message, 4)),
      group: groupOf(bytesAt(payload, 3)),
      answers: textOfRecords(records),
      records: () => records,
    };
    if (isResponse) {
      this.#hasResponses = true;
      this.#queries = [];
      this.#take(logged);
      return;
    }
    this.#queries.push(logged);
    // A file of queries alone: enough of it has been seen.
    if (this.#queries.length < QUERIES_MAX) return;
    for (const query of this.#queries.splice(0)) this.#take(query);
  }
}

/** Queries that wait to be told from a file with answers, which begins with one sooner. */
const QUERIES_MAX = 65_536;

/** The group that our own messages say. */
const groupOf = (extra: Uint8Array | undefined): string | undefined => {
  if (extra === undefined || extra[0] !== 0x7b) return undefined;
  try {
    const { group } = JSON.parse(Buffer.from(extra).toString('utf8')) as { readonly group?: unknown };
    return typeof group === 'string' ? group : undefined;
  } catch {
    return undefined;
  }
};
