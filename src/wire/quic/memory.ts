// Numbers and datagrams in memory that OpenSSL reads and writes. Hot file.
import type { OpenSsl, Pointer } from './openssl.ts';

/** A number of 64 bits that a call writes. */
export class OutNumber {
  readonly bytes: Uint8Array;
  readonly #cell = new BigUint64Array(1);

  constructor() {
    this.bytes = new Uint8Array(this.#cell.buffer);
  }

  get value(): number {
    return Number(this.#cell[0] ?? 0n);
  }

  set value(value: number) {
    this.#cell[0] = BigInt(value);
  }
}

/** struct bio_msg_st in words of 64 bits: data, length, peer, local, flags. */
const MESSAGE_WORDS = 5;
export const MESSAGE_BYTES = 40;
const LENGTH = 1;
const LOCAL = 3;

/** Datagrams as BIO_sendmmsg(3) takes and BIO_recvmmsg(3) gives them, each with one address. */
export class Messages {
  /** As C is told of them. */
  readonly bytes: Uint8Array;
  readonly addresses: readonly Pointer[];
  readonly #c: OpenSsl;
  readonly #words: BigUint64Array;
  readonly #data: Buffer;
  readonly #slotBytes: number;

  constructor(c: OpenSsl, count: number, slotBytes: number) {
    this.#c = c;
    this.#slotBytes = slotBytes;
    this.#data = Buffer.allocUnsafeSlow(count * slotBytes);
    this.#words = new BigUint64Array(count * MESSAGE_WORDS);
    this.bytes = new Uint8Array(this.#words.buffer);
    this.addresses = Array.from({ length: count }, () => c.BIO_ADDR_new());
    const data = c.address(this.#data);
    for (const [i, address] of this.addresses.entries()) {
      this.#words[i * MESSAGE_WORDS] = data + BigInt(i * slotBytes);
      this.#words[i * MESSAGE_WORDS + LOCAL] = BigInt(address ?? 0);
    }
  }

  /** Room of one datagram. */
  slot(index: number): Buffer {
    return this.#data.subarray(index * this.#slotBytes, (index + 1) * this.#slotBytes);
  }

  lengthOf(index: number): number {
    return Number(this.#words[index * MESSAGE_WORDS + LENGTH] ?? 0n);
  }

  setLength(index: number, length: number): void {
    this.#words[index * MESSAGE_WORDS + LENGTH] = BigInt(length);
  }

  /** Frees the addresses. @cold */
  close(): void {
    for (const address of this.addresses) this.#c.BIO_ADDR_free(address);
  }
}
