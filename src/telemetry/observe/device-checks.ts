// Which check of a device a worker was asked for, by whom and over what: for the page that tells a person whether this device asks here.
//
// Nothing of it is recorded: it lies in the worker's memory, bounded, until others came. Only codes that the page gave to somebody are
// kept. What is not there may have been forgotten, and is then not taken for a device that asks somebody else.
import { LRUCache } from 'lru-cache';

/** As many as the page gives out before it forgets its own. */
const CHECKS_MAX = 1_024;

/** A query for the name of one check. Plain data. */
export interface CheckAsked {
  /** The label of the check, folded. */
  readonly code: string;
  readonly timeMs: number;
  /** TRANSPORT. */
  readonly transport: number;
  /** Of the client, by which it was judged. */
  readonly group: number;
  readonly address: string;
  /** What stands for a device that is known by more than its address, where an address would: exemptions name it by that. */
  readonly device?: string | undefined;
  /** True when somebody else asks for the device, and is believed to say for whom. */
  readonly isForwarded: boolean;
}

/** The checks of one worker. */
export class DeviceCheckLog {
  readonly #asked = new LRUCache<string, CheckAsked>({
    max: CHECKS_MAX,
    dispose: ({ timeMs }) => {
      this.#wholeFromMs = Math.max(this.#wholeFromMs, timeMs);
    },
  });
  /** Nothing that came later is missing. */
  #wholeFromMs: number;

  constructor(nowMs: number) {
    this.#wholeFromMs = nowMs;
  }

  /** Keeps the first query of a check: a browser asks for two types, and others may ask again. */
  note(asked: CheckAsked): void {
    if (!this.#asked.has(asked.code)) this.#asked.set(asked.code, asked);
  }

  /** The first query for a check that began at a time, by whichever client; undefined: it did not come. */
  find(code: string, begunMs: number): CheckAsked | 'forgotten' | undefined {
    return this.#asked.peek(code) ?? (begunMs <= this.#wholeFromMs ? 'forgotten' : undefined);
  }
}
