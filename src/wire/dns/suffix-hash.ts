// Hashes of the ends of a name: of its last label, its last two, and so on. Hot file: runs for each miss.
//
// For tables that count by zone without knowing where zones are cut. Letters are folded, and a seed of the process goes in,
// so that nobody can choose names that fall together. Labels before the last few are never looked at: who makes them
// up changes nothing.
import { randomInt } from 'node:crypto';
import { foldByte } from './name.ts';
import { NAME_LENGTH_MAX } from './registry.ts';

/** The most labels of an end that is hashed. */
const SUFFIX_LABELS_MAX = 5;

const SEED = randomInt(0x1_0000_0000) | 0;
/** Labels of a name: each takes two bytes at least. */
const LABELS_MAX = NAME_LENGTH_MAX >> 1;
const PRIME = 0x0100_0193;
const MIX = 0x85eb_ca6b;

/** The hashes of the ends of one name, the end of one label first. One object serves all names. */
export class SuffixHashes {
  readonly hashes = new Int32Array(SUFFIX_LABELS_MAX);
  /** Ends that the name has, at most SUFFIX_LABELS_MAX. */
  count = 0;
  readonly #starts = new Uint8Array(LABELS_MAX + 1);

  /** Reads an uncompressed wire name in any letters; `salt` tells names apart that shall not fall together. */
  read(name: Uint8Array, salt: number): void {
    const starts = this.#starts;
    let labels = 0;
    for (let at = 0; at < name.length && labels < LABELS_MAX; at += (name[at] ?? 0) + 1) {
      if (name[at] === 0) break;
      starts[labels++] = at;
    }
    this.count = Math.min(labels, SUFFIX_LABELS_MAX);
    let hash = Math.imul(SEED ^ salt, MIX);
    for (let i = 0; i < this.count; i++) {
      const start = starts[labels - 1 - i] ?? 0;
      const end = start + (name[start] ?? 0);
      for (let at = start; at <= end; at++) hash = Math.imul(hash ^ foldByte(name[at] ?? 0), PRIME);
      hash = Math.imul(hash ^ (hash >>> 15), MIX);
      this.hashes[i] = hash ^ (hash >>> 13);
    }
  }

  /** The hash of the end of so many labels, or of the whole name when it has fewer; 0 for the root. */
  of(labels: number): number {
    return this.hashes[Math.min(labels, this.count) - 1] ?? 0;
  }
}
