// A chain of records put together from its pieces, in a directory of the same form as the resolver's own.
//
// Nothing is believed: a block is taken when its hash follows from the one before, and what is derived from blocks is derived
// again. Pieces come late, twice and in any order; what does not follow yet is left to the caller.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { HOUR_MS, syncDirectoryNow } from '../../base/base.ts';
import type { RisenRegisters, RollupCount } from './chain.ts';
import type { ChainBlock, ChainPlace } from './chain-feed.ts';
import {
  type BehindHole,
  type ChainHole,
  findHole,
  isFilledBy,
  type Looked,
  type LookFrom,
  readOpening,
} from './chain-hole.ts';
import { beginPartition, OpenPartition, sealPartition } from './open-partition.ts';
import {
  BlockHasher,
  DIRECTORY_MODE,
  listPartitions,
  NO_HASH,
  type PartitionMeta,
  partitionName,
} from './partition.ts';
import type { RecordClass } from './record.ts';
import type { JudgeRecord } from './record-judge.ts';
import { rollupColumns, rollupHourMs } from './rollup.ts';

/** What came of a piece. `early`: it does not follow yet; `other`: another one has its place. */
export type Collected = 'taken' | 'known' | 'early' | 'other' | 'forged';

/** One chain, open for writing. Methods throw errors of SQLite and of the system. */
export class CollectedChain {
  readonly class: RecordClass;
  readonly #directory: string;
  readonly #judge: JudgeRecord;
  readonly #hasher = new BlockHasher();
  #partition: OpenPartition | undefined;
  #place: ChainPlace = { sequence: 0, hash: NO_HASH };

  constructor(directory: string, recordClass: RecordClass, judge: JudgeRecord) {
    this.class = recordClass;
    this.#judge = judge;
    this.#directory = directory;
    mkdirSync(join(directory, recordClass), { recursive: true, mode: DIRECTORY_MODE });
    const latest = listPartitions(join(directory, recordClass)).partitions.at(-1);
    if (latest === undefined) return;
    const partition = new OpenPartition(join(directory, recordClass, latest.name), this.#options(latest.day));
    this.#partition = partition;
    const end = partition.check(this.#options(latest.day), latest.ordinal, latest.day, true);
    this.#place = { sequence: end.sequence, hash: end.hash.toString('hex') };
  }

  /** Up to where it is whole. */
  get place(): ChainPlace {
    return this.#place;
  }

  /** Ordinal of the partition that grows; 0 before the first. */
  get ordinal(): number {
    return this.#partition?.meta.ordinal ?? 0;
  }

  /** A partition begins. With `isBehindHole` it need not follow: the resolver said that nothing comes between. */
  begin(meta: PartitionMeta, isBehindHole: boolean): Collected {
    const known = this.#partition?.meta;
    if (known !== undefined && meta.ordinal <= known.ordinal) {
      return this.#isKnown(meta) ? 'known' : 'other';
    }
    const isNext = meta.first === this.#place.sequence + 1 && meta.previous === this.#place.hash;
    if (!isNext && !isBehindHole) return meta.first > this.#place.sequence ? 'early' : 'other';
    const before = this.#partition;
    const options = { ...this.#options(meta.day), resolver: meta.resolver, version: meta.version };
    const end = { sequence: meta.first - 1, hash: Buffer.from(meta.previous, 'hex') };
    this.#partition = beginPartition({ ...options, nowMs: Date.parse(meta.created) }, meta.ordinal, end);
    const opening = this.#partition.opening();
    this.#place = { sequence: opening.sequence, hash: opening.hash.toString('hex') };
    if (before !== undefined) {
      before.close();
      sealPartition(join(this.#directory, this.class, before.name));
    }
    return 'taken';
  }

  /** Blocks, each of which should follow the one before; they are on the disk when this returns. Gives what came of the first. */
  append(blocks: readonly ChainBlock[]): { readonly taken: number; readonly outcome: Collected } {
    const [first] = blocks;
    const partition = this.#partition;
    if (first === undefined) return { taken: 0, outcome: 'known' };
    if (first.first <= this.#place.sequence)
      return { taken: 0, outcome: this.#has(first) ? 'known' : 'other' };
    if (
      partition === undefined ||
      first.first !== this.#place.sequence + 1 ||
      first.ordinal !== partition.meta.ordinal
    ) {
      return { taken: 0, outcome: 'early' };
    }
    let place = this.#place;
    const good: { block: ChainBlock; hash: Buffer; derived: Derived }[] = [];
    for (const block of blocks) {
      if (block.first !== place.sequence + 1 || block.ordinal !== partition.meta.ordinal) break;
      const hash = this.#hasher.hash(Buffer.from(place.hash, 'hex'), block.first, block.count, block.body);
      const derived = derive(block, this.class, this.#judge);
      if (derived === undefined || hash.toString('hex') !== block.hash) break;
      good.push({ block, hash, derived });
      place = { sequence: block.first + block.count - 1, hash: block.hash };
    }
    if (good.length === 0) return { taken: 0, outcome: 'forged' };
    partition.transact(() => {
      for (const { block, hash, derived } of good) keep(partition, block, hash, derived);
    });
    for (const { block } of good) partition.note(block);
    this.#place = place;
    return { taken: good.length, outcome: 'taken' };
  }

  /**
   * A block of a chain whose records before are missing: it is kept as it says that it is, since nothing here tells what it
   * follows. Only for a copy of what is kept elsewhere; verify() names what is missing.
   */
  adopt(block: ChainBlock): Collected {
    const partition = this.#partition;
    if (partition === undefined || block.ordinal !== partition.meta.ordinal) return 'early';
    if (block.first <= this.#place.sequence) return 'other';
    const derived = derive(block, this.class, this.#judge);
    if (derived === undefined) return 'forged';
    partition.transact(() => keep(partition, block, Buffer.from(block.hash, 'hex'), derived));
    partition.note(block);
    this.#place = { sequence: block.first + block.count - 1, hash: block.hash };
    return 'taken';
  }

  /** Looks through the next partition for records that are missing; undefined behind the last one. */
  look({ ordinal, sequence }: LookFrom): Looked | undefined {
    const { partitions } = listPartitions(join(this.#directory, this.class));
    const files = partitions.filter(({ state }) => state === 'plain');
    const index = files.findIndex((one) => one.ordinal >= ordinal);
    const file = files[index];
    if (file === undefined) return undefined;
    const next = files[index + 1];
    const path = (name: string): string => join(this.#directory, this.class, name);
    const opening = next?.ordinal === file.ordinal + 1 ? readOpening(path(next.name)) : undefined;
    return { ordinal: file.ordinal, hole: findHole(path(file.name), sequence, opening) };
  }

  /** Fills a hole with all of its blocks, on the disk when this returns, or takes none of them. */
  fill(hole: ChainHole, blocks: readonly ChainBlock[]): Collected {
    const [first] = blocks;
    if (first === undefined) return 'early';
    const derived = blocks.map((block) => derive(block, this.class, this.#judge));
    const file = listPartitions(join(this.#directory, this.class)).partitions.find(
      (one) => one.ordinal === hole.ordinal && one.state === 'plain',
    );
    if (file === undefined) return 'early';
    const isOpen = this.#partition?.meta.ordinal === hole.ordinal;
    const path = join(this.#directory, this.class, file.name);
    const partition =
      isOpen && this.#partition !== undefined
        ? this.#partition
        : new OpenPartition(path, this.#options(file.day));
    try {
      const behind = partition.blockFrom(first.first) ?? this.#openingBehind(hole.ordinal);
      if (behind === undefined || derived.some((one) => one === undefined)) return 'forged';
      if (!isFilledBy(hole, blocks, behind)) return 'other';
      partition.transact(() => {
        for (const block of blocks) partition.insertBlock(block.first, block, Buffer.from(block.hash, 'hex'));
        for (const one of derived) for (const risen of one?.risen ?? []) partition.raise(risen);
        // Whoever took out a block may have left its counts.
        if (this.class === 'queries') this.#recount(partition, blocks);
      });
      return 'taken';
    } finally {
      if (!isOpen) {
        partition.close();
        sealPartition(path);
      }
    }
  }

  close(): void {
    this.#partition?.close();
    syncDirectoryNow(join(this.#directory, this.class));
  }

  #options(day: string) {
    return {
      directory: this.#directory,
      class: this.class,
      resolver: '',
      version: '',
      day,
      nowMs: 0,
      expected: undefined,
      lastHead: undefined,
    };
  }

  /** The counts of the hours that blocks reach into, from all blocks that do. */
  #recount(partition: OpenPartition, blocks: readonly ChainBlock[]): void {
    const fromMs = rollupHourMs(Math.min(...blocks.map((block) => block.fromMs)));
    const untilMs = rollupHourMs(Math.max(...blocks.map((block) => block.untilMs))) + HOUR_MS;
    partition.dropCounts(fromMs, untilMs);
    for (const block of partition.blocksWithin(fromMs, untilMs)) {
      const derived = derive({ ...block, ordinal: 0, hash: '' }, this.class, this.#judge);
      for (const count of derived?.rollup ?? [])
        if (count.hourMs >= fromMs && count.hourMs < untilMs) partition.addCount(count);
    }
  }

  /** What the next partition says that it follows. */
  #openingBehind(ordinal: number): BehindHole | undefined {
    const name = listPartitions(join(this.#directory, this.class)).partitions.find(
      (one) => one.ordinal === ordinal + 1 && one.state === 'plain',
    )?.name;
    const meta = name === undefined ? undefined : readOpening(join(this.#directory, this.class, name));
    return meta && { kind: 'opening', previous: meta.previous };
  }

  #isKnown(meta: PartitionMeta): boolean {
    if (this.#partition?.meta.ordinal === meta.ordinal) {
      return JSON.stringify(this.#partition.meta) === JSON.stringify(meta);
    }
    // An earlier one: its file is there under its name, and the chain went on from it.
    return existsSync(join(this.#directory, this.class, partitionName(meta.ordinal, meta.day)));
  }

  /** True for a block that is there as it is. */
  #has({ first, ordinal, hash }: ChainBlock): boolean {
    const partition = this.#partition;
    if (partition === undefined) return false;
    if (partition.meta.ordinal === ordinal) return partition.hashOf(first) === hash;
    const file = listPartitions(join(this.#directory, this.class)).partitions.find(
      (one) => one.ordinal === ordinal,
    );
    if (file === undefined) return false;
    const other = new OpenPartition(join(this.#directory, this.class, file.name), this.#options(file.day));
    try {
      return other.hashOf(first) === hash;
    } finally {
      other.close();
      sealPartition(join(this.#directory, this.class, file.name));
    }
  }
}

/** True for a block whose body is what the recorder writes; its hash is another question. */
export const isRecordedBlock = (block: ChainBlock, recordClass: RecordClass, judge: JudgeRecord): boolean =>
  derive(block, recordClass, judge) !== undefined;

/** Writes a block with what is derived from it, within a transaction. */
const keep = (partition: OpenPartition, block: ChainBlock, hash: Buffer, derived: Derived): void => {
  partition.insertBlock(block.first, block, hash);
  for (const count of derived.rollup) partition.addCount(count);
  for (const risen of derived.risen) partition.raise(risen);
};

interface Derived {
  readonly rollup: readonly RollupCount[];
  readonly risen: readonly RisenRegisters[];
}

/** What a partition holds beside a block; undefined for a body that is not what the recorder writes. */
const derive = (
  { body, count, fromMs, untilMs }: ChainBlock,
  recordClass: RecordClass,
  judge: JudgeRecord,
): Derived | undefined => {
  let records: unknown;
  try {
    records = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!Array.isArray(records) || records.length !== count) return undefined;
  const rollup: RollupCount[] = [];
  const risen: RisenRegisters[] = [];
  let earliestMs = Number.POSITIVE_INFINITY;
  let latestMs = Number.NEGATIVE_INFINITY;
  for (const record of records as unknown[]) {
    if (judge(record, recordClass) === 'malformed') return undefined;
    // Judged: an object with a time, and with texts and numbers where they are counted.
    const fields = record as Readonly<Record<string, unknown>>;
    const timeMs = Date.parse(String(fields['time']));
    earliestMs = Math.min(earliestMs, timeMs);
    latestMs = Math.max(latestMs, timeMs);
    if (recordClass !== 'queries') continue;
    if (fields['kind'] === 'sketch') {
      risen.push({
        day: String(fields['day']),
        group: String(fields['group']),
        text: String(fields['registers']),
      });
      continue;
    }
    const queries = fields['count'];
    rollup.push({
      hourMs: rollupHourMs(timeMs),
      columns: rollupColumns(fields),
      count: typeof queries === 'number' ? queries : 1,
    });
  }
  return earliestMs === fromMs && latestMs === untilMs ? { rollup, risen } : undefined;
};
