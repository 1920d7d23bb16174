// The time that one fetch may take: to connect, between two bytes, and altogether.
//
// A source that sends one byte a second would never be idle, so the whole has a limit as well. Whatever runs out
// ends everything that goes on for the fetch through one signal, whose reason is the error to throw.
import { formatDuration } from '../../base/base.ts';
import { sourceError } from './source-error.ts';

/** Milliseconds, each above 0. */
export interface WatchLimits {
  /** To look up the host and to connect, TLS included; once per redirect. */
  readonly connectMs: number;
  /** Without a byte, once connected. */
  readonly idleMs: number;
  /** For everything, redirects and signature included. */
  readonly totalMs: number;
}

/** Watches over one fetch; to be closed at its end. */
export class FetchWatch {
  /** Aborts with an AppError as its reason. */
  readonly signal: AbortSignal;
  readonly #name: string;
  readonly #limits: WatchLimits;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #total: NodeJS.Timeout;
  #phase: NodeJS.Timeout | undefined;

  /** `name` is the list in messages; `outer` ends the fetch from outside. */
  constructor(name: string, limits: WatchLimits, outer: AbortSignal | undefined) {
    this.signal = this.#controller.signal;
    this.#name = name;
    this.#limits = limits;
    this.#outer = outer;
    this.#total = this.#startTimer(limits.totalMs, `not done after ${formatDuration(limits.totalMs)}`);
    outer?.addEventListener('abort', this.#onStop);
    if (outer?.aborted === true) this.#onStop();
  }

  /** The time to connect begins. */
  connecting(): void {
    const { connectMs } = this.#limits;
    clearTimeout(this.#phase);
    this.#phase = this.#startTimer(connectMs, `no connection after ${formatDuration(connectMs)}`);
  }

  /** The time without a byte begins. */
  connected(): void {
    const { idleMs } = this.#limits;
    clearTimeout(this.#phase);
    this.#phase = this.#startTimer(idleMs, `no byte for ${formatDuration(idleMs)}`);
  }

  /** A byte came. */
  progress(): void {
    this.#phase?.refresh();
  }

  /** What a promise gives, unless time runs out first. */
  async race<Value>(promise: Promise<Value>): Promise<Value> {
    this.signal.throwIfAborted();
    const stopped = Promise.withResolvers<never>();
    const onAbort = (): void => stopped.reject(this.signal.reason);
    this.signal.addEventListener('abort', onAbort);
    try {
      return await Promise.race([promise, stopped.promise]);
    } finally {
      this.signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the timers. */
  close(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#phase);
    this.#outer?.removeEventListener('abort', this.#onStop);
  }

  readonly #onStop = (): void => this.#abort('stopped');

  #startTimer(afterMs: number, reason: string): NodeJS.Timeout {
    return setTimeout(() => this.#abort(reason), afterMs);
  }

  #abort(reason: string): void {
    this.#controller.abort(sourceError('ERR_LIST_FETCH', `fetching list ${this.#name}: ${reason}`));
  }
}
