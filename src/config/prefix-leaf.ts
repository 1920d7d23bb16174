// The leaves of address prefixes: of clients, and of IPv6 addresses that hold or stand for an IPv4 address.
//
// Prefixes are held in the mapped form of base, where ::ffff:0:0/96 is all of IPv4. As IPv6 it is written with its 96
// bits; the leaves here read it so, and formatIpv6Prefix() writes it so.
import {
  createAddress,
  formatAddress,
  formatPrefix,
  isIpv4,
  MAPPED_BITS,
  type Prefix,
  parseAddress,
  parsePrefix,
  suggestPrefix,
} from '../base/base.ts';
import { Fault, quote, textLeaf } from './value.ts';

/** The lengths of prefixes that IPv4 addresses are put behind (RFC 6052 section 2.2). */
const TRANSLATION_LENGTHS: readonly number[] = [32, 40, 48, 56, 64, 96];
/** Bits 64 to 71, which are zero in an address with an IPv4 address in it (RFC 6052 section 2.2). */
const RESERVED_OCTET_MASK = 0xff000000;

/** An address prefix; an address alone is that address only. */
export const prefix = () => textLeaf({ name: 'prefix' }, readPrefix, formatPrefix);

/** The prefix that a text is, or why it is none. */
export const readPrefix = (text: string): Prefix | Fault =>
  parsePrefix(text) ??
  notAPrefix(text, 'an address prefix', 'write it such as "192.0.2.0/24" or "2001:db8::/32"');

/** An IPv6 prefix; an address alone is that address only. */
export const ipv6Prefix = () => textLeaf({ name: 'IPv6 prefix' }, readIpv6Prefix, formatIpv6Prefix);

/** An IPv6 prefix that IPv4 addresses are put behind. */
export const translationPrefix = () =>
  textLeaf(
    { name: 'IPv6 prefix', bounds: `length ${TRANSLATION_LENGTHS.join(', ')}` },
    (text) => {
      const found = readIpv6Prefix(text);
      if (found instanceof Fault) return found;
      if (isIpv4(found.words)) {
        return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is the prefix of IPv4-mapped addresses`);
      }
      if (!TRANSLATION_LENGTHS.includes(found.bits)) {
        const lengths = TRANSLATION_LENGTHS.join(', ');
        return new Fault('ERR_CONFIG_VALUE', `${quote(text)} has a length that is not one of ${lengths}`);
      }
      return ((found.words[2] ?? 0) & RESERVED_OCTET_MASK) === 0
        ? found
        : new Fault('ERR_CONFIG_VALUE', `${quote(text)} has bits 64 to 71 set, which have to be zero`);
    },
    formatIpv6Prefix,
  );

/** The text that the leaves of IPv6 prefixes read back. */
export const formatIpv6Prefix = ({ words, bits }: Prefix): string =>
  isIpv4(words) && bits >= MAPPED_BITS
    ? `::ffff:${formatAddress(words)}/${bits}`
    : formatPrefix({ words, bits });

const readIpv6Prefix = (text: string): Prefix | Fault => {
  const example = 'write it such as "2001:db8::/32" or "::ffff:0:0/96"';
  if (!text.includes(':'))
    return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not an IPv6 prefix`, example);
  return parsePrefix(withMappedLength(text)) ?? notAPrefix(text, 'an IPv6 prefix', example);
};

/** A prefix of IPv4-mapped addresses as the IPv4 prefix that it is, so that its length counts all 128 bits. */
const withMappedLength = (text: string): string => {
  const [, address = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const words = createAddress();
  const bits = Number(length) - MAPPED_BITS;
  return parseAddress(address, words) && isIpv4(words) && bits >= 0
    ? `${formatAddress(words)}/${bits}`
    : text;
};

const notAPrefix = (text: string, what: string, example: string): Fault => {
  const meant = suggestPrefix(text);
  const slash = text.indexOf('/');
  const isAddress = slash > 0 && parseAddress(text.slice(0, slash), createAddress());
  const otherwise = isAddress ? 'the bits after its length have to be zero' : example;
  const hint =
    meant === undefined ? otherwise : `did you mean ${quote(meant)}? Bits after the length are zero`;
  return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not ${what}`, hint);
};
