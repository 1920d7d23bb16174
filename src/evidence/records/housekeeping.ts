// What the recorder does beside writing: retention, checking what has closed, and facts about the files.
//
// One step at a time, never in the way of a commit. Deleting trusts the clock, and a clock that is wrong by two years
// would delete everything; therefore nothing is archived or deleted for a day after the clock has stepped far, nor
// while the days of the last partitions do not follow each other, and partitions are deleted one by one with pauses.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/base.ts';
import { DAY_MS, errorText } from '../../base/base.ts';
import { isOperational } from './disk-error.ts';
import type { Finding } from './finding.ts';
import type { RecordLog } from './head-publisher.ts';
import { sealPartition } from './open-partition.ts';
import { listPartitions, timeText } from './partition.ts';
import { RECORD_CLASSES, type RecordClass, type RecordsRecord } from './record.ts';
import { RecordsReader } from './records-reader.ts';
import {
  archivePartition,
  deletePartition,
  dueSteps,
  isUnconfirmed,
  type Retention,
  type RetentionStep,
  type Unconfirmed,
} from './retention.ts';
import { verifyPartition, verifyRecords } from './verify.ts';

/** A step of the clock beyond this is doubted, even one that an operator made. */
const DOUBTED_STEP_MS = 3_600_000;
/** How long a clock that stepped far is doubted. */
const DOUBT_MS = DAY_MS;
/** Days between two partitions: a program that was off for longer shows the same as a wrong clock, until midnight. */
const FOLLOWING_MS_MAX = 7 * DAY_MS;
/** Between two partitions that are deleted: a wrong clock that nothing doubted costs six of them an hour. */
const DELETE_PAUSE_MS = 600_000;
/** Findings of one check that the record tells. */
const TOLD_FINDINGS_MAX = 3;
/** Bytes of records that are checked whole at a start: some 20 s of a core, of which the check takes a tenth. */
const WHOLE_BYTES_MAX = 1 << 30;
/** Characters of what tells one set of findings from another. */
const MARK_LENGTH = 12;

/** Bytes of the files in a directory and below: partitions, their logs, heads, keys, position. Links are not followed. */
const sizeOf = (directory: string): number => {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    // A file may go between the two looks.
    bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
};

/** What tells one set of findings from another: what they are about, and not how it is said. */
const markOf = (findings: readonly Finding[]): string =>
  createHash('sha256')
    .update(findings.map((one) => [one.code, one.class, one.ordinal, one.block].join(' ')).join('\n'))
    .digest('hex')
    .slice(0, MARK_LENGTH);

/** What is known of the files. */
export interface FileFacts {
  readonly partitions: number;
  readonly bytes: number;
  /** Earliest record of the queries that can be searched without unpacking. */
  readonly oldestSearchableMs: number | undefined;
}

/** What housekeeping needs. */
export interface HousekeepingOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: RecordLog;
  /** Takes a record of what is done; resolves when it is on the disk. */
  readonly write: (record: RecordsRecord) => Promise<void>;
  /** Of a resolver in a fleet. */
  readonly unconfirmed?: Unconfirmed | undefined;
  /** Awaited between pieces of a check, 20 ms each: what share of a core it takes. */
  readonly pause: () => Promise<void>;
}

/** Keeps the files of one directory. */
export class Housekeeping {
  retention: Retention;
  facts: FileFacts = { partitions: 0, bytes: 0, oldestSearchableMs: undefined };
  verifiedMs: number | undefined;
  /** The start found that records are not as they were signed. */
  isFaulty = false;
  readonly #options: HousekeepingOptions;
  #doubtedUntil = Number.NEGATIVE_INFINITY;
  #deletedAt = Number.NEGATIVE_INFINITY;
  #isBusy = false;
  /** Ordinals that were checked since the start. */
  readonly #checked = new Map<RecordClass, number>();
  readonly #found = new Map<RecordClass, boolean>();
  /** Files that retention failed with, the one that was tried longest ago first. */
  readonly #failed = new Set<string>();
  /** Files whose deletion is recorded, and that the file system did not let go of. */
  readonly #promised = new Set<string>();
  #isWholeChecked = false;

  constructor(retention: Retention, options: HousekeepingOptions) {
    this.retention = retention;
    this.#options = options;
  }

  /** Whether the start and the checks since then found nothing; undefined before the first check. */
  get isVerified(): boolean | undefined {
    const found = [...this.#found.values()];
    if (this.isFaulty || found.includes(true)) return false;
    return found.length === 0 ? undefined : true;
  }

  /** The clock has stepped. */
  doubt(stepMs: number): void {
    if (Math.abs(stepMs) > DOUBTED_STEP_MS) this.#doubtedUntil = this.#options.monotonic() + DOUBT_MS;
  }

  /** Whether the clock can be trusted with deleting. */
  get isClockTrusted(): boolean {
    const { directory, monotonic } = this.#options;
    if (monotonic() < this.#doubtedUntil) return false;
    return RECORD_CLASSES.every((recordClass) => {
      const days = listPartitions(join(directory, recordClass)).partitions.map(({ day }) => Date.parse(day));
      const [before, last] = days.slice(-2);
      if (before === undefined || last === undefined) return true;
      return last >= before && last - before <= FOLLOWING_MS_MAX;
    });
  }

  /** Counts the bytes of everything that lies in the directory; throws as the file system does. */
  measure(): void {
    this.facts = { ...this.facts, bytes: sizeOf(this.#options.directory) };
  }

  /** Does what is due: at most one partition is archived or deleted, and one is checked. Rejects for defects only. */
  async run(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await this.#attempt(() => this.#readFacts());
      await this.#attempt(() => this.#retain());
      await this.#attempt(async () => {
        await this.#checkWhole();
        await this.#check();
      });
    } finally {
      this.#isBusy = false;
    }
  }

  /** What the machine refuses holds up nothing else. */
  async #attempt(act: () => void | Promise<void>): Promise<void> {
    try {
      await act();
    } catch (thrown) {
      if (!isOperational(thrown)) throw thrown;
      this.#options.log.warn({ cause: errorText(thrown) }, 'looking after records');
    }
  }

  async #retain(): Promise<void> {
    const { directory, clock, monotonic, log } = this.#options;
    if (!this.isClockTrusted) return;
    const mayDelete = monotonic() >= this.#deletedAt + DELETE_PAUSE_MS;
    const due = dueSteps(directory, this.retention, clock(), this.#options.unconfirmed).filter(
      ({ action }) => mayDelete || action !== 'deleted',
    );
    // What failed comes last, and of that what was tried longest ago.
    const failed = [...this.#failed];
    const [step] = due.sort((a, b) => failed.indexOf(fileOf(a)) - failed.indexOf(fileOf(b)));
    if (step === undefined) return;
    try {
      await this.#take(step);
      this.#failed.delete(fileOf(step));
    } catch (thrown) {
      // A full disk, or a reader that has the partition open: it stays as it is until the others had their turn.
      if (!isOperational(thrown)) throw thrown;
      const file = fileOf(step);
      if (!this.#failed.has(file)) log.warn({ file, cause: errorText(thrown) }, 'a partition is kept longer');
      this.#failed.delete(file);
      this.#failed.add(file);
    }
  }

  async #take(step: RetentionStep): Promise<void> {
    const { directory, clock, monotonic, write } = this.#options;
    const path = join(directory, step.class, step.partition.name);
    const record = { kind: 'records', event: step.action, file: fileOf(step) } as const;
    if (step.action === 'archived') {
      if (existsSync(`${path}-wal`)) sealPartition(path);
      await archivePartition(directory, step);
      await write({ time: timeText(clock()), ...record });
      return;
    }
    // Recorded first: a partition that is missing without a record of its deletion is a finding.
    const { unconfirmed } = this.#options;
    const isLost = isUnconfirmed(directory, step.class, step.partition.ordinal, unconfirmed);
    const text = isLost ? { text: 'no collector of the fleet has confirmed it' } : {};
    if (!this.#promised.has(record.file)) await write({ time: timeText(clock()), ...record, ...text });
    this.#promised.add(record.file);
    this.#deletedAt = monotonic();
    deletePartition(directory, step);
    this.#promised.delete(record.file);
  }

  /**
   * Once, after the start: everything, so that what was changed while the program was stopped is told by the running one; of
   * large records the changes alone. What an earlier run has told already is told by `verify` and reports, not again.
   */
  async #checkWhole(): Promise<void> {
    if (this.#isWholeChecked) return;
    this.#isWholeChecked = true;
    const { directory, pause, log } = this.#options;
    const isLarge = this.facts.bytes > WHOLE_BYTES_MAX;
    const look = async (): Promise<readonly Finding[]> =>
      (await verifyRecords(directory, { pause, ...(isLarge ? { classes: ['changes'] } : {}) })).findings;
    // The recorder writes meanwhile: what is wrong is so both times.
    if ((await look()).length === 0) return;
    const findings = await look();
    const mark = markOf(findings);
    if (findings.length === 0) return;
    if (await this.#wasTold(mark)) {
      log.warn({ findings: findings.length }, 'records are not whole, as an earlier start has told');
      return;
    }
    this.isFaulty = true;
    await this.#tell('changes and queries', findings, mark);
  }

  async #wasTold(mark: string): Promise<boolean> {
    const reader = RecordsReader.open(this.#options.directory);
    try {
      const all = reader.records('changes', Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
      for await (const { record } of all)
        if (record.kind === 'records' && record.event === 'damaged' && record.text?.includes(mark) === true)
          return true;
      return false;
    } catch (thrown) {
      // What cannot be read says nothing.
      if (!isOperational(thrown)) throw thrown;
      return false;
    } finally {
      reader.close();
    }
  }

  /** Checks the last partition of each class that closed, once. */
  async #check(): Promise<void> {
    const { directory, clock, pause } = this.#options;
    for (const recordClass of RECORD_CLASSES) {
      const closed = listPartitions(join(directory, recordClass)).partitions.slice(0, -1);
      const partition = closed.findLast(({ state }) => state === 'plain');
      if (partition === undefined || this.#checked.get(recordClass) === partition.ordinal) continue;
      const findings = await verifyPartition(directory, recordClass, partition, pause);
      this.#checked.set(recordClass, partition.ordinal);
      this.#found.set(recordClass, findings.length > 0);
      this.verifiedMs = clock();
      if (findings.length > 0) await this.#tell(`${recordClass}/${partition.name}`, findings);
    }
  }

  async #tell(file: string, findings: readonly Finding[], mark?: string): Promise<void> {
    const { clock, log, write } = this.#options;
    const told = findings.slice(0, TOLD_FINDINGS_MAX).map(({ code, text }) => `${code}: ${text}`);
    log.error(
      { file, findings: findings.length, first: told[0] },
      'records were changed after they were written',
    );
    const about = mark === undefined ? '' : ` (${mark})`;
    const text = `${findings.length} findings by verification${about}: ${told.join('; ')}`;
    await write({ time: timeText(clock()), kind: 'records', event: 'damaged', file, text });
  }

  #readFacts(): void {
    const { directory } = this.#options;
    let partitions = 0;
    for (const recordClass of RECORD_CLASSES) {
      partitions += listPartitions(join(directory, recordClass)).partitions.length;
    }
    const bytes = sizeOf(directory);
    const reader = RecordsReader.open(directory);
    try {
      this.facts = { partitions, bytes, oldestSearchableMs: reader.oldestSearchableMs('queries') };
    } finally {
      reader.close();
    }
  }
}

const fileOf = ({ class: recordClass, partition }: RetentionStep): string =>
  `${recordClass}/${partition.name}`;
