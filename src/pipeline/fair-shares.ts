// What each client has in flight, so that one cannot take the room of all others.
//
// Counts by a hash of the client's network (an IPv4 address, or the /64 of an IPv6 address, which is one subscriber):
// two that fall together share, which costs them something only when there is little room. Nothing is allocated for a
// client, so that made-up addresses fill no table.
import type { AddressWords } from '../base/base.ts';

/** Places, a power of two. */
const PLACES = 4096;
/** Below this part of the room nobody is refused: bursts of a single client are normal then. */
const SCARCE_PART = 0.5;
/** `0000ffff` in the third word marks an IPv4 address in its mapped form. */
const IPV4_MARK = 0xffff;

/** Bounds of what clients have in flight. */
export interface FairnessLimit {
  /** Questions in flight that there is room for. */
  readonly inflightMax: number;
  /** What one client may have of them when they are scarce, 0 to 1. */
  readonly share: number;
}

/** The queries in flight of each client. */
export class FairShares {
  readonly #counts = new Uint32Array(PLACES);
  #scarceFrom = Number.POSITIVE_INFINITY;
  #clientMax = Number.POSITIVE_INFINITY;

  constructor(limit: FairnessLimit | undefined) {
    this.setLimit(limit);
  }

  /** Puts another bound in force; undefined: none. */
  setLimit(limit: FairnessLimit | undefined): void {
    this.#scarceFrom = limit === undefined ? Number.POSITIVE_INFINITY : limit.inflightMax * SCARCE_PART;
    this.#clientMax = limit === undefined ? Number.POSITIVE_INFINITY : limit.inflightMax * limit.share;
  }

  /** Counts a query of a client; false, and not counted, when it has its share while `inflight` questions wait. */
  take(address: AddressWords, inflight: number): boolean {
    const place = placeOf(address);
    const count = this.#counts[place] ?? 0;
    if (inflight >= this.#scarceFrom && count >= this.#clientMax) return false;
    this.#counts[place] = count + 1;
    return true;
  }

  /** A query that was taken is answered. */
  release(address: AddressWords): void {
    const place = placeOf(address);
    const count = this.#counts[place] ?? 0;
    if (count > 0) this.#counts[place] = count - 1;
  }
}

const placeOf = (address: AddressWords): number => {
  const isIpv4 = address[0] === 0 && address[1] === 0 && address[2] === IPV4_MARK;
  const hash = isIpv4
    ? Math.imul(address[3] ?? 0, 0x9e3779b1)
    : Math.imul((address[0] ?? 0) ^ Math.imul(address[1] ?? 0, 0x85ebca6b), 0x9e3779b1);
  return (hash ^ (hash >>> 15)) & (PLACES - 1);
};
