// Which rules of a mandate list its own exceptions end: they stand in the list, and refuse nothing.
//
// Told by a compiled table, so that however a format weighs its rules against its exceptions, it is what clients will get.
// Only lists with exceptions are looked at: once more from their files, when a generation is built or a content reviewed.
// Rules with conditions and expressions are left out: what they refuse depends on more than a name.
import { createAddress, formatPrefix, type Prefix } from '../../base/base.ts';
import { formatName, NAME_LENGTH_MAX, TRIGGER, TYPE } from '../../wire/dns/dns.ts';
import type { LoadedList } from '../lists/lists.ts';
import {
  ACTION,
  MATCH,
  type Match,
  PolicyTable,
  type Precedence,
  type RuleSink,
  type RuleTerms,
  TableBuilder,
  Verdict,
} from '../policy.ts';

/** Rules that are named; the rest is counted. */
const NAMES_MAX = 20;
/** A label that no list names: for what a wildcard refuses. */
const LABEL = Buffer.from('\x0fcordon-anything', 'latin1');

/** A list whose rules are streamed into a sink, and what is known of it then. */
export type ReadList = (sink: RuleSink) => LoadedList;

/** What is known of a mandate list, without the rules that its own exceptions end; reads it twice where it has any. */
export const readEffective = (read: ReadList, precedence: Precedence): LoadedList => {
  const builder = new TableBuilder();
  const loaded = read(builder.sinkFor(0, precedence));
  if (loaded.exceptions.count === 0) return loaded;
  const table = new PolicyTable(
    builder.build(),
    precedence === 'action' ? 1 : 0,
    precedence === 'closest-encloser' ? 1 : 0,
  );
  const sink = new OpenedRulesSink(table, 0);
  read(sink);
  return withoutOpened(loaded, sink.opened);
};

/** The same facts, where only rules that refuse something are counted. */
export const withoutOpened = (loaded: LoadedList, opened: LoadedList['opened']): LoadedList =>
  opened.count === 0 ? loaded : { ...loaded, entries: Math.max(0, loaded.entries - opened.count), opened };

/** Collects the rules of one list that do not refuse what they are about. */
export class OpenedRulesSink implements RuleSink {
  readonly #table: PolicyTable;
  /** Mask of the list. */
  readonly #own: number;
  readonly #names: string[] = [];
  #count = 0;
  readonly #verdict = new Verdict();
  readonly #below = new Uint8Array(NAME_LENGTH_MAX + LABEL.length);

  /** `list` is the index of the list in the table. */
  constructor(table: PolicyTable, list: number) {
    this.#table = table;
    this.#own = 1 << list;
    this.#verdict.qtype = TYPE.A;
    this.#verdict.client = createAddress();
  }

  get opened(): LoadedList['opened'] {
    return { count: this.#count, names: this.#names };
  }

  addName(match: Match, name: Uint8Array, length: number, _line: number, terms?: RuleTerms): void {
    if (!isPlainRefusal(terms)) return;
    const verdict = this.#verdict;
    verdict.clear(0);
    if (match !== MATCH.WILDCARD) this.#judge(name, length);
    else if (length + LABEL.length <= NAME_LENGTH_MAX) {
      this.#below.set(LABEL);
      this.#below.set(name.subarray(0, length), LABEL.length);
      this.#judge(this.#below, length + LABEL.length);
    } else return;
    this.#note(
      () => `${match === MATCH.WILDCARD ? '*.' : ''}${formatName(name.subarray(0, length)).slice(0, -1)}`,
    );
  }

  addPrefix(prefix: Prefix, _line: number, terms?: RuleTerms): void {
    if (!isPlainRefusal(terms)) return;
    this.#verdict.clear(0);
    this.#table.matchAddress(prefix.words, this.#own, TRIGGER.RESPONSE_IP, this.#verdict);
    this.#note(() => formatPrefix(prefix));
  }

  addClientPrefix(): void {}

  addPattern(): void {}

  #judge(name: Uint8Array, length: number): void {
    this.#table.matchName(name, 0, length, this.#own, TRIGGER.QNAME, this.#verdict);
    if (this.#table.hasPatterns)
      this.#table.matchPatterns(name, 0, length, this.#own, TRIGGER.QNAME, this.#verdict);
  }

  #note(text: () => string): void {
    const { list, action } = this.#verdict;
    if (list >= 0 && action !== ACTION.PASSTHRU && action !== ACTION.TCP_ONLY) return;
    this.#count++;
    if (this.#names.length < NAMES_MAX) this.#names.push(text());
  }
}

const isPlainRefusal = (terms: RuleTerms | undefined): boolean => {
  if (terms === undefined) return true;
  const { action, types, clients, exceptBelow } = terms;
  const isRefusing = action.kind !== 'passthru' && action.kind !== 'tcp-only';
  return isRefusing && types === undefined && clients === undefined && exceptBelow === undefined;
};
