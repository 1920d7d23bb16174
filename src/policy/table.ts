// The compiled policy: names and address prefixes of all lists as immutable bytes in shared memory. Hot file.
//
// One copy serves every thread. A name is found by its suffixes: one pass from the root label leftwards hashes the
// labels read so far and looks each suffix up. A look-up that finds nothing reads only tags, one byte a slot; an
// equal tag is confirmed by comparing the name's bytes, never by a hash alone. Each rule has its own slot, so a name
// in three lists stands in three slots of one probe run.
//
//   header   16 words: magic, rows, row shift, record bytes, prefix count, name count, client prefix count, extra bytes,
//            whether a rule is for the root
//   offsets  1 word a slot: where its record starts; open addressing, load at most 2/3; 2^shift slots a row
//   prefixes PrefixTable rows (7 words each), their value = index into the prefix rules; then those of clients
//   rules    3 words each: list, line, terms; then those of clients
//   tags     1 byte a slot: 0 = empty, otherwise part of the hash; padded to a word
//   extras   what few rules have, serialized: terms and patterns; padded to a word
//   records  bytes: [name length][folded wire name][has terms, 1 bit; match, 2 bits; list, 5 bits][line, 32 bits]
//            and where it has terms [their index, 16 bits]
//
// All numbers but the line are in the machine's byte order: the bytes stay on the machine that built them.
import { deserialize, serialize } from 'node:v8';
import { type AddressWords, AppError, type Prefix, type PrefixEntry, PrefixTable } from '../base/base.ts';
import { formatName, NAME_LENGTH_MAX, readU16, readU32, TRIGGER, writeU16, writeU32 } from '../dns/dns.ts';
import { findLabels, HASH_START, hashLabel, labelStarts, mix } from './name-hash.ts';
import { ACTION, MATCH, type Match, type RuleSink, type RuleTerms } from './rule.ts';
import { Terms } from './terms.ts';
import type { Precedence, Verdict } from './verdict.ts';

/** Lists of one policy: a group's choice is one 32-bit mask. */
export const LIST_COUNT_MAX = 32;

/** Names this layout; another layout needs another number, because tables are saved. */
const MAGIC = 0x43444e34;
const WORD_BYTES = 4;
const HEADER_WORDS = 16;
const RULE_WORDS = 3;
/** Bytes of a record beside its name and terms: length, list and match, line. */
const RECORD_EXTRA = 6;
const LINE_BYTES = 4;
const TERMS_BYTES = 2;
const LIST_MASK = LIST_COUNT_MAX - 1;
const MATCH_SHIFT = 5;
const MATCH_MASK = 3;
const HAS_TERMS = 0x80;
/** The name triggers by their two bits in a record. */
const NAME_MATCHES: readonly Match[] = [MATCH.SUFFIX, MATCH.EXACT, MATCH.WILDCARD];
/** In the place of a trigger: no rule, but a name that exists because there are names below it (RFC 4592 section 2.2.2). */
const EMPTY_NON_TERMINAL = 3;
/** Different terms of all rules together: an index of 16 bits, 0 for none. */
const TERMS_MAX = 0xffff;
/** Regular expressions of all lists: each one is tried for each name. */
const PATTERNS_MAX = 1000;
/** A rule for a client goes before those for names (RPZ order of triggers). */
const CLIENT_RANK = 1 << 24;
const WEIGHT_SHIFT = 16;
const SLOTS_MIN = 64;
/**
 * Slots a name: an empty slot costs 5 bytes, and a look-up that finds nothing reads five tags, which lie side by side;
 * with two slots a name it would read two and a half, and ten million names would take 25 MB more.
 */
const SLOTS_PER_NAME = 1.5;
/** Slots stand in up to 2^10 rows of a power of two each, so that their number is near any wanted one. */
const ROWS_BITS = 10;
/** Bytes of all records: some 38 million names, far above all public lists together; offsets are 32 bits. */
const RECORD_BYTES_MAX = 1024 * 1024 * 1024;
/** Records are collected in memory that grows and shrinks in place by this many bytes, a power of two. */
const STEP_BYTES = 1024 * 1024;

/** The high bits choose a row, the low ones a slot in it: whole numbers of 32 bits all the way, which are fast. */
const slotOf = (mixed: number, rows: number, rowShift: number): number =>
  ((((mixed >>> 16) * rows) >>> 16) << rowShift) | (mixed & ((1 << rowShift) - 1));

const tagOf = (mixed: number): number => {
  const tag = Math.imul(mixed, 0x297a2d39) >>> 24;
  return tag === 0 ? 1 : tag;
};

/** Where the parts of a table lie, in bytes from its start. */
interface Layout {
  readonly slots: number;
  readonly prefixes: number;
  readonly rules: number;
  readonly tags: number;
  readonly clientPrefixes: number;
  readonly clientRules: number;
  readonly extras: number;
  readonly records: number;
  readonly end: number;
}

/** What the header tells, in its order after the magic number. */
interface Sizes {
  readonly rows: number;
  readonly rowShift: number;
  readonly recordBytes: number;
  readonly prefixCount: number;
  readonly nameCount: number;
  readonly clientPrefixCount: number;
  readonly extraBytes: number;
  /** 1 where a rule is for everything below the root. */
  readonly rootRules: number;
}

/** What few rules have. Plain data. */
interface Extras {
  readonly terms: readonly RuleTerms[];
  readonly patterns: readonly PatternRule[];
}

interface PatternRule {
  readonly source: string;
  readonly flags: string;
  readonly list: number;
  readonly line: number;
  /** Index into terms from 1, 0 for none. */
  readonly terms: number;
}

/** Once per table. */
const layOut = (sizes: Sizes): Layout => {
  const { rows, rowShift, prefixCount, clientPrefixCount, extraBytes, recordBytes } = sizes;
  const slots = rows * 2 ** rowShift;
  const prefixes = (HEADER_WORDS + slots) * WORD_BYTES;
  const rules = prefixes + PrefixTable.wordsFor(prefixCount) * WORD_BYTES;
  const clientPrefixes = rules + prefixCount * RULE_WORDS * WORD_BYTES;
  const clientRules = clientPrefixes + PrefixTable.wordsFor(clientPrefixCount) * WORD_BYTES;
  const tags = clientRules + clientPrefixCount * RULE_WORDS * WORD_BYTES;
  const extras = tags + toWholeWords(slots);
  const records = extras + toWholeWords(extraBytes);
  const end = records + recordBytes;
  return { slots, prefixes, rules, clientPrefixes, clientRules, tags, extras, records, end };
};

const toWholeWords = (bytes: number): number => Math.ceil(bytes / WORD_BYTES) * WORD_BYTES;

/** The sizes of a table; undefined for bytes that are none. Once per table. @cold */
const readSizes = (buffer: SharedArrayBuffer): Sizes | undefined => {
  if (buffer.byteLength < HEADER_WORDS * WORD_BYTES) return undefined;
  const header = new Uint32Array(buffer, 0, HEADER_WORDS);
  const [magic, rows = 0, rowShift = 0, recordBytes = 0, prefixCount = 0, nameCount = 0] = header;
  const [clientPrefixCount = 0, extraBytes = 0, rootRules = 0] = header.subarray(6);
  const counts = { prefixCount, nameCount, clientPrefixCount, extraBytes, rootRules };
  const sizes = { rows, rowShift, recordBytes, ...counts };
  const { slots, end } = layOut(sizes);
  // An empty slot has to be left, where a probe ends.
  return magic === MAGIC && end === buffer.byteLength && nameCount < slots ? sizes : undefined;
};

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
    fillSlots(records, offsets, new Uint8Array(buffer, layout.tags, layout.slots), sizes, ranks);
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

  /** Copies from the end, because memory is given back from there. */
  #moveRecords(target: Uint8Array): void {
    let end = this.#recordBytes;
    while (end > 0) {
      const start = (end - 1) & ~(STEP_BYTES - 1);
      target.set(this.#records.subarray(start, end), start);
      this.#memory.resize(start);
      end = start;
    }
  }
}

/** Prefixes and their rules on the way into a table. */
class PrefixRules {
  readonly #entries: PrefixEntry[] = [];
  readonly #rules: number[] = [];

  get count(): number {
    return this.#entries.length;
  }

  add(prefix: Prefix, list: number, line: number, terms: number): void {
    this.#entries.push({ prefix, value: this.#entries.length });
    this.#rules.push(list, line, terms);
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
 * Gives each record a slot, and its list the index that it takes.
 *
 * In the order of the records: of equal rules the first is met first.
 */
const fillSlots = (
  records: Uint8Array,
  offsets: Uint32Array,
  tags: Uint8Array,
  { rows, rowShift }: Sizes,
  ranks: readonly number[] | undefined,
): void => {
  const slots = offsets.length;
  let at = 0;
  while (at < records.length) {
    const length = records[at] ?? 0;
    let hash = HASH_START;
    for (let i = findLabels(records, at + 1, length) - 1; i >= 0; i--) {
      hash = hashLabel(hash, records, at + 1 + (labelStarts[i] ?? 0));
    }
    const mixed = mix(hash);
    let slot = slotOf(mixed, rows, rowShift);
    while (tags[slot] !== 0) slot = slot + 1 === slots ? 0 : slot + 1;
    tags[slot] = tagOf(mixed);
    offsets[slot] = at;
    const packed = records[at + 1 + length] ?? 0;
    records[at + 1 + length] = (packed & ~LIST_MASK) | rankOf(packed & LIST_MASK, ranks);
    at += length + RECORD_EXTRA + ((packed & HAS_TERMS) === 0 ? 0 : TERMS_BYTES);
  }
};

/** A compiled table, opened over its shared bytes in any thread. */
export class PolicyTable {
  readonly nameCount: number;
  readonly prefixCount: number;
  readonly sizeBytes: number;
  readonly hasClientRules: boolean;
  readonly hasPatterns: boolean;
  readonly #rows: number;
  readonly #rowShift: number;
  readonly #offsets: Uint32Array;
  readonly #tags: Uint8Array;
  readonly #records: Uint8Array;
  readonly #prefixes: PrefixTable;
  readonly #prefixRules: Uint32Array;
  readonly #clientPrefixes: PrefixTable;
  readonly #clientRules: Uint32Array;
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
    this.prefixCount = sizes.prefixCount;
    this.nameCount = sizes.nameCount;
    this.sizeBytes = buffer.byteLength;
    this.#rows = sizes.rows;
    this.#rowShift = sizes.rowShift;
    this.#offsets = new Uint32Array(buffer, HEADER_WORDS * WORD_BYTES, layout.slots);
    const prefixWords = PrefixTable.wordsFor(sizes.prefixCount);
    this.#prefixes = new PrefixTable(new Uint32Array(buffer, layout.prefixes, prefixWords));
    this.#prefixRules = new Uint32Array(buffer, layout.rules, sizes.prefixCount * RULE_WORDS);
    this.#clientPrefixes = new PrefixTable(
      new Uint32Array(buffer, layout.clientPrefixes, PrefixTable.wordsFor(sizes.clientPrefixCount)),
    );
    this.#clientRules = new Uint32Array(buffer, layout.clientRules, sizes.clientPrefixCount * RULE_WORDS);
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
    this.hasClientRules = sizes.clientPrefixCount > 0;
    this.hasPatterns = patterns.length > 0;
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
      this.#offer(list, line, MATCH.PATTERN, trigger, 0, 0, terms, verdict);
    }
  }

  /** Judges an address of an answer; as matchName. */
  matchAddress(address: AddressWords, lists: number, trigger: number, verdict: Verdict): void {
    this.#matchPrefixes(this.#prefixes, this.#prefixRules, address, lists, trigger, 0, verdict);
  }

  /** Judges the client's address; as matchName. */
  matchClient(address: AddressWords, lists: number, verdict: Verdict): void {
    const trigger = TRIGGER.CLIENT_IP;
    this.#matchPrefixes(
      this.#clientPrefixes,
      this.#clientRules,
      address,
      lists,
      trigger,
      CLIENT_RANK,
      verdict,
    );
  }

  #matchPrefixes(
    prefixes: PrefixTable,
    rules: Uint32Array,
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
      this.#offer(list, rules[rule + 1] ?? 0, MATCH.PREFIX, trigger, bits, rank + bits * 2, terms, verdict);
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
        const isHopeless = this.#isHopeless(record, length - start, lists, verdict);
        if (!isHopeless && this.#nameStandsAt(record, name, offset + start, length - start)) {
          this.#apply(record, name, offset, length, start, label, hash, lists, trigger, verdict);
        }
      }
      slot = slot + 1 === tags.length ? 0 : slot + 1;
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
        const record = this.#offsets[slot] ?? 0;
        const isThere = this.#nameStandsAt(record, name, offset + start, length - start);
        if (isThere && ((this.#records[record + 1 + length - start] ?? 0) & LIST_MASK) === list) return true;
      }
      slot = slot + 1 === tags.length ? 0 : slot + 1;
    }
  }

  /**
   * True when a record, if it has a name of `length` bytes, is of a list that is not asked or comes after the one whose
   * rule stands: a name in 32 lists is compared once, not 32 times.
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
    if (match === MATCH.WILDCARD && (this.#byEncloser & (1 << list)) !== 0) {
      if (this.#isEnclosedBelow(list, name, offset, length, label, hash)) return;
    }
    const terms = (packed & HAS_TERMS) === 0 ? 0 : readU16(records, at + 1 + LINE_BYTES);
    if (this.#isExcused(terms, name, offset, length, verdict)) return;
    const rank = (length - start) * 2 + (match === MATCH.EXACT ? 1 : 0);
    this.#offer(list, readU32(records, at + 1), match, trigger, length - start, rank, terms, verdict);
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
    specificity: number,
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
    verdict.specificity = specificity;
    verdict.rank = weighed;
    verdict.action = item?.action ?? ACTION.LIST;
    verdict.records = item?.records ?? NO_RECORDS;
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
const NO_RECORDS: Verdict['records'] = [];

const readExtras = (bytes: Uint8Array): Extras =>
  bytes.length === 0
    ? { terms: [], patterns: [] }
    : // Written by build() of this process or read from a file whose hash was right.
      (deserialize(Uint8Array.from(bytes)) as Extras);
