// The compiled policy: names and address prefixes of all lists as immutable bytes in shared memory. Hot file.
//
// One copy serves every thread. A name is found by its suffixes: one pass from the root label leftwards hashes the
// labels read so far and looks each suffix up. A look-up that finds nothing reads only tags, one byte a slot; an
// equal tag is confirmed by comparing the name's bytes, never by a hash alone. A name has one slot in however many lists
// it is: the rules of the others hang on it as links.
//
// table-layout.ts draws the bytes; table-builder.ts makes them.
// All numbers but the line are in the machine's byte order: the bytes stay on the machine that built them.
import { type AddressWords, PrefixTable } from '../base/base.ts';
import { formatName, readU16, readU32, TRIGGER, TYPE } from '../wire/dns/dns.ts';
import { NO_DATA } from './data-targets.ts';
import { findLabels, HASH_START, hashLabel, labelStarts, mix } from './name-hash.ts';
import { ACTION, MATCH, type Match } from './rule.ts';
import {
  HAS_TERMS,
  HEADER_WORDS,
  IS_LINK,
  LINE_BYTES,
  LIST_MASK,
  layOut,
  MATCH_MASK,
  MATCH_SHIFT,
  NAME_MATCHES,
  nextLink,
  RULE_WORDS,
  readExtras,
  readSizes,
  slotOf,
  tagOf,
  WORD_BYTES,
} from './table-layout.ts';
import { Terms } from './terms.ts';
import type { Verdict } from './verdict.ts';

/** A rule for a client goes before those for names (RPZ order of triggers). */
const CLIENT_RANK = 1 << 24;
const WEIGHT_SHIFT = 16;

/** A compiled table, opened over its shared bytes in any thread. */
export class PolicyTable {
  readonly sizeBytes: number;
  readonly nameCount: number;
  readonly #rows: number;
  readonly #rowShift: number;
  readonly #offsets: Uint32Array;
  readonly #tags: Uint8Array;
  readonly #records: Uint8Array;
  readonly #addresses: PrefixRuleTable;
  readonly #clients: PrefixRuleTable;
  readonly #terms: readonly Terms[];
  readonly #patterns: readonly Pattern[];
  /** Lists whose rules are weighed by their action first. */
  readonly #byAction: number;
  /** Lists whose wildcards end at the next name of the list. */
  readonly #byEncloser: number;
  readonly #hasRootRules: boolean;

  /** Once per policy. The masks are those of the lists whose precedence is `action` and `closest-encloser`. @cold */
  constructor(buffer: SharedArrayBuffer, byAction = 0, byEncloser = 0) {
    const sizes = readSizes(buffer);
    if (sizes === undefined) throw new TypeError('opening a policy table: the bytes are not one');
    const layout = layOut(sizes);
    this.nameCount = sizes.nameCount;
    this.sizeBytes = buffer.byteLength;
    this.#rows = sizes.rows;
    this.#rowShift = sizes.rowShift;
    this.#offsets = new Uint32Array(buffer, HEADER_WORDS * WORD_BYTES, layout.slots);
    this.#addresses = new PrefixRuleTable(buffer, layout.prefixes, layout.rules, sizes.prefixCount);
    this.#clients = new PrefixRuleTable(
      buffer,
      layout.clientPrefixes,
      layout.clientRules,
      sizes.clientPrefixCount,
    );
    this.#tags = new Uint8Array(buffer, layout.tags, layout.slots);
    this.#records = new Uint8Array(buffer, layout.records);
    this.#byAction = byAction;
    this.#byEncloser = byEncloser;
    this.#hasRootRules = sizes.rootRules !== 0;
    const { terms, patterns } = readExtras(new Uint8Array(buffer, layout.extras, sizes.extraBytes));
    this.#terms = terms.map((item) => new Terms(item));
    this.#patterns = patterns.map(({ source, flags, ...rest }) => ({
      ...rest,
      expression: new RegExp(source, flags),
    }));
  }

  /** Prefixes of answers' addresses that have rules. */
  get prefixCount(): number {
    return this.#addresses.count;
  }

  get hasClientRules(): boolean {
    return this.#clients.count > 0;
  }

  get hasPatterns(): boolean {
    return this.#patterns.length > 0;
  }

  /** True for bytes of this layout whose size is the one that their header tells. */
  static isTable(buffer: SharedArrayBuffer): boolean {
    return readSizes(buffer) !== undefined;
  }

  /**
   * Judges a folded name of `length` bytes at `offset`. Keeps in `verdict` whichever rule has more right: that of the
   * list of the lower index, then the one that goes first within its list. `lists` is a mask; the verdict tells which
   * type was asked by whom.
   */
  matchName(
    name: Uint8Array,
    offset: number,
    length: number,
    lists: number,
    trigger: number,
    verdict: Verdict,
  ): void {
    let hash = HASH_START;
    const count = findLabels(name, offset, length);
    if (this.#hasRootRules)
      this.#probe(name, offset, length, length - 1, count, hash, lists, trigger, verdict);
    for (let i = count - 1; i >= 0; i--) {
      const start = labelStarts[i] ?? 0;
      hash = hashLabel(hash, name, offset + start);
      this.#probe(name, offset, length, start, i, hash, lists, trigger, verdict);
    }
  }

  /** Judges a folded name by the regular expressions; as matchName. Makes a string: only where hasPatterns. */
  matchPatterns(
    name: Uint8Array,
    offset: number,
    length: number,
    lists: number,
    trigger: number,
    verdict: Verdict,
  ): void {
    const text = formatName(name.subarray(offset, offset + length)).slice(0, -1);
    for (const { expression, list, line, terms } of this.#patterns) {
      if ((lists & (1 << list)) === 0 || !expression.test(text)) continue;
      if (this.#isExcused(terms, name, offset, length, verdict)) continue;
      this.#offer(list, line, MATCH.PATTERN, trigger, 0, terms, verdict);
    }
  }

  /** Judges an address of an answer; as matchName. */
  matchAddress(address: AddressWords, lists: number, trigger: number, verdict: Verdict): void {
    this.#matchPrefixes(this.#addresses, address, lists, trigger, 0, verdict);
  }

  /** Judges the client's address; as matchName. */
  matchClient(address: AddressWords, lists: number, verdict: Verdict): void {
    this.#matchPrefixes(this.#clients, address, lists, TRIGGER.CLIENT_IP, CLIENT_RANK, verdict);
  }

  #matchPrefixes(
    { prefixes, rules }: PrefixRuleTable,
    address: AddressWords,
    lists: number,
    trigger: number,
    rank: number,
    verdict: Verdict,
  ): void {
    for (let row = prefixes.find(address); row >= 0; row = prefixes.next(row)) {
      const rule = prefixes.value(row) * RULE_WORDS;
      const list = rules[rule] ?? 0;
      if ((lists & (1 << list)) === 0) continue;
      const terms = rules[rule + 2] ?? 0;
      if (this.#isExcused(terms, NO_NAME, 0, 0, verdict)) continue;
      const bits = prefixes.bits(row);
      this.#offer(list, rules[rule + 1] ?? 0, MATCH.PREFIX, trigger, rank + bits * 2, terms, verdict);
    }
  }

  #probe(
    name: Uint8Array,
    offset: number,
    length: number,
    start: number,
    label: number,
    hash: number,
    lists: number,
    trigger: number,
    verdict: Verdict,
  ): void {
    const tags = this.#tags;
    const mixed = mix(hash);
    const wanted = tagOf(mixed);
    let slot = slotOf(mixed, this.#rows, this.#rowShift);
    for (;;) {
      const tag = tags[slot] ?? 0;
      if (tag === 0) return;
      if (tag === wanted) {
        const record = this.#offsets[slot] ?? 0;
        if ((record & IS_LINK) !== 0) {
          this.#applyLinked(
            record ^ IS_LINK,
            name,
            offset,
            length,
            start,
            label,
            hash,
            lists,
            trigger,
            verdict,
          );
        } else if (
          !this.#isHopeless(record, length - start, lists, verdict) &&
          this.#nameStandsAt(record, name, offset + start, length - start)
        ) {
          this.#apply(record, name, offset, length, start, label, hash, lists, trigger, verdict);
        }
      }
      slot = slot + 1 === tags.length ? 0 : slot + 1;
    }
  }

  /** Applies the rules of all lists for a name that several have, `link` being the first of its links. */
  #applyLinked(
    link: number,
    name: Uint8Array,
    offset: number,
    length: number,
    start: number,
    label: number,
    hash: number,
    lists: number,
    trigger: number,
    verdict: Verdict,
  ): void {
    const records = this.#records;
    const record = readU32(records, link + 1);
    if (!this.#nameStandsAt(record, name, offset + start, length - start)) return;
    this.#apply(record, name, offset, length, start, label, hash, lists, trigger, verdict);
    for (let next = link; next !== 0; next = nextLink(records, next)) {
      const list = (records[next + 1 + length - start] ?? 0) & LIST_MASK;
      // Those behind it are of lists that come even later.
      if (verdict.list >= 0 && list > verdict.list) return;
      this.#apply(next, name, offset, length, start, label, hash, lists, trigger, verdict);
    }
  }

  /**
   * True when a list has a name right below the suffix that begins at the label `label` and has the hash `hash`, on the
   * way to the name that is asked: then a wildcard at that suffix is not what encloses it closest.
   */
  #isEnclosedBelow(
    list: number,
    name: Uint8Array,
    offset: number,
    length: number,
    label: number,
    hash: number,
  ): boolean {
    const start = labelStarts[label - 1] ?? 0;
    const mixed = mix(hashLabel(hash, name, offset + start));
    const tags = this.#tags;
    const wanted = tagOf(mixed);
    let slot = slotOf(mixed, this.#rows, this.#rowShift);
    for (;;) {
      const tag = tags[slot] ?? 0;
      if (tag === 0) return false;
      if (tag === wanted) {
        if (this.#hasName(this.#offsets[slot] ?? 0, list, name, offset + start, length - start)) return true;
      }
      slot = slot + 1 === tags.length ? 0 : slot + 1;
    }
  }

  /** True when the record or the links of a slot hold a rule of a list for the name of `length` bytes at `at`. */
  #hasName(slot: number, list: number, name: Uint8Array, at: number, length: number): boolean {
    const records = this.#records;
    const link = (slot & IS_LINK) === 0 ? 0 : slot ^ IS_LINK;
    const record = link === 0 ? slot : readU32(records, link + 1);
    if (!this.#nameStandsAt(record, name, at, length)) return false;
    if (((records[record + 1 + length] ?? 0) & LIST_MASK) === list) return true;
    for (let next = link; next !== 0; next = nextLink(records, next)) {
      if (((records[next + 1 + length] ?? 0) & LIST_MASK) === list) return true;
    }
    return false;
  }

  /**
   * True when a record, if it has a name of `length` bytes, is of a list that is not asked or comes after the one whose
   * rule stands.
   */
  #isHopeless(record: number, length: number, lists: number, verdict: Verdict): boolean {
    const list = (this.#records[record + 1 + length] ?? 0) & LIST_MASK;
    return (lists & (1 << list)) === 0 || (verdict.list >= 0 && list > verdict.list);
  }

  #nameStandsAt(record: number, name: Uint8Array, start: number, length: number): boolean {
    const records = this.#records;
    if (records[record] !== length) return false;
    for (let i = 0; i < length; i++) {
      if (records[record + 1 + i] !== name[start + i]) return false;
    }
    return true;
  }

  #apply(
    record: number,
    name: Uint8Array,
    offset: number,
    length: number,
    start: number,
    label: number,
    hash: number,
    lists: number,
    trigger: number,
    verdict: Verdict,
  ): void {
    const records = this.#records;
    const at = record + 1 + length - start;
    const packed = records[at] ?? 0;
    const list = packed & LIST_MASK;
    if ((lists & (1 << list)) === 0) return;
    const match = NAME_MATCHES[(packed >>> MATCH_SHIFT) & MATCH_MASK];
    if (match === undefined) return;
    if (match === MATCH.EXACT ? start > 0 : match === MATCH.WILDCARD && start === 0) return;
    // Of the zone above, which is not listed by this rule.
    if (start === 0 && verdict.qtype === TYPE.DS && trigger === TRIGGER.QNAME) return;
    if (match === MATCH.WILDCARD && (this.#byEncloser & (1 << list)) !== 0) {
      if (this.#isEnclosedBelow(list, name, offset, length, label, hash)) return;
    }
    const terms = (packed & HAS_TERMS) === 0 ? 0 : readU16(records, at + 1 + LINE_BYTES);
    if (this.#isExcused(terms, name, offset, length, verdict)) return;
    const rank = (length - start) * 2 + (match === MATCH.EXACT ? 1 : 0);
    this.#offer(list, readU32(records, at + 1), match, trigger, rank, terms, verdict);
  }

  /** True when the terms of a rule say that it does not apply. */
  #isExcused(terms: number, name: Uint8Array, offset: number, length: number, verdict: Verdict): boolean {
    if (terms === 0) return false;
    const item = this.#terms[terms - 1];
    const isExcused =
      item === undefined ||
      !item.concerns(verdict.qtype, verdict.client) ||
      !item.covers(name, offset, length);
    if (isExcused) verdict.wasExcused = true;
    return isExcused;
  }

  /** Takes a rule into the verdict when it has more right than the one there. */
  #offer(
    list: number,
    line: number,
    match: Match,
    trigger: number,
    rank: number,
    terms: number,
    verdict: Verdict,
  ): void {
    const item = terms === 0 ? undefined : this.#terms[terms - 1];
    const isByAction = (this.#byAction & (1 << list)) !== 0;
    const weighed = isByAction && item !== undefined ? (item.weight << WEIGHT_SHIFT) | rank : rank;
    if (verdict.list >= 0 && (list > verdict.list || (list === verdict.list && weighed <= verdict.rank)))
      return;
    verdict.list = list;
    verdict.line = line;
    verdict.match = match;
    verdict.trigger = trigger;
    verdict.rank = weighed;
    verdict.action = item?.action ?? ACTION.LIST;
    verdict.data = item?.data ?? NO_DATA;
  }
}

/** Prefixes and their rules, opened over shared bytes. */
class PrefixRuleTable {
  readonly count: number;
  readonly prefixes: PrefixTable;
  readonly rules: Uint32Array;

  /** `prefixes` and `rules` are where they begin, in bytes. */
  constructor(buffer: SharedArrayBuffer, prefixes: number, rules: number, count: number) {
    this.count = count;
    this.prefixes = new PrefixTable(new Uint32Array(buffer, prefixes, PrefixTable.wordsFor(count)));
    this.rules = new Uint32Array(buffer, rules, count * RULE_WORDS);
  }
}

/** A regular expression of a list, compiled. */
interface Pattern {
  readonly expression: RegExp;
  readonly list: number;
  readonly line: number;
  readonly terms: number;
}

const NO_NAME = Uint8Array.of(0);
