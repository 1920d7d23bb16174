// A file of dnstap: Frame Streams as fstrm_capture and resolvers write them. Answers of clients are read, or their queries
// where a file has no answers; what upstreams were asked is nobody's question.
import { AppError, createAddress, errorText, formatAddress, readIpv4, readIpv6 } from '../../base/base.ts';
import { DNSTAP, FrameReceiver, MESSAGE, MESSAGE_TYPE, readProtobuf } from '../records/records.ts';
import { type Logged, logError, type ReadingOf } from './logged.ts';
import { readMessageText, textOfRecords } from './message-text.ts';

/** A field of Protocol Buffers: a number, or bytes. */
type Field = number | Uint8Array;

/** The first field of each number; undefined for bytes that are no message. */
const readFields = (bytes: Uint8Array): ReadonlyMap<number, Field> | undefined => {
  const fields = new Map<number, Field>();
  const isMessage = readProtobuf(bytes, (field, value) => {
    if (!fields.has(field)) fields.set(field, value);
  });
  return isMessage ? fields : undefined;
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
  readonly #frames = new FrameReceiver({
    frame: (data) => {
      this.#read(data);
      this.#frame++;
    },
    started: () => undefined,
    reply: () => undefined,
    stopped: () => undefined,
  });
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
    try {
      this.#frames.take(piece);
    } catch (thrown) {
      if (thrown instanceof AppError) throw thrown;
      throw this.#fail(`is none: ${errorText(thrown)}`);
    }
  }

  /** Throws ERR_QUERY_LOG_READ for a file that ends within a frame. */
  end(): void {
    if (this.#frames.isWithin) throw this.#fail('is cut short');
    if (!this.#hasResponses) for (const query of this.#queries) this.#take(query);
  }

  #fail(text: string): Error {
    return logError(this.#path, undefined, `frame ${this.#frame + 1} ${text}`);
  }

  #read(frame: Uint8Array): void {
    const payload = readFields(frame);
    const message = payload && readFields(bytesAt(payload, DNSTAP.MESSAGE) ?? new Uint8Array(0));
    if (payload === undefined || message === undefined) throw this.#fail('is no message of dnstap');
    const type = numberAt(message, MESSAGE.TYPE);
    if (type !== MESSAGE_TYPE.CLIENT_QUERY && type !== MESSAGE_TYPE.CLIENT_RESPONSE) return;
    const isResponse = type === MESSAGE_TYPE.CLIENT_RESPONSE;
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
