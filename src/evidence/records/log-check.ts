// The records against their transparency log: every block that was signed has to be there, as it was signed.
//
// The leaves of the tree are walked once for each chain, in order: blocks of one chain have theirs in the order of the
// chain, with those of the other between them. A leaf that is nobody's once both chains have begun is a block that was
// signed and is not there any more, or not as it was. What stands behind the last checkpoint nobody signed.
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rootAt, TreeFile } from '../../wire/transparency/transparency.ts';
import {
  blockLeaf,
  type FoundCheckpoint,
  readCheckpoint,
  readCheckpointFile,
  type SignedCheckpoint,
  TREE_NAME,
} from './checkpoint-file.ts';
import type { Report } from './finding.ts';
import type { CheckedBlock } from './partition-check.ts';
import type { RecordSpan } from './proof.ts';
import { RECORD_CLASSES, type RecordClass } from './record.ts';
import type { RunEnd } from './service-trail.ts';
import { CRASH_MS, type LeafRange, TAKEN_UP_MAX, takenUpBy } from './taken-up.ts';

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
  ordinal: number;
  /** Records that nobody had signed when a start found them. */
  readonly taken: RecordSpan[];
}

/** A block and where its leaf stands. */
interface PlacedLeaf {
  readonly index: number;
  readonly span: RecordSpan;
  readonly untilMs: number;
}

/** What one start found that nobody had signed. */
export interface TakenUp extends LeafRange {
  /** Of the start. */
  readonly time: string;
  /** Last sign of life before it; undefined where that is not known. */
  readonly aliveMs: number | undefined;
  /** The run before had stopped, so that a crash explains nothing. */
  readonly isStop: boolean;
  blocks: number;
  records: number;
  isTold: boolean;
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
  /** The last blocks of `changes`, of which a start may say that nobody had signed them. */
  #recent: PlacedLeaf[] = [];
  /** What starts took up unsigned: of queries once `changes` was read. */
  readonly #taken: TakenUp[] = [];

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

  /** A start, whose record stands in the next block. */
  start(record: object, { aliveMs, stop }: RunEnd): void {
    const range = takenUpBy(record);
    if (range === undefined) return;
    const { time } = record as { readonly time?: unknown };
    const isOf = ({ span }: PlacedLeaf): boolean =>
      stop !== undefined && span.first <= stop && stop <= span.last;
    // A stop that was put in stands behind the last checkpoint as well.
    const isStop = (this.#recent.findLast(isOf)?.index ?? range.from) < range.from;
    const taken = { ...range, aliveMs, isStop, time: String(time), blocks: 0, records: 0, isTold: false };
    this.#taken.push(taken);
    for (const leaf of this.#recent) this.#mark(taken, 'changes', leaf);
  }

  /** Records that a start took up although nobody had signed them; they are not evidence. */
  get takenUp(): readonly TakenUp[] {
    return this.#taken;
  }

  /** Spans of a class that were taken up. */
  takenSpans(recordClass: RecordClass): readonly RecordSpan[] {
    return this.#walks[recordClass].taken;
  }

  #mark(taken: TakenUp, recordClass: RecordClass, { index, span, untilMs }: PlacedLeaf): void {
    if (index < taken.from || index >= taken.until) return;
    this.#walks[recordClass].taken.push(span);
    taken.blocks++;
    taken.records += span.last - span.first + 1;
    const { aliveMs, isStop, isTold, time } = taken;
    const isLater = aliveMs !== undefined && untilMs > aliveMs + CRASH_MS;
    if (isTold || !(isStop || isLater)) return;
    taken.isTold = true;
    const text = isStop
      ? `records stand behind the stop before the start of ${time}, and nobody signed them then`
      : `records of ${new Date(untilMs).toISOString()} stand behind the last sign of life before the start of ${time}, and nobody signed them then`;
    this.#report('tail-added', text, { class: recordClass, ordinal: span.ordinal, block: span.first });
  }

  /** A partition begins. */
  partition(recordClass: RecordClass, ordinal: number): void {
    const walk = this.#walks[recordClass];
    walk.ordinal = ordinal;
    walk.isLost = false;
    walk.signedLast = undefined;
  }

  /** The next block of the partition. */
  block(recordClass: RecordClass, block: CheckedBlock): void {
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
    const last = block.first + block.count - 1;
    if (index < (this.checkpoint?.size ?? 0)) walk.signedLast = last;
    const { first, untilMs } = block;
    const leaf = { index, span: { ordinal: walk.ordinal, first, last }, untilMs };
    if (recordClass === 'changes') this.#remember(leaf);
    else for (const taken of this.#taken) this.#mark(taken, recordClass, leaf);
  }

  /** As many as a start may take up. */
  #remember(leaf: PlacedLeaf): void {
    if (this.#recent.length >= 2 * TAKEN_UP_MAX) this.#recent = this.#recent.slice(-TAKEN_UP_MAX);
    this.#recent.push(leaf);
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

const createWalk = (): Walk => ({
  ...{ next: 0, begun: undefined, isLost: false, signedLast: undefined },
  ...{ ordinal: 0, taken: [] },
});
