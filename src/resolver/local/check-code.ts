// The label of one check of a device: half chance, half a code that only this program can make.
//
// Workers remember checks in a table of fixed size. Over UDP anybody may ask for anything in anybody's name: only what the notice's page
// gave to somebody who came over TCP may take a place in it.
import { createHmac, randomBytes } from 'node:crypto';

/** Of each half; 40 bits are guessed in 10^12 queries, of which a worker answers 10^5 a second. */
const HALF_BYTES = 5;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';
/** Characters of a code: 80 bits in base 32 (RFC 4648 section 6), in lower case, as names are compared. */
export const CHECK_CODE_LENGTH = 16;

/** The codes of this program, as the main thread makes them; workers are told the key. */
export const CHECK_KEY: Uint8Array = randomBytes(16);

/** A code that nobody else can make. */
export const createCheckCode = (key: Uint8Array): string => {
  const chance = toBase32(randomBytes(HALF_BYTES));
  return chance + tagOf(key, chance);
};

/** True for one that was made with the key. */
export const isCheckCode = (key: Uint8Array, code: string): boolean => {
  const half = CHECK_CODE_LENGTH / 2;
  // What takes how long tells nobody anything: who measures it sends queries by the million for one code.
  return code.slice(half) === tagOf(key, code.slice(0, half));
};

const tagOf = (key: Uint8Array, chance: string): string =>
  toBase32(createHmac('sha256', key).update(chance).digest().subarray(0, HALF_BYTES));

const toBase32 = (bytes: Uint8Array): string => {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let at = 0; at < (bytes.length * 8) / 5; at++) {
    text = (LETTERS[Number(bits & 31n)] ?? '') + text;
    bits >>= 5n;
  }
  return text;
};
