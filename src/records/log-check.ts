// The records against their transparency log: every block that was signed has to be there, as it was signed.
//
// The leaves of the tree are walked once for each chain, in order: blocks of one chain have theirs in the order of the
// chain, with those of the other between them. A leaf that is nobody's once both chains have begun is a block that was
// signed and is not there any more, or not as it was. What stands behind the last checkpoint nobody signed.
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rootAt, TreeFile } from '../transparency/transparency.ts';
import type { PlacedBlock } from './chain.ts';
import {
  blockLeaf,
  type FoundCheckpoint,
  readCheckpoint,
  readCheckpointFile,
  type SignedCheckpoint,
  TREE_NAME,
} from './checkpoint-file.ts';
import type { Report } from './finding.ts';
import { RECORD_CLASSES, type RecordClass } from './record.ts';

/** Leaves that are read together. */
const LEAVES_AT_A_TIME = 16_384;

/** How far one chain was followed. */
interface Walk {
  /** Leaf from which the next block is looked for. */
  next: number;
  /** Leaf of the first block that was found. */
  begun: number | undefined;
  /** A block of the partition has no leaf: those behind it are not looked for. */
  isLost: boolean;
  /** Last record, of the partition that is read, that the checkpoint covers. */
  signedLast: number | undefined;
}

/** The log of one directory while its chains are checked. */
export class LogCheck {
  /** The checkpoint, when it is one and the tree is what it says. */
  readonly checkpoint: SignedCheckpoint | undefined;
  /** Something was begun here: without a checkpoint, one was taken away. */
  readonly isBegun: boolean;
  readonly #report: Report;
  readonly #tree: TreeFile | undefined;
  /** Leaves that have their block. */
  readonly #found: Uint8Array;
  readonly #walks: Readonly<Record<RecordClass, Walk>> = { queries: createWalk(), changes: createWalk() };
  #window: readonly Buffer[] = [];
  #windowFrom = 0;

  constructor(directory: string, found: FoundCheckpoint, report: Report) {
    this.#report = report;
    const path = join(directory, TREE_NAME);
    this.#tree = existsSync(path) ? TreeFile.read(path) : undefined;
    const size = this.#tree?.size ?? 0;
    this.#found = new Uint8Array(Math.ceil(size / 8));
    this.isBegun = found.kind !== 'none' || size > 0;
    this.checkpoint = this.#judge(found);
  }

  #judge(found: FoundCheckpoint): SignedCheckpoint | undefined {
    if (found.kind === 'none') return undefined;
    if (found.kind === 'unsigned') {
      this.#report('checkpoint-signature', `the last checkpoint counts for nothing: ${found.text}`, {});
      return undefined;
    }
    const { checkpoint } = found;
    const size = this.#tree?.size ?? 0;
    const until = new Date(checkpoint.signedMs).toISOString();
    if (checkpoint.size > size) {
      const text = `${checkpoint.size} blocks were signed until ${until}, and the tree has ${size}`;
      this.#report('log-differs', text, { until });
      return undefined;
    }
    if (this.#tree !== undefined && !rootAt(this.#tree, checkpoint.size).equals(checkpoint.root)) {
      this.#report('log-differs', `the tree is not the one that was signed at ${until}`, { until });
      return undefined;
    }
    return checkpoint;
  }

  /** A checkpoint that was kept elsewhere, by a witness above all: the log has to go on from there. */
  compare({ size, root, signedMs }: SignedCheckpoint): void {
    const until = new Date(signedMs).toISOString();
    const has = this.#tree?.size ?? 0;
    if (size > has)
      this.#report('tail-cut', `${size} blocks were signed until ${until}, and the log has ${has}`, {
        until,
      });
    else if (this.#tree !== undefined && !rootAt(this.#tree, size).equals(root))
      this.#report('log-differs', `the first ${size} blocks are not those that were signed at ${until}`, {
        until,
      });
  }

  /** A partition begins. */
  partition(recordClass: RecordClass): void {
    const walk = this.#walks[recordClass];
    walk.isLost = false;
    walk.signedLast = undefined;
  }

  /** The next block of the partition. */
  block(recordClass: RecordClass, block: PlacedBlock): void {
    const walk = this.#walks[recordClass];
    if (this.#tree === undefined || walk.isLost) return;
    const index = this.#indexOf(blockLeaf(recordClass, block), walk.next);
    if (index === undefined) {
      walk.isLost = true;
      return;
    }
    walk.begun ??= index;
    walk.next = index + 1;
    this.#found[index >> 3] = (this.#found[index >> 3] ?? 0) | (1 << (index & 7));
    if (index < (this.checkpoint?.size ?? 0)) walk.signedLast = block.first + block.count - 1;
  }

  /** Last record of the partition that was read last which the checkpoint covers; undefined for none. */
  signedLast(recordClass: RecordClass): number | undefined {
    return this.#walks[recordClass].signedLast;
  }

  /** Once all chains were read: reports what was signed and is not there. */
  finish(): void {
    const size = this.checkpoint?.size ?? 0;
    const begun = RECORD_CLASSES.map((name) => this.#walks[name].begun ?? Number.POSITIVE_INFINITY);
    // Before both have begun, a leaf may be that of a block which was deleted when its time was over.
    const from = begun.every(Number.isFinite) ? Math.max(...begun) : Math.min(...begun);
    let missing = 0;
    for (let index = from; index < size; index++)
      if (((this.#found[index >> 3] ?? 0) & (1 << (index & 7))) === 0) missing++;
    if (missing === 0) return;
    const text = `${missing} blocks that were signed are not there, or not as they were signed`;
    this.#report('log-differs', text, {});
  }

  close(): void {
    this.#tree?.close();
  }

  /** Where a leaf stands, from an index on. */
  #indexOf(leaf: Buffer, from: number): number | undefined {
    const size = this.#tree?.size ?? 0;
    for (let index = from; index < size; index++) if (this.#leaf(index).equals(leaf)) return index;
    return undefined;
  }

  #leaf(index: number): Buffer {
    const at = index - this.#windowFrom;
    const known = at < 0 ? undefined : this.#window[at];
    if (known !== undefined) return known;
    this.#windowFrom = index;
    const until = Math.min(this.#tree?.size ?? 0, index + LEAVES_AT_A_TIME);
    this.#window = this.#tree?.leaves(index, until) ?? [];
    return this.#window[0] ?? Buffer.alloc(0);
  }
}

/** The log of a directory, and what was kept of it elsewhere, by the public keys that count. */
export const openLogCheck = (
  place: {
    readonly directory: string;
    readonly checkpointFile: string | undefined;
    readonly keys: ReadonlyMap<string, KeyObject>;
  },
  report: Report,
): LogCheck => {
  const { directory, checkpointFile, keys } = place;
  const log = new LogCheck(directory, readCheckpoint(directory, keys.values()), report);
  if (checkpointFile === undefined) return log;
  const kept = readCheckpointFile(checkpointFile, keys.values());
  if (kept.kind === 'signed') log.compare(kept.checkpoint);
  else {
    const why = kept.kind === 'none' ? 'it is not there' : kept.text;
    report('checkpoint-signature', `${checkpointFile} counts for nothing: ${why}`, {});
  }
  return log;
};

const createWalk = (): Walk => ({ next: 0, begun: undefined, isLost: false, signedLast: undefined });
