// Negative trust anchors: zones whose data an operator wants to have although it does not validate (RFC 7646).
//
// A name at or below one is insecure, and no key for it is looked up. Where a trust anchor and a negative one hold for
// the same name, the longer one decides, and the negative one between equals.
import { foldedName, isInZone } from '../../wire/dns/dns.ts';

/** The negative trust anchors of one configuration. */
export class NegativeAnchors {
  readonly #zones: readonly Uint8Array[];

  /** Wire names in any letters. */
  constructor(zones: readonly Uint8Array[]) {
    this.#zones = zones.map(foldedName);
  }

  /** The longest one that a folded name is in; undefined when there is none. */
  find(name: Uint8Array): Uint8Array | undefined {
    let found: Uint8Array | undefined;
    for (const zone of this.#zones)
      if (zone.length > (found?.length ?? 0) && isInZone(name, zone)) found = zone;
    return found;
  }
}
