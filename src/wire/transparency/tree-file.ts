// The hashes of a growing Merkle tree in one file that is only ever appended to.
//
// Behind each leaf's hash stand those of the subtrees that it completes, so leaf n has position 2n − (ones in n), as in
// the Go checksum database. 64 bytes a leaf; nothing that was written changes. A crash may tear the end: what is no
// whole leaf is cut off at opening, and the owner appends again what its own blocks say.
import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { writeAll } from '../../base/base.ts';
import { HASH_BYTES, type Nodes, nodeHash } from './merkle.ts';

const FILE_MODE = 0o600;

/** The tree of one file, open for reading or for writing. Methods throw errors of the system. */
export class TreeFile implements Nodes {
  readonly #file: number;
  #size: number;
  /** Complete subtrees at the right edge, the largest first. */
  readonly #edge: Buffer[];

  private constructor(file: number) {
    this.#file = file;
    this.#size = leavesOf(Math.floor(fstatSync(file).size / HASH_BYTES));
    this.#edge = edgeOf(this, this.#size);
  }

  /** Opens or creates the file to append to it. */
  static open(path: string): TreeFile {
    return TreeFile.#of(openSync(path, 'a+', FILE_MODE), (tree, file) =>
      ftruncateSync(file, positionOf(tree.size) * HASH_BYTES),
    );
  }

  /** Opens the file to read what is there now. */
  static read(path: string): TreeFile {
    return TreeFile.#of(openSync(path, 'r'), () => undefined);
  }

  /** The tree of a file, which is closed when it is none. */
  static #of(file: number, begin: (tree: TreeFile, file: number) => void): TreeFile {
    try {
      const tree = new TreeFile(file);
      begin(tree, file);
      return tree;
    } catch (thrown) {
      closeSync(file);
      throw thrown;
    }
  }

  get size(): number {
    return this.#size;
  }

  node(level: number, index: number): Buffer {
    const hash = Buffer.alloc(HASH_BYTES);
    const last = (index + 1) * 2 ** level - 1;
    const read = readSync(this.#file, hash, 0, HASH_BYTES, (positionOf(last) + level) * HASH_BYTES);
    if (read < HASH_BYTES) throw new Error(`the tree has no hash ${index} of level ${level}`);
    return hash;
  }

  /** Hashes of the leaves from one index to before another. */
  leaves(from: number, until: number): Buffer[] {
    if (until <= from) return [];
    const begin = positionOf(from);
    const bytes = Buffer.alloc((positionOf(until - 1) + 1 - begin) * HASH_BYTES);
    const read = readSync(this.#file, bytes, 0, bytes.length, begin * HASH_BYTES);
    if (read < bytes.length) throw new Error(`the tree has no leaf ${until - 1}`);
    return Array.from({ length: until - from }, (_, index) => {
      const at = (positionOf(from + index) - begin) * HASH_BYTES;
      return bytes.subarray(at, at + HASH_BYTES);
    });
  }

  /** Hash of one leaf. */
  leaf(index: number): Buffer {
    return this.node(0, index);
  }

  /** Appends hashes of leaves; with `durable` they are on the disk when it returns. */
  append(leaves: readonly Buffer[], durable: boolean): void {
    const hashes: Buffer[] = [];
    const edge = [...this.#edge];
    let size = this.#size;
    for (const leaf of leaves) {
      let hash = leaf;
      hashes.push(hash);
      for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
        const left = edge.pop();
        if (left === undefined) throw new Error('the right edge of the tree is not there');
        hash = nodeHash(left, hash);
        hashes.push(hash);
      }
      edge.push(hash);
      size++;
    }
    try {
      writeAll(this.#file, Buffer.concat(hashes));
      if (durable) this.sync();
    } catch (thrown) {
      // On a full disk, a part of it would stand before the next leaf.
      ftruncateSync(this.#file, positionOf(this.#size) * HASH_BYTES);
      throw thrown;
    }
    this.#edge.splice(0, this.#edge.length, ...edge);
    this.#size = size;
  }

  /** Forgets the leaves from an index on. */
  cutTo(size: number): void {
    if (size >= this.#size) return;
    ftruncateSync(this.#file, positionOf(size) * HASH_BYTES);
    this.#size = size;
    this.#edge.splice(0, this.#edge.length, ...edgeOf(this, size));
  }

  sync(): void {
    fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Hashes before the one of leaf `leaf`: each leaf's own and those of the subtrees that it completed. */
const positionOf = (leaf: number): number => 2 * leaf - onesIn(leaf);

/** Leaves of a file of so many hashes, a torn last one left out. */
const leavesOf = (hashes: number): number => {
  let low = 0;
  let high = hashes;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (positionOf(middle) <= hashes) low = middle;
    else high = middle - 1;
  }
  return low;
};

const onesIn = (value: number): number => {
  let ones = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
};

/** The complete subtrees of which a tree of `size` leaves is made, the largest first. */
const edgeOf = (nodes: Nodes, size: number): Buffer[] => {
  const edge: Buffer[] = [];
  let from = 0;
  for (let level = Math.floor(Math.log2(Math.max(1, size))); level >= 0; level--) {
    const count = 2 ** level;
    if (size - from < count) continue;
    edge.push(nodes.node(level, from / count));
    from += count;
  }
  return edge;
};
