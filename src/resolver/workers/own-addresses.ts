// The addresses of this host, by which a worker knows the program's own questions.
//
// A virtual address may come after the start. A port that is the program's own and an address that is not known are looked at
// again, at most once a second, so that nobody has the interfaces read at will.
import { networkInterfaces } from 'node:os';
import type { Clock } from '../../base/base.ts';

/** Between two looks, milliseconds. */
const LOOK_MS = 1_000;

/** Addresses as sockets print them. */
export class OwnAddresses {
  readonly #clock: Clock;
  readonly #read: () => readonly string[];
  #known: ReadonlySet<string>;
  #lookedAtMs: number;

  constructor(clock: Clock, read = readInterfaces) {
    this.#clock = clock;
    this.#read = read;
    this.#known = new Set(read());
    this.#lookedAtMs = clock();
  }

  /** True for an address of this host. */
  has(address: string): boolean {
    if (this.#known.has(address)) return true;
    const nowMs = this.#clock();
    if (nowMs - this.#lookedAtMs < LOOK_MS) return false;
    this.#lookedAtMs = nowMs;
    this.#known = new Set(this.#read());
    return this.#known.has(address);
  }
}

const readInterfaces = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((entries) => entries?.map(({ address }) => address) ?? []);
