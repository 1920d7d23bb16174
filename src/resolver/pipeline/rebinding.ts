// Rebinding protection: answers from outside do not lead into the network. Hot file.
//
// A web page on a public name gets at devices behind a firewall when its name is made to lead to their addresses (DNS
// rebinding). An answer with such an address is therefore only for names whose zone is said to have them. It does not
// matter where in the answer the address stands, nor in which form: an IPv4 address that an IPv6 address embeds is
// among the targets of an answer as well. RFCs 1918, 3927, 4193, 4291, 6598, 6890.
import { createAddress } from '../../base/base.ts';
import { isTranslated, nameEquals, TARGET_ADDRESS_WORDS, type Targets } from '../../wire/dns/dns.ts';
import { createPrivateTable } from './private-addresses.ts';

/** Tells answers that lead into the network. */
export class RebindingGuard {
  readonly #private = createPrivateTable();
  readonly #allowedZones: readonly Uint8Array[];
  readonly #address = createAddress();

  /** `allowedZones` are wire names: names in them may lead to any address. Once per configuration. */
  constructor(allowedZones: readonly Uint8Array[]) {
    this.#allowedZones = allowedZones;
  }

  /**
   * True when an answer to the folded name in the first `qnameLength` bytes must not be given: one of its addresses, or
   * hints of a service, is private, and the name is in no allowed zone. The names that aliases lead to do not count:
   * the owner of the asked name chose them.
   */
  isForbidden(answer: Targets, foldedQname: Uint8Array, qnameLength: number): boolean {
    return this.#hasPrivateAddress(answer) && !this.#isAllowed(foldedQname, qnameLength);
  }

  #hasPrivateAddress({ addresses, addressesStart, addressesEnd }: Targets): boolean {
    for (let at = addressesStart; at < addressesEnd; at += TARGET_ADDRESS_WORDS) {
      for (let word = 0; word < 4; word++) this.#address[word] = addresses[at + 1 + word] ?? 0;
      // What the network's own translator is reached by leads to the IPv4 address inside, which is a target of its own.
      if (this.#private.find(this.#address) >= 0 && !isTranslated(this.#address)) return true;
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
