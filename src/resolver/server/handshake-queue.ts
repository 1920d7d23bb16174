// Who shakes hands next, of those who wait for it, by network.
//
// Where networks only take turns, a client that connects once waits for one handshake of every network that attacks. Where those
// with few handshakes go first, an attacker with ever new networks keeps out everybody who shook hands before. So every other
// turn is that of the network with fewest handshakes lately: a newcomer waits for two, and an office for its turn at most
// twice as long.

/** Networks whose handshakes are remembered: as many as a worker has connections. */
const NETWORKS_MAX = 4096;

/** Those who wait, `T`, in the order in which they came. */
export class HandshakeQueue<T> {
  /** By network, the one that waits longest for its turn first. */
  readonly #waiting = new Map<string, T[]>();
  /** Handshakes of networks; each call of forget() halves them. */
  readonly #recent = new Map<string, number>();
  #isTurn = false;

  /** Networks of which somebody waits. */
  get size(): number {
    return this.#waiting.size;
  }

  add(network: string, one: T): void {
    const others = this.#waiting.get(network);
    if (others === undefined) this.#waiting.set(network, [one]);
    else others.push(one);
  }

  has(network: string, one: T): boolean {
    return this.#waiting.get(network)?.includes(one) === true;
  }

  /** The next one, which waits no longer; undefined: nobody waits. */
  take(): T | undefined {
    this.#isTurn = !this.#isTurn;
    const network = this.#isTurn ? this.#waiting.keys().next().value : this.#findFewest();
    if (network === undefined) return undefined;
    const waiting = this.#waiting.get(network) ?? [];
    const one = waiting.shift();
    this.#waiting.delete(network);
    if (waiting.length > 0) this.#waiting.set(network, waiting);
    const recent = this.#recent.get(network);
    if (recent !== undefined || this.#recent.size < NETWORKS_MAX)
      this.#recent.set(network, (recent ?? 0) + 1);
    return one;
  }

  /** Halves what is remembered; to be called every second or so. */
  forget(): void {
    for (const [network, count] of this.#recent) {
      if (count < 2) this.#recent.delete(network);
      else this.#recent.set(network, count / 2);
    }
  }

  #findFewest(): string | undefined {
    let found: string | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const network of this.#waiting.keys()) {
      const count = this.#recent.get(network) ?? 0;
      if (count >= fewest) continue;
      fewest = count;
      found = network;
      if (count === 0) break;
    }
    return found;
  }
}
