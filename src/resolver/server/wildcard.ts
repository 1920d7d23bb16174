// A wildcard endpoint (0.0.0.0, ::) over UDP: one socket for each address of the host, beside the wildcard's own.
//
// A client takes an answer only from the address that it asked. A socket that is bound to the wildcard lets the kernel
// choose the address it sends from, which is another one where a host has several. Sockets of their own answer
// right by construction, with either kind of socket. Addresses come and go (DHCP, a virtual address that moves): they
// are looked for every second, and until a new one has its socket the wildcard's answers for it.
import { networkInterfaces } from 'node:os';
import { createAddress, every, formatAddress, parseAddress } from '../../base/base.ts';
import { UdpListener, type UdpOptions } from './udp.ts';

/** How often the host's addresses are looked at, milliseconds: what a virtual address that moves may cost. */
const LOOK_MS = 1000;
/** Most addresses with a socket of their own; the others share the wildcard's. */
const ADDRESSES_MAX = 256;

/** What listens on one configured endpoint. */
export interface Closable {
  close(): Promise<void>;
}

/** True for 0.0.0.0 and ::. */
export const isWildcard = (address: string): boolean => {
  const words = createAddress();
  return parseAddress(address, words) && ['0.0.0.0', '::'].includes(formatAddress(words));
};

/** Opens a UDP endpoint, a wildcard with all it takes; throws AppError ERR_SERVER_LISTEN. */
export const openUdp = (options: UdpOptions): Promise<Closable> =>
  isWildcard(options.endpoint.address) ? WildcardListener.open(options) : UdpListener.open(options);

class WildcardListener implements Closable {
  readonly #options: UdpOptions;
  readonly #wildcard: UdpListener;
  readonly #listeners = new Map<string, UdpListener>();
  readonly #end: () => void;
  #looking: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(options: UdpOptions, wildcard: UdpListener) {
    this.#options = options;
    this.#wildcard = wildcard;
    this.#end = every(LOOK_MS, () => {
      this.#looking = this.#looking.then(() => this.#look());
    });
  }

  static async open(configured: UdpOptions): Promise<WildcardListener> {
    // Sockets of the same port beside a wildcard's are only allowed to those that share it.
    const options = { ...configured, shared: true };
    const listener = new WildcardListener(options, await UdpListener.open(options));
    await listener.#look();
    return listener;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#end();
    await this.#looking;
    await Promise.all([this.#wildcard, ...this.#listeners.values()].map((listener) => listener.close()));
  }

  async #look(): Promise<void> {
    if (this.#isClosed) return;
    const present = localAddresses(this.#options.endpoint.family);
    for (const [address, listener] of this.#listeners) {
      if (present.has(address)) continue;
      this.#listeners.delete(address);
      await listener.close();
    }
    for (const address of present) {
      if (this.#listeners.has(address) || this.#listeners.size >= ADDRESSES_MAX) continue;
      try {
        const endpoint = { ...this.#options.endpoint, address };
        this.#listeners.set(address, await UdpListener.open({ ...this.#options, endpoint }));
      } catch {
        // An address that is not usable yet (IPv6 still checks for duplicates), or gone again: the next look tells.
      }
    }
  }
}

/** Addresses of the host; link-local ones are left to the wildcard, which answers on the interface it was asked on. */
const localAddresses = (family: 4 | 6): Set<string> =>
  new Set(
    Object.values(networkInterfaces())
      .flatMap((entries) => entries ?? [])
      .filter((entry) => entry.family === `IPv${family}` && !/^fe[89ab]/i.test(entry.address))
      .map((entry) => entry.address),
  );
