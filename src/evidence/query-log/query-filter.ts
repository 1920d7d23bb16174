// Which queries of the log somebody looks for, and what is told of them. Most lines are told apart by a piece of their bytes, and
// are neither decoded nor parsed.
//
// A client is told as the reference of its day, as records are shown: neither an address nor a pseudonym that could be compared over
// days leaves here, nor a port, nor the name of a device.
import { createAddress, parseAddress } from '../../base/base.ts';
import { type PseudonymReader, toReference } from '../records/records.ts';
import { TIME_AT, timeOfLine } from './line-file.ts';
import { inQuotes } from './quoted.ts';

/** What is undefined does not matter. */
export interface QueryFilter {
  readonly fromMs: number;
  readonly untilMs: number;
  /** This name and all below it; folded, without the dot of the root. */
  readonly name?: string | undefined;
  /** Part of a name, folded. */
  readonly part?: string | undefined;
  readonly type?: string | undefined;
  readonly rcode?: string | undefined;
  readonly verdict?: 'refused' | 'passed' | undefined;
  /** What made the answer, in the words of the log. */
  readonly source?: string | undefined;
  readonly group?: string | undefined;
  readonly list?: string | undefined;
  /** Of a day, in its one spelling. */
  readonly reference?: string | undefined;
  /** As the log may name the client: any of these. */
  readonly clients?: readonly string[] | undefined;
  /** As the log may name the device: any of these. */
  readonly devices?: readonly string[] | undefined;
}

/** One query, for whoever may not see addresses. */
export interface FoundQuery {
  readonly time: string;
  readonly name: string;
  readonly type: string;
  /** Null: it was dropped. */
  readonly rcode: string | null;
  readonly source: string;
  readonly validation: string;
  readonly transport: string;
  readonly tookMs: number;
  readonly group: string | null;
  /** The list that refused it. */
  readonly list: string | null;
  readonly reportedBy: string | null;
  /** Null: the log does not say who. */
  readonly client: string | null;
  /** The first of the answer, as text. */
  readonly answers: readonly string[];
  /** Further records of the answer. */
  readonly more: number;
}

/** Of an answer, in a row of a table. */
const ANSWERS_MAX = 4;
/** Characters of one of them. */
const ANSWER_LENGTH_MAX = 120;
/** References that are kept: a hash costs more than reading the line. */
const REFERENCES_MAX = 65_536;
const DAY_LENGTH = '2026-11-30'.length;
const NAME_AT = '{"@timestamp":"2026-11-30T10:00:00.123Z","dns":{"question":{"name":"'.length;
const ADDRESS = '"source":{"address":"';
const REFUSED = '"rule":{"ruleset":';

/** Names clients of the log by their references, as records name them. */
export class LogReferences {
  readonly #secret: Uint8Array;
  readonly #pseudonyms: PseudonymReader | undefined;
  readonly #known = new Map<string, string>();

  /** `pseudonyms`: the log has addresses where records have pseudonyms, and a client has one reference in both. */
  constructor(secret: Uint8Array, pseudonyms: PseudonymReader | undefined) {
    this.#secret = secret;
    this.#pseudonyms = pseudonyms;
  }

  /** The client of a line as records name it; undefined: the log does not say who. */
  clientOf(line: string): string | undefined {
    const client = clientIn(line);
    return client === undefined ? undefined : this.#inRecords(client, timeOfLine(line));
  }

  /** The reference of the client of a line; undefined: the log does not say who. */
  of(line: string): string | undefined {
    const client = clientIn(line);
    if (client === undefined) return undefined;
    const key = `${line.slice(TIME_AT, TIME_AT + DAY_LENGTH)} ${client}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= REFERENCES_MAX) this.#known.clear();
    const timeMs = timeOfLine(line);
    const reference = toReference(this.#secret, timeMs, this.#inRecords(client, timeMs));
    this.#known.set(key, reference);
    return reference;
  }

  #inRecords(client: string, timeMs: number): string {
    const words = createAddress();
    if (this.#pseudonyms === undefined || !parseAddress(client, words)) return client;
    return this.#pseudonyms.pseudonymAt(words, timeMs) ?? client;
  }
}

const clientIn = (line: string): string | undefined => {
  const at = line.indexOf(ADDRESS, NAME_AT);
  return at < 0 ? undefined : line.slice(at + ADDRESS.length, line.indexOf('"', at + ADDRESS.length));
};

/** A filter that was made ready. */
export interface CompiledFilter {
  /** What each line that fits has, as bytes; undefined: nothing that could be looked for. */
  readonly needle: Buffer | undefined;
  fits(line: string): boolean;
}

/** Without the quotes, as it stands in a line. */
const written = (text: string): string => inQuotes(text).slice(1, -1);
const member = (name: string, value: string): string => `"${name}":${inQuotes(value)}`;

/** Makes a filter ready. */
export const compileFilter = (filter: QueryFilter, references: LogReferences): CompiledFilter => {
  const { fromMs, untilMs, reference, verdict } = filter;
  const name = filter.name === undefined ? undefined : written(filter.name);
  const part = filter.part === undefined ? undefined : written(filter.part);
  const clients = filter.clients?.map((client) => `${ADDRESS}${written(client)}"`);
  const devices = filter.devices?.map((device) => member('device', device));
  const anyOf = clients ?? devices;
  const only = anyOf?.length === 1 ? anyOf[0] : undefined;
  // The rarest first: it is what is looked for in the bytes.
  const pieces = [
    ...[only, name, part, filter.list === undefined ? undefined : REFUSED + inQuotes(filter.list)],
    filter.rcode === undefined ? undefined : member('response_code', filter.rcode),
    ...[filter.type === undefined ? undefined : member('type', filter.type)],
    filter.group === undefined ? undefined : member('group', filter.group),
    filter.source === undefined ? undefined : `"cordon":{${member('source', filter.source)}`,
    verdict === 'refused' ? REFUSED : undefined,
  ].filter((piece) => piece !== undefined);
  const fits = (line: string): boolean => {
    for (const piece of pieces) if (!line.includes(piece)) return false;
    if (verdict === 'passed' && line.includes(REFUSED)) return false;
    if (anyOf?.some((one) => line.includes(one)) === false) return false;
    const timeMs = timeOfLine(line);
    if (Number.isNaN(timeMs) || timeMs < fromMs || timeMs >= untilMs) return false;
    const nameEnd = line.indexOf('"', NAME_AT);
    const asked = line.slice(NAME_AT, nameEnd);
    if (name !== undefined && asked !== name && !asked.endsWith(`.${name}`)) return false;
    if (part !== undefined && !asked.includes(part)) return false;
    if (filter.type !== undefined && !line.startsWith(`",${member('type', filter.type)}`, nameEnd))
      return false;
    return reference === undefined || references.of(line) === reference;
  };
  const [rarest] = pieces;
  return { needle: rarest === undefined ? undefined : Buffer.from(rarest, 'latin1'), fits };
};

type Members = Readonly<Record<string, unknown>>;

const NO_MEMBERS: Members = {};

/** Of what somebody else may have written into the file. */
const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? (value as Members) : NO_MEMBERS;
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** A line as it is told; undefined for one that is none of ours. */
export const toFoundQuery = (text: string, references: LogReferences): FoundQuery | undefined => {
  let line: Members;
  try {
    line = membersOf(JSON.parse(text));
  } catch {
    return undefined;
  }
  const time = textOf(line['@timestamp']);
  const dns = membersOf(line['dns']);
  const question = membersOf(dns['question']);
  if (time === null || question === NO_MEMBERS) return undefined;
  const cordon = membersOf(line['cordon']);
  const answers = Array.isArray(dns['answers'])
    ? dns['answers'].map((one) => textOf(membersOf(one)['data']))
    : [];
  return {
    time,
    name: textOf(question['name']) ?? '',
    type: textOf(question['type']) ?? '',
    rcode: textOf(dns['response_code']),
    source: textOf(cordon['source']) ?? 'none',
    validation: textOf(cordon['validation']) ?? 'none',
    transport: textOf(cordon['transport']) ?? 'udp',
    tookMs: Math.round((Number(membersOf(line['event'])['duration']) || 0) / 1_000_000),
    group: textOf(cordon['group']),
    list: textOf(membersOf(line['rule'])['ruleset']),
    reportedBy: textOf(cordon['reported_by']),
    client: references.of(text) ?? null,
    answers: answers.slice(0, ANSWERS_MAX).map((data) => (data ?? '').slice(0, ANSWER_LENGTH_MAX)),
    more: Math.max(0, answers.length - ANSWERS_MAX) + (Number(cordon['answers_omitted']) || 0),
  };
};
