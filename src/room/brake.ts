// How often somebody may be wrong when signing in: by account and address, by address, and by account.
//
// Only what failed counts, and what is counted ends with a quarter of an hour. The bound of an account is wide, because
// a stranger who knows its name could otherwise keep its owner out; passkeys are not bound by account: nobody guesses one.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { AppError, type Clock } from '../base/base.ts';

const WINDOW_MS = 15 * 60_000;
/** A person is wrong three or four times, and then asks somebody. */
const BOTH_MAX = 5;
/** Several people behind one address. */
const ADDRESS_MAX = 30;
/** With the right password, a guesser of codes gets one in 3,300 right. */
const ACCOUNT_MAX = 100;
/** What is remembered; the oldest are forgotten first. */
const KEYS_MAX = 20_000;

interface Count {
  readonly sinceMs: number;
  failures: number;
}

/** Counts failures. */
export class Brake {
  readonly #clock: Clock;
  readonly #counts = new LRUCache<string, Count>({ max: KEYS_MAX });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws ERR_ROOM_BRAKE with the seconds to wait. */
  check(address: string, account: string): void {
    const nowMs = this.#clock();
    for (const [key, max] of keysOf(address, account)) {
      const count = this.#counts.get(key);
      if (count === undefined || nowMs - count.sinceMs >= WINDOW_MS || count.failures < max) continue;
      const seconds = Math.ceil((count.sinceMs + WINDOW_MS - nowMs) / 1000);
      throw new AppError('ERR_ROOM_BRAKE', `signing in: too many attempts; wait ${seconds} s`, {
        hint: 'Sign in with the agency account or a passkey, or wait.',
      });
    }
  }

  /** What was shown was wrong. */
  fail(address: string, account: string): void {
    const nowMs = this.#clock();
    for (const [key] of keysOf(address, account)) {
      const count = this.#counts.get(key);
      if (count === undefined || nowMs - count.sinceMs >= WINDOW_MS)
        this.#counts.set(key, { sinceMs: nowMs, failures: 1 });
      else count.failures++;
    }
  }

  /** The person is who it says: what it got wrong before is forgotten. */
  succeed(address: string, account: string): void {
    const [[both] = ['']] = keysOf(address, account);
    this.#counts.delete(both);
  }
}

/** Names are hashed: they are as long as a stranger likes. */
const keysOf = (address: string, account: string): [key: string, max: number][] => {
  const name = createHash('sha256').update(account).digest('base64url');
  return [
    [`${address} ${name}`, BOTH_MAX],
    [address, ADDRESS_MAX],
    [name, ACCOUNT_MAX],
  ];
};
