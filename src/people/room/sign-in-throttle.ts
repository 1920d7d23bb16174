// How often somebody may be wrong when signing in: by account and network together, by network, by account, and in all.
//
// A try is counted before it is made, and given back when it was right: tries that are sent at the same time are counted one by
// one, and what is beyond the bound costs no hash. Accounts are counted by their id, never by how a name was written, and
// addresses by the network that one party has: /64 of IPv6, /24 of IPv4. What is counted ends with a quarter of an hour.
//
// The bounds of an account and of all would let a stranger keep its owner out. So they, and that of the network, do not count for
// an account on a network from which it signed in before: there the bound of both together holds alone.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import {
  AppError,
  type Clock,
  createAddress,
  formatPrefix,
  isIpv4,
  MAPPED_BITS,
  maskWords,
  parseAddress,
} from '../../base/base.ts';

const WINDOW_MS = 15 * 60_000;
/** A person is wrong three or four times, and then asks somebody. */
const BOTH_MAX = 5;
/** Several people on one network. */
const NETWORK_MAX = 30;
/** From networks on which the account is not known: with the right password, a guesser of codes gets one in 16,000 right. */
const ACCOUNT_MAX = 20;
/** Of all accounts: 300 hashes are half a minute of one core in a quarter of an hour. */
const ALL_MAX = 300;
/** Passwords that are chosen by one link: a person takes the second or third. */
const CHOICES_MAX = 10;
/** What is remembered, the oldest forgotten first: some times more than ALL_MAX lets in. */
const KEYS_MAX = 20_000;
/** Networks on which an account is known: people have a few each. */
const KNOWN_MAX = 10_000;
const IPV4_BITS = MAPPED_BITS + 24;
const IPV6_BITS = 64;

interface Count {
  readonly sinceMs: number;
  tries: number;
}

/** A try that was counted. */
export interface Try {
  /** What was shown was right: the try is given back, and what was wrong before from here is forgotten. */
  succeed(): void;
  /** Nothing was looked at. */
  giveBack(): void;
}

type Bound = readonly [key: string, max: number];

/** Counts tries. */
export class SignInThrottle {
  readonly #clock: Clock;
  readonly #counts = new LRUCache<string, Count>({ max: KEYS_MAX });
  readonly #known = new LRUCache<string, true>({ max: KNOWN_MAX });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a try with password and code; `account` is an id, or a folded name that nobody has. Throws ERR_ROOM_BRAKE. */
  tryPassword(address: string, account: string): Try {
    const [network, name] = [networkOf(address), hashed(account)];
    const both = `${network} ${name}`;
    if (this.#known.get(both) === true) return this.#count([[both, BOTH_MAX]]);
    const counted = this.#count([
      [both, BOTH_MAX],
      [network, NETWORK_MAX],
      [name, ACCOUNT_MAX],
      ['all', ALL_MAX],
    ]);
    return {
      ...counted,
      succeed: () => {
        counted.succeed();
        this.#known.set(both, true);
      },
    };
  }

  /** Counts a try with a code of somebody who is signed in, by the id alone: an address is changed at will. */
  tryProof(account: string): Try {
    return this.#count([[`proof ${hashed(account)}`, BOTH_MAX]]);
  }

  /** Counts a try with a passkey, which nobody guesses: by network alone. */
  tryPasskey(address: string): Try {
    return this.#count([[`passkey ${networkOf(address)}`, NETWORK_MAX]]);
  }

  /** Counts somebody who comes back from the identity provider, which is asked about each: by network alone. */
  tryProvided(address: string): Try {
    return this.#count([[`provided ${networkOf(address)}`, NETWORK_MAX]]);
  }

  /** Counts a password that is chosen by a link, each a hash, right or wrong: by the link alone, which was made for somebody. */
  tryChoice(link: string): void {
    this.#count([[`choice ${hashed(link)}`, CHOICES_MAX]]);
  }

  /** Counts a try with the first code of who enrols by a link. */
  tryEnrolment(address: string, link: string): Try {
    const [network, name] = [networkOf(address), hashed(link)];
    return this.#count([
      [`enrolment ${network} ${name}`, BOTH_MAX],
      [`enrolment ${network}`, NETWORK_MAX],
      [`enrolment ${name}`, ACCOUNT_MAX],
    ]);
  }

  #count(bounds: readonly Bound[]): Try {
    const nowMs = this.#clock();
    for (const [key, max] of bounds) {
      const count = this.#live(key, nowMs);
      if (count === undefined || count.tries < max) continue;
      const seconds = Math.ceil((count.sinceMs + WINDOW_MS - nowMs) / 1000);
      throw new AppError('ERR_ROOM_BRAKE', `signing in: too many attempts; wait ${seconds} s`, {
        hint: 'Sign in with the agency account or a passkey, or wait.',
      });
    }
    for (const [key] of bounds) {
      const count = this.#live(key, nowMs);
      if (count === undefined) this.#counts.set(key, { sinceMs: nowMs, tries: 1 });
      else count.tries++;
    }
    const giveBack = (): void => {
      for (const [key] of bounds) {
        const count = this.#counts.get(key);
        if (count !== undefined) count.tries = Math.max(0, count.tries - 1);
      }
    };
    return {
      giveBack,
      succeed: () => {
        giveBack();
        this.#counts.delete(bounds[0]?.[0] ?? '');
      },
    };
  }

  #live(key: string, nowMs: number): Count | undefined {
    const count = this.#counts.get(key);
    return count === undefined || nowMs - count.sinceMs >= WINDOW_MS ? undefined : count;
  }
}

/** Names are hashed: they are as long as a stranger likes. */
const hashed = (account: string): string => createHash('sha256').update(account).digest('base64url');

/** The network that whoever has the address has as a whole. */
const networkOf = (address: string): string => {
  const words = createAddress();
  if (!parseAddress(address, words)) return 'no address';
  const bits = isIpv4(words) ? IPV4_BITS : IPV6_BITS;
  return formatPrefix({ words: maskWords(words, bits), bits });
};
