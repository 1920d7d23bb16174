// Counts of refused queries for charts and tables of a quarter: kept by partition, so that each record is read once and an
// archived partition is unpacked once.
//
// By hour, group and list they are the exact counts that the recorder writes with the blocks (rollup) and verify() checks;
// names, types and references are counted from the blocks as they come. A file for each partition lies beside the records and
// is no evidence: it is made anew where it is missing, and goes with its partition, because names have an end as well. Names
// have a bound by partition; what finds no room counts without its name and is told of, so that sums stay exact.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  type Clock,
  DAY_MS,
  DIRECTORY_MODE,
  HOUR_MS,
  isAppError,
  replaceFile,
  systemErrorCode,
} from '../../base/base.ts';
import { signalOfCategory } from './bypass-signal.ts';
import { readReferenceSecret, toReference } from './client-references.ts';
import { type RefusedCount, readKeptCounts } from './kept-counts.ts';
import { dayOf, type PartitionFile } from './partition.ts';
import { NOTHING, PartitionCounts, type RefusedOf, type Sums, wantedOf } from './partition-counts.ts';
import type { QueryRecord } from './record.ts';
import { RecordsReader } from './records-reader.ts';

/** Hours are kept apart for so long; then they become days. */
const HOURS_KEPT_MS = 2 * DAY_MS;
/** How long what was counted is new enough. */
const FRESH_MS = 5_000;
/** The partition that grows is written down no more often: after a crash what is missing is counted again. */
const SAVED_EVERY_MS = 60_000;
/** After the start, when whoever started it has seen that it answers. */
const AHEAD_MS = 600_000;
/** Between two turns of the loop, milliseconds: others on the main thread wait no longer for this. */
const TURN_MS = 10;
const FILE_MODE = 0o600;
const DIRECTORY_NAME = 'refusal-counts';

/** What was counted of refusals. */
export interface RefusedCounts {
  /** From full hours on; from full days on where those are fine enough. */
  readonly hours: readonly RefusedCount[];
  /** An empty name, or type: queries whose records have none. */
  readonly names: ReadonlyMap<string, number>;
  readonly types: ReadonlyMap<string, number>;
  /** At least the hundred most refused of each day: a quarter has hundreds of thousands, as a reference is that of one day. */
  readonly clients: ReadonlyMap<string, number>;
  /** Of how many partitions all is counted; undefined: of all of them. What is not counted yet is missing above. */
  readonly counting: { readonly counted: number; readonly of: number } | undefined;
}

/** The counts of one directory of records. */
export class RefusalCounts {
  readonly #directory: string;
  readonly #kept: string;
  readonly #clock: Clock;
  /** By the name of the partition without what archiving adds. */
  readonly #counts = new Map<string, PartitionCounts>();
  #running: Promise<void> | undefined;
  /** Why the last count ended early, when nobody waited for it any more. */
  #failed: { readonly thrown: unknown } | undefined;
  /** While it runs: partitions that are counted, and how many there are. */
  #progress = { counted: 0, of: 0 };
  #ahead: Promise<void> | undefined;
  #countedMs = Number.NEGATIVE_INFINITY;

  /** `directory` has the records; what is counted lies in `stateDirectory`. */
  constructor(directory: string, stateDirectory: string, clock: Clock) {
    this.#directory = directory;
    this.#kept = join(stateDirectory, DIRECTORY_NAME);
    this.#clock = clock;
    // Also where nobody looks: no name is kept for longer than its records.
    this.#tidy();
    setInterval(() => {
      this.#tidy();
      void this.countAhead();
    }, DAY_MS).unref();
    setTimeout(() => void this.countAhead(), AHEAD_MS).unref();
  }

  /**
   * Counts days that are over and that nobody has looked at, and keeps them on the disk alone: who looks first would wait for a million
   * records of a month. What cannot be read is left to whoever looks. Never rejects for that.
   */
  async countAhead(): Promise<void> {
    try {
      await this.#running;
      this.#ahead = this.#countOver();
      await this.#ahead;
    } catch (thrown) {
      if (!isAppError(thrown) && systemErrorCode(thrown) === undefined) throw thrown;
    }
  }

  async #countOver(): Promise<void> {
    const reader = RecordsReader.open(this.#directory);
    try {
      for (const partition of partitionsOf(reader).slice(0, -1)) {
        const key = keyOf(partition);
        if (this.#counts.has(key) || existsSync(this.#pathOf(key))) continue;
        await this.#count(reader, partition, new PartitionCounts(NOTHING), false);
      }
    } finally {
      reader.close();
    }
  }

  #pathOf(key: string): string {
    return join(this.#kept, `${key}.json`);
  }

  #tidy(): void {
    try {
      const reader = RecordsReader.open(this.#directory);
      this.#forget(new Set(partitionsOf(reader).map(keyOf)));
      reader.close();
    } catch (thrown) {
      // Records that cannot be read now are looked for again tomorrow, and by the next who looks.
      if (!isAppError(thrown) && systemErrorCode(thrown) === undefined) throw thrown;
    }
  }

  /**
   * Counts of full hours; older than two days, of full days. After `waitMs` it gives what is counted until then, and goes on
   * counting. Rejects with ERR_COMPLIANCE_RECORDS and ERR_COMPLIANCE_NO_RECORDS.
   */
  async read(of: RefusedOf, waitMs?: number): Promise<RefusedCounts> {
    if (Math.abs(this.#clock() - this.#countedMs) > FRESH_MS) await this.#counted(waitMs);
    const isWanted = wantedOf(of);
    const counting = this.#running === undefined ? undefined : { ...this.#progress };
    const hours: RefusedCount[] = [];
    const sums: Sums = { names: new Map(), types: new Map(), clients: new Map() };
    let turnMs = performance.now();
    const all = [...this.#counts.values()];
    const partitionsOfDay = new Map<number, number>();
    for (const { days } of all)
      for (const day of days) partitionsOfDay.set(day, 1 + (partitionsOfDay.get(day) ?? 0));
    for (const counts of all) {
      // Of one moment, so that both add up to the same.
      for (const row of counts.cells(of.stepMs ?? HOUR_MS)) if (isWanted(row)) hours.push(row);
      counts.sumUp(
        of,
        [...counts.days].every((day) => partitionsOfDay.get(day) === 1),
        sums,
      );
      // A quarter of a large site has a million rows.
      if (performance.now() - turnMs < TURN_MS) continue;
      await nextTurn();
      turnMs = performance.now();
    }
    return { hours, ...sums, counting };
  }

  /** Counts what is new; resolves when that is done, or after `waitMs`. Who looks next is told why it could not be done. */
  async #counted(waitMs: number | undefined): Promise<void> {
    const failed = this.#failed;
    this.#failed = undefined;
    if (failed !== undefined) await Promise.reject(failed.thrown as Error);
    this.#running ??= this.#update().finally(() => {
      this.#running = undefined;
    });
    if (waitMs === undefined) return this.#running;
    let isWaiting = true;
    const late = new AbortController();
    const running = this.#running.catch((thrown: unknown) => {
      if (isWaiting) throw thrown;
      this.#failed = { thrown };
    });
    const waited = sleep(waitMs, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([running, waited]).finally(() => {
      isWaiting = false;
      late.abort();
    });
  }

  async #update(): Promise<void> {
    this.#progress = { counted: 0, of: this.#partitionCount() };
    await this.#ahead?.catch(() => undefined);
    const reader = RecordsReader.open(this.#directory);
    try {
      const partitions = partitionsOf(reader);
      this.#forget(new Set(partitions.map(keyOf)));
      this.#progress = { counted: 0, of: partitions.length };
      // What is asked for most is counted first: the latest.
      for (const partition of partitions.toReversed()) {
        const isOld = Date.parse(partition.day) + DAY_MS + HOURS_KEPT_MS < this.#clock();
        const known = this.#open(keyOf(partition));
        // A clock that was ahead made days of hours that are wanted yet: they are counted anew.
        const counts = known.isFolded && !isOld ? this.#open(keyOf(partition), true) : known;
        if (!counts.isDone) await this.#count(reader, partition, counts, partition === partitions.at(-1));
        if (counts.isDone && isOld && !counts.isFolded) {
          counts.fold();
          await this.#save(partition, counts);
        }
        this.#progress = { ...this.#progress, counted: this.#progress.counted + 1 };
      }
      this.#countedMs = this.#clock();
    } finally {
      reader.close();
    }
  }

  #partitionCount(): number {
    const reader = RecordsReader.open(this.#directory);
    try {
      return partitionsOf(reader).length;
    } finally {
      reader.close();
    }
  }

  async #count(
    reader: RecordsReader,
    partition: PartitionFile,
    counts: PartitionCounts,
    isGrowing: boolean,
  ): Promise<void> {
    const database = await reader.openPartition('queries', partition);
    try {
      // Of one moment, so that both add up to the same.
      database.exec('BEGIN');
      const end = Number(database.prepare('SELECT max(first) AS last FROM blocks').get()?.['last'] ?? 0);
      const hours = hoursOf(database);
      database.exec('COMMIT');
      // It was put back as it was earlier: what was counted of it is of another one.
      const fresh = end < counts.last ? this.#open(keyOf(partition), true) : counts;
      await this.#addBlocks(database, fresh, end);
      fresh.hours = hours;
      fresh.isDone = !isGrowing;
      if (fresh.isDone || this.#clock() - fresh.savedMs > SAVED_EVERY_MS) await this.#save(partition, fresh);
    } finally {
      database.close();
    }
  }

  async #addBlocks(database: DatabaseSync, counts: PartitionCounts, end: number): Promise<void> {
    const secret = readReferenceSecret(this.#directory);
    const known = new Map<string, string>();
    const referenceOf = (timeMs: number, of: string): string => {
      const key = `${dayOf(timeMs)} ${of}`;
      const reference = known.get(key) ?? toReference(secret, timeMs, of);
      known.set(key, reference);
      return reference;
    };
    const blocks = database.prepare(
      'SELECT first, body FROM blocks WHERE first > ? AND first <= ? ORDER BY first',
    );
    let turnMs = performance.now();
    for (const { first, body } of blocks.iterate(counts.last, end)) {
      for (const record of JSON.parse(String(body)) as QueryRecord[])
        if ('qname' in record) counts.add(record, referenceOf);
      counts.last = Number(first);
      if (performance.now() - turnMs < TURN_MS) continue;
      await nextTurn();
      turnMs = performance.now();
    }
  }

  #open(key: string, anew = false): PartitionCounts {
    const known = anew ? undefined : this.#counts.get(key);
    if (known !== undefined) return known;
    const kept = anew ? undefined : readKeptCounts(this.#pathOf(key));
    const counts = new PartitionCounts(kept ?? NOTHING);
    this.#counts.set(key, counts);
    return counts;
  }

  async #save(partition: PartitionFile, counts: PartitionCounts): Promise<void> {
    mkdirSync(this.#kept, { recursive: true, mode: DIRECTORY_MODE });
    await replaceFile(this.#pathOf(keyOf(partition)), counts.text, FILE_MODE);
    counts.savedMs = this.#clock();
  }

  /** What is counted of a partition that is gone goes with it. */
  #forget(there: ReadonlySet<string>): void {
    for (const key of this.#counts.keys()) if (!there.has(key)) this.#counts.delete(key);
    let names: string[];
    try {
      names = readdirSync(this.#kept);
    } catch {
      // Nothing was kept yet.
      return;
    }
    for (const name of names)
      if (!there.has(name.replace(/\.json$/, ''))) rmSync(join(this.#kept, name), { force: true });
  }
}

const partitionsOf = (reader: RecordsReader): readonly PartitionFile[] =>
  reader.partitions('queries').filter(({ state }) => state !== 'damaged');

const keyOf = ({ ordinal, day }: PartitionFile): string => `${ordinal}-${day}`;

/** The recorder's own counts of refusals, without those by lists that only watch for signs of a way around. */
const hoursOf = (database: DatabaseSync): RefusedCount[] => {
  const sums = new Map<string, { atMs: number; group: string; list: string; count: number }>();
  const rows = database.prepare(
    "SELECT hour_ms, grp, list, category, sum(count) AS count FROM rollup WHERE kind = 'refusal' GROUP BY 1, 2, 3, 4",
  );
  for (const { hour_ms: hourMs, grp, list, category, count } of rows.all()) {
    if (signalOfCategory(String(category)) !== undefined) continue;
    const key = [hourMs, grp, list].join('\n');
    const known = sums.get(key);
    if (known !== undefined) known.count += Number(count);
    else
      sums.set(key, {
        ...{ atMs: Number(hourMs), group: String(grp), list: String(list), count: Number(count) },
      });
  }
  return [...sums.values()];
};
