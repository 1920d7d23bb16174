// Reports that are made by themselves: a while after their period has ended, one after the other, each period once.
//
// Which periods are done is on the disk, so that a program that was off makes up for what it missed. What fails is tried
// again, later each time; the log, a metric and a record say so. A report is made in a thread of its own.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import {
  AppError,
  DAY_MS,
  errorText,
  isAppError,
  readRegularFile,
  replaceFile,
  VERSION,
} from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import {
  periodAt,
  type Receiver,
  type ReportPeriod,
  type ReportSchedule,
  receiversOf,
  retryAfterMs,
  toReportWitnesses,
  toStatement,
} from '../../evidence/outbox/outbox.ts';
import { RECORDS_NAME } from '../../evidence/recording/recording.ts';
import { createReportInThread } from '../../evidence/report/report.ts';
import type { Log, ReportFacts } from '../../telemetry/observe/observe.ts';
import type { ReportStore, Scheduled } from './report-store.ts';

/** Name of the file in the state directory. */
const STATE_NAME = 'reports.json';
const STATE_BYTES_MAX = 1 << 20;
const FILE_MODE = 0o600;
/** After the end of a period: its last records are signed by then. */
const SETTLE_MS = 15 * 60_000;
/** Between two looks, milliseconds. */
const LOOK_MS = 30_000;
/** What is done until later than this from now, was done by a clock that was ahead, or this one is behind. */
const AHEAD_MS_MAX = 3_600_000;
/** A program that was off for longer makes up for no more: nobody waits for hundreds of reports. */
const MADE_UP_MS_MAX = 400 * DAY_MS;

const stateSchema = z.record(z.string(), z.string());

/** What the keeper needs. */
export interface ReportSchedulerParts {
  readonly log: Log;
  readonly nowMs: () => number;
  readonly store: Pick<ReportStore, 'keep'>;
  config(): Config;
  /** Takes what was done as a record. */
  record(action: 'report' | 'report-failed', by: string, reason: string, detail: object): void;
}

/** What one schedule is at. */
class Standing {
  failures = 0;
  triedMs = 0;
  nextTryMs = 0;
  /** Where it goes on while what is done is ahead of the clock. */
  aheadFromMs: number | undefined;
  /** The period that is under way, and the receivers that have its report. */
  periodFromMs: number | undefined;
  readonly delivered = new Set<string>();
}

/** Makes and sends reports by a schedule. */
export class ReportScheduler {
  readonly #parts: ReportSchedulerParts;
  readonly #standings = new Map<string, Standing>();
  readonly #facts = { made: 0, failed: 0 };
  /** By the hash of a schedule: until when its reports are made, RFC 3339. */
  #done: Record<string, string> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: ReportSchedulerParts) {
    this.#parts = parts;
  }

  /** Begins to look. */
  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    void this.look();
  }

  /** Makes what is due, unless that is under way. */
  look(): Promise<void> {
    this.#running ??= this.#makeDue()
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'reports cannot be made'))
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** For metrics. */
  facts(): ReportFacts {
    const failing = [...this.#standings.values()].filter(({ failures }) => failures > 0).length;
    return { ...this.#facts, failing };
  }

  /** A report that is under way is not waited for: it is made at the next start. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #makeDue(): Promise<void> {
    const { config, nowMs } = this.#parts;
    const { reports, stateDirectory } = config();
    const ids = new Map(reports.schedule.map((schedule) => [idOf(schedule), schedule]));
    for (const id of this.#standings.keys()) if (!ids.has(id)) this.#standings.delete(id);
    if (ids.size === 0) return;
    this.#done ??= readState(join(stateDirectory, STATE_NAME));
    for (const [id, schedule] of ids) {
      const doneMs = Date.parse(this.#done[id] ?? '');
      // A schedule that is new, or whose end cannot be read, begins with the period that it was written in.
      if (Number.isNaN(doneMs)) {
        // At once: where it cannot be written now, it is with the first report.
        this.#done = {
          ...this.#done,
          [id]: new Date(periodAt(nowMs(), schedule.every).fromMs).toISOString(),
        };
        await this.#keep(this.#done);
      } else await this.#makeNext(id, schedule, periodAt(this.#nextMs(id, doneMs), schedule.every));
    }
  }

  /**
   * A moment of the period that is next. What is done until later than now is believed again when the clock has come there: which of
   * the two was wrong nobody can tell; until then each period is made as it ends.
   */
  #nextMs(id: string, doneMs: number): number {
    const { log, nowMs } = this.#parts;
    const standing = this.#standings.get(id) ?? new Standing();
    this.#standings.set(id, standing);
    if (doneMs <= nowMs() + AHEAD_MS_MAX) {
      standing.aheadFromMs = undefined;
      return Math.max(doneMs, nowMs() - MADE_UP_MS_MAX);
    }
    if (standing.aheadFromMs === undefined)
      log.warn(
        { until: new Date(doneMs).toISOString() },
        'reports were made by a clock that was ahead of this one: they go on with this period',
      );
    standing.aheadFromMs ??= nowMs();
    return standing.aheadFromMs;
  }

  async #makeNext(id: string, schedule: ReportSchedule, period: ReportPeriod): Promise<void> {
    const { nowMs, log, record } = this.#parts;
    const standing = this.#standings.get(id) ?? new Standing();
    if (nowMs() < period.untilMs + SETTLE_MS) return;
    // A clock that is behind the last try says nothing of how long that is ago.
    if (nowMs() >= standing.triedMs && nowMs() < standing.nextTryMs) return;
    if (standing.periodFromMs !== period.fromMs) standing.delivered.clear();
    standing.periodFromMs = period.fromMs;
    const detail = { period: period.name, format: schedule.format, group: schedule.group ?? 'all' };
    try {
      const told = await this.#make(schedule, period, standing);
      // Not before it is on the disk: receivers that have this report would be passed over with the next one.
      const done = { ...this.#done, [id]: new Date(period.untilMs).toISOString() };
      await this.#keep(done);
      this.#done = done;
      this.#standings.set(id, new Standing());
      this.#facts.made++;
      record('report', AUTHOR, `the ${schedule.every} report was made`, { ...detail, ...told });
      log.info({ ...detail, ...told }, 'a report was made');
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      this.#fail(standing, thrown, detail);
    }
  }

  #fail(standing: Standing, error: AppError, detail: object): void {
    const { log, nowMs, record } = this.#parts;
    const waitMs = retryAfterMs(standing.failures);
    standing.triedMs = nowMs();
    standing.nextTryMs = standing.triedMs + waitMs;
    standing.failures++;
    this.#facts.failed++;
    log.error({ err: error, ...detail, waitMs }, 'a report failed, and is tried again');
    // Each try has a line in the log; the record says that there was trouble.
    if (standing.failures === 1)
      record('report-failed', AUTHOR, error.message, { ...detail, code: error.code });
  }

  async #make(schedule: ReportSchedule, period: ReportPeriod, { delivered }: Standing) {
    const { config: current, nowMs, store } = this.#parts;
    const { fromMs, untilMs, name } = period;
    const config = current();
    const { format, group } = schedule;
    const language = schedule.language ?? config.reports.language;
    const by = config.reports.author ?? `Cordon ${VERSION}`;
    const report = await createReportInThread({
      directory: join(config.stateDirectory, RECORDS_NAME),
      ...{ fromMs, untilMs, group, format },
      groups: config.groups.map((one) => one.name),
      nowMs: nowMs(),
      language,
      made: toStatement(config, by, nowMs()),
      witnesses: toReportWitnesses(config),
    });
    const fileName = `cordon-report-${name}-${group ?? 'all'}.${format}`;
    const receivers = [
      // First: who gets mail of it finds it there.
      keptBy(store, { schedule, period, language, by }),
      ...receiversOf(schedule, config.reports),
    ];
    for (const receiver of receivers) {
      if (delivered.has(receiver.name)) continue;
      await receiver.deliver(report, fileName);
      delivered.add(receiver.name);
    }
    return {
      file: fileName,
      sha256: createHash('sha256').update(report.bytes).digest('hex'),
      key: report.keyId,
      findings: report.findings.length,
      to: receivers.map((receiver) => receiver.name),
    };
  }

  /** Rejects with ERR_APP_REPORT. */
  async #keep(done: Readonly<Record<string, string>>): Promise<void> {
    const path = join(this.#parts.config().stateDirectory, STATE_NAME);
    try {
      await replaceFile(path, `${JSON.stringify(done, undefined, 2)}\n`, FILE_MODE);
    } catch (cause) {
      throw new AppError('ERR_APP_REPORT', `writing until when reports are made: ${errorText(cause)}`, {
        cause,
        hint: 'Look at the state directory: its disk may be full.',
      });
    }
  }
}

/** The control room as a receiver. */
const keptBy = (store: ReportSchedulerParts['store'], about: Scheduled): Receiver => ({
  name: 'control room',
  deliver: async (report) => {
    try {
      await store.keep(report, about);
    } catch (cause) {
      throw new AppError('ERR_APP_REPORT', `keeping a report for the control room: ${errorText(cause)}`, {
        cause,
      });
    }
  },
});

/** Who acts. */
const AUTHOR = 'the schedule of reports';

/** The same schedule has the same, wherever it stands in the configuration. */
const idOf = (schedule: ReportSchedule): string =>
  createHash('sha256').update(JSON.stringify(schedule)).digest('hex').slice(0, 16);

/** None for a file that is not there or cannot be read: what is new begins now. */
const readState = (path: string): Record<string, string> => {
  try {
    return stateSchema.parse(JSON.parse(readRegularFile(path, STATE_BYTES_MAX).toString('utf8')));
  } catch {
    return {};
  }
};
