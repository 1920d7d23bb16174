// Rebinding protection: answers from outside do not lead into the network. Hot file.
//
// A web page on a public name gets at devices behind a firewall when its name is made to lead to their addresses (DNS
// rebinding). An answer with such an address is therefore only for names whose zone is said to have them. It does not
// matter where in the answer the address stands, nor in which form: an IPv4 address that an IPv6 address embeds is
// among the targets of an answer as well. RFCs 1918, 3927, 4193, 4291, 6598, 6890.
import { createAddress, PrefixTable, parsePrefix } from '../base/base.ts';
import { nameEquals, TARGET_ADDRESS_WORDS, type Targets } from '../dns/dns.ts';

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

/** Throws a TypeError when a text above is no prefix. Once per configuration. */
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

/** Tells answers that lead into the network. */
export class RebindingGuard {
  readonly #private = prefixTable([...PRIVATE_IPV4, ...PRIVATE_IPV6]);
  readonly #allowedZones: readonly Uint8Array[];
  readonly #address = createAddress();

  /** `allowedZones` are wire names: names in them may lead to any address. Once per configuration. */
  constructor(allowedZones: readonly Uint8Array[]) {
    this.#allowedZones = allowedZones;
  }

  /**
   * True when an answer to the folded name in the first `qnameLength` bytes must not be given: one of its addresses, or
   * hints of a service, is private, and the name is in no allowed zone. The names that aliases lead to do not count:
   * whoever owns the asked name chose them.
   */
  isForbidden(answer: Targets, foldedQname: Uint8Array, qnameLength: number): boolean {
    return this.#hasPrivateAddress(answer) && !this.#isAllowed(foldedQname, qnameLength);
  }

  #hasPrivateAddress({ addresses, addressesStart, addressesEnd }: Targets): boolean {
    for (let at = addressesStart; at < addressesEnd; at += TARGET_ADDRESS_WORDS) {
      for (let word = 0; word < 4; word++) this.#address[word] = addresses[at + 1 + word] ?? 0;
      if (this.#private.find(this.#address) >= 0) return true;
    }
    return false;
  }

  #isAllowed(qname: Uint8Array, length: number): boolean {
    for (const zone of this.#allowedZones) {
      if (endsInZone(qname, length, zone)) return true;
    }
    return false;
  }
}

/** isInZone() for a name at the beginning of longer bytes, of which no view has to be made. */
const endsInZone = (name: Uint8Array, length: number, zone: Uint8Array): boolean => {
  const start = length - zone.length;
  let at = 0;
  while (at < start) at += (name[at] ?? 0) + 1;
  return at === start && nameEquals(name, start, zone, 0, zone.length);
};
