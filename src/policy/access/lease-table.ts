// Who has which address by leases, in memory that all threads share. Hot file.
//
// One thread writes, all others read and wait for nobody: the table has two halves, of which one is in force while the other
// is written. A reader that sees the number of the table change while it reads, reads again.
import { randomInt } from 'node:crypto';
import type { AddressWords } from '../../base/base.ts';
import type { KnownDevices } from './devices.ts';
import type { Identified } from './identity.ts';

/** Addresses that have a device at the same time. */
export const LEASES_MAX = 65_536;
/** Twice as many places as addresses, so that looking for one is short; a power of two. */
const PLACES = 2 * LEASES_MAX;
/** An entry: address, length of the name, and the name. */
const NAME_BYTES_MAX = 60;
const ENTRY_WORDS = 5 + NAME_BYTES_MAX / 4;
const HEADER_WORDS = 32;
const HALF_WORDS = PLACES + LEASES_MAX * ENTRY_WORDS;
/** Beside the number of the table: where places begin, so that nobody can choose addresses that share one. */
const SEED = 1;
const SEEDS = 2 ** 32;
/** A reader is slower than two changes, which are a second apart: it was not running. */
const TRIES_MAX = 3;

/** Memory for a table; what is not used takes none. @cold */
export const createLeaseTable = (): SharedArrayBuffer => {
  const memory = new SharedArrayBuffer((HEADER_WORDS + 2 * HALF_WORDS) * 4);
  new Uint32Array(memory)[SEED] = randomInt(SEEDS);
  return memory;
};

const placeOf = (seed: number, a: number, b: number, c: number, d: number): number => {
  let hash = Math.imul(a ^ seed, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ b, 0x9e37_79b1);
  hash ^= hash >>> 15;
  hash = Math.imul(hash ^ c, 0xc2b2_ae35);
  hash = Math.imul(hash ^ (hash >>> 13) ^ d, 0x27d4_eb2f);
  return (hash ^ (hash >>> 15)) & (PLACES - 1);
};

/** Puts other leases in force: of addresses that differ, at most LEASES_MAX. @cold */
export const writeLeases = (
  memory: SharedArrayBuffer,
  leases: readonly { readonly address: AddressWords; readonly device: string }[],
): void => {
  const words = new Uint32Array(memory);
  const bytes = new Uint8Array(memory);
  const seed = words[SEED] ?? 0;
  const number = Atomics.load(words, 0) + 1;
  const half = HEADER_WORDS + (number & 1) * HALF_WORDS;
  words.fill(0, half, half + PLACES);
  for (const [index, { address, device }] of leases.slice(0, LEASES_MAX).entries()) {
    const at = half + PLACES + index * ENTRY_WORDS;
    const name = Buffer.from(device).subarray(0, NAME_BYTES_MAX);
    words.set(address, at);
    words[at + 4] = name.length;
    bytes.set(name, (at + 5) * 4);
    let place = placeOf(seed, address[0] ?? 0, address[1] ?? 0, address[2] ?? 0, address[3] ?? 0);
    while (words[half + place] !== 0) place = (place + 1) & (PLACES - 1);
    words[half + place] = index + 1;
  }
  Atomics.store(words, 0, number);
};

/** Finds devices by their address, for one configuration. */
export class LeasedDevices {
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #devices: KnownDevices;
  readonly #name = new Uint8Array(NAME_BYTES_MAX);

  /** @cold */
  constructor(memory: SharedArrayBuffer, devices: KnownDevices) {
    this.#words = new Uint32Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#devices = devices;
  }

  /** Who has an address at the moment; undefined: nobody says. */
  find(address: AddressWords): Identified | undefined {
    const words = this.#words;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const number = Atomics.load(words, 0);
      const length = this.#read(HEADER_WORDS + (number & 1) * HALF_WORDS, address);
      if (Atomics.load(words, 0) !== number) continue;
      return length === 0 ? undefined : this.#devices.find(this.#name, length);
    }
    return undefined;
  }

  /** Returns the length of the name that was read; 0: the address has none. */
  #read(half: number, address: AddressWords): number {
    const words = this.#words;
    const a = address[0] ?? 0;
    const b = address[1] ?? 0;
    const c = address[2] ?? 0;
    const d = address[3] ?? 0;
    let place = placeOf(words[SEED] ?? 0, a, b, c, d);
    for (let looked = 0; looked < PLACES; looked++) {
      const entry = words[half + place] ?? 0;
      if (entry === 0) return 0;
      const at = half + PLACES + (entry - 1) * ENTRY_WORDS;
      if (words[at + 3] === d && words[at + 2] === c && words[at + 1] === b && words[at] === a) {
        const length = Math.min(words[at + 4] ?? 0, NAME_BYTES_MAX);
        for (let i = 0; i < length; i++) this.#name[i] = this.#bytes[(at + 5) * 4 + i] ?? 0;
        return length;
      }
      place = (place + 1) & (PLACES - 1);
    }
    return 0;
  }
}
