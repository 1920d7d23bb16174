// The JSON lines of our own query log. What a line is looked at for stands in the order in which the log writes it
// (json-form.ts), so that ten million are read in seconds, as bytes; any other line is parsed.
import type { ReplayedRecord } from '../../resolver/inquiry/inquiry.ts';
import { type Logged, NO_RECORDS, type ReadingOf } from './logged.ts';
import { Print } from './print.ts';

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const OURS = '{"@timestamp":"';
const START = bytesOf(OURS);
const TIME_LENGTH = 24;
/** Of the time, up to its minute. */
const MINUTE_LENGTH = 16;
/** Date.parse() takes more for a time. */
const MINUTE = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/;
const NAME = bytesOf('","dns":{"question":{"name":"');
const NAME_AT = START.length + TIME_LENGTH + NAME.length;
const TYPE = bytesOf('","type":"');
const CLASS = bytesOf('","class":"');
const OF_QUERY = bytesOf('"},"type":"query"');
const OF_ANSWER = bytesOf('"},"type":"answer","header_flags":[');
const RESPONSE_CODE = bytesOf('],"response_code":"');
const ANSWERS = bytesOf(',"answers":[');
const ANSWER_NAME = bytesOf('{"name":"');
const ANSWER_TTL = bytesOf('","ttl":');
const ANSWER_DATA = bytesOf(',"data":"');
const ANSWER_END = bytesOf('"}');
const RESOLVED = bytesOf('],"resolved_ip":[');
const EVENT = bytesOf('},"event":{"kind":"event","category":["network"],"type":["protocol"],"duration":');
const SOURCE = bytesOf('},"source":{"address":"');
/** What follows an address that is whole, and one that is not. */
const SOURCE_IP = bytesOf('","ip":"');
const SOURCE_END = bytesOf('"},"network":{"transport":"');
/** What follows where nobody is named. */
const NETWORK = bytesOf('},"network":{"transport":"');
const CORDON = bytesOf(',"cordon":{"source":"');
const VALIDATION = bytesOf('","validation":"');
const TRANSPORT = bytesOf('","transport":"');
const GROUP = bytesOf('","group":"');
/** What may follow the transport instead of a group. */
const WITHOUT_GROUP = ['","reported_by":"', '","answers_omitted":', '"},"observer":{"name":"'].map(bytesOf);
const ZERO = 0x30;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
/** What may follow it beside four digits (RFC 8259 section 7). */
const ESCAPED = bytesOf('"\\/bfnrt');
const LETTER_U = 0x75;
const HEX = bytesOf('0123456789abcdefABCDEF');
const LIST_END = 0x5d;
const OBJECT_END = 0x7d;

/** True when bytes stand at a place: none of them is the end of a line, so that they stand in one. */
const isAt = (bytes: Uint8Array, at: number, wanted: Uint8Array): boolean => {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
};

/** Where a text ends that began before a place: at its quote; below 0: it does not, or has what JSON does not. */
const quoteFrom = (bytes: Uint8Array, from: number): number => {
  for (let at = from; ; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return at;
    if (byte < 0x20) return -1;
    if (byte !== BACKSLASH) continue;
    const escaped = bytes[++at] ?? 0;
    if (escaped !== LETTER_U && !ESCAPED.includes(escaped)) return -1;
    if (escaped !== LETTER_U) continue;
    for (const last = at + 4; at < last; at++) if (!HEX.includes(bytes[at + 1] ?? 0)) return -1;
  }
};

/** Where a list without texts that hold its end ends; below 0: it does not. */
const listEndFrom = (bytes: Uint8Array, from: number): number => {
  for (let at = from; ; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === LIST_END) return at;
    if (byte < 0x20) return -1;
  }
};

/**
 * The first place from one on where bytes with quotes stand, or the end. No text within quotes holds them: its quotes have a
 * backslash before them.
 */
const findIn = (bytes: Uint8Array, from: number, end: number, wanted: Uint8Array): number => {
  let at = from;
  while (at < end && !(bytes[at] === wanted[0] && isAt(bytes, at, wanted))) at++;
  return at;
};

/** The first place from one on where no digit is. */
const digitsFrom = (bytes: Uint8Array, from: number): number => {
  let at = from;
  for (let byte = bytes[at] ?? 0; byte >= ZERO && byte <= ZERO + 9; byte = bytes[at] ?? 0) at++;
  return at;
};

/** Reads lines of one log. What it returns is valid until the next one. */
export class OwnLines {
  readonly #line = new OwnLine();

  /** Reads the line between two places of bytes, in which an end of a line is behind it; undefined: it is older, or no query. */
  read(
    bytes: Buffer,
    start: number,
    end: number,
    { sinceMs }: ReadingOf,
    fail: (text: string) => Error,
  ): Logged | undefined {
    const line = this.#line;
    if (line.read(bytes, start, end)) return line.timeMs < sinceMs ? undefined : line;
    return readAnyLine(bytes.toString('latin1', start, end), sinceMs, fail);
  }
}

/** A line of which most is never looked at: the question was judged before. */
class OwnLine implements Logged {
  timeMs = 0;
  readonly print = new Print();
  readonly asker = new Print();
  #bytes: Buffer = Buffer.alloc(0);
  #nameAt = 0;
  #nameEnd = 0;
  #typeEnd = 0;
  /** Equal: there are none. */
  #answersAt = 0;
  #answersEnd = 0;
  /** Equal: nobody is named. */
  #clientAt = 0;
  #clientEnd = 0;
  /** Below 0: none. */
  #groupAt = 0;
  #groupEnd = 0;
  readonly #minute = Buffer.alloc(MINUTE_LENGTH);
  #minuteMs = 0;

  /** False for a line that is not as the log writes it. */
  read(bytes: Buffer, start: number, end: number): boolean {
    this.#bytes = bytes;
    if (bytes[end - 1] !== OBJECT_END || !isAt(bytes, start, START)) return false;
    if (!this.#readTime(bytes, start + START.length)) return false;
    if (!isAt(bytes, start + NAME_AT - NAME.length, NAME)) return false;
    const nameAt = start + NAME_AT;
    const nameEnd = quoteFrom(bytes, nameAt);
    if (nameEnd < 0 || !isAt(bytes, nameEnd, TYPE)) return false;
    const typeEnd = quoteFrom(bytes, nameEnd + TYPE.length);
    if (typeEnd < 0 || !isAt(bytes, typeEnd, CLASS)) return false;
    const classEnd = quoteFrom(bytes, typeEnd + CLASS.length);
    if (classEnd < 0) return false;
    this.#nameAt = nameAt;
    this.#nameEnd = nameEnd;
    this.#typeEnd = typeEnd;
    this.print.begin();
    this.print.take(bytes, nameAt, typeEnd + 1);
    const eventAt = this.#readAnswer(bytes, classEnd);
    return eventAt >= 0 && isAt(bytes, eventAt, EVENT) && this.#readAsker(bytes, eventAt + EVENT.length, end);
  }

  /** What is left of TTLs is no part of the print. Returns where the event begins; below 0: it is another line. */
  #readAnswer(bytes: Buffer, classEnd: number): number {
    this.#answersAt = this.#answersEnd = 0;
    if (isAt(bytes, classEnd, OF_QUERY)) return classEnd + OF_QUERY.length;
    if (!isAt(bytes, classEnd, OF_ANSWER)) return -1;
    const flagsEnd = listEndFrom(bytes, classEnd + OF_ANSWER.length);
    if (flagsEnd < 0 || !isAt(bytes, flagsEnd, RESPONSE_CODE)) return -1;
    const codeEnd = quoteFrom(bytes, flagsEnd + RESPONSE_CODE.length);
    if (codeEnd < 0) return -1;
    let at = codeEnd + 1;
    if (!isAt(bytes, at, ANSWERS)) return at;
    at += ANSWERS.length;
    this.#answersAt = at - 1;
    if (bytes[at] !== LIST_END) at = this.#readRecord(bytes, at);
    while (at >= 0 && bytes[at] === COMMA) at = this.#readRecord(bytes, at + 1);
    if (at < 0 || bytes[at] !== LIST_END) return -1;
    this.#answersEnd = at + 1;
    // The addresses once more.
    if (isAt(bytes, at, RESOLVED)) at = listEndFrom(bytes, at + RESOLVED.length);
    return at < 0 ? at : at + 1;
  }

  /** Returns where it ends; below 0: it is none of ours. */
  #readRecord(bytes: Buffer, start: number): number {
    if (!isAt(bytes, start, ANSWER_NAME)) return -1;
    const nameAt = start + ANSWER_NAME.length;
    const nameEnd = quoteFrom(bytes, nameAt);
    if (nameEnd < 0 || !isAt(bytes, nameEnd, TYPE)) return -1;
    const typeEnd = quoteFrom(bytes, nameEnd + TYPE.length);
    if (typeEnd < 0 || !isAt(bytes, typeEnd, ANSWER_TTL)) return -1;
    const ttlAt = typeEnd + ANSWER_TTL.length;
    const ttlEnd = digitsFrom(bytes, ttlAt);
    const isNumber = ttlEnd === ttlAt + 1 || (ttlEnd > ttlAt && bytes[ttlAt] !== ZERO);
    if (!isNumber || !isAt(bytes, ttlEnd, ANSWER_DATA)) return -1;
    const dataAt = ttlEnd + ANSWER_DATA.length;
    const dataEnd = quoteFrom(bytes, dataAt);
    if (dataEnd < 0 || !isAt(bytes, dataEnd, ANSWER_END)) return -1;
    this.print.take(bytes, nameAt, typeEnd + 1);
    this.print.take(bytes, dataAt, dataEnd + 1);
    return dataEnd + ANSWER_END.length;
  }

  #readAsker(bytes: Buffer, start: number, end: number): boolean {
    let at = digitsFrom(bytes, start);
    this.#clientAt = this.#clientEnd = at;
    if (isAt(bytes, at, SOURCE)) {
      this.#clientAt = at + SOURCE.length;
      this.#clientEnd = at = quoteFrom(bytes, this.#clientAt);
      if (at < 0 || !(isAt(bytes, at, SOURCE_IP) || isAt(bytes, at, SOURCE_END))) return false;
    } else if (!isAt(bytes, at, NETWORK)) return false;
    at = findIn(bytes, at, end, CORDON);
    if (at === end) return false;
    at = quoteFrom(bytes, at + CORDON.length);
    if (at < 0 || !isAt(bytes, at, VALIDATION)) return false;
    at = quoteFrom(bytes, at + VALIDATION.length);
    if (at < 0 || !isAt(bytes, at, TRANSPORT)) return false;
    at = quoteFrom(bytes, at + TRANSPORT.length);
    if (at < 0) return false;
    const hasGroup = isAt(bytes, at, GROUP);
    if (!hasGroup && !WITHOUT_GROUP.some((next) => isAt(bytes, at, next))) return false;
    const groupAt = hasGroup ? at + GROUP.length : -1;
    this.#groupAt = groupAt;
    this.asker.begin();
    this.asker.take(bytes, this.#clientAt, this.#clientEnd);
    this.asker.number(QUOTE);
    if (groupAt < 0) return true;
    this.#groupEnd = quoteFrom(bytes, groupAt);
    this.asker.take(bytes, groupAt, this.#groupEnd + 1);
    return this.#groupEnd >= 0;
  }

  /** Lines of one minute follow each other. */
  #readTime(bytes: Buffer, start: number): boolean {
    if (!isAt(bytes, start, this.#minute)) {
      const minute = bytes.toString('latin1', start, start + MINUTE_LENGTH);
      const minuteMs = MINUTE.test(minute) ? Date.parse(`${minute}:00.000Z`) : Number.NaN;
      if (Number.isNaN(minuteMs)) return false;
      bytes.copy(this.#minute, 0, start, start + MINUTE_LENGTH);
      this.#minuteMs = minuteMs;
    }
    const at = start + MINUTE_LENGTH;
    const isWritten =
      bytes[at] === 0x3a &&
      digitsFrom(bytes, at + 1) === at + 3 &&
      bytes[at + 3] === 0x2e &&
      digitsFrom(bytes, at + 4) === at + 7 &&
      bytes[at + 7] === 0x5a;
    const seconds = digit(bytes, at + 1) * 10 + digit(bytes, at + 2);
    if (!isWritten || seconds > 59) return false;
    const ms = digit(bytes, at + 4) * 100 + digit(bytes, at + 5) * 10 + digit(bytes, at + 6);
    this.timeMs = this.#minuteMs + seconds * 1_000 + ms;
    return true;
  }

  get name(): string {
    return this.#value(this.#nameAt, this.#nameEnd);
  }

  get type(): string {
    return this.#value(this.#nameEnd + TYPE.length, this.#typeEnd);
  }

  get client(): string {
    return this.#value(this.#clientAt, this.#clientEnd);
  }

  get group(): string | undefined {
    return this.#groupAt < 0 ? undefined : this.#value(this.#groupAt, this.#groupEnd);
  }

  get answers(): string {
    return this.#text(this.#answersAt, this.#answersEnd).replaceAll(/"ttl":\d+,/g, '');
  }

  records(): readonly ReplayedRecord[] {
    if (this.#answersAt === this.#answersEnd) return NO_RECORDS;
    return JSON.parse(this.#text(this.#answersAt, this.#answersEnd)) as ReplayedRecord[];
  }

  /** What stands within quotes. */
  #value(from: number, end: number): string {
    const text = this.#text(from, end);
    return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
  }

  #text(from: number, end: number): string {
    return this.#bytes.toString('latin1', from, end);
  }
}

const digit = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) - ZERO;
interface AnyLine {
  readonly '@timestamp'?: unknown;
  readonly dns?: {
    readonly question?: { readonly name?: unknown; readonly type?: unknown };
    readonly answers?: unknown;
  };
  readonly source?: { readonly address?: unknown; readonly ip?: unknown };
  readonly client?: { readonly address?: unknown; readonly ip?: unknown };
  readonly cordon?: { readonly group?: unknown };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Any line in the names of the schema. */
const readAnyLine = (text: string, sinceMs: number, fail: (text: string) => Error): Logged | undefined => {
  let line: AnyLine;
  try {
    line = JSON.parse(text) as AnyLine;
  } catch {
    throw fail(text.startsWith(OURS) ? 'it is cut short' : 'it is no JSON');
  }
  const name = textOf(line?.dns?.question?.name);
  if (name === undefined) return undefined;
  const timeMs = Date.parse(textOf(line['@timestamp']) ?? '');
  if (sinceMs > 0 && Number.isNaN(timeMs)) throw fail('its time is none');
  if (timeMs < sinceMs) return undefined;
  const source = line.source ?? line.client;
  const answers = Array.isArray(line.dns?.answers) ? line.dns.answers.filter(isRecord) : NO_RECORDS;
  return {
    timeMs,
    name,
    type: textOf(line.dns?.question?.type) ?? 'A',
    client: textOf(source?.ip) ?? textOf(source?.address) ?? '',
    group: textOf(line.cordon?.group),
    answers: answers.map(({ name: owner, type, data }) => `${owner} ${type} ${data}`).join('\n'),
    records: () => answers,
  };
};

const isRecord = (value: unknown): value is ReplayedRecord => {
  if (typeof value !== 'object' || value === null) return false;
  const { name, type, data } = value as Readonly<Record<string, unknown>>;
  return typeof name === 'string' && typeof type === 'string' && typeof data === 'string';
};
