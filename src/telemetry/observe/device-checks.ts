// Which check of a device a worker was asked for, by whom and over what: for the page that tells a person whether this device asks here.
//
// Nothing of it is recorded: it lies in the worker's memory, bounded, until others came.
import { LRUCache } from 'lru-cache';

/** Clients that a worker remembers, and checks of each: who asks for thousands pushes out none but its own. */
const CLIENTS_MAX = 512;
const CHECKS_MAX = 4;

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
  readonly #asked = new LRUCache<string, CheckAsked[]>({ max: CLIENTS_MAX });

  /** Keeps the first query of a check: a browser asks for two types, and others may ask again. */
  note(asked: CheckAsked): void {
    const checks = this.#asked.get(asked.address) ?? [];
    if (checks.some(({ code }) => code === asked.code)) return;
    this.#asked.set(asked.address, [...checks, asked].slice(-CHECKS_MAX));
  }

  /** The first query for a check, by whichever client. */
  find(code: string): CheckAsked | undefined {
    let first: CheckAsked | undefined;
    for (const checks of this.#asked.values())
      for (const asked of checks)
        if (asked.code === code && (first === undefined || asked.timeMs < first.timeMs)) first = asked;
    return first;
  }
}
