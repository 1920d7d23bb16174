// The compiled policy: names and address prefixes of all lists as immutable bytes in shared memory. Hot file.
//
// One copy serves every thread. A name is found by its suffixes: one pass from the root label leftwards hashes the
// labels read so far and looks each suffix up. A look-up that finds nothing reads only tags, one byte a slot; an
// equal tag is confirmed by comparing the name's bytes, never by a hash alone. Each rule has its own slot, so a name
// in three lists stands in three slots of one probe run.
//
//   header   16 words: magic, rows, row shift, record bytes, prefix count, name count, reserved
//   offsets  1 word a slot: where its record starts; open addressing, load at most 1/2; 2^shift slots a row
//   prefixes PrefixTable rows (7 words each), their value = index into the prefix rules
//   rules    2 words each: list, line
//   tags     1 byte a slot: 0 = empty, otherwise part of the hash; padded to a word
//   records  bytes: [name length][folded wire name][match, 3 bits; list, 5 bits][line, 32 bits]
//
// All numbers but the line are in the machine's byte order: the bytes stay on the machine that built them.
import { type AddressWords, AppError, type Prefix, type PrefixEntry, PrefixTable } from '../base/base.ts';
import { readU32, writeU32 } from '../dns/dns.ts';
import { MATCH, type Match, type RuleSink } from './rule.ts';
import type { Verdict } from './verdict.ts';

/** Lists of one policy: a group's choice is one 32-bit mask. */
export const LIST_COUNT_MAX = 32;

/** Names this layout; another layout needs another number, because tables are saved. */
const MAGIC = 0x43444e32;
const WORD_BYTES = 4;
const HEADER_WORDS = 16;
const RULE_WORDS = 2;
/** Bytes of a record beside its name: length, list and match, line. */
const RECORD_EXTRA = 6;
const LINE_BYTES = 4;
const LIST_MASK = LIST_COUNT_MAX - 1;
const MATCH_SHIFT = 5;
const SLOTS_MIN = 64;
/** Slots a name: a probe run stays short, an empty slot costs 5 bytes. */
const SLOTS_PER_NAME = 2;
/** Slots stand in up to 2^10 rows of a power of two each, so that their number is near any wanted one. */
const ROWS_BITS = 10;
/** A name of 255 bytes has at most 127 labels (RFC 1035 section 3.1). */
const LABELS_MAX = 127;
/** Bytes of all records: some 38 million names, far above all public lists together; offsets are 32 bits. */
const RECORD_BYTES_MAX = 1024 * 1024 * 1024;
/** Records are collected in memory that grows and shrinks in place by this many bytes, a power of two. */
const STEP_BYTES = 1024 * 1024;

const HASH_START = 0x811c9dc5;

const labelStarts = new Uint8Array(LABELS_MAX);

/** Extends the hash of the labels to the right by one label (FNV-1a over its length and its bytes). */
const hashLabel = (hash: number, bytes: Uint8Array, start: number): number => {
  let next = hash;
  const end = start + (bytes[start] ?? 0);
  for (let i = start; i <= end; i++) next = Math.imul(next ^ (bytes[i] ?? 0), 0x01000193);
  return next;
};

/** Spreads a hash over all 32 bits: FNV alone clusters. */
const mix = (hash: number): number => {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
};

/** The high bits choose a row, the low ones a slot in it: whole numbers of 32 bits all the way, which are fast. */
const slotOf = (mixed: number, rows: number, rowShift: number): number =>
  ((((mixed >>> 16) * rows) >>> 16) << rowShift) | (mixed & ((1 << rowShift) - 1));

const tagOf = (mixed: number): number => {
  const tag = Math.imul(mixed, 0x297a2d39) >>> 24;
  return tag === 0 ? 1 : tag;
};

/** Finds the label starts of a folded name; returns how many there are, the root not counted. */
const findLabels = (name: Uint8Array, offset: number, length: number): number => {
  let count = 0;
  let at = 0;
  while (at < length - 1 && count < LABELS_MAX) {
    labelStarts[count++] = at;
    at += (name[offset + at] ?? 0) + 1;
  }
  return count;
};

/** Where the parts of a table lie, in bytes from its start. */
interface Layout {
  readonly slots: number;
  readonly prefixes: number;
  readonly rules: number;
  readonly tags: number;
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
}

/** Once per table. */
const layOut = ({ rows, rowShift, prefixCount, recordBytes }: Sizes): Layout => {
  const slots = rows * 2 ** rowShift;
  const prefixes = (HEADER_WORDS + slots) * WORD_BYTES;
  const rules = prefixes + PrefixTable.wordsFor(prefixCount) * WORD_BYTES;
  const tags = rules + prefixCount * RULE_WORDS * WORD_BYTES;
  const records = tags + Math.ceil(slots / WORD_BYTES) * WORD_BYTES;
  return { slots, prefixes, rules, tags, records, end: records + recordBytes };
};

/** The sizes of a table; undefined for bytes that are none. Once per table. */
const readSizes = (buffer: SharedArrayBuffer): Sizes | undefined => {
  if (buffer.byteLength < HEADER_WORDS * WORD_BYTES) return undefined;
  const header = new Uint32Array(buffer, 0, HEADER_WORDS);
  const [magic, rows = 0, rowShift = 0, recordBytes = 0, prefixCount = 0, nameCount = 0] = header;
  const sizes = { rows, rowShift, recordBytes, prefixCount, nameCount };
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
  readonly #prefixes: PrefixEntry[] = [];
  readonly #prefixRules: number[] = [];

  /** A sink that adds rules for the list of the given number, which throws ERR_POLICY_SIZE. Not per query. */
  sinkFor(list: number): RuleSink {
    return {
      addName: (match, name, length, line) => {
        this.#addName(list, match, name, length, line);
      },
      addPrefix: (prefix, line) => {
        this.#addPrefix(list, prefix, line);
      },
    };
  }

  #addName(list: number, match: Match, name: Uint8Array, length: number, line: number): void {
    let at = this.#recordBytes;
    if (at + length + RECORD_EXTRA > this.#memory.byteLength) this.#grow();
    const records = this.#records;
    records[at++] = length;
    for (let i = 0; i < length; i++) records[at++] = name[i] ?? 0;
    records[at++] = (match << MATCH_SHIFT) | list;
    writeU32(records, at, line);
    this.#recordBytes = at + LINE_BYTES;
    this.#nameCount++;
  }

  #grow(): void {
    const size = this.#memory.byteLength + STEP_BYTES;
    if (size > RECORD_BYTES_MAX) {
      const text = `compiling the lists: their names take more than ${RECORD_BYTES_MAX} bytes`;
      throw new AppError('ERR_POLICY_SIZE', text, { hint: 'Take a list out of the configuration.' });
    }
    this.#memory.resize(size);
  }

  #addPrefix(list: number, prefix: Prefix, line: number): void {
    this.#prefixes.push({ prefix, value: this.#prefixRules.length / RULE_WORDS });
    this.#prefixRules.push(list, line);
  }

  /**
   * Compiles into new shared memory of exactly the size needed, and lets go of what was collected: for one call.
   *
   * `ranks` says for the number of each list which index it takes in the order of precedence; without it, the number
   * is the index.
   */
  build(ranks?: readonly number[]): SharedArrayBuffer {
    const wanted = Math.max(SLOTS_MIN, Math.ceil(this.#nameCount * SLOTS_PER_NAME));
    const rowShift = Math.max(0, 32 - Math.clz32(wanted) - ROWS_BITS);
    const sizes: Sizes = {
      rows: Math.ceil(wanted / 2 ** rowShift),
      rowShift,
      recordBytes: this.#recordBytes,
      prefixCount: this.#prefixes.length,
      nameCount: this.#nameCount,
    };
    const layout = layOut(sizes);
    const buffer = new SharedArrayBuffer(layout.end);
    const { rows, recordBytes, prefixCount, nameCount } = sizes;
    const header = [MAGIC, rows, rowShift, recordBytes, prefixCount, nameCount];
    new Uint32Array(buffer, 0, HEADER_WORDS).set(header);
    const records = new Uint8Array(buffer, layout.records);
    this.#moveRecords(records);
    const offsets = new Uint32Array(buffer, HEADER_WORDS * WORD_BYTES, layout.slots);
    fillSlots(records, offsets, new Uint8Array(buffer, layout.tags, layout.slots), sizes, ranks);
    const prefixWords = PrefixTable.wordsFor(prefixCount);
    PrefixTable.build(this.#prefixes, new Uint32Array(buffer, layout.prefixes, prefixWords));
    const rules = new Uint32Array(buffer, layout.rules, this.#prefixRules.length);
    rules.set(this.#prefixRules);
    for (let i = 0; i < rules.length; i += RULE_WORDS) rules[i] = rankOf(rules[i] ?? 0, ranks);
    return buffer;
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
    at += length + RECORD_EXTRA;
  }
};

/** A compiled table, opened over its shared bytes in any thread. */
export class PolicyTable {
  readonly nameCount: number;
  readonly prefixCount: number;
  readonly sizeBytes: number;
  readonly #rows: number;
  readonly #rowShift: number;
  readonly #offsets: Uint32Array;
  readonly #tags: Uint8Array;
  readonly #records: Uint8Array;
  readonly #prefixes: PrefixTable;
  readonly #prefixRules: Uint32Array;

  constructor(buffer: SharedArrayBuffer) {
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
    this.#tags = new Uint8Array(buffer, layout.tags, layout.slots);
    this.#records = new Uint8Array(buffer, layout.records);
  }

  /** True for bytes of this layout whose size is the one that their header tells. */
  static isTable(buffer: SharedArrayBuffer): boolean {
    return readSizes(buffer) !== undefined;
  }

  /**
   * Judges a folded name of `length` bytes at `offset`. Keeps in `verdict` whichever refuses with more right: the
   * list of the lower index, then the more specific rule. `lists` is the mask of the client's group.
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
    for (let i = findLabels(name, offset, length) - 1; i >= 0; i--) {
      const start = labelStarts[i] ?? 0;
      hash = hashLabel(hash, name, offset + start);
      this.#probe(name, offset + start, length - start, i === 0, mix(hash), lists, trigger, verdict);
    }
  }

  /** Judges an address; as matchName. */
  matchAddress(address: AddressWords, lists: number, trigger: number, verdict: Verdict): void {
    const prefixes = this.#prefixes;
    for (let row = prefixes.find(address); row >= 0; row = prefixes.next(row)) {
      const rule = prefixes.value(row) * RULE_WORDS;
      const list = this.#prefixRules[rule] ?? 0;
      if ((lists & (1 << list)) === 0) continue;
      if (!prevails(verdict, list, prefixes.bits(row))) continue;
      verdict.list = list;
      verdict.line = this.#prefixRules[rule + 1] ?? 0;
      verdict.match = MATCH.PREFIX;
      verdict.trigger = trigger;
      verdict.specificity = prefixes.bits(row);
    }
  }

  #probe(
    name: Uint8Array,
    start: number,
    length: number,
    isWhole: boolean,
    mixed: number,
    lists: number,
    trigger: number,
    verdict: Verdict,
  ): void {
    const tags = this.#tags;
    const wanted = tagOf(mixed);
    let slot = slotOf(mixed, this.#rows, this.#rowShift);
    for (;;) {
      const tag = tags[slot] ?? 0;
      if (tag === 0) return;
      if (tag === wanted) {
        const offset = this.#offsets[slot] ?? 0;
        if (this.#nameStandsAt(offset, name, start, length)) {
          this.#apply(offset, length, isWhole, lists, trigger, verdict);
        }
      }
      slot = slot + 1 === tags.length ? 0 : slot + 1;
    }
  }

  #nameStandsAt(offset: number, name: Uint8Array, start: number, length: number): boolean {
    const records = this.#records;
    if (records[offset] !== length) return false;
    for (let i = 0; i < length; i++) {
      if (records[offset + 1 + i] !== name[start + i]) return false;
    }
    return true;
  }

  #apply(
    offset: number,
    length: number,
    isWhole: boolean,
    lists: number,
    trigger: number,
    verdict: Verdict,
  ): void {
    const records = this.#records;
    const packed = records[offset + 1 + length] ?? 0;
    const list = packed & LIST_MASK;
    if ((lists & (1 << list)) === 0) return;
    const match = (packed >>> MATCH_SHIFT) as Match;
    if (match === MATCH.EXACT ? !isWhole : match === MATCH.WILDCARD && isWhole) return;
    if (!prevails(verdict, list, length)) return;
    verdict.list = list;
    verdict.line = readU32(records, offset + 2 + length);
    verdict.match = match;
    verdict.trigger = trigger;
    verdict.specificity = length;
  }
}

const prevails = (verdict: Verdict, list: number, specificity: number): boolean =>
  verdict.list < 0 || list < verdict.list || (list === verdict.list && specificity > verdict.specificity);
