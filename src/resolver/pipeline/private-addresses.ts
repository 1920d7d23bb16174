// Private addresses: those that only mean something inside of a network. RFCs 1918, 3879, 3927, 4193, 4291, 6598, 6890.
import { PrefixTable, parsePrefix } from '../../base/base.ts';

/** Blocks of IPv4 that only mean something inside of a network. */
const PRIVATE_IPV4 = [
  /** "This network" (RFC 791 section 3.2): many systems take it for the machine itself. */
  '0.0.0.0/8',
  '10.0.0.0/8',
  /** Shared (RFC 6598): between a provider and its customers, never reached from outside. */
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
] as const;

const PRIVATE_IPV6 = [
  /** `::`, `::1`, and addresses that embed IPv4 as nobody does any more (RFC 4291 section 2.5.5.1). */
  '::/96',
  'fc00::/7',
  'fe80::/10',
  /** Site-local: deprecated (RFC 3879), and still routed where it was set up. */
  'fec0::/10',
] as const;

/**
 * No host of the public Internet has one of these, and some networks use them inside all the same (RFC 6890, multicast). An answer
 * for a client may have them: a group of multicast has names.
 */
const NEVER_PUBLIC = ['192.0.0.0/24', '198.18.0.0/15', '224.0.0.0/4', '240.0.0.0/4', 'ff00::/8'] as const;

/** Throws a TypeError when a text above is no prefix. */
const prefixTable = (texts: readonly string[]): PrefixTable =>
  PrefixTable.build(
    texts.map((text) => {
      const prefix = parsePrefix(text);
      if (prefix === undefined) throw new TypeError(`"${text}" is not a prefix`);
      return { prefix, value: 1 };
    }),
  );

/** The private addresses of IPv4. */
export const createPrivateIpv4Table = (): PrefixTable => prefixTable(PRIVATE_IPV4);

/** Those of IPv4 and IPv6. */
export const createPrivateTable = (): PrefixTable => prefixTable([...PRIVATE_IPV4, ...PRIVATE_IPV6]);

/** All that no foreign host has. */
export const createNeverForeignTable = (): PrefixTable =>
  prefixTable([...PRIVATE_IPV4, ...PRIVATE_IPV6, ...NEVER_PUBLIC]);
