// The places of the notice's connections: bounded in all and for each address, and never all taken by those that say nothing.
//
// When all are taken, the connection that has been open for longest gives way: a page is answered within half a second, so
// one that holds a place for longer is no browser that waits for it.
import type { Socket } from 'node:net';

/** Connections by age. */
export class Visitors {
  readonly #max: number;
  readonly #perAddressMax: number;
  readonly #open = new Set<Socket>();
  readonly #byAddress = new Map<string, number>();

  constructor(max: number, perAddressMax: number) {
    this.#max = max;
    this.#perAddressMax = perAddressMax;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Gives a connection a place, at the cost of the oldest; false: its address has all that it may have. */
  enter(socket: Socket): boolean {
    const address = socket.remoteAddress ?? '';
    const count = this.#byAddress.get(address) ?? 0;
    if (count >= this.#perAddressMax) return false;
    if (this.#open.size >= this.#max) {
      const [oldest] = this.#open;
      oldest?.destroy();
      // Its own event comes too late for the next connection.
      if (oldest !== undefined) this.#leave(oldest);
    }
    this.#open.add(socket);
    this.#byAddress.set(address, count + 1);
    this.#addresses.set(socket, address);
    socket.once('close', () => this.#leave(socket));
    return true;
  }

  /** A closed socket does not know its address any more. */
  readonly #addresses = new WeakMap<Socket, string>();

  #leave(socket: Socket): void {
    if (!this.#open.delete(socket)) return;
    const address = this.#addresses.get(socket) ?? '';
    const count = (this.#byAddress.get(address) ?? 1) - 1;
    if (count > 0) this.#byAddress.set(address, count);
    else this.#byAddress.delete(address);
  }
}
