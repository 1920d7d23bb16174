// How many connections of QUIC begin in a time, of all and of one network. Hot file.
//
// To begin one takes 1.5 ms of the loop that answers everybody, whatever becomes of it: OpenSSL reads the first packet and answers it
// before anybody can say no. So what is above the bounds is dropped before OpenSSL sees it; a client that is no attacker sends its
// first packet again after a second, and comes in then.
import type { AddressWords } from '../../base/base.ts';
import { networkOf } from './connection-budget.ts';

/** Connections that begin between two looks, half a second: less than a third of a processor. */
const BEGINNINGS_MAX = 96;
/** Of these, of one network: the office that begins its day, and others find places beside it. */
const OF_NETWORK_MAX = 32;

/** The beginnings of one listener. */
export class Beginnings {
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
