// Texts as numbers of 64 bits, and a table by them: of ten million questions most came before, and are told by their number
// without a text being made of them.

import { randomInt } from 'node:crypto';

/** Others of each process: nobody chooses names that have the number of another one. */
const FACTORS = [randomInt(2 ** 31) * 2 + 1, randomInt(2 ** 31) * 2 + 1] as const;
const [FIRST, SECOND] = FACTORS;
/** 2^32 divided by the golden ratio: spreads what differs in few bits. */
const SPREAD = 0x9e37_79b1;
const SLOTS_MIN = 1 << 12;

/** A hash that grows with what it is given. */
export class Print {
  first: number = FIRST;
  second: number = SECOND;

  begin(): void {
    this.first = FIRST;
    this.second = SECOND;
  }

  /** Takes the bytes between two places. */
  take(bytes: Uint8Array, from: number, end: number): void {
    let { first, second } = this;
    for (let i = from; i < end; i++) {
      const byte = bytes[i] ?? 0;
      first = Math.imul(first ^ byte, FIRST) ^ (first >>> 15);
      second = Math.imul(second ^ byte, SECOND) ^ (second >>> 13);
    }
    this.first = first;
    this.second = second;
  }

  /** Takes a whole number of 32 bits. */
  number(value: number): void {
    this.first = Math.imul(this.first ^ value, FIRST) ^ (this.first >>> 15);
    this.second = Math.imul(this.second ^ value, SECOND) ^ (this.second >>> 13);
  }

  /** Takes a text, and where it ends. */
  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.number(text.charCodeAt(i));
    this.number(-1);
  }
}

/** Numbers from 0 on by prints. Grows; whoever fills it bounds it. */
export class PrintTable {
  #size = 0;
  #keys = new Int32Array(2 * SLOTS_MIN);
  /** One more than the number; 0: nothing. */
  #values = new Uint32Array(SLOTS_MIN);

  get size(): number {
    return this.#size;
  }

  /** Below 0: it is not there. */
  find(print: Print): number {
    return (this.#values[this.#slotOf(print.first, print.second)] ?? 0) - 1;
  }

  /** Puts what is not there yet. */
  put(print: Print, value: number): void {
    // At most half of it is full: what is not there is found out after two steps.
    if (2 * (this.#size + 1) > this.#values.length) this.#grow();
    this.#put(print.first, print.second, value + 1);
    this.#size++;
  }

  clear(): void {
    this.#size = 0;
    this.#keys = new Int32Array(2 * SLOTS_MIN);
    this.#values = new Uint32Array(SLOTS_MIN);
  }

  /** Where it is, or the free place where it would be. */
  #slotOf(first: number, second: number): number {
    const keys = this.#keys;
    const values = this.#values;
    const mask = values.length - 1;
    let slot = (Math.imul(first ^ (second >>> 16), SPREAD) >>> 8) & mask;
    while (values[slot] !== 0 && (keys[2 * slot] !== (first | 0) || keys[2 * slot + 1] !== (second | 0)))
      slot = (slot + 1) & mask;
    return slot;
  }

  #put(first: number, second: number, value: number): void {
    const slot = this.#slotOf(first, second);
    this.#keys[2 * slot] = first;
    this.#keys[2 * slot + 1] = second;
    this.#values[slot] = value;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Int32Array(2 * keys.length);
    this.#values = new Uint32Array(2 * values.length);
    for (const [slot, value] of values.entries())
      if (value !== 0) this.#put(keys[2 * slot] ?? 0, keys[2 * slot + 1] ?? 0, value);
  }
}
