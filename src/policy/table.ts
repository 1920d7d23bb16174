// The compiled policy: names and address prefixes of all lists as immutable bytes in shared memory. Hot file.
//
// One copy serves every thread. A name is found by its suffixes: one pass from the root label leftwards hashes the
// labels read so far and looks each suffix up; a hit is confirmed by comparing bytes, never by the hash alone. Each
// rule has its own slot, so a name in three lists stands in three slots of one probe run.
//
//   header   16 words: magic, slot mask, record bytes, prefix count, name count, reserved
//   slots    2 words each: hash, record offset + 1 (0 = empty); open addressing, load at most 2/3
//   prefixes PrefixTable rows (7 words each), their value = index into the prefix rules
//   rules    2 words each: list, line
//   records  bytes: [name length][folded wire name][list][match][line, 32 bits]
//
// All numbers are in the machine's byte order: the table is rebuilt, not exchanged.
import { type AddressWords, type Prefix, type PrefixEntry, PrefixTable } from '../base/base.ts';
import { readU32, writeU32 } from '../dns/dns.ts';
import { MATCH, type Match, type RuleSink } from './rule.ts';
import type { Verdict } from './verdict.ts';

/** Lists of one policy: a group's choice is one 32-bit mask. */
export const LIST_COUNT_MAX = 32;

const MAGIC = 0x43444e31;
const HEADER_WORDS = 16;
const SLOT_WORDS = 2;
const RULE_WORDS = 2;
/** Bytes of a record beside its name: length, list, match, line. */
const RECORD_EXTRA = 7;
const SLOTS_MIN = 64;
/** A name of 255 bytes has at most 127 labels (RFC 1035 section 3.1). */
const LABELS_MAX = 127;
const RECORD_BYTES_FIRST = 64 * 1024;

const labelStarts = new Uint8Array(LABELS_MAX);

/** Extends the hash of the labels to the right by one label (FNV-1a over its length and its bytes). */
const hashLabel = (hash: number, bytes: Uint8Array, start: number): number => {
  let next = hash;
  const end = start + (bytes[start] ?? 0);
  for (let i = start; i <= end; i++) next = Math.imul(next ^ (bytes[i] ?? 0), 0x01000193);
  return next;
};

/** Spreads a hash over the slots: FNV's low bits alone cluster. */
const slotOf = (hash: number, mask: number): number => {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 13)) & mask;
};

const HASH_START = 0x811c9dc5;

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

/** Collects rules and compiles them; used once per generation. */
export class TableBuilder {
  #records = new Uint8Array(RECORD_BYTES_FIRST);
  #recordsLength = 0;
  #hashes = new Uint32Array(1024);
  #offsets = new Uint32Array(1024);
  #nameCount = 0;
  readonly #prefixes: PrefixEntry[] = [];
  readonly #prefixRules: number[] = [];

  /** A sink that adds rules for the list of the given index. Not per query. */
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
    this.#reserve(length + RECORD_EXTRA);
    const at = this.#recordsLength;
    this.#records[at] = length;
    this.#records.set(name.length === length ? name : name.subarray(0, length), at + 1);
    this.#records[at + 1 + length] = list;
    this.#records[at + 2 + length] = match;
    writeU32(this.#records, at + 3 + length, line);
    this.#recordsLength += length + RECORD_EXTRA;
    const count = findLabels(name, 0, length);
    let hash = HASH_START;
    for (let i = count - 1; i >= 0; i--) hash = hashLabel(hash, name, labelStarts[i] ?? 0);
    this.#hashes[this.#nameCount] = hash >>> 0;
    this.#offsets[this.#nameCount] = at;
    this.#nameCount++;
  }

  #addPrefix(list: number, prefix: Prefix, line: number): void {
    this.#prefixes.push({ prefix, value: this.#prefixRules.length / RULE_WORDS });
    this.#prefixRules.push(list, line);
  }

  /** Compiles into new shared memory of exactly the size needed. */
  build(): SharedArrayBuffer {
    let slots = SLOTS_MIN;
    while (slots < this.#nameCount * 1.5) slots *= 2;
    const prefixWords = PrefixTable.wordsFor(this.#prefixes.length);
    const words = HEADER_WORDS + slots * SLOT_WORDS + prefixWords + this.#prefixRules.length;
    const buffer = new SharedArrayBuffer(words * 4 + this.#recordsLength);
    const header = new Uint32Array(buffer, 0, HEADER_WORDS);
    header[0] = MAGIC;
    header[1] = slots - 1;
    header[2] = this.#recordsLength;
    header[3] = this.#prefixes.length;
    header[4] = this.#nameCount;
    this.#fillSlots(new Uint32Array(buffer, HEADER_WORDS * 4, slots * SLOT_WORDS), slots - 1);
    const prefixOffset = (HEADER_WORDS + slots * SLOT_WORDS) * 4;
    PrefixTable.build(this.#prefixes, new Uint32Array(buffer, prefixOffset, prefixWords));
    new Uint32Array(buffer, prefixOffset + prefixWords * 4, this.#prefixRules.length).set(this.#prefixRules);
    new Uint8Array(buffer, words * 4).set(this.#records.subarray(0, this.#recordsLength));
    return buffer;
  }

  #fillSlots(table: Uint32Array, mask: number): void {
    for (let i = 0; i < this.#nameCount; i++) {
      const hash = this.#hashes[i] ?? 0;
      let slot = slotOf(hash, mask);
      while (table[slot * SLOT_WORDS + 1] !== 0) slot = (slot + 1) & mask;
      table[slot * SLOT_WORDS] = hash;
      table[slot * SLOT_WORDS + 1] = (this.#offsets[i] ?? 0) + 1;
    }
  }

  #reserve(bytes: number): void {
    if (this.#recordsLength + bytes > this.#records.length) {
      const grown = new Uint8Array(this.#records.length * 2);
      grown.set(this.#records.subarray(0, this.#recordsLength));
      this.#records = grown;
    }
    if (this.#nameCount === this.#hashes.length) {
      const hashes = new Uint32Array(this.#nameCount * 2);
      const offsets = new Uint32Array(this.#nameCount * 2);
      hashes.set(this.#hashes);
      offsets.set(this.#offsets);
      this.#hashes = hashes;
      this.#offsets = offsets;
    }
  }
}

/** A compiled table, opened over its shared bytes in any thread. */
export class PolicyTable {
  readonly nameCount: number;
  readonly prefixCount: number;
  readonly sizeBytes: number;
  readonly #mask: number;
  readonly #slots: Uint32Array;
  readonly #records: Uint8Array;
  readonly #prefixes: PrefixTable;
  readonly #prefixRules: Uint32Array;

  constructor(buffer: SharedArrayBuffer) {
    const header = new Uint32Array(buffer, 0, HEADER_WORDS);
    if (header[0] !== MAGIC) throw new TypeError('opening a policy table: the bytes are not one');
    this.#mask = header[1] ?? 0;
    this.prefixCount = header[3] ?? 0;
    this.nameCount = header[4] ?? 0;
    this.sizeBytes = buffer.byteLength;
    const slotWords = (this.#mask + 1) * SLOT_WORDS;
    const prefixOffset = (HEADER_WORDS + slotWords) * 4;
    const prefixWords = PrefixTable.wordsFor(this.prefixCount);
    const rulesOffset = prefixOffset + prefixWords * 4;
    this.#slots = new Uint32Array(buffer, HEADER_WORDS * 4, slotWords);
    this.#prefixes = new PrefixTable(new Uint32Array(buffer, prefixOffset, prefixWords));
    this.#prefixRules = new Uint32Array(buffer, rulesOffset, this.prefixCount * RULE_WORDS);
    this.#records = new Uint8Array(buffer, rulesOffset + this.prefixCount * RULE_WORDS * 4);
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
      this.#probe(name, offset + start, length - start, i === 0, hash >>> 0, lists, trigger, verdict);
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
    hash: number,
    lists: number,
    trigger: number,
    verdict: Verdict,
  ): void {
    const slots = this.#slots;
    let slot = slotOf(hash, this.#mask);
    for (;;) {
      const offset = slots[slot * SLOT_WORDS + 1] ?? 0;
      if (offset === 0) return;
      if (slots[slot * SLOT_WORDS] === hash && this.#nameStandsAt(offset - 1, name, start, length)) {
        this.#apply(offset - 1, length, isWhole, lists, trigger, verdict);
      }
      slot = (slot + 1) & this.#mask;
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
    const list = records[offset + 1 + length] ?? 0;
    if ((lists & (1 << list)) === 0) return;
    const match = (records[offset + 2 + length] ?? 0) as Match;
    if (match === MATCH.EXACT ? !isWhole : match === MATCH.WILDCARD && isWhole) return;
    if (!prevails(verdict, list, length)) return;
    verdict.list = list;
    verdict.line = readU32(records, offset + 3 + length);
    verdict.match = match;
    verdict.trigger = trigger;
    verdict.specificity = length;
  }
}

const prevails = (verdict: Verdict, list: number, specificity: number): boolean =>
  verdict.list < 0 || list < verdict.list || (list === verdict.list && specificity > verdict.specificity);
