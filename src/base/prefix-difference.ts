// Prefixes without others: what is left when a smaller network is taken out of a larger one.
import { createAddress, matchesPrefix, type Prefix } from './address.ts';
import { PrefixTable } from './prefix-table.ts';

/** What is left of a prefix without another one: nothing, itself, or as many prefixes as their lengths differ by. */
export const withoutPrefix = (prefix: Prefix, hole: Prefix): Prefix[] => {
  if (hole.bits <= prefix.bits) return matchesPrefix(prefix.words, hole.words, hole.bits) ? [] : [prefix];
  if (!matchesPrefix(hole.words, prefix.words, prefix.bits)) return [prefix];
  const left: Prefix[] = [];
  for (let bits = prefix.bits + 1; bits <= hole.bits; bits++) {
    const words = maskWords(hole.words, bits);
    // The other half at this length.
    const index = (bits - 1) >>> 5;
    words[index] = ((words[index] ?? 0) ^ (0x8000_0000 >>> ((bits - 1) & 31))) >>> 0;
    left.push({ words, bits });
  }
  return left;
};

/**
 * What is left of each prefix without the holes that are taken out of it: `isTaken` is asked of those that overlap alone, by their
 * indexes, so that many holes elsewhere cost nothing.
 */
export const withoutHoles = (
  prefixes: readonly Prefix[],
  holes: readonly Prefix[],
  isTaken: (prefix: number, hole: number) => boolean,
): Prefix[][] => {
  const taken: Prefix[][] = prefixes.map(() => []);
  const take = (prefix: number, index: number): void => {
    const hole = holes[index];
    if (hole !== undefined && isTaken(prefix, index)) taken[prefix]?.push(hole);
  };
  const [outer, inner] = [tableOf(prefixes), tableOf(holes)];
  // One of two that overlap has the first address of the other.
  for (const [index, { words, bits }] of prefixes.entries())
    for (let row = inner.find(words); row >= 0; row = inner.next(row))
      if (inner.bits(row) <= bits) take(index, inner.value(row));
  for (const [index, { words, bits }] of holes.entries())
    for (let row = outer.find(words); row >= 0; row = outer.next(row))
      if (outer.bits(row) < bits) take(outer.value(row), index);
  return prefixes.map((prefix, index) => split(prefix, taken[index] ?? []));
};

const tableOf = (prefixes: readonly Prefix[]): PrefixTable =>
  PrefixTable.build(prefixes.map((prefix, value) => ({ prefix, value })));

/** What is left without holes that all overlap: each half by itself, as long as a hole is smaller. */
const split = (prefix: Prefix, holes: readonly Prefix[]): Prefix[] => {
  if (holes.length === 0) return [prefix];
  if (holes.some(({ bits }) => bits <= prefix.bits)) return [];
  const bits = prefix.bits + 1;
  const upper = Uint32Array.from(prefix.words);
  const index = prefix.bits >>> 5;
  upper[index] = ((upper[index] ?? 0) | (0x8000_0000 >>> (prefix.bits & 31))) >>> 0;
  return [prefix.words, upper].flatMap((words) =>
    split(
      { words, bits },
      holes.filter((hole) => matchesPrefix(hole.words, words, bits)),
    ),
  );
};

/** Prefixes that no other one of them covers, each once, in the order of their addresses. */
export const distinctPrefixes = (prefixes: readonly Prefix[]): Prefix[] => {
  const sorted = [...prefixes].sort(comparePlaces);
  const kept: Prefix[] = [];
  for (const prefix of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !matchesPrefix(prefix.words, last.words, last.bits)) kept.push(prefix);
  }
  return kept;
};

/** The address with all bits behind a length cleared. */
export const maskWords = (words: Uint32Array, bits: number): Uint32Array => {
  const out = createAddress();
  for (let index = 0; index < 4; index++) {
    const kept = Math.min(32, Math.max(0, bits - 32 * index));
    const mask = kept === 0 ? 0 : (0xffff_ffff << (32 - kept)) >>> 0;
    out[index] = ((words[index] ?? 0) & mask) >>> 0;
  }
  return out;
};

/** By address, the shorter prefix first. */
const comparePlaces = (a: Prefix, b: Prefix): number => {
  for (let index = 0; index < 4; index++) {
    const difference = (a.words[index] ?? 0) - (b.words[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.bits - b.bits;
};
