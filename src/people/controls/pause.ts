// Suspending all refusals for a bounded time, by an operator or by the authority of a fleet, on the record.
//
// While it lasts, every list only watches: what would be refused is counted and recorded as such, and passes. It ends
// by itself, and that of an operator does not outlive the process: a restart refuses again. How long it may last is configured; the
// time counts as time in which the prohibition was not in force. An operator here ends both at once, whoever began them.
// What cannot be put in force changes nothing: a pause that workers still know goes on here as well, and its end is tried again.

import { AppError, formatDuration } from '../../base/base.ts';
import { describeEnforcement, type Enforcement } from '../../telemetry/enforcement/enforcement.ts';
import type { PauseControl, PauseStatus } from '../admin/admin.ts';

/** Between two tries to end a pause, milliseconds: soon, for refusals are not given until then. */
const RETRY_MS = 5_000;

/** What a pause needs of the program. */
export interface PauseOptions {
  readonly log: { error(fields: object, text: string): void };
  /** Whether the workers suspend refusals now, whatever is wanted. */
  isApplied(): boolean;
  /** Longest pause, milliseconds, as now configured. */
  msMax(): number;
  nowMs(): number;
  enforcement(): Enforcement;
  /** Puts in force what the pause now says, by whom and why; rejects when it cannot. */
  apply(by: string | undefined, reason: string | undefined): Promise<void>;
  /** Told after a pause began or ended; `by` is undefined when its time was over. */
  changed(status: PauseStatus, by: string | undefined, reason: string | undefined): void;
}

/** A pause that the authority of a fleet decided. */
export interface DecidedPause {
  /** `all`, `site:NAME` or `node:NAME`. */
  readonly for: string;
  /** By which it is told from others. */
  readonly number: number;
  readonly untilMs: number;
  /** How long it was to last, milliseconds: by a clock that is wrong it lasts no longer. */
  readonly forMs: number;
  readonly by: string;
  readonly reason: string;
}

interface Pause {
  readonly untilMs: number;
  readonly by: string;
  readonly reason: string;
  readonly timer: NodeJS.Timeout;
  /** Of the fleet. */
  readonly decided?: DecidedPause;
}

/** Who began it: an operator here, or the authority of the fleet. */
type Origin = 'own' | 'fleet';

/** Whether refusals are suspended, and the ways to change it. */
export class OperatorPause implements PauseControl {
  readonly name = 'pause';
  readonly #options: PauseOptions;
  readonly #pauses: { [origin in Origin]?: Pause } = {};
  /** Of the fleet's pause that an operator has ended here. */
  #endedNumber = 0;
  #isDrained = false;

  constructor(options: PauseOptions) {
    this.#options = options;
  }

  /** True while every list only watches. */
  get isPaused(): boolean {
    return this.#longest !== undefined;
  }

  /** The longest pause that may be, milliseconds. */
  get msMax(): number {
    return this.#options.msMax();
  }

  status(): PauseStatus {
    const enforcement = this.#options.enforcement();
    const told = { state: enforcement.state, text: describeEnforcement(enforcement) };
    const pause = this.#longest;
    if (pause === undefined) return { isPaused: false, ...told };
    const { untilMs, by, reason, decided } = pause;
    const fleet = decided === undefined ? {} : { for: decided.for };
    return { isPaused: true, until: new Date(untilMs).toISOString(), by, reason, ...fleet, ...told };
  }

  async pause(ms: number, by: string, reason: string): Promise<PauseStatus> {
    const { msMax } = this;
    if (ms > msMax) {
      throw new AppError(
        'ERR_APP_PAUSE',
        `suspending refusals for ${formatDuration(ms)}: at most ${formatDuration(msMax)} are allowed`,
        {
          hint: 'The key compliance.pause-max of the configuration says how long.',
        },
      );
    }
    await this.#begin('own', ms, { by, reason });
    return this.status();
  }

  /** Rejects when they cannot be resumed: they are still suspended, and it is tried again. */
  async resume(by: string, reason: string): Promise<PauseStatus> {
    if (!this.isPaused) throw new AppError('ERR_APP_PAUSE', 'resuming refusals: they are not suspended');
    this.#endedNumber = this.#pauses.fleet?.decided?.number ?? this.#endedNumber;
    await this.#end(['own', 'fleet'], by, reason);
    return this.status();
  }

  /** What the authority of the fleet decided for this resolver; undefined: refusals are given. Throws ERR_FLEET_PAUSE. */
  async adopt(decided: DecidedPause | undefined): Promise<void> {
    const { fleet } = this.#pauses;
    const ms = decided === undefined ? 0 : Math.min(decided.forMs, decided.untilMs - this.#options.nowMs());
    if (decided === undefined || ms <= 0) {
      if (fleet !== undefined) await this.#end(['fleet'], 'the authority of the fleet', undefined);
      return;
    }
    const { for: whom, number, by, reason, forMs } = decided;
    if (number === fleet?.decided?.number || number === this.#endedNumber) return;
    if (forMs > this.msMax)
      throw new AppError(
        'ERR_FLEET_PAUSE',
        `suspending refusals for ${formatDuration(forMs)}: at most ${formatDuration(this.msMax)} are allowed here`,
      );
    await this.#begin('fleet', ms, {
      by,
      reason: `${reason} (fleet, for ${whom}, entry ${number})`,
      decided,
    });
  }

  /** Forgets it: the program ends. */
  drain(): void {
    this.#isDrained = true;
    this.#forget('own');
    this.#forget('fleet');
  }

  get #longest(): Pause | undefined {
    const { own, fleet } = this.#pauses;
    return own === undefined || (fleet !== undefined && fleet.untilMs > own.untilMs) ? fleet : own;
  }

  async #begin(origin: Origin, ms: number, about: Omit<Pause, 'untilMs' | 'timer'>): Promise<void> {
    const before = this.#forget(origin);
    const begun: Pause = {
      ...{ untilMs: this.#options.nowMs() + ms, ...about },
      timer: setTimeout(() => this.#endLater(origin), ms),
    };
    this.#pauses[origin] = begun;
    try {
      await this.#options.apply(about.by, about.reason);
    } catch (thrown) {
      if (this.#pauses[origin] === begun) this.#forget(origin);
      if (before !== undefined) this.#restore(origin, before, before.untilMs - this.#options.nowMs());
      // One whose end this one met goes on in the workers, and nobody else would end it.
      else if (this.#options.isApplied() && !this.isPaused) this.#restore(origin, begun, RETRY_MS);
      throw thrown;
    }
    this.#options.changed(this.status(), about.by, about.reason);
  }

  #forget(origin: Origin): Pause | undefined {
    const pause = this.#pauses[origin];
    clearTimeout(pause?.timer);
    delete this.#pauses[origin];
    return pause;
  }

  /** Has a pause go on that is not over in the workers, unless another one took its place; ends it after `ms`. */
  #restore(origin: Origin, pause: Pause, ms: number, by?: string, reason?: string): void {
    if (this.#isDrained || this.#pauses[origin] !== undefined) return;
    const timer = setTimeout(() => this.#endLater(origin, by, reason), Math.max(0, ms));
    this.#pauses[origin] = { ...pause, timer };
  }

  /** Its time is over, or an end that failed is tried again. Never throws. */
  #endLater(origin: Origin, by?: string, reason?: string): void {
    this.#end([origin], by, reason).catch((err: unknown) => {
      const text = 'refusals are still suspended: resuming them failed, and is tried again';
      this.#options.log.error({ err, retryMs: RETRY_MS }, text);
    });
  }

  async #end(origins: readonly Origin[], by: string | undefined, reason: string | undefined): Promise<void> {
    const ended = origins.map((origin) => [origin, this.#forget(origin)] as const);
    try {
      await this.#options.apply(by, reason);
    } catch (thrown) {
      for (const [origin, pause] of ended)
        if (pause !== undefined) this.#restore(origin, pause, RETRY_MS, by, reason);
      throw thrown;
    }
    if (!this.isPaused) this.#options.changed(this.status(), by, reason);
  }
}
