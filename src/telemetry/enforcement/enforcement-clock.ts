// How long the prohibition was not in force, and why: the figure that an auditor asks for first.
//
// The clock starts as not ready, so that the time before the first policy counts as well. Exactly one cause runs at a
// time. A wall clock that steps would invent or hide time: give it a monotonic one.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/base.ts';
import type { Enforcement } from './judge.ts';
import { NOT_ENFORCING_CAUSES, type NotEnforcingCause } from './words.ts';

/** The state became another one. */
export interface EnforcementChange {
  readonly before: Enforcement;
  /** How long the state before held, milliseconds. */
  readonly beforeMs: number;
  readonly now: Enforcement;
}

/** Knows the state, and adds up the time without enforcement by cause. */
export class EnforcementClock {
  readonly #clock: Clock;
  readonly #spentMs = new Map<NotEnforcingCause, number>();
  #current: Enforcement = { state: 'not-ready', cause: 'startup', groups: [] };
  #changedMs: number;
  #settledMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#changedMs = clock();
    this.#settledMs = this.#changedMs;
  }

  /** The state as it was last judged. */
  get current(): Enforcement {
    return this.#current;
  }

  /** How long it is the state, milliseconds. */
  get currentMs(): number {
    return Math.max(0, this.#clock() - this.#changedMs);
  }

  /** From here on this is the state. Undefined: it was so before. */
  set(enforcement: Enforcement): EnforcementChange | undefined {
    if (isDeepStrictEqual(enforcement, this.#current)) return undefined;
    this.#settle();
    const change = {
      before: this.#current,
      beforeMs: Math.max(0, this.#settledMs - this.#changedMs),
      now: enforcement,
    };
    this.#current = enforcement;
    this.#changedMs = this.#settledMs;
    return change;
  }

  /** Adds time that passed before this clock ran. */
  add(cause: NotEnforcingCause, ms: number): void {
    this.#spentMs.set(cause, (this.#spentMs.get(cause) ?? 0) + Math.max(0, ms));
  }

  /** Seconds by cause, the time that runs included. */
  seconds(): ReadonlyMap<NotEnforcingCause, number> {
    this.#settle();
    return new Map(NOT_ENFORCING_CAUSES.map((cause) => [cause, (this.#spentMs.get(cause) ?? 0) / 1000]));
  }

  #settle(): void {
    const now = this.#clock();
    const passed = Math.max(0, now - this.#settledMs);
    this.#settledMs = now;
    if (this.#current.cause !== undefined) this.add(this.#current.cause, passed);
  }
}
