// Exemptions compiled for look-ups: shared memory that the main thread makes and every worker reads. Hot file.
//
// What a query pays must not grow with the number of exemptions: each client prefix, group and name that occurs leads
// to the set of exemptions that have it, and a query meets few of these. Made once per change, for all workers;
// nothing in it depends on a policy, so that it outlives reloads.
//
//   header    16 words: exemptions, prefix rows, name slots, sets, words of bits, members of lists, bytes of names
//   times     two doubles an exemption: from, until
//   facts     two words an exemption: number, index into `lists`
//   prefixes  PrefixTable rows; value = set
//   slots     where the record of a name starts, plus 1; open addressing, load at most 1/2; a power of two
//   heads, bits, lists: the sets (member-sets.ts). Set 0 are those for all names, then groups, prefixes, names
//   names     [set, 4 bytes][length][folded wire name]
import { type Prefix, PrefixTable } from '../base/base.ts';
import { readU32 } from '../wire/dns/dns.ts';
import type { SetMemory } from './member-sets.ts';
import type { Schedule } from './schedule.ts';

export const HEADER_WORDS = 16;
const HEADER_BYTES = HEADER_WORDS * 4;
/** Bytes of a name's record before the name: set and length. */
export const NAME_HEAD = 5;
/** The set of exemptions for all names. */
export const ALL_NAMES = 0;

/** An exemption that may be in force. Plain data. */
export interface SharedExemption {
  /** Of the register, from 1. */
  readonly number: number;
  /** From this time on, milliseconds since the epoch. */
  readonly fromMs: number;
  /** Until just before this time. */
  readonly untilMs: number;
  /** Names of groups: all their clients. */
  readonly groups: readonly string[];
  /** Clients by their address, whatever their group. */
  readonly clients: readonly Prefix[];
  /** Ids of the lists that do not count; undefined: all. */
  readonly lists?: readonly string[] | undefined;
  /** Folded wire names: only for questions at or below one of them; undefined: all names. */
  readonly names?: readonly Uint8Array[] | undefined;
  /** At these times only. */
  readonly schedule?: Schedule | undefined;
}

/** Compiled exemptions as they travel between threads: shared bytes and plain data. */
export interface ExemptionIndex {
  readonly count: number;
  readonly bytes: SharedArrayBuffer;
  /** What exemptions say of lists, each once; undefined: all lists. */
  readonly lists: readonly (readonly string[] | undefined)[];
  /** Names of groups, in the order of their sets, from 1. */
  readonly groups: readonly string[];
  readonly schedules: readonly { readonly index: number; readonly schedule: Schedule }[];
}

/** Views over an index. Made once per change and per policy. */
export interface OpenIndex {
  readonly count: number;
  /** From and until of each. */
  readonly times: Float64Array;
  /** Number and index into `lists` of each. */
  readonly facts: Uint32Array;
  readonly prefixes: PrefixTable;
  readonly slots: Uint32Array;
  readonly names: Uint8Array;
  readonly sets: SetMemory;
}

/** The text form of an exemption's number, which people and metrics know it by. */
export const formatExemption = (number: number): string => `ex-${String(number).padStart(6, '0')}`;

/** Where the parts of an index begin, in bytes. Once per change. */
export const layOut = (header: Uint32Array) => {
  const [count = 0, rows = 0, slotCount = 0, setCount = 0, bitCount = 0, memberCount = 0, nameBytes = 0] =
    header;
  const times = HEADER_BYTES;
  const facts = times + count * 16;
  const prefixes = facts + count * 8;
  const slots = prefixes + PrefixTable.wordsFor(rows) * 4;
  const heads = slots + slotCount * 4;
  const bits = heads + setCount * 8;
  const members = bits + bitCount * 4;
  const names = members + memberCount * 2;
  return { times, facts, prefixes, slots, heads, bits, members, names, end: names + nameBytes };
};

/** Views over the bytes of an index. Once per change and per policy. */
export const openIndex = (bytes: SharedArrayBuffer): OpenIndex => {
  const header = new Uint32Array(bytes, 0, HEADER_WORDS);
  const [count = 0, rows = 0, slotCount = 0, setCount = 0, bitCount = 0, memberCount = 0] = header;
  const at = layOut(header);
  return {
    count,
    times: new Float64Array(bytes, at.times, 2 * count),
    facts: new Uint32Array(bytes, at.facts, 2 * count),
    prefixes: new PrefixTable(new Uint32Array(bytes, at.prefixes, PrefixTable.wordsFor(rows))),
    slots: new Uint32Array(bytes, at.slots, slotCount),
    names: new Uint8Array(bytes, at.names),
    sets: {
      heads: new Uint32Array(bytes, at.heads, 2 * setCount),
      bits: new Uint32Array(bytes, at.bits, bitCount),
      lists: new Uint16Array(bytes, at.members, memberCount),
    },
  };
};

/** The set of exemptions for the folded name of `length` bytes at `start` whose hash is `mixed`; -1 when none has it. */
export const findNameSet = (
  slots: Uint32Array,
  names: Uint8Array,
  mixed: number,
  name: Uint8Array,
  start: number,
  length: number,
): number => {
  const mask = slots.length - 1;
  for (let slot = mixed & mask; ; slot = (slot + 1) & mask) {
    const record = (slots[slot] ?? 0) - 1;
    if (record < 0) return -1;
    if (isNameAt(names, record, name, start, length)) return readU32(names, record);
  }
};

const isNameAt = (
  names: Uint8Array,
  record: number,
  name: Uint8Array,
  start: number,
  length: number,
): boolean => {
  if (names[record + NAME_HEAD - 1] !== length) return false;
  for (let i = 0; i < length; i++) if (names[record + NAME_HEAD + i] !== name[start + i]) return false;
  return true;
};
