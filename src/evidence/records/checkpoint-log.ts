// The transparency log of the records: a leaf for each block of both chains, and a signed checkpoint while the recorder lives.
//
// A block is committed first and gets its leaf then. A crash in between leaves blocks without one: they are found at the
// next start, by going back from the end of each chain to a block whose leaf is there. The checkpoint is signed once a
// second while blocks come, and every few seconds while none do, so that its time is a sign of life that nobody can make
// who has no key. What was signed and is not there any more is a fault that the start records.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Clock, replaceFileNow } from '../../base/base.ts';
import {
  consistencyProof,
  formatCheckpoint,
  formatNote,
  formatVerifier,
  type Note,
  rootAt,
  signNote,
  TreeFile,
} from '../../wire/transparency/transparency.ts';
import type { ChainFault, PlacedBlock } from './chain.ts';
import type { ChainStore } from './chain-store.ts';
import {
  blockLeaf,
  CHECKPOINT_NAME,
  COSIGNED_DIRECTORY,
  type FoundCheckpoint,
  logVerifiers,
  readCheckpoint,
  type SignedCheckpoint,
  TREE_NAME,
} from './checkpoint-file.ts';
import { isOperational } from './disk-error.ts';
import { openSigningKey } from './heads.ts';
import { readSignedHeads } from './heads-file.ts';
import { Interval } from './interval.ts';
import { isDamageAtOpening } from './open-partition.ts';
import { DIRECTORY_MODE, FILE_MODE, listPartitions } from './partition.ts';
import { RECORD_CLASSES, type RecordClass } from './record.ts';
import { TAKEN_UP_MAX } from './taken-up.ts';

/** Between two checkpoints while blocks come, milliseconds: what is not signed yet is as old at most. */
const SIGN_MS = 1_000;
/** Leaves that are read together, from the end of the tree back. */
const LEAVES_AT_A_TIME = 4_096;

/** What the log is opened with. */
export interface CheckpointLogOptions {
  readonly directory: string;
  readonly origin: string;
  readonly clock: Clock;
  readonly monotonic: Clock;
}

/** A log that was opened, and what was found. */
export interface OpenedLog {
  readonly log: CheckpointLog;
  /** The checkpoint before. */
  readonly before: FoundCheckpoint;
  /** What it said that is not so any more. */
  readonly faults: readonly ChainFault[];
  /** Blocks that are there, and that nobody is known to have signed. */
  readonly unsigned: number;
  /** First record of `changes` that had no leaf under a checkpoint. */
  readonly takenFrom: number;
}

/** The log of one directory, open for writing. Methods throw errors of the system. */
export class CheckpointLog {
  readonly #directory: string;
  readonly #origin: string;
  readonly #clock: Clock;
  readonly #key: KeyObject;
  readonly #verifiers: ReturnType<typeof logVerifiers>;
  readonly #tree: TreeFile;
  /** Leaves of blocks that are committed, on their way into the tree. */
  readonly #waiting: Buffer[] = [];
  readonly #signed: Interval;
  /** For those who verify the log. */
  readonly verifierKey: string;
  /** It had no leaf before this start. */
  readonly isNew: boolean;
  #last: SignedCheckpoint | undefined;

  private constructor({ directory, origin, clock, monotonic }: CheckpointLogOptions, key: KeyObject) {
    this.#directory = directory;
    this.#origin = origin;
    this.#clock = clock;
    this.#key = key;
    this.#verifiers = logVerifiers(origin, createPublicKey(key));
    this.verifierKey = formatVerifier(this.#verifiers.plain);
    this.#tree = TreeFile.open(join(directory, TREE_NAME));
    this.isNew = this.#tree.size === 0;
    this.#signed = new Interval(monotonic);
    mkdirSync(join(directory, COSIGNED_DIRECTORY), { recursive: true, mode: DIRECTORY_MODE });
  }

  /**
   * Opens the log and takes up what the chains have beyond it. Throws ERR_COMPLIANCE_SIGNING_KEY.
   */
  static open(options: CheckpointLogOptions, stores: Readonly<Record<RecordClass, ChainStore>>): OpenedLog {
    const key = openSigningKey(options.directory);
    const before = readCheckpoint(options.directory, [createPublicKey(key)]);
    const log = new CheckpointLog(options, key);
    try {
      const texts = log.#compare(before);
      const isAsSigned = before.kind === 'signed' && texts.length === 0;
      // Nobody signed what stands behind: blocks that are there get their leaves again, so many at most.
      if (isAsSigned && before.checkpoint.origin === options.origin) log.#tree.cutTo(before.checkpoint.size);
      const { lost, takenFrom } = log.#takeUp(stores);
      if (lost > 0) texts.push(`${lost} blocks that the log has are not there`);
      const faults = texts.map((text) => ({ file: CHECKPOINT_NAME, text }));
      const signed = isAsSigned ? before.checkpoint.size : log.#signedByHeads(stores);
      const unsigned = log.isNew && texts.length === 0 ? 0 : log.size - signed;
      return { log, before, faults, unsigned, takenFrom };
    } catch (thrown) {
      log.close();
      throw thrown;
    }
  }

  /** Blocks in the log, those of this start included. */
  get size(): number {
    return this.#tree.size;
  }

  /** The checkpoint that was signed last; undefined before the first one. */
  get last(): SignedCheckpoint | undefined {
    return this.#last;
  }

  /** Blocks were committed. */
  take(recordClass: RecordClass, blocks: readonly PlacedBlock[]): void {
    for (const block of blocks) this.#waiting.push(blockLeaf(recordClass, block));
  }

  /** Signs when that is due. */
  signDue(): void {
    this.#flush(false);
    const isGrown = this.#tree.size !== this.#last?.size;
    if (!isGrown || (this.#last !== undefined && !this.#signed.isOver(SIGN_MS))) return;
    // What a checkpoint covers is on the disk before it: else a crash of the machine could leave another order.
    this.#tree.sync();
    this.#sign(false);
  }

  /** Signs now, whether or not blocks came, and waits until it is on the disk: a sign of life. */
  signNow(): void {
    this.#flush(true);
    this.#sign(true);
  }

  /** Hashes that lead from an earlier size to that of the last checkpoint. */
  proofFrom(size: number): Buffer[] {
    return consistencyProof(this.#tree, size, this.#last?.size ?? 0);
  }

  close(): void {
    this.#tree.close();
  }

  #flush(durable: boolean): void {
    if (this.#waiting.length > 0) {
      this.#tree.append(this.#waiting, durable);
      this.#waiting.length = 0;
    } else if (durable) this.#tree.sync();
  }

  #sign(durable: boolean): void {
    const { size } = this.#tree;
    const root = rootAt(this.#tree, size);
    const text = formatCheckpoint({ origin: this.#origin, size, root });
    const nowMs = this.#clock();
    const note: Note = {
      text,
      signatures: Object.values(this.#verifiers).map((verifier) =>
        signNote(text, verifier, this.#key, nowMs),
      ),
    };
    const path = join(this.#directory, CHECKPOINT_NAME);
    const whole = formatNote(note);
    if (durable) replaceFileNow(path, whole, FILE_MODE);
    else {
      // A crash of the program leaves the old one or the new one; that of the machine is the next durable one's concern.
      writeFileSync(`${path}.tmp`, whole, { mode: FILE_MODE });
      renameSync(`${path}.tmp`, path);
    }
    this.#last = { origin: this.#origin, size, root, note, signedMs: Math.floor(nowMs / 1_000) * 1_000 };
    this.#signed.begin();
  }

  /**
   * Blocks at the end of the chains that have no leaf yet get one, in the order of each chain; gives how many leaves have none,
   * and the first change among the blocks.
   */
  #takeUp(stores: Readonly<Record<RecordClass, ChainStore>>): { lost: number; takenFrom: number } {
    const { missing, lost } = compareEnds(this.#tree, stores);
    for (const [recordClass, blocks] of missing) this.take(recordClass, blocks);
    this.#flush(true);
    return { lost, takenFrom: missing.get('changes')?.[0]?.first ?? Number.MAX_SAFE_INTEGER };
  }

  /** Without a checkpoint that counts: how many blocks signed ends cover. */
  #signedByHeads(stores: Readonly<Record<RecordClass, ChainStore>>): number {
    const ends = new Set<string>();
    for (const head of readSignedHeads(this.#directory, createPublicKey(this.#key))) {
      const block = stores[head.class]
        .blocksBefore(head.last + 1, 1)
        .find(({ hash }) => hash.toString('hex') === head.hash);
      if (block !== undefined) ends.add(blockLeaf(head.class, block).toString('latin1'));
    }
    for (let until = this.#tree.size; until > 0 && ends.size > 0; until -= LEAVES_AT_A_TIME) {
      const from = Math.max(0, until - LEAVES_AT_A_TIME);
      const found = this.#tree.leaves(from, until).findLastIndex((leaf) => ends.has(leaf.toString('latin1')));
      if (found >= 0) return from + found + 1;
    }
    return 0;
  }

  /** What a checkpoint before this start said, against what is there. */
  #compare(before: FoundCheckpoint): string[] {
    if (before.kind === 'none') {
      if (!this.isNew) return ['the last checkpoint is not there'];
      return wasLogBegun(this.#directory) ? ['the log is not there: another one begins'] : [];
    }
    if (before.kind === 'unsigned') return [`the last checkpoint counts for nothing: ${before.text}`];
    const { origin, size, root } = before.checkpoint;
    if (origin !== this.#origin) return [];
    if (size > this.#tree.size)
      return [`${size} blocks were signed, and ${this.#tree.size} of them are there`];
    if (!rootAt(this.#tree, size).equals(root))
      return [`the ${size} blocks that were signed are not those that are there`];
    return [];
  }
}

/** What a look at the ends of tree and chains finds. */
interface EndsFound {
  /** Blocks of the running partitions that have no leaf in the tree, by class, each in order. */
  readonly missing: ReadonlyMap<RecordClass, readonly PlacedBlock[]>;
  /** Leaves at the end of the tree whose blocks are not there, as far as that can be told from the running partitions. */
  readonly lost: number;
}

const compareEnds = (tree: TreeFile, stores: Readonly<Record<RecordClass, ChainStore>>): EndsFound => {
  const missing = new Map<RecordClass, readonly PlacedBlock[]>();
  /** Leaves of the last blocks of each class, with the place from the end back. */
  const sought = new Map<string, { readonly recordClass: RecordClass; readonly index: number }>();
  const counts = new Map<RecordClass, number>();
  for (const recordClass of RECORD_CLASSES) {
    const blocks = stores[recordClass].blocksBefore(Number.MAX_SAFE_INTEGER, TAKEN_UP_MAX);
    missing.set(recordClass, blocks.toReversed());
    counts.set(recordClass, blocks.length);
    for (const [index, block] of blocks.entries())
      sought.set(blockLeaf(recordClass, block).toString('latin1'), { recordClass, index });
  }
  const wanted = new Set(RECORD_CLASSES.filter((name) => counts.get(name) !== 0));
  // Behind the oldest block of a class that is known here, a leaf may be that of an older one.
  let isExact = wanted.size === RECORD_CLASSES.length;
  let lost = 0;
  for (let until = tree.size; until > 0 && wanted.size > 0; until -= LEAVES_AT_A_TIME) {
    for (const leaf of tree.leaves(Math.max(0, until - LEAVES_AT_A_TIME), until).toReversed()) {
      const found = sought.get(leaf.toString('latin1'));
      if (found === undefined) {
        if (isExact) lost++;
        continue;
      }
      const { recordClass, index } = found;
      if (index + 1 === counts.get(recordClass)) isExact = false;
      if (!wanted.delete(recordClass)) continue;
      const blocks = missing.get(recordClass) ?? [];
      missing.set(recordClass, blocks.slice(blocks.length - index));
      if (wanted.size === 0) break;
    }
  }
  return { missing, lost };
};

/** True when a start in the records of changes says that there was a log. */
const wasLogBegun = (directory: string): boolean => {
  const place = join(directory, 'changes');
  for (const { name, state } of listPartitions(place).partitions) {
    if (state !== 'plain') continue;
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(join(place, name), { readOnly: true });
      const found = database.prepare(`SELECT 1 FROM blocks WHERE body LIKE '%"logSize":%' LIMIT 1`).get();
      if (found !== undefined) return true;
    } catch (thrown) {
      // What cannot be read is found by others.
      if (!isDamageAtOpening(thrown) && !isOperational(thrown)) throw thrown;
    } finally {
      database?.close();
    }
  }
  return false;
};
