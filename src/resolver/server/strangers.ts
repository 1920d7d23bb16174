// Connections of those who may not ask, while an authority has to look whether a name leads here (RFC 8737).
//
// Who looks on behalf of an authority comes from addresses that nobody knows before. So anybody may send a ClientHello for as long as a
// challenge is open; few may do so at a time, and few of one network, so that places for clients stay and no single network keeps
// the authority out.
import type { AddressWords } from '../../base/base.ts';
import { networkOf } from './connection-budget.ts';

/** At one listener of one worker; each is there for five seconds at most. */
const STRANGERS_MAX = 256;
/** An authority looks from several networks, a few times from each. */
const PER_NETWORK_MAX = 16;

/** Those that are there. */
export class Strangers {
  readonly #byNetwork = new Map<string, number>();
  #count = 0;

  /** Takes one in, unless there are too many; `left` is to be called when it has gone. */
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
