// Times of a master file: seconds as a number, or with units as name servers take them (`1h30m`).
//
// RFC 1035 knows numbers only; the units are what people write in TTLs and in the timers of a SOA.

/** Longest TTL (RFC 2181 section 8). */
export const TTL_SEC_MAX = 0x7fff_ffff;
/** A TTL that nothing tells. */
export const TTL_UNKNOWN = -1;

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

const UNIT_SEC: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * The seconds that the bytes from `start` to `end` stand for; TTL_UNKNOWN when malformed or over TTL_SEC_MAX.
 */
export const readZoneTtl = (bytes: Uint8Array, start: number, end: number): number => {
  let total = 0;
  let number = TTL_UNKNOWN;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= DIGIT_0 && byte <= DIGIT_9) {
      number = Math.max(number, 0) * 10 + byte - DIGIT_0;
      if (number > TTL_SEC_MAX) return TTL_UNKNOWN;
      continue;
    }
    const unitSec = UNIT_SEC[String.fromCharCode(byte).toLowerCase()];
    if (unitSec === undefined || number === TTL_UNKNOWN) return TTL_UNKNOWN;
    total += number * unitSec;
    number = TTL_UNKNOWN;
  }
  total += Math.max(number, 0);
  return total <= TTL_SEC_MAX && end > start ? total : TTL_UNKNOWN;
};
