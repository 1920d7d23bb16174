// What each person did alone of what is summed, over a window that moves with the clock.
//
// Kept in the store: a restart forgives nothing. The sum is compared and taken in one turn, so that acts at the same time are
// counted one by one; a clock that was set back makes the window longer, never shorter.

import type { Clock } from '../../base/base.ts';
import { type Budget, SUMS } from '../admin/admin.ts';
import type { RoomStore } from './store.ts';

/** The sums of one room. */
export class Spending {
  readonly #store: RoomStore;
  readonly #clock: Clock;

  constructor(store: RoomStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    store.spent.prune(({ budget, entries }) => this.#inWindow(budget, entries).length === 0);
  }

  /** Takes an amount for a person, and gives what gives it back; undefined: it is more than one person may do alone. */
  take(budget: Budget, person: string, amount: number): (() => void) | undefined {
    const { max, actsMax } = SUMS[budget];
    const key = `${budget} ${person}`;
    const seen = this.#store.spent.get(key);
    const entries = this.#inWindow(budget, seen?.entries ?? []);
    const sum = entries.reduce((total, entry) => total + entry.amount, 0);
    if (sum + amount > max || entries.length >= actsMax) return undefined;
    const entry = { atMs: this.#clock(), amount };
    const row = { budget, entries: [...entries, entry] };
    if (seen === undefined) this.#store.spent.add(key, row);
    else this.#store.spent.swap(key, seen, row);
    return () => {
      // Others may have been taken since: this one alone goes.
      const left = this.#store.spent.get(key)?.entries.filter((one) => one !== entry);
      if (left !== undefined) this.#store.spent.patch(key, { entries: left });
    };
  }

  #inWindow<Entry extends { readonly atMs: number }>(budget: Budget, entries: readonly Entry[]): Entry[] {
    const endedMs = this.#clock() - SUMS[budget].windowMs;
    return entries.filter(({ atMs }) => atMs > endedMs);
  }
}
