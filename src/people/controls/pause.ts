// Suspending all refusals for a bounded time, by an operator, on the record.
//
// While it lasts, every list only watches: what would be refused is counted and recorded as such, and passes. It ends
// by itself, and it does not outlive the process: a restart refuses again. How long it may last is configured; the
// time counts as time in which the prohibition was not in force.

import { AppError, formatDuration } from '../../base/base.ts';
import { describeEnforcement, type Enforcement } from '../../telemetry/enforcement/enforcement.ts';
import type { PauseControl, PauseStatus } from '../admin/admin.ts';

/** What a pause needs of the program. */
export interface PauseOptions {
  /** Longest pause, milliseconds, as now configured. */
  msMax(): number;
  nowMs(): number;
  enforcement(): Enforcement;
  /** Puts in force what the pause now says, by whom and why; rejects when it cannot. */
  apply(by: string | undefined, reason: string | undefined): Promise<void>;
  /** Told after a pause began or ended; `by` is undefined when its time was over. */
  changed(status: PauseStatus, by: string | undefined, reason: string | undefined): void;
}

interface Pause {
  readonly untilMs: number;
  readonly by: string;
  readonly reason: string;
  readonly timer: NodeJS.Timeout;
}

/** Whether refusals are suspended, and the two ways to change it. */
export class OperatorPause implements PauseControl {
  readonly name = 'pause';
  readonly #options: PauseOptions;
  #pause: Pause | undefined;

  constructor(options: PauseOptions) {
    this.#options = options;
  }

  /** True while every list only watches. */
  get isPaused(): boolean {
    return this.#pause !== undefined;
  }

  status(): PauseStatus {
    const enforcement = this.#options.enforcement();
    const told = { state: enforcement.state, text: describeEnforcement(enforcement) };
    if (this.#pause === undefined) return { isPaused: false, ...told };
    const { untilMs, by, reason } = this.#pause;
    return { isPaused: true, until: new Date(untilMs).toISOString(), by, reason, ...told };
  }

  async pause(ms: number, by: string, reason: string): Promise<PauseStatus> {
    const msMax = this.#options.msMax();
    if (ms > msMax) {
      throw new AppError(
        'ERR_APP_PAUSE',
        `suspending refusals for ${formatDuration(ms)}: at most ${formatDuration(msMax)} are allowed`,
        {
          hint: 'The key compliance.pause-max of the configuration says how long.',
        },
      );
    }
    clearTimeout(this.#pause?.timer);
    const timer = setTimeout(() => void this.#end(undefined, undefined), ms);
    this.#pause = { untilMs: this.#options.nowMs() + ms, by, reason, timer };
    try {
      await this.#options.apply(by, reason);
    } catch (thrown) {
      clearTimeout(timer);
      this.#pause = undefined;
      throw thrown;
    }
    this.#options.changed(this.status(), by, reason);
    return this.status();
  }

  async resume(by: string, reason: string): Promise<PauseStatus> {
    if (this.#pause === undefined) {
      throw new AppError('ERR_APP_PAUSE', 'resuming refusals: they are not suspended');
    }
    await this.#end(by, reason);
    return this.status();
  }

  /** Forgets it: the program ends. */
  drain(): void {
    clearTimeout(this.#pause?.timer);
  }

  async #end(by: string | undefined, reason: string | undefined): Promise<void> {
    clearTimeout(this.#pause?.timer);
    this.#pause = undefined;
    await this.#options.apply(by, reason);
    this.#options.changed(this.status(), by, reason);
  }
}
