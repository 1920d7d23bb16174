// The times of the tries of one Forwarding: a wheel of deadlines and the one timer that moves it on. Hot file.
//
// The timer stands still when nothing is in flight. A loop that was late reads the answers in its sockets before it looks
// at what is due.
import type { Clock } from '../../base/base.ts';
import { TICKS_MAX, TimeWheel } from './time-wheel.ts';
import type { Try } from './try.ts';

/** Parts into which the time of one try is divided: time-outs are late by at most a sixty-fourth of it. */
const TICKS_PER_TRY = 64;
/**
 * For a try at an endpoint that is known to be down while a fallback waits: enough to notice that it is back, and no
 * longer than a client hardly notices. At most half of an ordinary try.
 */
const BRIEF_TRY_MS = 300;

/** When tries are due. */
export class TryTimer {
  /** Of one try, of a brief one, and of a question with all its tries. */
  readonly tryTicks: number;
  readonly briefTicks: number;
  readonly questionTicks: number;
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #wheel: TimeWheel<Try>;
  #timer: NodeJS.Timeout | undefined;
  #sweptAtMs = 0;
  #isStopped = false;

  constructor(clock: Clock, timeoutMs: number, tryTimeoutMs: number, expire: (attempt: Try) => void) {
    this.#clock = clock;
    this.#wheel = new TimeWheel<Try>(expire);
    this.#tickMs = Math.max(1, Math.ceil(tryTimeoutMs / TICKS_PER_TRY));
    this.tryTicks = this.toTicks(tryTimeoutMs);
    this.briefTicks = this.toTicks(Math.min(BRIEF_TRY_MS, tryTimeoutMs / 2));
    this.questionTicks = this.toTicks(timeoutMs);
  }

  get tick(): number {
    return this.#wheel.tick;
  }

  /** One more, because the current tick is already under way. */
  toTicks(timeMs: number): number {
    return (Math.ceil(timeMs / this.#tickMs) + 1) | 0;
  }

  /** Puts a try that was just sent into the wheel: it ends after `ticks`, and is due after `dueTicks` if these are fewer. */
  start(attempt: Try, ticks: number, dueTicks: number): void {
    if (this.#timer === undefined) {
      this.#sweptAtMs = attempt.sentAtMs;
      this.#timer = this.#startTimer();
    }
    const lagTicks = this.#lagTicks(attempt.sentAtMs);
    attempt.endTick = this.#wheel.tick + lagTicks + ticks;
    this.#wheel.add(attempt, Math.min(lagTicks + Math.min(dueTicks, ticks), TICKS_MAX));
  }

  /** Puts a try into the wheel again, until a tick that may lie further ahead than the wheel reaches. */
  waitOn(attempt: Try, tick: number): void {
    this.#wheel.add(attempt, Math.min(TICKS_MAX, Math.max(1, tick - this.#wheel.tick)));
  }

  remove(attempt: Try): void {
    this.#wheel.remove(attempt);
  }

  /** Moves on no more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Everything that waits is due at once; after stop(). */
  expireAll(): void {
    this.#wheel.advance(TICKS_MAX);
  }

  /** Ticks by which the wheel is behind: what is sent now would be taken for that much older at the next sweep. */
  #lagTicks(nowMs: number): number {
    const ticks = Math.floor((nowMs - this.#sweptAtMs) / this.#tickMs);
    // A number with a fraction would be an object wherever it is handed on.
    return ticks >= 0 && ticks <= TICKS_PER_TRY ? ticks | 0 : 0;
  }

  /** Sees what is due. When the loop was late, answers lie in the sockets that are read before. */
  #sweep(): void {
    if (this.#clock() - this.#sweptAtMs < 2 * this.#tickMs) this.#moveOn();
    else setImmediate(() => this.#moveOn());
  }

  /**
   * Advances the wheel by the time that passed. A clock that stepped, or a loop that stood still for longer than a
   * try, counts as one tick: nothing waits forever, and answers that came meanwhile are read before their deadline.
   */
  #moveOn(): void {
    if (this.#isStopped) return;
    const now = this.#clock();
    const passed = Math.floor((now - this.#sweptAtMs) / this.#tickMs);
    const isPlausible = passed >= 1 && passed <= TICKS_PER_TRY;
    const ticks = isPlausible ? passed : 1;
    this.#sweptAtMs = isPlausible ? this.#sweptAtMs + ticks * this.#tickMs : now;
    this.#wheel.advance(ticks);
    this.#timer = this.#wheel.count > 0 ? this.#startTimer() : undefined;
  }

  #startTimer(): NodeJS.Timeout {
    return setTimeout(() => this.#sweep(), this.#tickMs);
  }
}
