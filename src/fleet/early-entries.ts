// Entries of policy that came before those that they follow.
//
// Whoever has the engine sends entries of any number, so that one is kept only when a key of the fleet signed it. A key that is not
// known may be one that an entry before it brings: that is waited for, and an alarm when it does not come.
import type { FleetNote } from './acts.ts';
import { entryHash, type PolicyEntry } from './entry.ts';
import type { Membership } from './membership.ts';

/** Entries, and characters of their bodies: 64 of the longest. The others are fetched again. */
const EARLY_MAX = 1_024;
const EARLY_LENGTH_MAX = 16 << 20;
/** How long a key may be unknown, milliseconds: an entry that brings it is fetched meanwhile. */
const UNKNOWN_MS = 60_000;

type About = Omit<FleetNote, 'event'>;

/** What an entry is told by. */
export const aboutEntry = (entry: PolicyEntry): About => ({
  ...{ number: entry.number, hash: entryHash(entry), entry: entry.kind, authorityTime: entry.time },
});

/** What it needs. */
export interface EarlyEntriesOptions {
  readonly membership: Membership;
  readonly monotonic: () => number;
  /** Nobody of the fleet signed an entry. */
  readonly onForged: (about: About) => void;
}

/** The early entries of one log. */
export class EarlyEntries {
  readonly #options: EarlyEntriesOptions;
  readonly #entries = new Map<number, PolicyEntry>();
  /** Characters of their bodies. */
  #length = 0;
  /** The first one by a key that is not known, since the last look that ended with that. */
  #unknown: { readonly key: string; readonly about: About; readonly sinceMs: number } | undefined;

  constructor(options: EarlyEntriesOptions) {
    this.#options = options;
  }

  /** Keeps an entry that is signed, while there is room; `end` is the number of the last entry of the log. */
  take(entry: PolicyEntry, end: number): void {
    const { membership, monotonic, onForged } = this.#options;
    if (membership.isTrusted(entry)) this.#keep(entry, end);
    else if (membership.hasKey(entry.key)) onForged(aboutEntry(entry));
    else this.#unknown ??= { key: entry.key, about: aboutEntry(entry), sinceMs: monotonic() };
  }

  /** The entry of a number, which is kept no more; undefined where there is none. */
  next(number: number): PolicyEntry | undefined {
    const entry = this.#entries.get(number);
    this.#drop(number);
    return entry;
  }

  /** Tells of a key that is not known now either; to be called now and then. */
  look(): void {
    const { membership, monotonic, onForged } = this.#options;
    if (this.#unknown === undefined || monotonic() - this.#unknown.sinceMs < UNKNOWN_MS) return;
    const { key, about } = this.#unknown;
    this.#unknown = undefined;
    if (!membership.hasKey(key)) onForged(about);
  }

  #keep(entry: PolicyEntry, end: number): void {
    this.#drop(entry.number);
    // What came by another way meanwhile.
    if (this.#isFull(entry))
      for (const number of [...this.#entries.keys()]) if (number <= end) this.#drop(number);
    if (this.#isFull(entry)) return;
    this.#entries.set(entry.number, entry);
    this.#length += entry.body.length;
  }

  #isFull({ body }: PolicyEntry): boolean {
    return this.#entries.size >= EARLY_MAX || this.#length + body.length > EARLY_LENGTH_MAX;
  }

  #drop(number: number): void {
    this.#length -= this.#entries.get(number)?.body.length ?? 0;
    this.#entries.delete(number);
  }
}
