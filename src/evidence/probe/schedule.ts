// When the self-probe runs: a sample every few minutes, a sweep every day, a run after every change, and the sweeps that
// somebody asked for.
import type { Clock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { ProbeRecord } from '../records/records.ts';

/** After a change, before it is looked at: changes come in groups. */
const SETTLE_MS = 2_000;
/** After the start, before the first sweep of lists that the run after the start could not hold. */
const FIRST_SWEEP_MS = 3_600_000;
/** Sweeps that wait, each for other groups. */
export const REQUESTS_MAX = 8;

/** A run that is due. */
export interface DueRun {
  readonly run: number;
  readonly event: ProbeRecord['event'];
  /** Undefined: all groups. */
  readonly group: string | undefined;
}

/** What is due when. */
export class ProbeSchedule {
  readonly #clock: Clock;
  readonly #startedMs: number;
  #changedMs: number | undefined;
  #lastRunMs: number | undefined;
  #lastSweepMs: number | undefined;
  #runCount = 0;
  #requests: { readonly run: number; readonly group: string | undefined }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock();
  }

  /** Numbers of sweeps that wait. */
  get waiting(): readonly number[] {
    return this.#requests.map(({ run }) => run);
  }

  /** Asks for a sweep; gives its number, that of one that waits for the same groups, or undefined when too many wait. */
  request(group: string | undefined): number | undefined {
    const same = this.#requests.find((request) => request.group === group);
    if (same !== undefined) return same.run;
    if (this.#requests.length >= REQUESTS_MAX) return undefined;
    const run = ++this.#runCount;
    this.#requests.push({ run, group });
    return run;
  }

  /** Something is in force now that was not. */
  changed(): void {
    this.#changedMs = this.#clock();
  }

  /** A run came to nothing because of a change: unless another one was noted meanwhile, this one is to be looked at. */
  repeat(): void {
    this.#changedMs ??= this.#clock();
  }

  /** A sweep of all groups began at this time and came to its end. */
  swept(beganMs: number): void {
    this.#lastSweepMs = beganMs;
  }

  /** Milliseconds since the epoch; undefined when nothing is scheduled. */
  nextSampleMs(config: Config | undefined): number | undefined {
    const intervalMs = config?.probe.intervalMs ?? 0;
    return intervalMs === 0 ? undefined : (this.#lastRunMs ?? this.#startedMs) + intervalMs;
  }

  /** As nextSampleMs(). */
  nextSweepMs(config: Config | undefined): number | undefined {
    const { intervalMs = 0, sweepMs = 0 } = config?.probe ?? {};
    if (intervalMs === 0) return undefined;
    if (this.#lastSweepMs !== undefined) return this.#lastSweepMs + sweepMs;
    return this.#startedMs + Math.min(sweepMs, FIRST_SWEEP_MS);
  }

  /** The run that is due now, which begins; undefined for none. `hasMandate`: without one there is nothing to prove. */
  begin(nowMs: number, config: Config, hasMandate: boolean): DueRun | undefined {
    const due = this.#due(nowMs, config, hasMandate);
    if (due === undefined) return undefined;
    if (due.event === 'change') this.#changedMs = undefined;
    this.#lastRunMs = nowMs;
    const { event, run = ++this.#runCount, group } = due;
    return { run, event, group };
  }

  #due(
    nowMs: number,
    config: Config,
    hasMandate: boolean,
  ): (Partial<DueRun> & Pick<DueRun, 'event'>) | undefined {
    // A clock that was set back would put everything off.
    if (this.#lastRunMs !== undefined && this.#lastRunMs > nowMs) this.#lastRunMs = nowMs;
    if (this.#lastSweepMs !== undefined && this.#lastSweepMs > nowMs) this.#lastSweepMs = nowMs;
    const request = this.#requests.shift();
    if (request !== undefined) return { event: 'sweep', ...request };
    if (!hasMandate) return undefined;
    const sampleMs = this.nextSampleMs(config);
    const sweepMs = this.nextSweepMs(config);
    if (sampleMs === undefined || sweepMs === undefined) return undefined;
    if (this.#changedMs !== undefined) {
      return Math.abs(nowMs - this.#changedMs) < SETTLE_MS ? undefined : { event: 'change' };
    }
    // A sweep that was cut short is tried again, no sooner than a sample would be.
    if (nowMs < sampleMs) return undefined;
    return { event: nowMs >= sweepMs ? 'sweep' : 'sample' };
  }
}
