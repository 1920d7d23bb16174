// The Merkle tree of RFC 6962: hashes of leaves and nodes, roots, proofs of inclusion and of consistency.
//
// Sizes and indices are counts of leaves, safe integers; proofs have at most 53 and 106 hashes. What makes a proof reads
// complete subtrees from somewhere (`Nodes`); what checks one needs nothing but the proof. Proofs are what others send:
// they are checked in a number of steps that their length bounds, and a wrong one is a value, never an error.
import { createHash } from 'node:crypto';

/** Bytes of a hash: SHA-256. */
export const HASH_BYTES = 32;

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** Root of the tree without leaves: the hash of nothing (RFC 6962 section 2.1). */
export const EMPTY_ROOT = createHash('sha256').digest();

/** Hash of a leaf: SHA-256 of a zero byte and the data. */
export const leafHash = (data: Uint8Array): Buffer => createHash('sha256').update(LEAF).update(data).digest();

/** Hash of a node: SHA-256 of a one byte and the hashes below. */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  createHash('sha256').update(NODE).update(left).update(right).digest();

/** Where the hashes of complete subtrees are kept. */
export interface Nodes {
  /** Leaves in the tree. */
  readonly size: number;
  /** Hash of the subtree with the 2^level leaves from index × 2^level; all of them are there. */
  node(level: number, index: number): Buffer;
}

/** Root of the first `size` leaves. */
export const rootAt = (nodes: Nodes, size: number): Buffer =>
  size === 0 ? EMPTY_ROOT : hashOfRange(nodes, 0, size);

/** Hashes that lead from leaf `index` to the root of the first `size` leaves (RFC 6962 section 2.1.1). */
export const inclusionProof = (nodes: Nodes, index: number, size: number): Buffer[] => {
  const proof: Buffer[] = [];
  let from = 0;
  let until = size;
  while (until - from > 1) {
    const middle = from + largestPowerBelow(until - from);
    if (index < middle) {
      proof.push(hashOfRange(nodes, middle, until));
      until = middle;
    } else {
      proof.push(hashOfRange(nodes, from, middle));
      from = middle;
    }
  }
  return proof.toReversed();
};

/** Hashes that show that the first `old` leaves begin the first `size` (RFC 6962 section 2.1.2). */
export const consistencyProof = (nodes: Nodes, old: number, size: number): Buffer[] => {
  const proof: Buffer[] = [];
  if (old === 0 || old === size) return proof;
  let from = 0;
  let until = size;
  let isWhole = true;
  while (old !== until) {
    const middle = from + largestPowerBelow(until - from);
    if (old <= middle) {
      proof.push(hashOfRange(nodes, middle, until));
      until = middle;
    } else {
      proof.push(hashOfRange(nodes, from, middle));
      from = middle;
      isWhole = false;
    }
  }
  if (!isWhole) proof.push(hashOfRange(nodes, from, until));
  return proof.toReversed();
};

/** True when `proof` leads from the leaf to the root of a tree of `size` leaves (RFC 9162 section 2.1.3.2). */
export const isIncluded = (
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean => {
  if (index >= size) return false;
  let place = index;
  let last = size - 1;
  let hash: Uint8Array = leaf;
  for (const other of proof) {
    if (last === 0) return false;
    if (isOdd(place) || place === last) {
      hash = nodeHash(other, hash);
      while (!isOdd(place) && place !== 0) {
        place /= 2;
        last = half(last);
      }
    } else hash = nodeHash(hash, other);
    place = half(place);
    last = half(last);
  }
  return last === 0 && isSame(hash, root);
};

/** True when `proof` shows that the tree of `old` leaves begins that of `size` (RFC 9162 section 2.1.4.2). */
export const isConsistent = (
  old: { readonly size: number; readonly root: Uint8Array },
  next: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean => {
  if (old.size > next.size) return false;
  if (old.size === 0) return proof.length === 0 && isSame(old.root, EMPTY_ROOT);
  if (old.size === next.size) return proof.length === 0 && isSame(old.root, next.root);
  // Where the old tree is one complete subtree, its root begins the proof and is left out of it.
  const [first, ...rest] = isPowerOfTwo(old.size) ? [old.root, ...proof] : proof;
  if (first === undefined) return false;
  let place = old.size - 1;
  let last = next.size - 1;
  while (isOdd(place)) {
    place = half(place);
    last = half(last);
  }
  let oldHash: Uint8Array = first;
  let nextHash: Uint8Array = first;
  for (const other of rest) {
    if (last === 0) return false;
    if (isOdd(place) || place === last) {
      oldHash = nodeHash(other, oldHash);
      nextHash = nodeHash(other, nextHash);
      while (!isOdd(place) && place !== 0) {
        place /= 2;
        last = half(last);
      }
    } else nextHash = nodeHash(nextHash, other);
    place = half(place);
    last = half(last);
  }
  return last === 0 && isSame(oldHash, old.root) && isSame(nextHash, next.root);
};

/** Root of the leaves `from` to `until`, a subtree as RFC 6962 cuts them: `from` is a multiple of its complete part. */
const hashOfRange = (nodes: Nodes, from: number, until: number): Buffer => {
  const count = until - from;
  if (isPowerOfTwo(count)) return nodes.node(Math.log2(count), from / count);
  const middle = from + largestPowerBelow(count);
  return nodeHash(hashOfRange(nodes, from, middle), hashOfRange(nodes, middle, until));
};

/** The largest power of two that is smaller than a count above 1. */
const largestPowerBelow = (count: number): number => {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
};

// Shifts would cut what is above 32 bits.
const half = (value: number): number => Math.floor(value / 2);
const isOdd = (value: number): boolean => value % 2 === 1;
const isPowerOfTwo = (value: number): boolean => value === 1 || largestPowerBelow(value + 1) === value;
const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
