// Letters of a query's name in mixed case, which an answer has to repeat (draft-vixie-dnsext-dns0x20). Hot file.
//
// DNS ignores case and servers copy the question, so that each letter is one bit more that a spoofer has to guess
// (RFC 5452 section 9.3 asks for more of them). A server that does not copy it is asked over TCP instead, where nobody
// has to guess; see Forwarding.
import { foldByte, HEADER_LENGTH } from '../../wire/dns/dns.ts';
import type { RandomSource } from './random-pool.ts';

/** The bit that tells capital from small letters in ASCII. */
const CASE_BIT = 0x20;

/** Bits of a random number. */
const RANDOM_BITS = 16;

/** Draws the case of each letter of the query's name, `length` bytes long. */
export const mixLetters = (query: Uint8Array, length: number, random: RandomSource): void => {
  let bits = 0;
  let left = 0;
  for (let at = HEADER_LENGTH; at < HEADER_LENGTH + length; at++) {
    const folded = foldByte(query[at] ?? 0);
    // A label's length is at most 63 and thus never a letter.
    if (folded < 0x61 || folded > 0x7a) continue;
    if (left === 0) {
      bits = random.next();
      left = RANDOM_BITS;
    }
    query[at] = (bits & 1) === 0 ? folded : folded ^ CASE_BIT;
    bits >>>= 1;
    left--;
  }
};

/** True when the name of the question, which is the same with letters folded, has the very letters of the query. */
export const keepsLetters = (message: Uint8Array, query: Uint8Array, length: number): boolean => {
  for (let at = HEADER_LENGTH; at < HEADER_LENGTH + length; at++) {
    if (message[at] !== query[at]) return false;
  }
  return true;
};
