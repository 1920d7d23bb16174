// What an answer is kept under: the folded name, the type, and the flags that change an upstream's answer. Hot file.
import { NAME_LENGTH_MAX } from '../../wire/dns/dns.ts';

/** Type (2 bytes) and flags (1 byte) behind the folded name. */
export const KEY_TAIL_BYTES = 3;
const WORD_BYTES = 4;
/** Whole words for the longest key and what fills its last word. */
const BYTES_MAX = Math.ceil((NAME_LENGTH_MAX + KEY_TAIL_BYTES) / WORD_BYTES) * WORD_BYTES;

/** DO and CD in a key; the number of the upstreams' view stands above them. */
export const KEY_FLAG = { DNSSEC_OK: 1, CHECKING_DISABLED: 2 } as const;
/** Bits below the view. */
const VIEW_SHIFT = 2;
/** Views that there can be: what is left of a byte. */
export const VIEWS_MAX = 64;

/** The flags of a key. */
export const keyFlags = (isDnssecOk: boolean, isCheckingDisabled: boolean, view: number): number =>
  (isDnssecOk ? KEY_FLAG.DNSSEC_OK : 0) |
  (isCheckingDisabled ? KEY_FLAG.CHECKING_DISABLED : 0) |
  (view << VIEW_SHIFT);

/** A key in the making: write the folded name into `bytes`, then seal(). One object serves many queries. */
export class CacheKey {
  /** The folded wire name, then type and flags. */
  readonly bytes: Buffer;
  /** Bytes of name, type and flags. */
  length = 0;
  /** Of the sealed key, 32 bits with a sign. */
  hash = 0;
  flags = 0;
  readonly #words: Uint32Array;

  constructor() {
    const buffer = new ArrayBuffer(BYTES_MAX);
    this.bytes = Buffer.from(buffer);
    this.#words = new Uint32Array(buffer);
  }

  /** Completes the key behind a name of `nameLength` bytes; `seed` is what the hash starts from. */
  seal(nameLength: number, type: number, flags: number, seed: number): void {
    const { bytes } = this;
    const words = this.#words;
    bytes[nameLength] = type >>> 8;
    bytes[nameLength + 1] = type & 0xff;
    bytes[nameLength + 2] = flags;
    const length = nameLength + KEY_TAIL_BYTES;
    for (let i = length; (i & (WORD_BYTES - 1)) !== 0; i++) bytes[i] = 0;
    let hash = seed;
    for (let i = 0; i * WORD_BYTES < length; i++) {
      // The rotation carries high bits down: a product alone moves them up only.
      const mixed = Math.imul(hash ^ (words[i] ?? 0), 0x9e3779b1);
      hash = (mixed << 15) | (mixed >>> 17);
    }
    this.length = length;
    this.flags = flags;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    this.hash = hash ^ (hash >>> 13);
  }

  /** The key as text, one character a byte. */
  get text(): string {
    return this.bytes.toString('latin1', 0, this.length);
  }
}

const texts = new CacheKey();

/** The text of the key of a folded name, a type and flags: CacheKey.text of the same key sealed. */
export const keyText = (name: Uint8Array, type: number, flags: number): string => {
  texts.bytes.set(name);
  texts.seal(name.length, type, flags, 0);
  return texts.text;
};
