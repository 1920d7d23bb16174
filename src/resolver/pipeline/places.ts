// Buckets of clients and zones: a hash of each. Hot file: runs for each miss.
//
// Two sources in one bucket share its limits. The seed of the hash changes with each start.
import { randomInt } from 'node:crypto';
import { type AddressWords, isIpv4 } from '../../base/base.ts';
import { SuffixHashes } from '../../wire/dns/dns.ts';

/** Buckets of clients and of zones, a power of two: a thousand attackers share theirs with a quarter of the others. */
export const PLACES = 4096;
/** Labels of a zone: what is registered below a top-level domain. Where more labels are shared (co.uk), a source is a little larger. */
const ZONE_LABELS = 2;

/** Computes buckets. */
export class Places {
  readonly #suffix = new SuffixHashes();
  readonly #seed = randomInt(0x1_0000_0000) | 0;

  /** The bucket of the zone of a folded name. */
  ofZone(qname: Uint8Array): number {
    this.#suffix.read(qname, 0);
    return this.#suffix.of(ZONE_LABELS) & (PLACES - 1);
  }

  /** The bucket of an IPv4 address, or of the /64 of an IPv6 address, which is one subscriber. */
  ofClient(address: AddressWords): number {
    const isShort = isIpv4(address);
    let hash = Math.imul(((isShort ? address[3] : address[0]) ?? 0) ^ this.#seed, 0x9e3779b1);
    if (!isShort) hash = Math.imul(hash ^ (hash >>> 15) ^ (address[1] ?? 0), 0x85ebca6b);
    return (hash ^ (hash >>> 15)) & (PLACES - 1);
  }
}
