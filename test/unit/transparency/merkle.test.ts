// The tree of RFC 6962 against the vectors of Certificate Transparency, and proofs against a plain reading of the RFC.
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import {
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  nodeHash,
  rootAt,
  TreeFile,
} from '../../../src/wire/transparency/transparency.ts';

const root = mkdtempSync(join(tmpdir(), 'cordon-tree-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let files = 0;
const openTree = (): TreeFile => TreeFile.open(join(root, `tree-${++files}`));

/** Leaves and roots of the reference implementation of Certificate Transparency. */
const CT_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const CT_ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** MTH(D[n]) as section 2.1 says it. */
const plainRoot = (leaves: readonly Buffer[]): Buffer => {
  if (leaves.length === 0) return EMPTY_ROOT;
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(plainRoot(leaves.slice(0, k)), plainRoot(leaves.slice(k)));
};
const numbered = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));

test('roots are those of Certificate Transparency', () => {
  const tree = openTree();
  expect(rootAt(tree, 0).toString('hex')).toBe(
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
  for (const [index, leaf] of CT_LEAVES.entries()) {
    tree.append([leafHash(Buffer.from(leaf, 'hex'))], false);
    expect(rootAt(tree, index + 1).toString('hex')).toBe(CT_ROOTS[index]);
  }
  for (const [index, known] of CT_ROOTS.entries())
    expect(rootAt(tree, index + 1).toString('hex')).toBe(known);
  tree.close();
});

test('every proof of every tree up to 70 leaves holds, and no proof of another place does', () => {
  const COUNT = 70;
  const leaves = numbered(COUNT);
  const tree = openTree();
  tree.append(leaves.slice(0, 33), false);
  tree.append(leaves.slice(33), true);
  const roots = Array.from({ length: COUNT + 1 }, (_, size) => rootAt(tree, size));
  for (const [size, known] of roots.entries()) {
    expect(known.equals(plainRoot(leaves.slice(0, size))), `root of ${size}`).toBe(true);
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(tree, index, size);
      const leaf = leaves[index] ?? EMPTY_ROOT;
      expect(isIncluded(leaf, index, size, proof, known), `leaf ${index} in ${size}`).toBe(true);
      expect(isIncluded(leaf, index + 1, size, proof, known)).toBe(false);
      expect(isIncluded(leaves[(index + 1) % size] ?? EMPTY_ROOT, index, size, proof, known)).toBe(
        size === 1,
      );
      expect(isIncluded(leaf, index, size, [...proof, leaf], known)).toBe(false);
      if (proof.length > 0) expect(isIncluded(leaf, index, size, proof.slice(1), known)).toBe(false);
    }
    for (let old = 0; old <= size; old++) {
      const proof = consistencyProof(tree, old, size);
      const before = { size: old, root: roots[old] ?? EMPTY_ROOT };
      const now = { size, root: known };
      expect(isConsistent(before, now, proof), `${old} in ${size}`).toBe(true);
      const other = { size, root: leafHash(known) };
      if (old > 0) expect(isConsistent(before, other, proof), `${old} in another ${size}`).toBe(false);
      if (old > 0) expect(isConsistent({ ...before, root: leafHash(before.root) }, now, proof)).toBe(false);
      expect(isConsistent(before, now, [...proof, known])).toBe(false);
      if (old > 0 && old < size) expect(isConsistent(now, before, proof)).toBe(false);
      if (proof.length > 0) expect(isConsistent(before, now, proof.slice(0, -1))).toBe(false);
    }
  }
  tree.close();
});

test('sizes above 32 bits: a tree of equal leaves, whose subtrees are known', () => {
  const levels = [leafHash(Buffer.from('same'))];
  for (let level = 1; level < 53; level++) {
    const below = levels[level - 1] ?? EMPTY_ROOT;
    levels.push(nodeHash(below, below));
  }
  const size = 2 ** 52 - 12_345;
  const nodes = { size, node: (level: number) => levels[level] ?? EMPTY_ROOT };
  const now = { size, root: rootAt(nodes, size) };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: size }), (old) => {
      const proof = consistencyProof(nodes, old, size);
      expect(proof.length).toBeLessThan(63);
      expect(isConsistent({ size: old, root: rootAt(nodes, old) }, now, proof)).toBe(true);
      const inclusion = inclusionProof(nodes, old - 1, size);
      expect(isIncluded(levels[0] ?? EMPTY_ROOT, old - 1, size, inclusion, now.root)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('a torn end is cut off, and the tree goes on from the last whole leaf', () => {
  const leaves = numbered(40);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 200 }), (count, torn) => {
      const path = join(root, `tree-${++files}`);
      const tree = TreeFile.open(path);
      tree.append(leaves.slice(0, count), false);
      tree.close();
      truncateSync(path, Math.max(0, statSync(path).size - torn));
      const again = TreeFile.open(path);
      expect(again.size).toBeLessThanOrEqual(count);
      expect(again.size).toBeGreaterThanOrEqual(count - Math.ceil(torn / 32));
      again.append(leaves.slice(again.size), true);
      expect(rootAt(again, 40).equals(plainRoot(leaves))).toBe(true);
      again.close();
      const read = TreeFile.read(path);
      expect(read.size).toBe(40);
      expect(read.leaf(39).equals(leaves[39] ?? EMPTY_ROOT)).toBe(true);
      read.close();
    }),
  );
});
