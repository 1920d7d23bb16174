// access: who asks, and whether they are answered.
//
// Invariants: an address belongs to exactly one group, that of the most specific prefix; an address outside the
// allowed prefixes is answered REFUSED whatever it asks. Identities are kept per address in a bounded table, which
// belongs to one configuration and is thrown away with it.
import { createAddress, type Prefix, type PrefixEntry, PrefixTable, parseAddress } from '../base/base.ts';

/**
 * Identities remembered. An attacker can fill it with spoofed sources, so it is emptied when full: the cost of a
 * miss is two prefix look-ups, below a microsecond.
 */
const IDENTITIES_MAX = 16_384;

/** A client as the pipeline sees it. */
export interface Client {
  /** Index of the group in the policy. */
  readonly group: number;
  /** False: answer REFUSED. */
  readonly allowed: boolean;
}

/** What a configuration says of clients; plain data that travels between threads. */
export interface AccessRules {
  /** Prefixes whose queries are answered. */
  readonly allow: readonly Prefix[];
  /** Prefixes per group, by the group's index; the default group has none. */
  readonly groups: readonly (readonly Prefix[])[];
}

/** Tells for an address which client it is. */
export class Clients {
  readonly #allow: PrefixTable;
  readonly #groups: PrefixTable;
  readonly #known = new Map<string, Client>();
  readonly #words = createAddress();

  constructor(rules: AccessRules) {
    this.#allow = PrefixTable.build(rules.allow.map((prefix) => ({ prefix, value: 1 })));
    const entries: PrefixEntry[] = [];
    for (const [value, prefixes] of rules.groups.entries()) {
      for (const prefix of prefixes) entries.push({ prefix, value });
    }
    this.#groups = PrefixTable.build(entries);
  }

  /** The client behind the text of an IP address, as sockets give it. */
  identify(address: string): Client {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const client = this.#lookUp(address);
    if (this.#known.size >= IDENTITIES_MAX) this.#known.clear();
    this.#known.set(address, client);
    return client;
  }

  #lookUp(address: string): Client {
    if (!parseAddress(address, this.#words)) return { group: 0, allowed: false };
    const row = this.#groups.find(this.#words);
    return {
      group: row < 0 ? 0 : this.#groups.value(row),
      allowed: this.#allow.find(this.#words) >= 0,
    };
  }
}
