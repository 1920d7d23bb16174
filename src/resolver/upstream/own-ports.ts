// The local UDP ports of Cordon's own upstream sockets, so that a listener recognizes a query that Cordon itself sent
// (an upstream that points back at it) instead of forwarding it forever.
//
// One block of bits per worker in shared memory, because the kernel hands a looped query to any worker's listener.
// Each worker writes its own block only and clears it when it starts: a worker that died leaves no port behind.

/** Size of one worker's block: one bit per port. */
export const OWN_PORTS_BYTES = 65_536 / 8;

/** Ports that another thread sets in shared memory, one bit each. */
export class PortSet {
  readonly #bits: Int32Array;

  /** `memory` holds OWN_PORTS_BYTES. */
  constructor(memory: SharedArrayBuffer) {
    this.#bits = new Int32Array(memory);
  }

  add(port: number): void {
    Atomics.or(this.#bits, port >>> 5, 1 << (port & 31));
  }

  delete(port: number): void {
    Atomics.and(this.#bits, port >>> 5, ~(1 << (port & 31)));
  }

  has(port: number): boolean {
    return ((this.#bits[port >>> 5] ?? 0) & (1 << (port & 31))) !== 0;
  }
}

/** The ports of all workers, seen from one of them. */
export class OwnPorts {
  readonly #blocks: readonly Int32Array[];
  readonly #own: Int32Array;

  /** `memory` holds OWN_PORTS_BYTES for each worker; `worker` is the index of the one that this object belongs to. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(OWN_PORTS_BYTES), worker = 0) {
    const blocks: Int32Array[] = [];
    for (let at = 0; at < memory.byteLength; at += OWN_PORTS_BYTES) {
      blocks.push(new Int32Array(memory, at, OWN_PORTS_BYTES / 4));
    }
    const own = blocks[worker];
    if (own === undefined) throw new RangeError(`own ports: no block for worker ${worker}`);
    own.fill(0);
    this.#blocks = blocks;
    this.#own = own;
  }

  add(port: number): void {
    Atomics.or(this.#own, port >>> 5, 1 << (port & 31));
  }

  delete(port: number): void {
    Atomics.and(this.#own, port >>> 5, ~(1 << (port & 31)));
  }

  /** True when some worker asks upstreams from this port. A client of another host may use the same number. */
  has(port: number): boolean {
    for (const block of this.#blocks) {
      if (((block[port >>> 5] ?? 0) & (1 << (port & 31))) !== 0) return true;
    }
    return false;
  }
}
