// A disk that takes nothing: it is said once, and tried again after pauses that double.
import { type Clock, errorText, isAppError, systemErrorCode } from '../../base/base.ts';
import { isOperational } from './disk-error.ts';
import type { RecordLog } from './head-publisher.ts';

/** Pauses after a disk that failed, doubling, milliseconds. */
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 10_000;

/** Whether records can be written. */
export class DiskTrouble {
  readonly #monotonic: Clock;
  readonly #log: RecordLog;
  #text: string | undefined;
  #retryMs = RETRY_MS_MIN;
  #retryAt = Number.NEGATIVE_INFINITY;

  constructor(monotonic: Clock, log: RecordLog) {
    this.#monotonic = monotonic;
    this.#log = log;
  }

  /** Why nothing can be written; undefined while it can. */
  get text(): string | undefined {
    return this.#text;
  }

  /** True until it is worth another try. */
  get isPausing(): boolean {
    return this.#monotonic() < this.#retryAt;
  }

  /** A try failed. Throws what is no error of the machine. */
  note(thrown: unknown): void {
    if (!isOperational(thrown)) throw thrown;
    const code = isAppError(thrown) ? thrown.code : systemErrorCode(thrown);
    const hint = isAppError(thrown) ? thrown.hint : undefined;
    if (this.#text === undefined) {
      this.#log.error(
        { code, cause: errorText(thrown), hint },
        'records cannot be written; it is tried again',
      );
    }
    this.#text = errorText(thrown);
    this.#retryAt = this.#monotonic() + this.#retryMs;
    this.#retryMs = Math.min(RETRY_MS_MAX, 2 * this.#retryMs);
  }

  /** A try came to its end. */
  end(): void {
    if (this.#text === undefined) return;
    this.#log.info({}, 'records are written again');
    this.#text = undefined;
    this.#retryMs = RETRY_MS_MIN;
  }
}
