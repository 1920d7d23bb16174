// Prefixes without others: what is left when a smaller network is taken out of a larger one.
import { createAddress, matchesPrefix, type Prefix } from './address.ts';

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
