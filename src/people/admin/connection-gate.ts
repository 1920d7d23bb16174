// The places of the admin listener: bounded, and never all taken by connections on which nothing happens.
//
// When a connection comes and all places are taken, the one that has waited longest for a request gives its place up,
// and where none waits, the one whose response has been under way for longest. So a client that opens connections and
// says nothing keeps nobody out: a scrape is read within milliseconds of its connection.
import type { Socket } from 'node:net';

/** Connections in the order in which each of them began to wait, or to be answered. */
export class ConnectionGate {
  readonly #max: number;
  readonly #waiting = new Set<Socket>();
  readonly #answered = new Set<Socket>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Gives a connection a place, at the cost of another one when there is none. */
  enter(socket: Socket): void {
    if (this.#waiting.size + this.#answered.size >= this.#max) this.#evict();
    this.#waiting.add(socket);
    socket.once('close', () => this.#forget(socket));
  }

  /** A whole request has come. */
  begin(socket: Socket): void {
    if (this.#waiting.delete(socket)) this.#answered.add(socket);
  }

  /** Its response has been handed to the system. */
  end(socket: Socket): void {
    if (this.#answered.delete(socket)) this.#waiting.add(socket);
  }

  #evict(): void {
    const [oldest] = this.#waiting.size > 0 ? this.#waiting : this.#answered;
    if (oldest === undefined) return;
    this.#forget(oldest);
    oldest.destroy();
  }

  #forget(socket: Socket): void {
    this.#waiting.delete(socket);
    this.#answered.delete(socket);
  }
}
