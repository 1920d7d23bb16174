// One chain of records on the disk: the partition that grows, and its turn to the next one.
//
// A batch is one transaction, on the disk when append() returns (WAL, synchronous = FULL). What is found to be damaged
// is never written to again: it is renamed, and the chain goes on in a new partition whose `previous` and `first` are
// the furthest that is known, so that verify() shows what is missing. Everything here is synchronous: a disk that
// hangs holds up the recorder thread, and nobody else.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errorText, syncDirectoryNow } from '../../base/base.ts';
import type { Batch, ChainEnd, ChainFault, ChainStoreOptions, PlacedBlock, SketchState } from './chain.ts';
import { isOperational } from './disk-error.ts';
import type { ChainPosition } from './heads.ts';
import {
  beginPartition,
  classDirectory,
  isDamageAtOpening,
  OpenPartition,
  sealPartition,
} from './open-partition.ts';
import { BlockHasher, DIRECTORY_MODE, listPartitions, NO_HASH, timeText } from './partition.ts';
import type { RecordClass } from './record.ts';

/** One class's chain, open for writing. Methods throw errors of SQLite and of the system. */
export class ChainStore {
  readonly class: RecordClass;
  readonly #options: ChainStoreOptions;
  readonly #directory: string;
  readonly #hasher = new BlockHasher();
  #partition: OpenPartition;
  #end: ChainEnd;

  private constructor(options: ChainStoreOptions, partition: OpenPartition, end = partition.opening()) {
    this.class = options.class;
    this.#options = options;
    this.#directory = classDirectory(options);
    this.#partition = partition;
    this.#end = end;
  }

  /** Opens the chain where it ends, or begins it. Gives what was found to be wrong. */
  static open(options: ChainStoreOptions): { store: ChainStore; faults: readonly ChainFault[] } {
    const directory = classDirectory(options);
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    const { partitions, unfinished } = listPartitions(directory);
    for (const name of unfinished) rmSync(join(directory, name), { force: true });
    const latest = partitions.at(-1);
    const isNew =
      latest === undefined &&
      options.lastHead === undefined &&
      options.expected === undefined &&
      options.wasBegun !== true;
    if (isNew) {
      return { store: new ChainStore(options, beginPartition(options, 1, NOTHING)), faults: [] };
    }
    const known = furthest(options);
    // Where nothing tells how many there were, one is missing: verify() then goes on saying so.
    const ordinal = Math.max(latest?.ordinal ?? 1, options.lastHead?.ordinal ?? 1);
    const goOn = (fault: ChainFault, end: ChainEnd) => ({
      store: new ChainStore(options, beginPartition(options, ordinal + 1, end)),
      faults: [fault],
    });
    if (latest === undefined || latest.state !== 'plain' || latest.ordinal < ordinal) {
      const file = partitionFileText(options, latest?.name);
      return goOn({ file, text: 'the last partition is not there' }, known);
    }
    let partition: OpenPartition | undefined;
    try {
      partition = new OpenPartition(join(directory, latest.name), options);
      const end = partition.check(options, latest.ordinal, latest.day);
      if (end.sequence >= known.sequence) {
        return { store: new ChainStore(options, partition, end), faults: [] };
      }
      partition.close();
      const missing = known.sequence - end.sequence;
      const text = `it ends at record ${end.sequence}, and ${known.sequence} had been written`;
      return goOn({ file: partitionFileText(options, latest.name), text, count: missing }, known);
    } catch (thrown) {
      const end = partition?.lastReadable();
      partition?.close();
      if (!isDamageAtOpening(thrown)) throw thrown;
      const name = setAside(directory, latest.name, options.nowMs);
      const fault = { file: partitionFileText(options, name), text: errorText(thrown) };
      return goOn(fault, end !== undefined && end.sequence > known.sequence ? end : known);
    }
  }

  /** The last record, and the hash that covers it. */
  get end(): ChainEnd {
    return this.#end;
  }

  /** UTC day on which the partition was begun. */
  get day(): string {
    return this.#partition.meta.day;
  }

  /** Bytes of the partition and its WAL. */
  get sizeBytes(): number {
    return this.#partition.sizeBytes();
  }

  /** Writes blocks at the end of the chain and waits until they are on the disk, all or nothing; gives their places. */
  append(batch: Batch): PlacedBlock[] {
    let end = this.#end;
    const placed: PlacedBlock[] = [];
    const partition = this.#partition;
    partition.transact(() => {
      for (const block of batch.blocks) {
        const first = end.sequence + 1;
        const hash = this.#hasher.hash(end.hash, first, block.count, block.body);
        partition.insertBlock(first, block, hash);
        placed.push({ first, count: block.count, hash });
        end = { sequence: end.sequence + block.count, hash };
      }
      for (const count of batch.rollup) partition.addCount(count);
      for (const risen of batch.risen) partition.raise(risen);
    });
    for (const block of batch.blocks) partition.note(block);
    this.#end = end;
    return placed;
  }

  /** Blocks of the partition that begin before a record, the last one first; so many at most. */
  blocksBefore(first: number, limit: number): PlacedBlock[] {
    return this.#partition.blocksBefore(first, limit);
  }

  /** Where the partition now stands, for a head. */
  position(state: ChainPosition['state']): ChainPosition {
    const { meta, count, fromMs, untilMs } = this.#partition;
    return {
      class: this.class,
      ordinal: meta.ordinal,
      day: meta.day,
      state,
      first: meta.first,
      last: this.#end.sequence,
      count,
      from: count === 0 ? null : timeText(fromMs),
      until: count === 0 ? null : timeText(untilMs),
      hash: this.#end.hash.toString('hex'),
    };
  }

  /** Begins the next partition, then closes this one. Gives where this one ended. */
  turn(day: string, nowMs: number): ChainPosition {
    const ended = this.position('closed');
    const next = beginPartition({ ...this.#options, day, nowMs }, ended.ordinal + 1, this.#end);
    const { name } = this.#partition;
    this.#partition.close();
    this.#partition = next;
    this.#end = next.opening();
    try {
      sealPartition(join(this.#directory, name));
    } catch (thrown) {
      if (!isOperational(thrown)) throw thrown;
      // A reader has it open, or the disk is full: its WAL stays until it is archived. Nothing is lost.
    }
    return ended;
  }

  /** Sets a partition aside that cannot be written to any more, and begins the next one. */
  replaceDamaged(reason: string, day: string, nowMs: number): ChainFault {
    const { ordinal } = this.#partition.meta;
    const next = beginPartition({ ...this.#options, day, nowMs }, ordinal + 1, this.#end);
    const name = this.#partition.name;
    this.#partition.close();
    const file = existsSync(join(this.#directory, name)) ? setAside(this.#directory, name, nowMs) : name;
    this.#partition = next;
    this.#end = next.opening();
    return { file: partitionFileText(this.#options, file), text: reason };
  }

  /** False when the file that is written to is not the one under its name any more. */
  isInPlace(): boolean {
    return this.#partition.isInPlace();
  }

  /** The last record of the partition's blocks that begin before a number; undefined where there is none. */
  lastRecord(before = Number.MAX_SAFE_INTEGER): object | undefined {
    return this.#partition.lastRecord(before);
  }

  /** The estimates of the partition. */
  sketches(): SketchState[] {
    return this.#partition.sketches();
  }

  close(): void {
    this.#partition.close();
  }
}

/** Before the first record of a chain. */
const NOTHING: ChainEnd = { sequence: 0, hash: Buffer.from(NO_HASH, 'hex') };

const partitionFileText = (options: ChainStoreOptions, name = 'no file'): string =>
  `${options.class}/${name}`;

/** The furthest end of the chain that is known without reading it. */
const furthest = ({ expected, lastHead }: ChainStoreOptions): ChainEnd => {
  const signed = lastHead && { sequence: lastHead.last, hash: Buffer.from(lastHead.hash, 'hex') };
  if (signed === undefined || (expected?.sequence ?? 0) >= signed.sequence) return expected ?? NOTHING;
  return signed;
};

/** Renames a partition and what SQLite keeps beside it. */
const setAside = (directory: string, name: string, nowMs: number): string => {
  const stamp = `${timeText(nowMs).slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const aside = `${name}.damaged-${stamp}`;
  for (const end of ['', '-wal', '-shm', '-journal']) {
    const path = join(directory, name + end);
    if (existsSync(path)) renameSync(path, join(directory, aside + end));
  }
  syncDirectoryNow(directory);
  return aside;
};
