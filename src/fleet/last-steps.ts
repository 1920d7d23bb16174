// The last entry about each exemption: by its number, what a resolver has of policy says whether it has heard of it.
import { bodyOf } from './entry.ts';
import type { PolicyLog } from './policy-log.ts';

/** A step of an exemption. Plain data. */
export interface LastStep {
  readonly number: number;
  readonly event: string;
  /** When the authority decided it. */
  readonly time: string;
}

/** Reads a log of years once, then what is new. */
export class LastSteps {
  readonly #log: PolicyLog;
  readonly #steps: Record<string, LastStep> = {};
  #upTo = 0;

  constructor(log: PolicyLog) {
    this.#log = log;
  }

  /** By identifier of the exemption. */
  get all(): Readonly<Record<string, LastStep>> {
    for (const { entry } of this.#log.from(this.#upTo + 1)) {
      const { number, time, kind } = entry;
      this.#upTo = number;
      if (kind !== 'exemption') continue;
      const { id, event } = (bodyOf(entry) ?? {}) as { id?: unknown; event?: unknown };
      this.#steps[String(id)] = { number, event: String(event), time };
    }
    return this.#steps;
  }
}
