// Collects rules of all lists and compiles them into the bytes that table-layout.ts draws. Not on a query's way.
import { serialize } from 'node:v8';
import {
  AppError,
  comparePrefixes,
  orderPrefixes,
  type Prefix,
  type PrefixEntry,
  PrefixTable,
  packPrefixes,
} from '../base/base.ts';
import { NAME_LENGTH_MAX, readU16, readU32, writeU16, writeU32 } from '../wire/dns/dns.ts';
import { findLabels, HASH_START, hashLabel, labelStarts, mix } from './name-hash.ts';
import { MATCH, type RuleSink, type RuleTerms } from './rule.ts';
import { Standing } from './standing.ts';
import {
  type Extras,
  HAS_TERMS,
  HEADER_WORDS,
  IS_LINK,
  LINE_BYTES,
  LINK_BYTES,
  LIST_MASK,
  layOut,
  MAGIC,
  MATCH_MASK,
  MATCH_SHIFT,
  NAME_MATCHES,
  nextLink,
  type PatternRule,
  RULE_WORDS,
  type Sizes,
  slotOf,
  TERMS_BYTES,
  tagOf,
  WORD_BYTES,
} from './table-layout.ts';
import type { Precedence } from './verdict.ts';

/** Bytes of all records: some 38 million names, far above all public lists together; offsets are 32 bits. */
const RECORD_BYTES_MAX = 1024 * 1024 * 1024;
/** Records are collected in memory that grows and shrinks in place by this many bytes, a power of two. */
const STEP_BYTES = 1024 * 1024;
/**
 * Slots a name: an empty slot costs 5 bytes, and a look-up that finds nothing reads five tags, which lie side by side;
 * with two slots a name it would read two and a half, and ten million names would take 25 MB more.
 */
const SLOTS_PER_NAME = 1.5;
const SLOTS_MIN = 64;
/** Slots stand in up to 2^10 rows of a power of two each, so that their number is near any wanted one. */
const ROWS_BITS = 10;
/** Different terms of all rules together: an index of 16 bits, 0 for none. */
const TERMS_MAX = 0xffff;
/** Regular expressions of all lists: each one is tried for each name. */
const PATTERNS_MAX = 1000;
/** In the place of a trigger: no rule, but a name that exists because there are names below it (RFC 4592 section 2.2.2). */
const EMPTY_NON_TERMINAL = 3;
/** Bytes of a record beside its name and terms: length, list and match, line. */
const RECORD_EXTRA = 6;

/**
 * Collects rules and compiles them; used once per generation.
 *
 * Addresses for all records are reserved at once and filled with memory as they are needed: growing copies nothing,
 * and building gives back what it has copied, so that the peak is little more than the table.
 */
export class TableBuilder {
  readonly #memory = new ArrayBuffer(STEP_BYTES, { maxByteLength: RECORD_BYTES_MAX });
  /** As long as #memory. */
  readonly #records = new Uint8Array(this.#memory);
  #recordBytes = 0;
  #nameCount = 0;
  #rootRules = 0;
  /** Mask of the lists whose wildcards end at the next name of the list. */
  #byEncloser = 0;
  readonly #prefixes = new PrefixRules();
  readonly #clientPrefixes = new PrefixRules();
  readonly #patterns: PatternRule[] = [];
  readonly #terms: RuleTerms[] = [];
  readonly #termsIndexes = new Map<RuleTerms, number>();

  /**
   * A sink that adds rules for the list of the given number, which throws ERR_POLICY_SIZE. Not per query.
   *
   * `precedence` is that of the list: for `closest-encloser` the table needs to know more names than have rules.
   */
  sinkFor(list: number, precedence: Precedence = 'specificity'): RuleSink {
    if (precedence === 'closest-encloser') this.#byEncloser |= 1 << list;
    return {
      addName: (match, name, length, line, terms) => {
        const kind = NAME_MATCHES.indexOf(match);
        this.#addName(list, kind, name, length, line, terms === undefined ? 0 : this.#indexOf(terms));
      },
      addPrefix: (prefix, line, terms) => {
        this.#prefixes.add(prefix, list, line, this.#indexOf(terms));
      },
      addClientPrefix: (prefix, line, terms) => {
        this.#clientPrefixes.add(prefix, list, line, this.#indexOf(terms));
      },
      addPattern: ({ source, flags }, line, terms) => {
        if (this.#patterns.length === PATTERNS_MAX) {
          throw tooLarge(`more than ${PATTERNS_MAX} regular expressions`);
        }
        this.#patterns.push({ source, flags, list, line, terms: this.#indexOf(terms) });
      },
    };
  }

  #indexOf(terms: RuleTerms | undefined): number {
    if (terms === undefined) return 0;
    let index = this.#termsIndexes.get(terms);
    if (index === undefined) {
      if (this.#terms.length === TERMS_MAX) throw tooLarge(`more than ${TERMS_MAX} rules with terms`);
      index = this.#terms.push(terms);
      this.#termsIndexes.set(terms, index);
    }
    return index;
  }

  #addName(list: number, kind: number, name: Uint8Array, length: number, line: number, terms: number): void {
    let at = this.#recordBytes;
    if (at + length + RECORD_EXTRA + TERMS_BYTES > this.#memory.byteLength) this.#grow();
    const records = this.#records;
    records[at++] = length;
    for (let i = 0; i < length; i++) records[at++] = name[i] ?? 0;
    records[at++] = (terms > 0 ? HAS_TERMS : 0) | (kind << MATCH_SHIFT) | list;
    writeU32(records, at, line);
    at += LINE_BYTES;
    if (terms > 0) {
      writeU16(records, at, terms);
      at += TERMS_BYTES;
    }
    this.#recordBytes = at;
    this.#nameCount++;
    if (length === 1) this.#rootRules = 1;
  }

  /**
   * Adds the names of which a list only has names below, where one of its wildcards stands right above them: there they
   * end it. Two passes over the records, and none without a wildcard.
   */
  #addEmptyNonTerminals(): void {
    const wildcards = new Set<number>();
    const end = this.#recordBytes;
    this.#eachRecord(end, (list, kind, at, length) => {
      if (NAME_MATCHES[kind] === MATCH.WILDCARD) wildcards.add(this.#hashSuffix(list, at, length, 0));
    });
    if (wildcards.size === 0) return;
    const known = new Set<string>();
    const name = new Uint8Array(NAME_LENGTH_MAX);
    this.#eachRecord(end, (list, _kind, at, length) => {
      const count = findLabels(this.#records, at, length);
      // From the label behind the first, whose name has the record itself.
      for (let label = 1; label < count; label++) {
        const start = labelStarts[label] ?? 0;
        const above = label + 1 < count ? (labelStarts[label + 1] ?? 0) : length - 1;
        if (!wildcards.has(this.#hashSuffix(list, at, length, above))) continue;
        const found = this.#records.subarray(at + start, at + length);
        const text = `${list} ${Buffer.from(found).toString('latin1')}`;
        if (known.has(text)) continue;
        known.add(text);
        name.set(found);
        this.#addName(list, EMPTY_NON_TERMINAL, name, found.length, 0, 0);
      }
    });
  }

  /** Visits the first `end` bytes of records of lists whose wildcards end at the next name; `at` is where the name starts. */
  #eachRecord(end: number, visit: (list: number, kind: number, at: number, length: number) => void): void {
    const records = this.#records;
    for (let at = 0; at < end; ) {
      const length = records[at] ?? 0;
      const packed = records[at + 1 + length] ?? 0;
      const list = packed & LIST_MASK;
      const kind = (packed >>> MATCH_SHIFT) & MATCH_MASK;
      if ((this.#byEncloser & (1 << list)) !== 0) visit(list, kind, at + 1, length);
      at += length + RECORD_EXTRA + ((packed & HAS_TERMS) === 0 ? 0 : TERMS_BYTES);
    }
  }

  /** A hash over a list and the end of a name from its byte `start` on. Two names of one hash only cost a needless record. */
  #hashSuffix(list: number, at: number, length: number, start: number): number {
    let hash = HASH_START ^ list;
    for (let i = at + start; i < at + length; i++)
      hash = Math.imul(hash ^ (this.#records[i] ?? 0), 0x01000193);
    return hash;
  }

  #grow(): void {
    const size = this.#memory.byteLength + STEP_BYTES;
    if (size > RECORD_BYTES_MAX) throw tooLarge(`names that take more than ${RECORD_BYTES_MAX} bytes`);
    this.#memory.resize(size);
  }

  /**
   * Compiles into new shared memory of exactly the size needed, and lets go of what was collected: for one call.
   *
   * `ranks` says for the number of each list which index it takes in the order of precedence; without it, the number
   * is the index.
   */
  build(ranks?: readonly number[]): SharedArrayBuffer {
    if (this.#byEncloser !== 0) this.#addEmptyNonTerminals();
    const wanted = Math.max(SLOTS_MIN, Math.ceil(this.#nameCount * SLOTS_PER_NAME));
    const rowShift = Math.max(0, 32 - Math.clz32(wanted) - ROWS_BITS);
    const extras = this.#serializeExtras(ranks);
    const standing = new Standing(this.#terms);
    this.#prefixes.settle(standing);
    this.#clientPrefixes.settle(standing);
    const sizes: Sizes = {
      rows: Math.ceil(wanted / 2 ** rowShift),
      rowShift,
      recordBytes: this.#recordBytes,
      prefixCount: this.#prefixes.count,
      nameCount: this.#nameCount,
      clientPrefixCount: this.#clientPrefixes.count,
      extraBytes: extras.length,
      rootRules: this.#rootRules,
    };
    const layout = layOut(sizes);
    const buffer = new SharedArrayBuffer(layout.end);
    const { rows, recordBytes, prefixCount, nameCount, clientPrefixCount, extraBytes, rootRules } = sizes;
    const header = [
      ...[MAGIC, rows, rowShift, recordBytes, prefixCount, nameCount],
      ...[clientPrefixCount, extraBytes, rootRules],
    ];
    new Uint32Array(buffer, 0, HEADER_WORDS).set(header);
    new Uint8Array(buffer, layout.extras, extraBytes).set(extras);
    const records = new Uint8Array(buffer, layout.records);
    this.#moveRecords(records);
    const offsets = new Uint32Array(buffer, HEADER_WORDS * WORD_BYTES, layout.slots);
    const tags = new Uint8Array(buffer, layout.tags, layout.slots);
    placeRecords(records, offsets, tags, sizes, standing, ranks);
    this.#prefixes.build(buffer, layout.prefixes, layout.rules, ranks);
    this.#clientPrefixes.build(buffer, layout.clientPrefixes, layout.clientRules, ranks);
    return buffer;
  }

  /** Once per table. @cold */
  #serializeExtras(ranks: readonly number[] | undefined): Uint8Array {
    if (this.#terms.length === 0 && this.#patterns.length === 0) return new Uint8Array(0);
    const patterns = this.#patterns.map((pattern) => ({ ...pattern, list: rankOf(pattern.list, ranks) }));
    return serialize({ terms: this.#terms, patterns } satisfies Extras);
  }

  /** Copies from the end, because memory is given back from there; the first step goes with the builder, which costs less. */
  #moveRecords(target: Uint8Array): void {
    let end = this.#recordBytes;
    while (end > 0) {
      const start = (end - 1) & ~(STEP_BYTES - 1);
      target.set(this.#records.subarray(start, end), start);
      if (start > 0) this.#memory.resize(start);
      end = start;
    }
  }
}

/** Prefixes and their rules on the way into a table. */
class PrefixRules {
  #entries: PrefixEntry[] = [];
  #rules: number[] = [];

  get count(): number {
    return this.#entries.length;
  }

  add(prefix: Prefix, list: number, line: number, terms: number): void {
    this.#entries.push({ prefix, value: this.#entries.length });
    this.#rules.push(list, line, terms);
  }

  /** Leaves out rules that never count: a look-up meets all of equal prefixes. */
  settle(standing: Standing): void {
    const entries = this.#entries;
    const rules = this.#rules;
    const list = packPrefixes(entries.map(({ prefix }) => prefix));
    const kept: number[] = [];
    /** Of those, the ones with the prefix before. */
    const equal: number[] = [];
    let before = -1;
    for (const index of orderPrefixes(list)) {
      if (before >= 0 && comparePrefixes(list, before, index) !== 0) equal.length = 0;
      before = index;
      const at = index * RULE_WORDS;
      const isLeftOut = equal.some(
        (first) => rules[first] === rules[at] && standing.outranks(rules[first + 2] ?? 0, rules[at + 2] ?? 0),
      );
      if (isLeftOut) continue;
      equal.push(at);
      kept.push(index);
    }
    if (kept.length === entries.length) return;
    kept.sort((a, b) => a - b);
    this.#entries = kept.flatMap((index, value) => {
      const entry = entries[index];
      return entry === undefined ? [] : [{ prefix: entry.prefix, value }];
    });
    this.#rules = kept.flatMap((index) => rules.slice(index * RULE_WORDS, (index + 1) * RULE_WORDS));
  }

  build(
    buffer: SharedArrayBuffer,
    prefixes: number,
    ruleBytes: number,
    ranks: readonly number[] | undefined,
  ): void {
    const words = new Uint32Array(buffer, prefixes, PrefixTable.wordsFor(this.count));
    // A look-up meets the last of equal prefixes first; of equal rules the first one decides.
    PrefixTable.build(this.#entries.toReversed(), words);
    const rules = new Uint32Array(buffer, ruleBytes, this.#rules.length);
    rules.set(this.#rules);
    for (let i = 0; i < rules.length; i += RULE_WORDS) rules[i] = rankOf(rules[i] ?? 0, ranks);
  }
}

const tooLarge = (what: string): AppError =>
  new AppError('ERR_POLICY_SIZE', `compiling the lists: ${what}`, {
    hint: 'Take a list out of the configuration.',
  });

const rankOf = (list: number, ranks: readonly number[] | undefined): number => ranks?.[list] ?? list;

/**
 * Gives each record its place, and its list the index that it takes: a slot, or a link to the slot of its name where
 * another list has that.
 *
 * In the order of the records: of equal rules of a list the first is met first.
 */
const placeRecords = (
  records: Uint8Array,
  offsets: Uint32Array,
  tags: Uint8Array,
  { rows, rowShift }: Sizes,
  standing: Standing,
  ranks: readonly number[] | undefined,
): void => {
  const slots = offsets.length;
  let at = 0;
  while (at < records.length) {
    const length = records[at] ?? 0;
    const packed = records[at + 1 + length] ?? 0;
    records[at + 1 + length] = (packed & ~LIST_MASK) | rankOf(packed & LIST_MASK, ranks);
    let hash = HASH_START;
    for (let i = findLabels(records, at + 1, length) - 1; i >= 0; i--) {
      hash = hashLabel(hash, records, at + 1 + (labelStarts[i] ?? 0));
    }
    const mixed = mix(hash);
    const tag = tagOf(mixed);
    let slot = slotOf(mixed, rows, rowShift);
    let isLinked = false;
    while (tags[slot] !== 0 && !isLinked) {
      isLinked = tags[slot] === tag && linkRecord(records, offsets, slot, at, standing);
      slot = slot + 1 === slots ? 0 : slot + 1;
    }
    if (!isLinked) {
      tags[slot] = tag;
      offsets[slot] = at;
    }
    at += length + RECORD_EXTRA + ((packed & HAS_TERMS) === 0 ? 0 : TERMS_BYTES);
  }
};

/**
 * Links a record to a slot, or leaves it out where its list has a rule for the name already that leaves it nothing; false
 * when the slot has another name, or a rule of the same list that counts beside it: then the record needs a slot of its own.
 * So does one whose name is too short for what stands in its place in a link.
 */
const linkRecord = (
  records: Uint8Array,
  offsets: Uint32Array,
  slot: number,
  at: number,
  standing: Standing,
): boolean => {
  const length = records[at] ?? 0;
  const found = offsets[slot] ?? 0;
  const first = (found & IS_LINK) === 0 ? 0 : found ^ IS_LINK;
  const named = first === 0 ? found : readU32(records, first + 1);
  if (records[named] !== length) return false;
  const list = listOf(records, at, length);
  const isOfList = listOf(records, named, length) === list;
  // Before names are compared: a list may have one name a hundred thousand times.
  if (isOfList && !isNeedless(records, named, at, length, standing)) return false;
  for (let i = 1; i <= length; i++) if (records[named + i] !== records[at + i]) return false;
  if (isOfList) return true;
  if (length < LINK_BYTES) return false;
  let before = 0;
  let next = first;
  while (next !== 0 && listOf(records, next, length) < list) {
    before = next;
    next = nextLink(records, next);
  }
  if (next !== 0 && listOf(records, next, length) === list)
    return isNeedless(records, next, at, length, standing);
  writeU32(records, at + 1, named);
  writeU32(records, at + 1 + WORD_BYTES, next);
  if (before === 0) offsets[slot] = at | IS_LINK;
  else writeU32(records, before + 1 + WORD_BYTES, at);
  return true;
};

/** True when of two records of one name and list the second never counts: it has the same match, and less standing. */
const isNeedless = (
  records: Uint8Array,
  a: number,
  b: number,
  length: number,
  standing: Standing,
): boolean => {
  const one = records[a + 1 + length] ?? 0;
  const other = records[b + 1 + length] ?? 0;
  if (((one ^ other) & ~HAS_TERMS) !== 0) return false;
  return standing.outranks(termsOf(records, a, length), termsOf(records, b, length));
};

/** The index of a record's terms, 0 for none. */
const termsOf = (records: Uint8Array, record: number, length: number): number =>
  ((records[record + 1 + length] ?? 0) & HAS_TERMS) === 0
    ? 0
    : readU16(records, record + 2 + length + LINE_BYTES);

const listOf = (records: Uint8Array, record: number, length: number): number =>
  (records[record + 1 + length] ?? 0) & LIST_MASK;
