// The JSON lines of our own query log. What a line is looked at for stands at known places of it, so that ten million are
// read in seconds; a line that somebody else wrote or changed is parsed.
import { randomInt } from 'node:crypto';
import type { ReplayedRecord } from '../../resolver/inquiry/inquiry.ts';
import { type Logged, NO_RECORDS, type ReadingOf } from './logged.ts';

const START = '{"@timestamp":"';
const TIME_LENGTH = 24;
const NAME = '","dns":{"question":{"name":"';
const NAME_AT = START.length + TIME_LENGTH + NAME.length;
const TYPE = '","type":"';
const ANSWERS = ',"answers":[';
const EVENT = '},"event":{';
const ADDRESS = '"source":{"address":"';
const GROUP = '","group":"';

/** Reads one line between two places of a text; undefined: it is older, or no query. */
export const readOwnLine = (
  text: string,
  start: number,
  end: number,
  { sinceMs }: ReadingOf,
  fail: (text: string) => Error,
): Logged | undefined => {
  // A part of the text: what a line does not have would be looked for in all lines behind it.
  const line = text.slice(start, end);
  const isOurs = line.startsWith(START) && line.startsWith(NAME, START.length + TIME_LENGTH);
  if (!isOurs) return readAnyLine(line, sinceMs, fail);
  let timeMs: number | undefined;
  if (sinceMs > 0) {
    timeMs = Date.parse(line.slice(START.length, START.length + TIME_LENGTH));
    if (Number.isNaN(timeMs)) throw fail('its time is none');
    if (timeMs < sinceMs) return undefined;
  }
  const nameEnd = line.indexOf('"', NAME_AT);
  const typeAt = nameEnd + TYPE.length;
  const typeEnd = line.indexOf('"', typeAt);
  if (nameEnd < 0 || typeEnd < 0 || !line.startsWith(TYPE, nameEnd)) throw fail('it is cut short');
  const eventAt = line.indexOf(EVENT, typeEnd);
  if (eventAt < 0 || !line.endsWith('}')) throw fail('it is cut short');
  const found = line.indexOf(ANSWERS, typeEnd);
  const answersAt = found >= 0 && found < eventAt ? found + ANSWERS.length - 1 : eventAt;
  return new OwnLine(
    line,
    timeMs,
    { nameEnd, typeEnd, answersAt, eventAt },
    printOf(text, start, [NAME_AT, typeEnd, answersAt, eventAt]),
  );
};

/** Where the parts of a line are that it is looked at for. */
interface Places {
  readonly nameEnd: number;
  readonly typeEnd: number;
  readonly answersAt: number;
  readonly eventAt: number;
}

/** A line of which most is never looked at: the question was judged before. */
class OwnLine implements Logged {
  readonly timeMs: number | undefined;
  readonly print: number;
  readonly #line: string;
  readonly #places: Places;

  constructor(line: string, timeMs: number | undefined, places: Places, print: number) {
    this.#line = line;
    this.timeMs = timeMs;
    this.#places = places;
    this.print = print;
  }

  get name(): string {
    const written = this.#line.slice(NAME_AT, this.#places.nameEnd);
    return written.includes('\\') ? written.replaceAll('\\\\', '\\') : written;
  }

  get type(): string {
    return this.#line.slice(this.#places.nameEnd + TYPE.length, this.#places.typeEnd);
  }

  get client(): string {
    return valueAfter(this.#line, ADDRESS, this.#places.eventAt) ?? '';
  }

  get group(): string | undefined {
    return valueAfter(this.#line, GROUP, this.#places.eventAt);
  }

  get answers(): string {
    return this.#answers.replaceAll(/"ttl":\d+,/g, '');
  }

  get #answers(): string {
    return this.#line.slice(this.#places.answersAt, this.#places.eventAt);
  }

  records(): readonly ReplayedRecord[] {
    return this.#answers === '' ? NO_RECORDS : recordsOf(this.#answers);
  }
}

/** Others of each process: nobody chooses names that have the number of another one. */
const FACTORS = [randomInt(2 ** 31) * 2 + 1, randomInt(2 ** 31) * 2 + 1] as const;
const QUOTE = 0x22;
const TTL = '"ttl":';
/** Of 32 bits, what a number has room for beside 32 others. */
const REST_BITS = 21;

/** Of name and type, and of the answers without what is left of their TTLs: 53 bits of a hash of the text from `base` on. */
const printOf = (text: string, base: number, [from, end, answersAt, eventAt]: readonly number[]): number => {
  const [first, second] = FACTORS;
  let a = first;
  let b = second;
  const take = (at: number, until: number): void => {
    for (let i = at; i < until; i++) {
      const char = text.charCodeAt(i);
      a = Math.imul(a ^ char, first) ^ (a >>> 15);
      b = Math.imul(b ^ char, second) ^ (b >>> 13);
      if (char !== QUOTE || text.charCodeAt(i + 1) !== 0x74 || !text.startsWith(TTL, i)) continue;
      i += TTL.length;
      while (text.charCodeAt(i + 1) <= 0x39)
        if (text.charCodeAt(i + 1) >= 0x30) i++;
        else break;
    }
  };
  take(base + (from ?? 0), base + (end ?? 0));
  take(base + (answersAt ?? 0), base + (eventAt ?? 0));
  return (a >>> 0) * 2 ** REST_BITS + (b >>> (32 - REST_BITS));
};

const valueAfter = (line: string, member: string, from: number): string | undefined => {
  const at = line.indexOf(member, from);
  return at < 0 ? undefined : line.slice(at + member.length, line.indexOf('"', at + member.length));
};

/** From `[{…}]` or `[{…}],"resolved_ip":[…]`. */
const recordsOf = (answers: string): readonly ReplayedRecord[] => {
  const end = answers.lastIndexOf('],"resolved_ip":');
  return JSON.parse(end < 0 ? answers : answers.slice(0, end + 1)) as ReplayedRecord[];
};

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
    throw fail('it is no JSON');
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
