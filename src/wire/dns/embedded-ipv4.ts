// IPv4 addresses inside IPv6 addresses: every form by which an AAAA record or a hint can lead to an IPv4 address.
//
// A rule on an IPv4 prefix has to hold for all of them, because one host with a relay, a translator or an old tunnel
// driver is enough to reach the address behind the form. What the forms have in common is that they can be read from
// the address alone, so none of them needs the network to be known.
import { type AddressWords, matchesPrefix, type Prefix } from '../../base/base.ts';

/** Most IPv4 addresses that one IPv6 address embeds: 64:ff9b:1::/48 in four readings, ISATAP, one own prefix. */
export const EMBEDDED_IPV4_MAX = 6;

/** 64:ff9b::/96, the well-known prefix of RFC 6052 section 2.1: it leads to IPv4 whether a translator is known or not. */
const WELL_KNOWN_PREFIX: Prefix = { words: Uint32Array.of(0x0064ff9b, 0, 0, 0), bits: 96 };
/** 64:ff9b:1::/48, for translators of one's own (RFC 8215), which take any length of RFC 6052 section 2.2 within it. */
const LOCAL_USE_PREFIX: Prefix = { words: Uint32Array.of(0x0064ff9b, 0x0001_0000, 0, 0), bits: 48 };
const LOCAL_USE_LENGTHS = [48, 56, 64, 96] as const;
/** 2002::/16 (RFC 3056 section 2). */
const SIX_TO_FOUR_WORD = 0x2002;
/** 2001::/32 (RFC 4380 section 4): the server, and the client with all bits turned over. */
const TEREDO_WORD = 0x2001_0000;
/** ::ffff:0:0:0/96, IPv4-translated (RFC 2765 section 2.1, SIIT). */
const TRANSLATED_WORD = 0xffff_0000;
/** 00-00-5E-FE at the head of an interface identifier (RFC 5214 section 6.1). */
const ISATAP_WORD = 0x0000_5efe;
/** The universal/local bit of the same identifier, set where the IPv4 address is globally unique. */
const ISATAP_UNIVERSAL_BIT = 0x0200_0000;
/** `::` and `::1` are no IPv4-compatible addresses (RFC 4291 section 2.5.5.1). */
const LOOPBACK_WORD = 1;

/** The prefix of the network's own translator, when it is another one than the well-known. */
let translationPrefix: Prefix | undefined;

/**
 * Tells the prefix under which the network's NAT64 translator embeds IPv4 addresses, of one of the lengths of RFC 6052
 * section 2.2; the well-known prefix is known without it. Holds for the whole thread, for addresses that are read from
 * then on: what was collected before under another prefix is to be thrown away. Once per configuration.
 */
export const setTranslationPrefix = (prefix: Prefix | undefined): void => {
  const isKnown =
    prefix?.bits === WELL_KNOWN_PREFIX.bits && matchesPrefix(prefix.words, WELL_KNOWN_PREFIX.words, 96);
  translationPrefix = isKnown ? undefined : prefix;
};

/**
 * True for an address as the network's own translator has it: under the prefix that was told, and nothing but zeros around the IPv4
 * address (RFC 6052 section 2.2). It leads to that IPv4 address and nowhere else, whatever block the prefix is of.
 */
export const isTranslated = (address: AddressWords): boolean => {
  if (translationPrefix === undefined) return false;
  const { words, bits } = translationPrefix;
  if (!matchesPrefix(address, words, bits)) return false;
  if (bits === 96) return true;
  const third = address[2] ?? 0;
  const last = address[3] ?? 0;
  // Bits 64 to 71 hold nothing; behind them lie as many bits of the IPv4 address as the prefix has more than 32.
  if (third >>> 24 !== 0) return false;
  if (bits === 64) return (last & 0x00ff_ffff) === 0;
  return last === 0 && (third & (0x00ff_ffff >>> (bits - 32))) === 0;
};

/**
 * Writes the IPv4 addresses that an IPv6 address embeds into `out`, a word each, and returns how many there are: 0 to
 * EMBEDDED_IPV4_MAX. The mapped form is no IPv6 address here: base holds it as the IPv4 address that it is.
 */
export const readEmbeddedIpv4 = (address: AddressWords, out: Uint32Array): number => {
  const first = address[0] ?? 0;
  const second = address[1] ?? 0;
  const third = address[2] ?? 0;
  const last = address[3] ?? 0;
  let count = 0;
  if (first >>> 16 === SIX_TO_FOUR_WORD) out[count++] = (first << 16) | (second >>> 16);
  if (first === TEREDO_WORD) {
    out[count++] = second;
    out[count++] = ~last;
  }
  if (first === 0 && second === 0) {
    if (third === TRANSLATED_WORD || (third === 0 && last > LOOPBACK_WORD)) out[count++] = last;
  }
  if ((third & ~ISATAP_UNIVERSAL_BIT) === ISATAP_WORD) out[count++] = last;
  if (matchesPrefix(address, WELL_KNOWN_PREFIX.words, WELL_KNOWN_PREFIX.bits)) out[count++] = last;
  if (matchesPrefix(address, LOCAL_USE_PREFIX.words, LOCAL_USE_PREFIX.bits))
    for (const bits of LOCAL_USE_LENGTHS) {
      const read = translatedIpv4(address, bits);
      // Of the four readings one is meant. "This network" (0.0.0.0/8) is what the zeros around the others come to.
      if (read >>> 24 !== 0) out[count++] = read;
    }
  if (
    translationPrefix !== undefined &&
    matchesPrefix(address, translationPrefix.words, translationPrefix.bits)
  )
    out[count++] = translatedIpv4(address, translationPrefix.bits);
  return count;
};

/**
 * The IPv4 address behind a prefix of 32, 40, 48, 56, 64 or 96 bits, as a word; it leaves out bits 64 to 71 (RFC 6052
 * section 2.2). They and the suffix are not looked at: what a translator makes of one that sets them is not known here.
 */
const translatedIpv4 = (address: AddressWords, bits: number): number => {
  const third = address[2] ?? 0;
  const last = address[3] ?? 0;
  if (bits === 96) return last;
  if (bits === 64) return (third << 8) | (last >>> 24);
  return ((address[1] ?? 0) << (bits - 32)) | ((third & 0xff_ffff) >>> (56 - bits));
};
