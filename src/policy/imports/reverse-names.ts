// Names below in-addr.arpa and ip6.arpa (RFC 1035 section 3.5, RFC 3596 section 2.5), from addresses and networks as texts.
import { readLoosePrefix } from './prefix-holes.ts';

/** The name of an address for a pointer; undefined for what is no address. */
export const reverseNameOf = (address: string): string | undefined => {
  const prefix = readLoosePrefix(address);
  if (prefix?.bits !== 128) return undefined;
  if (!address.includes(':')) return `${address.split('.').reverse().join('.')}.in-addr.arpa.`;
  const digits = [...prefix.words].map((word) => word.toString(16).padStart(8, '0')).join('');
  return `${[...digits].reverse().join('.')}.ip6.arpa.`;
};

/** The reverse zones of a network whose length is a whole number of labels; undefined for another one. */
export const reverseZonesOf = (network: string): string[] | undefined => {
  const prefix = readLoosePrefix(network);
  if (prefix === undefined) return undefined;
  if (network.includes(':')) {
    if (prefix.bits % 4 !== 0 || prefix.bits === 0) return undefined;
    const digits = [...prefix.words].map((word) => word.toString(16).padStart(8, '0')).join('');
    return [`${[...digits.slice(0, prefix.bits / 4)].reverse().join('.')}.ip6.arpa`];
  }
  const bits = prefix.bits - 96;
  if (bits < 8) return undefined;
  const octets = network.split('/')[0]?.split('.') ?? [];
  const whole = Math.ceil(bits / 8);
  const count = 2 ** (8 * whole - bits);
  const start = Number(octets[whole - 1] ?? 0) & ~(count - 1);
  return Array.from({ length: count }, (_value, index) =>
    [...octets.slice(0, whole - 1), String(start + index)].reverse().join('.'),
  ).map((labels) => `${labels}.in-addr.arpa`);
};
