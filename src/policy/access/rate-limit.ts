// How much an address and its networks may ask, in memory of a fixed size that all workers share. Hot file.
//
// Each address and each network around it has one number, the time until which what it asked is paid for: a query moves
// it on by its price, and a client with more than BURST_MS paid ahead asks too much (the generic cell rate algorithm,
// ITU-T I.371). Nothing decays, nothing has to be swept: a time that has passed is a free place. A place is therefore
// taken only while somebody asks; at 500 queries a second each, 200,000 queries a second of whatever addresses take
// 400 places of each level on the average (Little's law), so that 65,536 are enough by far also for low limits. Where a
// bucket is full, the place that is paid for the shortest goes: a client that asks much cannot be pushed out by many others.
//
// Workers write without locks: what two of them add to one number at the same moment may count once.
//
//   memory:  [seed, 8 bytes][time, 8 bytes, of each place][tag, 4 bytes, of each place]
import { randomBytes } from 'node:crypto';
import { type AddressWords, isIpv4, type Prefix, PrefixTable } from '../../base/base.ts';

const PLACES = 65_536;
/** Places that one key may have. */
const WAYS = 4;
const BUCKETS_MASK = PLACES / WAYS - 1;
const SEED_BYTES = 8;
const TAGS_OFFSET = SEED_BYTES + PLACES * Float64Array.BYTES_PER_ELEMENT;

/** How far ahead may be asked, milliseconds: a morning's log-ins behind one address, 5,000 queries at 500 a second. */
const BURST_MS = 10_000;
/** As much may be owed, milliseconds. */
const AHEAD_MS_MAX = 2 * BURST_MS;
/** A time further ahead was written before the clock stepped back: workers read it once a turn, some a moment after others. */
const STEPPED_MS = AHEAD_MS_MAX + 1_000;

/**
 * Bits of the networks around an address, in the mapped form, and how many times as much each may ask as one address.
 * For IPv4 Knot Resolver's. A /64 of IPv6 is a whole network here, as a /24 is: a resolver inside an organization sees
 * hundreds of machines in it, and one machine with all addresses of it gets no more than one with a /24.
 */
const IPV4_BITS = [128, 120, 116, 114] as const;
const IPV4_TIMES = [1, 32, 256, 768] as const;
const IPV6_BITS = [128, 64, 56, 48, 32] as const;
const IPV6_TIMES = [1, 32, 64, 256, 768] as const;
const LEVELS_MAX = 5;

/** Bytes of an answer over UDP that one query pays for, and bytes beyond that cost another one. */
const PAID_BYTES = 512;
const BYTES_PER_PRICE = 256;

/** What a configuration says; plain data that travels between threads. */
export interface RateRules {
  /** Queries a second of one address. */
  readonly perClient: number;
  /** Everybody is answered; what would not have been is counted. */
  readonly isDryRun: boolean;
  /** One in this many queries over the limit is answered with TC; 0: none. */
  readonly slip: number;
  /** Clients in here are never limited. */
  readonly exempt: readonly Prefix[];
}

/** Memory for all workers of a process, with a seed that nobody outside knows. */
export const createRateMemory = (): SharedArrayBuffer => {
  const memory = new SharedArrayBuffer(TAGS_OFFSET + PLACES * Uint32Array.BYTES_PER_ELEMENT);
  new Uint8Array(memory).set(randomBytes(SEED_BYTES));
  return memory;
};

/** The limits of one configuration. */
export class RateLimit {
  readonly rules: RateRules;
  readonly #times: Float64Array;
  readonly #tags: Uint32Array;
  readonly #seed: number;
  readonly #tagSeed: number;
  readonly #exempt: PrefixTable;
  readonly #ipv4Prices: Float64Array;
  readonly #ipv6Prices: Float64Array;
  /** Places of the current address, by level. */
  readonly #found = new Int32Array(LEVELS_MAX);

  /** Once per configuration; `memory` is of createRateMemory(). @cold */
  constructor(memory: SharedArrayBuffer, rules: RateRules) {
    this.rules = rules;
    const [seed = 0, tagSeed = 0] = new Uint32Array(memory, 0, 2);
    this.#seed = seed;
    this.#tagSeed = tagSeed;
    this.#times = new Float64Array(memory, SEED_BYTES, PLACES);
    this.#tags = new Uint32Array(memory, TAGS_OFFSET, PLACES);
    this.#exempt = PrefixTable.build(rules.exempt.map((prefix) => ({ prefix, value: 1 })));
    this.#ipv4Prices = Float64Array.from(IPV4_TIMES, (times) => 1000 / (rules.perClient * times));
    this.#ipv6Prices = Float64Array.from(IPV6_TIMES, (times) => 1000 / (rules.perClient * times));
  }

  /** Counts a query; false, and nothing is counted, when the address or a network around it asks too much. */
  admit(address: AddressWords, nowMs: number): boolean {
    const prices = isIpv4(address) ? this.#ipv4Prices : this.#ipv6Prices;
    const found = this.#found;
    const times = this.#times;
    for (let level = 0; level < prices.length; level++) {
      const place = this.#find(address, level, nowMs);
      if ((times[place] ?? 0) - nowMs > BURST_MS) return false;
      found[level] = place;
    }
    for (let level = 0; level < prices.length; level++) {
      const place = found[level] ?? 0;
      times[place] = Math.max(times[place] ?? 0, nowMs) + (prices[level] ?? 0);
    }
    return true;
  }

  /**
   * Counts an answer of so many bytes that went to an address over UDP: a long one costs several queries. What was let in before
   * may cost more than any burst; more than AHEAD_MS_MAX is no debt, or #find() would take it for a clock that stepped back and
   * forgive all of it. Who is exempt costs the networks around it nothing.
   */
  charge(address: AddressWords, bytes: number, nowMs: number): void {
    if (bytes <= PAID_BYTES || this.isExempt(address)) return;
    const prices = isIpv4(address) ? this.#ipv4Prices : this.#ipv6Prices;
    const times = this.#times;
    for (let level = 0; level < prices.length; level++) {
      const place = this.#find(address, level, nowMs);
      const price = ((prices[level] ?? 0) * (bytes - PAID_BYTES)) / BYTES_PER_PRICE;
      times[place] = Math.min(Math.max(times[place] ?? 0, nowMs) + price, nowMs + AHEAD_MS_MAX);
    }
  }

  /** True for an address that is never limited. */
  isExempt(address: AddressWords): boolean {
    return this.#exempt.find(address) >= 0;
  }

  /** The place of the address's network of a level; its time is in the past when it is new or was free. */
  #find(address: AddressWords, level: number, nowMs: number): number {
    const isV4 = isIpv4(address);
    const bits = (isV4 ? IPV4_BITS[level] : IPV6_BITS[level]) ?? 0;
    let hash = this.#seed ^ bits;
    let tag = this.#tagSeed ^ bits;
    // The first words of all IPv4 addresses are alike.
    for (let i = isV4 ? 3 : 0; i < 4; i++) {
      const left = bits - 32 * i;
      if (left <= 0) break;
      const word = (address[i] ?? 0) & (left >= 32 ? -1 : ~(0xffffffff >>> left));
      hash = Math.imul(hash ^ word ^ (hash >>> 15), 0x85ebca6b);
      tag = Math.imul(tag ^ word ^ (tag >>> 13), 0xc2b2ae35);
    }
    hash ^= hash >>> 16;
    tag = (tag ^ (tag >>> 16)) >>> 0;
    const first = (hash & BUCKETS_MASK) * WAYS;
    const times = this.#times;
    const tags = this.#tags;
    let least = first;
    for (let place = first; place < first + WAYS; place++) {
      if (tags[place] === tag) {
        if ((times[place] ?? 0) - nowMs > STEPPED_MS) times[place] = 0;
        return place;
      }
      if ((times[place] ?? 0) < (times[least] ?? 0)) least = place;
    }
    tags[least] = tag;
    times[least] = 0;
    return least;
  }
}
