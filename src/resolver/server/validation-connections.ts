// Connections of ACME servers, which validate a challenge over TLS (RFC 8737) and may not query.
//
// Their addresses are not known in advance. While a challenge is open, any address may therefore send a ClientHello. Few may at a
// time, and few of one network, so that connections of clients stay possible and no single network can keep the server out.
import type { AddressWords } from '../../base/base.ts';
import { networkOf } from './connection-budget.ts';

/** At one listener of one worker; each is there for five seconds at most. */
const STRANGERS_MAX = 256;
/** An authority looks from several networks, a few times from each. */
const PER_NETWORK_MAX = 16;

/** Open ACME validation connections. */
export class ValidationConnections {
  readonly #byNetwork = new Map<string, number>();
  #count = 0;

  /** Accepts a connection unless there are too many; call `left` when it has closed. */
  admit(words: AddressWords): { left(): void } | undefined {
    const network = networkOf(words);
    const others = this.#byNetwork.get(network) ?? 0;
    if (this.#count === STRANGERS_MAX || others === PER_NETWORK_MAX) return undefined;
    this.#count++;
    this.#byNetwork.set(network, others + 1);
    return {
      left: () => {
        this.#count--;
        const rest = (this.#byNetwork.get(network) ?? 1) - 1;
        if (rest === 0) this.#byNetwork.delete(network);
        else this.#byNetwork.set(network, rest);
      },
    };
  }
}
