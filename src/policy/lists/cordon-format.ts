// The cordon format: a YAML file that says what a list is and, for each entry, why it is there.
//
// Only block and flow maps of plain scalars are read. Aliases, tags and unknown keys are refused: a misspelled key
// must not turn into an entry that silently matches less, and nothing can expand. A file whose header is wrong
// holds no rules; an entry that is wrong is left out and reported, the others stand.
import { isMap, isScalar, isSeq, LineCounter, type Node, type YAMLMap } from 'yaml';
import { type Prefix, parsePrefix } from '../../base/base.ts';
import { parseYaml } from '../../base/yaml/yaml.ts';
import { EDE, NAME_LENGTH_MAX } from '../../wire/dns/dns.ts';
import { MATCH, type Match, type RuleSink, type RuleTerms } from '../policy.ts';
import { type EntryLine, readEntryLines } from './cordon-lines.ts';
import { type DiagnosticCode, DiagnosticLog } from './diagnostic.ts';
import { listNameText, readListName } from './list-name.ts';

/** A YAML document is held whole; 8 MiB are some 40,000 entries, a hundred times the largest shipped list. */
const FILE_BYTES_MAX = 8 * 1024 * 1024;
/** Characters of any value: evidence is a sentence, not a document. */
const VALUE_LENGTH_MAX = 500;

const MATCH_KEYS = {
  suffix: MATCH.SUFFIX,
  exact: MATCH.EXACT,
  wildcard: MATCH.WILDCARD,
  prefix: MATCH.PREFIX,
} as const;
const FACT_KEYS = ['service', 'owner', 'evidence', 'reviewed'] as const;
const ENTRY_KEYS: readonly string[] = [...Object.keys(MATCH_KEYS), ...FACT_KEYS, 'operator'];
const HEADER_KEYS = [
  'id',
  'title',
  'category',
  'mandate',
  'default',
  'cdn-children',
  'answer',
  'ede',
  'entries',
];
const ANSWER_MODES = ['nxdomain', 'nodata', 'null-ip', 'refused'] as const;
/** RFC 8914 codes by which a policy explains itself. */
const EDE_CODES: readonly number[] = [EDE.BLOCKED, EDE.CENSORED, EDE.FILTERED, EDE.PROHIBITED];
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** How a list insists to be answered, whatever the configuration's block mode. */
export type ListAnswer = (typeof ANSWER_MODES)[number];

/** What a list says about itself. */
export interface ListHeader {
  readonly id: string;
  readonly title: string;
  /** Metric label, kebab-case. */
  readonly category: string;
  /** True when an allowlist must not beat the list. */
  readonly mandate: boolean;
  /** True when the list is in force without any configuration. */
  readonly default: boolean;
  /** True when a rule for a zone holds for the children of shared CDNs that carry it (lists/cdn-suffixes.tsv). */
  readonly cdnChildren: boolean;
  readonly answer: ListAnswer | undefined;
  readonly ede: { readonly code: number; readonly text: string | undefined };
}

/** One entry with its reasons. */
export interface ListEntry {
  readonly match: Match;
  /** The folded name without the final dot, or the prefix. A wildcard's name is the one below which it matches. */
  readonly text: string;
  readonly service: string;
  readonly owner: string;
  /** Who runs the service; the owner when the entry does not say. */
  readonly operator: string;
  readonly evidence: string;
  /** Date of the last review, YYYY-MM-DD. */
  readonly reviewed: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** A parsed file; without a header it holds no entries. */
export interface CordonList {
  readonly header: ListHeader | undefined;
  readonly entries: readonly ListEntry[];
  readonly log: DiagnosticLog;
}

/** Parses a file in the cordon format. Never throws; what is wrong is in the log. */
export const parseCordonList = (bytes: Uint8Array): CordonList => {
  const log = new DiagnosticLog();
  if (bytes.length > FILE_BYTES_MAX) {
    log.add('too-large', 1, 1);
    return { header: undefined, entries: [], log };
  }
  const text = Buffer.from(bytes).toString('utf8');
  const usual = readUsual(text);
  if (usual !== undefined) return usual;
  const reader = new Reader(text, log);
  const header = reader.readHeader();
  return { header, entries: header === undefined ? [] : reader.readEntries(), log };
};

/** A file without a fault whose entries come last, a line each: every list that ships. Undefined for any other. */
const readUsual = (text: string): CordonList | undefined => {
  const start = ENTRIES.exec(text);
  if (start === null || text.includes('\r')) return undefined;
  const head = text.slice(0, start.index).split('\n');
  const end = start.index + start[0].length;
  if (!head.every((line) => HEAD_LINE.test(line))) return undefined;
  const lines = readEntryLines(text, end + 1, head.length + 1);
  if (lines === undefined || lines.length === 0) return undefined;
  const log = new DiagnosticLog();
  const reader = new Reader(`${head.join('\n')}entries: []`, log);
  const header = reader.readHeader();
  const entries = header === undefined ? [] : reader.entriesOf(lines);
  return log.count > 0 || header === undefined ? undefined : { header, entries, log };
};

/** Where the entries begin, and a key that comes behind them. */
const ENTRIES = /^entries:[ \t]*\r?$/mu;
const KEY_BEHIND = /^[^\s#-]/mu;
/** A line before them, as nearly everybody writes it. */
const HEAD_LINE = /^(?:#.*|[a-z-]+: .*)?$/;

/**
 * Parses the header of a file in the cordon format. Entries that are written last, as in every list that ships, are not looked
 * at: they are most of a file, and what is wrong with them is found where they are read. Never throws.
 */
export const parseCordonHeader = (bytes: Uint8Array): Omit<CordonList, 'entries'> => {
  const text = Buffer.from(bytes.subarray(0, FILE_BYTES_MAX)).toString('utf8');
  const entries = ENTRIES.exec(text);
  if (entries === null || bytes.length > FILE_BYTES_MAX) return parseCordonList(bytes);
  if (KEY_BEHIND.test(text.slice(entries.index + 'entries:'.length))) return parseCordonList(bytes);
  const log = new DiagnosticLog();
  return { header: new Reader(`${text.slice(0, entries.index)}entries: []`, log).readHeader(), log };
};

/** Feeds parsed entries into the sink, with these terms. */
export const feedEntries = (entries: readonly ListEntry[], sink: RuleSink, terms?: RuleTerms): void => {
  const name = new Uint8Array(NAME_LENGTH_MAX);
  for (const entry of entries) {
    if (entry.match === MATCH.PREFIX) {
      sink.addPrefix(prefixOf(entry), entry.line, terms);
      continue;
    }
    const text = Buffer.from(entry.text, 'latin1');
    const length = readListName(text, 0, text.length, name);
    if (typeof length === 'number') sink.addName(entry.match, name, length, entry.line, terms);
  }
};

/** The prefix of an entry whose match is PREFIX; throws a TypeError for any other. */
export const prefixOf = (entry: ListEntry): Prefix => {
  const prefix = parsePrefix(entry.text);
  if (prefix === undefined) throw new TypeError(`"${entry.text}" is not a prefix`);
  return prefix;
};

/** By key: what the parser made of a value, or its text. */
type Fields = ReadonlyMap<string, Node | string>;
type Entry = Omit<EntryLine, 'fields'> & { readonly fields: Fields };

class Reader {
  readonly #lines = new LineCounter();
  readonly #log: DiagnosticLog;
  readonly #name = new Uint8Array(NAME_LENGTH_MAX);
  readonly #root: unknown;

  constructor(text: string, log: DiagnosticLog) {
    this.#log = log;
    const document = parseYaml(text, this.#lines);
    for (const error of document.errors) this.#report('syntax', error.pos[0], error.message);
    this.#root = document.contents;
  }

  readHeader(): ListHeader | undefined {
    if (!isMap(this.#root)) {
      this.#report('missing-key', 0, 'id');
      return undefined;
    }
    const fields = this.#fields(this.#root, HEADER_KEYS);
    const at = 0;
    const id = this.#text(fields, 'id', at, KEBAB);
    const title = this.#text(fields, 'title', at);
    const category = this.#text(fields, 'category', at, KEBAB);
    const mandate = this.#flag(fields, 'mandate');
    const isDefault = this.#flag(fields, 'default');
    const cdnChildren = fields.has('cdn-children') && this.#flag(fields, 'cdn-children');
    const answer = fields.has('answer') ? this.#choice(fields, 'answer', ANSWER_MODES) : undefined;
    const ede = this.#ede(fields);
    if (!isSeq(fields.get('entries'))) this.#report('missing-key', at, 'entries');
    if (this.#log.count > 0) return undefined;
    if (id === undefined || title === undefined || category === undefined) return undefined;
    return { id, title, category, mandate, default: isDefault, cdnChildren, answer, ede };
  }

  readEntries(): ListEntry[] {
    const items = isMap(this.#root) ? this.#root.get('entries', true) : undefined;
    const entries: ListEntry[] = [];
    if (!isSeq<Node>(items)) return entries;
    for (const item of items.items) {
      const before = this.#log.count;
      const at = offsetOf(item);
      const { line, col: column } = this.#lines.linePos(at);
      const fields = isMap(item) ? this.#fields(item, ENTRY_KEYS) : undefined;
      const entry = fields && this.#entry({ fields, line, column }, at);
      if (this.#log.count > before) continue;
      if (entry === undefined) this.#report('bad-value', at);
      else entries.push(entry);
    }
    return entries;
  }

  /** Entries that were lines; what is wrong with them is in the log, without its place. */
  entriesOf(lines: readonly EntryLine[]): ListEntry[] {
    return lines.flatMap((line) => {
      for (const key of line.fields.keys())
        if (!ENTRY_KEYS.includes(key)) this.#report('unknown-key', 0, key);
      return this.#entry(line, 0) ?? [];
    });
  }

  #entry({ fields, line, column }: Entry, at: number): ListEntry | undefined {
    const before = this.#log.count;
    const [service, owner, evidence, reviewed] = FACT_KEYS.map((key) => this.#text(fields, key, at));
    const operator = fields.has('operator') ? this.#text(fields, 'operator', at) : owner;
    if (reviewed !== undefined && !isDate(reviewed)) {
      this.#report('bad-date', offsetOf(fields.get('reviewed')), reviewed);
    }
    const trigger = this.#trigger(fields, at);
    if (this.#log.count > before || trigger === undefined) return undefined;
    if (service === undefined || owner === undefined || operator === undefined) return undefined;
    if (evidence === undefined || reviewed === undefined) return undefined;
    return { ...trigger, service, owner, operator, evidence, reviewed, line, column };
  }

  #trigger(fields: Fields, at: number): { match: Match; text: string } | undefined {
    const keys = Object.entries(MATCH_KEYS).filter(([key]) => fields.has(key));
    const [key, match] = keys[0] ?? [];
    if (keys.length !== 1 || key === undefined || match === undefined) {
      this.#report('match-count', at);
      return undefined;
    }
    const text = this.#text(fields, key, at);
    if (text === undefined) return undefined;
    const place = offsetOf(fields.get(key));
    if (match === MATCH.PREFIX) {
      if (parsePrefix(text) === undefined) this.#report('bad-prefix', place, text);
      return { match, text: text.toLowerCase() };
    }
    const bytes = Buffer.from(text, 'utf8');
    const length = readListName(bytes, 0, bytes.length, this.#name);
    if (typeof length === 'number') return { match, text: listNameText(this.#name, length) };
    this.#report(length, place, text);
    return undefined;
  }

  #ede(fields: Fields): ListHeader['ede'] {
    const standard = { code: EDE.BLOCKED, text: undefined };
    const node = fields.get('ede');
    if (node === undefined) return standard;
    if (typeof node === 'string' || !isMap(node)) {
      this.#report('bad-value', offsetOf(node), 'ede');
      return standard;
    }
    const inner = this.#fields(node, ['code', 'text']);
    const code = this.#choice(inner, 'code', EDE_CODES) ?? EDE.BLOCKED;
    return { code, text: inner.has('text') ? this.#text(inner, 'text', offsetOf(node)) : undefined };
  }

  #fields(map: YAMLMap, known: readonly string[]): Fields {
    const fields = new Map<string, Node>();
    for (const { key, value } of map.items as readonly { key: Node; value: Node | null }[]) {
      const name = isScalar(key) ? String(key.value) : '';
      if (!known.includes(name)) this.#report('unknown-key', offsetOf(key), name);
      else if (value !== null) fields.set(name, value);
    }
    return fields;
  }

  #text(fields: Fields, key: string, at: number, form?: RegExp): string | undefined {
    const value = scalarOf(fields.get(key));
    if (typeof value === 'string' && value.trim() !== '' && value.length <= VALUE_LENGTH_MAX) {
      if (form === undefined || form.test(value)) return value;
    }
    this.#report(fields.has(key) ? 'bad-value' : 'missing-key', offsetOf(fields.get(key)) || at, key);
    return undefined;
  }

  #flag(fields: Fields, key: string): boolean {
    return this.#choice(fields, key, [true, false]) ?? false;
  }

  #choice<Value>(fields: Fields, key: string, allowed: readonly Value[]): Value | undefined {
    const value = scalarOf(fields.get(key));
    const choice = allowed.find((candidate) => candidate === value);
    if (choice === undefined) {
      this.#report(fields.has(key) ? 'bad-value' : 'missing-key', offsetOf(fields.get(key)), key);
    }
    return choice;
  }

  #report(code: DiagnosticCode, offset: number, subject = ''): void {
    const { line, col } = this.#lines.linePos(offset);
    this.#log.add(code, Math.max(1, line), Math.max(1, col), subject);
  }
}

const scalarOf = (node: Node | string | undefined): unknown =>
  typeof node === 'string' ? node : isScalar(node) ? node.value : undefined;

const offsetOf = (node: Node | string | null | undefined): number =>
  typeof node === 'string' ? 0 : (node?.range?.[0] ?? 0);

const isDate = (text: string): boolean => {
  if (!DATE.test(text)) return false;
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
};
