// A device where an address is expected: by its name, it gets words in a prefix in which nobody has an address.
//
// So all that finds clients by their address (exemptions, counts, pseudonyms) finds devices as well, wherever they are.
import { createHash } from 'node:crypto';
import { type AddressWords, createAddress, matchesPrefix, type Prefix } from './address.ts';

/** 100::/64, whose packets are discarded (RFC 6666): no client comes from there. */
const DISCARD_BITS = 64;
const DISCARD = Uint32Array.of(0x0100_0000, 0, 0, 0);
/** A shorter prefix is for no client in particular, and is refused where that matters. */
const OVERLAP_BITS_MIN = 8;

/** The words of a device: 64 bits of the SHA-256 of its name, in which small and capital letters are the same. */
export const deviceAddress = (name: string): AddressWords => {
  const hash = createHash('sha256').update(name.toLowerCase()).digest();
  const words = createAddress();
  words.set(DISCARD);
  words[2] = hash.readUInt32BE(0);
  words[3] = hash.readUInt32BE(4);
  return words;
};

/** True when a prefix holds words of devices. */
export const holdsDevices = ({ words, bits }: Prefix): boolean =>
  bits >= OVERLAP_BITS_MIN && matchesPrefix(words, DISCARD, Math.min(bits, DISCARD_BITS));
