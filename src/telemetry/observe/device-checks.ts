// Which check of a device a worker was asked for, by whom and over what: for the page that tells a person whether this device asks here.
//
// Nothing of it is recorded: it lies in the worker's memory, bounded, until others came.
import { LRUCache } from 'lru-cache';

/** Checks that a worker remembers: each is read within seconds. */
const CHECKS_MAX = 512;

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
  /** True when somebody else asks for the device, and is believed to say for whom. */
  readonly isForwarded: boolean;
}

/** The checks of one worker. */
export class DeviceCheckLog {
  readonly #asked = new LRUCache<string, CheckAsked>({ max: CHECKS_MAX });

  /** Keeps the first query of a check: a browser asks for two types, and others may ask again. */
  note(asked: CheckAsked): void {
    if (this.#asked.peek(asked.code) === undefined) this.#asked.set(asked.code, asked);
  }

  find(code: string): CheckAsked | undefined {
    return this.#asked.peek(code);
  }
}
