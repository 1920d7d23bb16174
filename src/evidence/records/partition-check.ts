// One partition against itself: blocks against their hashes, and everything that is derived from blocks against them.
//
// After a block that is wrong, the check goes on with the hash that the block states: one change is one finding.
import type { DatabaseSync } from 'node:sqlite';
import type { ChainEnd, PlacedBlock } from './chain.ts';
import type { Finding, Report } from './finding.ts';
import type { ChainPosition } from './heads.ts';
import { BlockHasher, HASH_LENGTH, openingHash, type PartitionMeta, timeText } from './partition.ts';
import type { RecordClass } from './record.ts';
import type { RecordJudgement } from './record-schema.ts';
import { rollupColumns, rollupHourMs } from './rollup.ts';
import { SKETCH_REGISTERS, Sketch } from './sketch.ts';

/** Blocks with a wrong hash that are looked at for having changed places. */
const MISPLACED_MAX = 16;

/** Where a partition stood at some record. */
export type PartitionPosition = Omit<ChainPosition, 'class' | 'ordinal' | 'state'>;

/** A block as it was found. */
export interface CheckedBlock extends PlacedBlock {
  /** Its last record, by what it says of itself and by what it holds. */
  readonly last: number;
  /** It is what its hash says, follows the block before, and holds what it says of itself. */
  readonly isWhole: boolean;
  /** Time of its latest record, as it says; not a number where it says none. */
  readonly untilMs: number;
}

interface Misplaced {
  readonly first: number;
  readonly before: Buffer;
  readonly count: number;
  readonly body: string;
  readonly hash: Buffer;
  readonly place: Partial<Finding>;
}

/** One partition while its blocks are read. */
export class PartitionCheck {
  readonly meta: PartitionMeta;
  end: ChainEnd;
  onRecord: ((record: object, sequence: number) => void) | undefined;
  /** Says of a record whether it is one: see judgeRecord(). Undefined: nobody but the recorder can have written them. */
  judge: ((record: object, recordClass: RecordClass) => RecordJudgement) | undefined;
  /** Is told of each block, in order. */
  onBlock: ((block: CheckedBlock) => void) | undefined;
  /** Sequence numbers that heads speak of. */
  readonly #wanted: ReadonlySet<number>;
  readonly #report: Report;
  readonly #hasher = new BlockHasher();
  readonly #rollup = new Map<string, number>();
  readonly #sketches = new Map<string, Sketch>();
  readonly #positions = new Map<number, PartitionPosition>();
  readonly #misplaced: Misplaced[] = [];
  #count = 0;
  #fromMs = Number.POSITIVE_INFINITY;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(meta: PartitionMeta, wanted: ReadonlySet<number>, report: Report) {
    this.meta = meta;
    this.#wanted = wanted;
    this.#report = report;
    this.end = { sequence: meta.first - 1, hash: openingHash(meta) };
    this.#note();
  }

  /** Checks the next block; gives the number of its records. */
  block(row: Readonly<Record<string, unknown>>): number {
    const { first, count, from_ms, until_ms, body, hash } = row;
    const isSound =
      typeof first === 'number' &&
      typeof count === 'number' &&
      typeof body === 'string' &&
      hash instanceof Uint8Array;
    if (!isSound) {
      this.#report('block-unreadable', 'a column of it has another type', { block: Number(first) });
      const hash = Buffer.alloc(HASH_LENGTH);
      const nothing = { count: 1, hash, isWhole: false, untilMs: Number.NaN };
      this.onBlock?.({ first: Number(first), last: Number(first), ...nothing });
      return 0;
    }
    const place = { block: first, from: timeOf(from_ms), until: timeOf(until_ms) };
    if (first !== this.end.sequence + 1) {
      const text =
        first > this.end.sequence
          ? `records ${this.end.sequence + 1} to ${first - 1} are not there`
          : `record ${first} stands behind record ${this.end.sequence}`;
      this.#report('records-missing', text, place);
    }
    const computed = this.#hasher.hash(this.end.hash, first, count, body);
    const stored = Buffer.from(hash);
    const isNext = first === this.end.sequence + 1 && computed.equals(stored);
    if (!computed.equals(stored))
      this.#mismatch({ first, before: this.end.hash, count, body, hash: stored, place });
    this.end = { sequence: first + count - 1, hash: stored };
    const records = this.#recordsOf(body, place);
    const isItself = records !== undefined && this.#derive(records, count, { from_ms, until_ms }, place);
    const last = first + Math.max(count, records?.length ?? 0, 1) - 1;
    const untilMs = Number(until_ms);
    this.onBlock?.({ first, last, count, hash: stored, isWhole: isNext && isItself, untilMs });
    this.#note();
    return records?.length ?? 0;
  }

  #mismatch(misplaced: Misplaced): void {
    if (this.#misplaced.length < MISPLACED_MAX) this.#misplaced.push(misplaced);
    else this.#report('hash-mismatch', MISMATCH_TEXT, misplaced.place);
  }

  #recordsOf(body: string, place: Partial<Finding>): readonly object[] | undefined {
    try {
      const value: unknown = JSON.parse(body);
      const isList = Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null);
      // Checked, item by item.
      if (isList) return value as readonly object[];
    } catch {
      // Told below.
    }
    this.#report('block-unreadable', 'it holds no JSON array of records', place);
    return undefined;
  }

  #derive(
    records: readonly object[],
    count: number,
    times: { readonly from_ms: unknown; readonly until_ms: unknown },
    place: Partial<Finding>,
  ): boolean {
    const { class: recordClass } = this.meta;
    let malformed: number | undefined;
    let fromMs = Number.POSITIVE_INFINITY;
    let untilMs = Number.NEGATIVE_INFINITY;
    for (const [index, record] of records.entries()) {
      const fields = record as Readonly<Record<string, unknown>>;
      const timeMs = typeof fields['time'] === 'string' ? Date.parse(fields['time']) : Number.NaN;
      fromMs = Math.min(fromMs, timeMs);
      untilMs = Math.max(untilMs, timeMs);
      const sequence = Number(place.block) + index;
      if (this.judge?.(record, recordClass) === 'malformed') {
        malformed ??= sequence;
        continue;
      }
      if (recordClass === 'queries') this.#deriveQuery(fields, timeMs);
      this.onRecord?.(record, sequence);
    }
    if (malformed !== undefined)
      this.#report('record-malformed', `record ${malformed} is nothing that the program writes`, place);
    const hasCount = records.length === count;
    const hasTimes = times.from_ms === fromMs && times.until_ms === untilMs;
    if (!hasCount) {
      this.#report('block-differs', `it says ${count} records, and holds ${records.length}`, place);
    } else if (!hasTimes) {
      this.#report('block-differs', 'it says other times than its records do', place);
    }
    this.#count += count;
    this.#fromMs = Math.min(this.#fromMs, fromMs);
    this.#untilMs = Math.max(this.#untilMs, untilMs);
    return hasCount && hasTimes && malformed === undefined;
  }

  #deriveQuery(record: Readonly<Record<string, unknown>>, timeMs: number): void {
    if (record['kind'] === 'sketch') {
      const key = JSON.stringify([record['day'], record['group']]);
      const sketch = this.#sketches.get(key) ?? new Sketch();
      this.#sketches.set(key, sketch);
      sketch.addRisen(String(record['registers']));
      return;
    }
    const key = JSON.stringify([rollupHourMs(timeMs), ...rollupColumns(record)]);
    const { count } = record;
    const sum = (this.#rollup.get(key) ?? 0) + (typeof count === 'number' ? count : 1);
    this.#rollup.set(key, Math.min(Number.MAX_SAFE_INTEGER, sum));
  }

  #note(): void {
    if (!this.#wanted.has(this.end.sequence)) return;
    const { day, first } = this.meta;
    this.#positions.set(this.end.sequence, {
      day,
      first,
      last: this.end.sequence,
      count: this.#count,
      from: this.#count === 0 ? null : (timeOf(this.#fromMs) ?? null),
      until: this.#count === 0 ? null : (timeOf(this.#untilMs) ?? null),
      hash: this.end.hash.toString('hex'),
    });
  }

  /** Where the partition stood when its last record was this one; undefined when no block ends there. */
  positionAt(sequence: number): PartitionPosition | undefined {
    return this.#positions.get(sequence);
  }

  /** Compares what is derived from the blocks with what the partition holds of it. */
  finish(database: DatabaseSync): void {
    const hashes = this.#misplaced.flatMap(({ before, hash }) => [before, hash]);
    for (const block of this.#misplaced) {
      // Its hash is right for the place of another: there it stood.
      const home = this.#misplaced.find(
        ({ first }) =>
          first !== block.first &&
          hashes.some((before) =>
            this.#hasher.hash(before, first, block.count, block.body).equals(block.hash),
          ),
      );
      if (home === undefined) this.#report('hash-mismatch', MISMATCH_TEXT, block.place);
      else this.#report('reordered', `it stood where record ${home.first} is`, block.place);
    }
    for (const row of database.prepare('SELECT * FROM rollup').all()) {
      const { hour_ms, kind, grp, list, category, trig, signal, exemption, count } = row;
      const key = JSON.stringify([hour_ms, kind, grp, list, category, trig, signal, exemption]);
      const derived = this.#rollup.get(key) ?? 0;
      this.#rollup.delete(key);
      if (derived === count) continue;
      const words = [kind, grp, list, trig].filter((word) => word !== '').join(' ');
      const from = timeOf(hour_ms);
      this.#report('rollup-differs', `it counts ${String(count)} of ${words}; the records say ${derived}`, {
        from,
      });
    }
    for (const [key, derived] of this.#rollup) {
      this.#report('rollup-differs', `it does not count ${derived} of ${key}`, {});
    }
    for (const { day, grp, registers } of database.prepare('SELECT * FROM sketches').all()) {
      const key = JSON.stringify([day, grp]);
      const derived = this.#sketches.get(key);
      this.#sketches.delete(key);
      const isSame =
        derived !== undefined &&
        registers instanceof Uint8Array &&
        registers.length === SKETCH_REGISTERS &&
        Buffer.from(derived.registers).equals(registers);
      if (!isSame) this.#report('sketch-differs', `the estimate of ${key} is not that of the records`, {});
    }
    for (const key of this.#sketches.keys())
      this.#report('sketch-differs', `the estimate of ${key} is not there`, {});
  }
}

const MISMATCH_TEXT = 'it is not what was written, or does not follow the block before it';

/** A time of the database as text; null for what is none. */
const timeOf = (ms: unknown): string | null => {
  const isTime = typeof ms === 'number' && Math.abs(ms) <= 8.64e15;
  return isTime ? timeText(ms) : null;
};
