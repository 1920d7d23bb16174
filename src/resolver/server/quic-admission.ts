// Admission of QUIC connections: how many may begin in a time, in all and for one network. Hot file.
//
// A new connection costs 1.5 ms of the loop, even if it is never completed, because OpenSSL answers the first packet at once.
// Packets beyond the limit are dropped before OpenSSL sees them. A well-behaved client retransmits its first packet after a
// second and is admitted then.
import type { AddressWords } from '../../base/base.ts';
import { networkOf } from './connection-budget.ts';

/** Connections that begin between two looks, half a second: less than a third of a processor. */
const BEGINNINGS_MAX = 96;
/** Of these, for one network: an office at the start of its day, with capacity left for others. */
const OF_NETWORK_MAX = 32;

/** The admission of one listener. */
export class QuicAdmission {
  #count = 0;
  /** By network; no more of them than connections that began. */
  readonly #ofNetwork = new Map<string, number>();

  /** True when another connection of the address may begin. */
  mayBegin(words: AddressWords): boolean {
    return this.#count < BEGINNINGS_MAX && (this.#ofNetwork.get(networkOf(words)) ?? 0) < OF_NETWORK_MAX;
  }

  /** One has begun. */
  note(words: AddressWords): void {
    const network = networkOf(words);
    this.#count++;
    this.#ofNetwork.set(network, (this.#ofNetwork.get(network) ?? 0) + 1);
  }

  /** No more begin of this network before the next look: it has all its places. */
  close(words: AddressWords): void {
    this.#ofNetwork.set(networkOf(words), OF_NETWORK_MAX);
  }

  /** To be called at each look. */
  renew(): void {
    this.#count = 0;
    this.#ofNetwork.clear();
  }
}
