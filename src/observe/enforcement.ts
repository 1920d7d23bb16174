// How long the prohibition was not in force, and why: the figure that an auditor asks for first.
//
// The clock starts in the cause `startup`, so that the time before the first policy counts as well. Exactly one
// cause runs at a time. A wall clock that steps would invent or hide time: give it a monotonic one.
import type { Clock } from '../base/base.ts';

/** Why no refusal can be given. */
export const NOT_ENFORCING_CAUSES = [
  'startup',
  'no-generation',
  'no-worker',
  /** An operator suspended all refusals. */
  'operator-pause',
  /** The process before this one ended without saying so: from its last sign of life to this start. */
  'crash',
] as const;

/** One of NOT_ENFORCING_CAUSES. */
export type NotEnforcingCause = (typeof NOT_ENFORCING_CAUSES)[number];

/** Adds up the time without enforcement by cause. */
export class EnforcementClock {
  readonly #clock: Clock;
  readonly #spentMs = new Map<NotEnforcingCause, number>();
  #cause: NotEnforcingCause | undefined = 'startup';
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock();
  }

  /** Why refusals are not given at the moment, or undefined: they are. */
  get cause(): NotEnforcingCause | undefined {
    return this.#cause;
  }

  /** From here on refusals are not given for this cause, or (undefined) they are. */
  set(cause: NotEnforcingCause | undefined): void {
    this.#settle();
    this.#cause = cause;
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
    const passed = Math.max(0, now - this.#since);
    this.#since = now;
    if (this.#cause !== undefined)
      this.#spentMs.set(this.#cause, (this.#spentMs.get(this.#cause) ?? 0) + passed);
  }
}
