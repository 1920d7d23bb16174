// What each person did alone of what is summed, over a window that moves with the clock.
//
// Kept in the store: a restart forgives nothing. The sum is compared and taken in one turn, so that acts at the same time are
// counted one by one; a clock that was set back makes the window longer, never shorter.

import { type Clock, isAccount, isSamePerson, type Persons } from '../../base/base.ts';
import { type Budget, SUMS } from '../admin/admin.ts';
import type { SpentRow } from './rows.ts';
import type { RoomStore } from './store.ts';

/** The sums of one room. */
export class Spending {
  readonly #store: RoomStore;
  readonly #clock: Clock;

  readonly #persons: () => Persons;

  constructor(store: RoomStore, clock: Clock, persons: () => Persons) {
    this.#store = store;
    this.#clock = clock;
    this.#persons = persons;
    store.spent.prune(({ budget, entries }) => this.#inWindow(budget, entries).length === 0);
  }

  /** Takes an amount for a person, and gives what gives it back; undefined: it is more than one person may do alone. */
  take(budget: Budget, person: string, amount: number): (() => void) | undefined {
    const { max, actsMax } = SUMS[budget];
    const key = `${budget} ${person}`;
    const seen = this.#store.spent.get(key);
    const entries = this.#inWindow(budget, seen?.entries ?? []);
    const all = [...entries, ...this.#ofOtherAccounts(budget, person)];
    const sum = all.reduce((total, entry) => total + entry.amount, 0);
    if (sum + amount > max || all.length >= actsMax) return undefined;
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

  /** What the same person took by accounts that are known to be theirs. */
  #ofOtherAccounts(budget: Budget, person: string): SpentRow['entries'] {
    const start = `${budget} `;
    return this.#store.spent.all().flatMap(([key, row]) => {
      const other = key.slice(start.length);
      const isOther = key.startsWith(start) && other !== person && isAccount(other) && isAccount(person);
      return isOther && isSamePerson(other, person, this.#persons())
        ? this.#inWindow(budget, row.entries)
        : [];
    });
  }

  #inWindow<Entry extends { readonly atMs: number }>(budget: Budget, entries: readonly Entry[]): Entry[] {
    const endedMs = this.#clock() - SUMS[budget].windowMs;
    return entries.filter(({ atMs }) => atMs > endedMs);
  }
}
