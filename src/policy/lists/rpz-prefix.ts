// Address prefixes as owners of response policy zones write them: LENGTH.REVERSED-ADDRESS.
//
// 24.0.2.0.192 is 192.0.2.0/24, and 32.zz.db8.2001 is 2001:db8::/32: the groups are reversed, `zz` stands for
// `::`. Only the canonical form is taken (draft-vixie-dnsop-dns-rpz, section on the encoding of addresses):
// two owners of one prefix would be two rules for one address, and name servers refuse them as well.
import { formatAddress, isIpv4, MAPPED_BITS, type Prefix, parsePrefix } from '../../base/base.ts';

const IPV4_LABELS = 5;

/**
 * The prefix that the labels before `rpz-ip` stand for, letters folded; undefined when it is not canonical.
 */
export const parseRpzPrefix = (labels: readonly string[]): Prefix | undefined => {
  const [bits = '', ...groups] = labels;
  if (!/^[1-9]\d{0,2}$/.test(bits)) return undefined;
  const isIpv6 = labels.length !== IPV4_LABELS || groups.includes('zz');
  const separator = isIpv6 ? ':' : '.';
  const address = groups.reverse().join(separator);
  const text = isIpv6 ? address.replace(/:?\bzz\b:?/, '::') : address;
  const prefix = parsePrefix(`${text}/${bits}`);
  return prefix !== undefined && formatRpzPrefix(prefix) === labels.join('.') ? prefix : undefined;
};

/** The canonical text of a prefix, without `rpz-ip`. */
export const formatRpzPrefix = (prefix: Prefix): string => {
  const address = formatAddress(prefix.words);
  if (isIpv4(prefix.words)) {
    return `${prefix.bits - MAPPED_BITS}.${address.split('.').reverse().join('.')}`;
  }
  const groups = address.replace('::', ':zz:').split(':');
  const named = groups.filter((group) => group !== '');
  return `${prefix.bits}.${named.reverse().join('.')}`;
};
