// How a compiled table lies in shared memory: the sizes that its header tells, and where each part begins. Hot file: slots and tags.
//
//   header   16 words: magic, rows, row shift, record bytes, prefix count, name count, client prefix count, extra bytes,
//            whether a rule is for the root
//   offsets  1 word a slot: where its record starts, or the first of its links; open addressing, load at most 2/3;
//            2^shift slots a row
//   prefixes PrefixTable rows (7 words each), their value = index into the prefix rules; then those of clients
//   rules    3 words each: list, line, terms; then those of clients
//   tags     1 byte a slot: 0 = empty, otherwise part of the hash; padded to a word
//   extras   what few rules have, serialized: terms and patterns; padded to a word
//   records  bytes: [name length][folded wire name][has terms, 1 bit; match, 2 bits; list, 5 bits][line, 32 bits]
//            and where it has terms [their index, 16 bits]
//   links    records whose name another list has already, without a slot of their own; in place of the name's first 8
//            bytes: [where the record with the name starts, 32 bits][the next link, 32 bits, 0: none], by list ascending
//
// All numbers in records have their high byte first, all others are in the machine's byte order: the bytes stay on
// the machine that built them.
import { deserialize } from 'node:v8';
import { PrefixTable } from '../base/base.ts';
import { readU32 } from '../wire/dns/dns.ts';
import { MATCH, type Match, type RuleTerms } from './rule.ts';

/** Lists of one policy: a group's choice is one 32-bit mask. */
export const LIST_COUNT_MAX = 32;

/** Names this layout; another layout needs another number, because tables are saved. */
export const MAGIC = 0x43444e35;
export const WORD_BYTES = 4;
export const HEADER_WORDS = 16;
export const RULE_WORDS = 3;
export const LINE_BYTES = 4;
export const TERMS_BYTES = 2;
export const LIST_MASK = LIST_COUNT_MAX - 1;
export const MATCH_SHIFT = 5;
export const MATCH_MASK = 3;
export const HAS_TERMS = 0x80;
/** In an offset: it is that of the first link of a name. Records end below it. */
export const IS_LINK = 0x4000_0000;
/** Bytes of a name that has room for a link. */
export const LINK_BYTES = 8;
/** The name triggers by their two bits in a record. */
export const NAME_MATCHES: readonly Match[] = [MATCH.SUFFIX, MATCH.EXACT, MATCH.WILDCARD];

/** The high bits choose a row, the low ones a slot in it: whole numbers of 32 bits all the way, which are fast. */
export const slotOf = (mixed: number, rows: number, rowShift: number): number =>
  ((((mixed >>> 16) * rows) >>> 16) << rowShift) | (mixed & ((1 << rowShift) - 1));

/** What a slot is compared by first: never 0, which is an empty slot. */
export const tagOf = (mixed: number): number => {
  const tag = Math.imul(mixed, 0x297a2d39) >>> 24;
  return tag === 0 ? 1 : tag;
};

/** The link behind a link, 0 behind the last one. */
export const nextLink = (records: Uint8Array, link: number): number =>
  readU32(records, link + 1 + WORD_BYTES);

/** Where the parts of a table lie, in bytes from its start. */
export interface Layout {
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
export interface Sizes {
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
export interface Extras {
  readonly terms: readonly RuleTerms[];
  readonly patterns: readonly PatternRule[];
}

export interface PatternRule {
  readonly source: string;
  readonly flags: string;
  readonly list: number;
  readonly line: number;
  /** Index into terms from 1, 0 for none. */
  readonly terms: number;
}

/** Once per table. @cold */
export const layOut = (sizes: Sizes): Layout => {
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
export const readSizes = (buffer: SharedArrayBuffer): Sizes | undefined => {
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

/** What few rules have, from its bytes. Once per table. @cold */
export const readExtras = (bytes: Uint8Array): Extras =>
  bytes.length === 0
    ? { terms: [], patterns: [] }
    : // Written by build() of this process or read from a file whose hash was right.
      (deserialize(Uint8Array.from(bytes)) as Extras);
