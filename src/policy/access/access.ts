// access: who asks, and whether they are answered. Hot file.
//
// Invariants: a client belongs to exactly one group: that of its certificate, else of its token, else of the name that it
// asked the listener by, else of the listener, else of the most specific prefix that holds its address; an address outside the allowed prefixes is answered
// REFUSED whatever it asks. What was found for an address is remembered in a table of fixed size that belongs to one
// configuration and is thrown away with it.
import {
  type AddressWords,
  createAddress,
  type PrefixList,
  PrefixTable,
  parseAddress,
} from '../../base/base.ts';
import { KnownDevices } from './devices.ts';
import { compileForwarders, type ForwarderRules, Forwarders, type ForwarderTable } from './forwarders.ts';
import { BY, type Identified, Identities, type IdentityRules, type Revocations } from './identity.ts';
import { LeasedDevices } from './lease-table.ts';

export type { Forwarders } from './forwarders.ts';
export {
  type Credentials,
  type Identified,
  Identities,
  type IdentityRules,
  type Revocations,
  type ShownCertificate,
} from './identity.ts';
export { createLeaseTable, LEASES_MAX, writeLeases } from './lease-table.ts';
export { createRateMemory, RateLimit, type RateRules } from './rate-limit.ts';
export { Shown } from './shown.ts';

/**
 * Places of the table of known addresses, a power of two. A newcomer takes the place of the one there: spoofed
 * sources cost their look-ups, never memory. 96 KB in all.
 */
const PLACES = 4096;

/** A client as the pipeline sees it. */
export interface Client {
  /** Index of the group in the policy. */
  readonly group: number;
  /** False: answer REFUSED. */
  readonly allowed: boolean;
  /** Whether it may ask without RD, which tells what others asked: answered from the cache alone. */
  readonly readsCache: boolean;
  /** Number of the upstreams that answer the client's questions; 0: those of the configuration. */
  readonly view: number;
}

/** What a configuration says of clients. */
export interface AccessRules {
  /** Prefixes whose queries are answered. */
  readonly allow: PrefixList;
  /** Prefixes that may ask without RD; none where nothing is said. */
  readonly readCache?: PrefixList;
  /** Prefixes per group, by the group's index; the default group has none. */
  readonly groups: readonly PrefixList[];
  /** Names of listeners per group: a client that asks one of them belongs to the group, whatever its address. */
  readonly listeners: readonly (readonly string[])[];
  /** Names of devices per group. */
  readonly devices?: readonly (readonly string[])[];
  /** Who is believed to say for whom it asks. */
  readonly forwarders?: readonly ForwarderRules[];
  /** What the lists do per group, by the group's index. */
  readonly lists?: readonly GroupLists[];
}

/** What the lists of a group do, as masks. */
export interface GroupLists {
  /** Lists that refuse, at whatever times. */
  readonly refusing: number;
  /** Those of them that refuse at all times. */
  readonly always: number;
  /** Allowlists. */
  readonly passing: number;
}

/**
 * What Clients look up: rows of PrefixTables in memory that all threads share, and little else. It is built once for a
 * configuration, so that a worker only opens it.
 */
export interface AccessTable {
  readonly allow: Uint32Array;
  readonly readCache: Uint32Array;
  /** Values are the groups' indexes. */
  readonly groups: Uint32Array;
  readonly groupCount: number;
  readonly listeners: readonly (readonly string[])[];
  /** View of the upstreams per group; 0 where nothing is said. */
  readonly views?: readonly number[];
  /** Who is known by more than an address; undefined: nobody. */
  readonly identities?: IdentityTable | undefined;
  /** Devices may ask from everywhere. */
  readonly allowsDevices?: boolean;
  /** Names of devices per group. */
  readonly devices?: readonly (readonly string[])[];
  /** Undefined: nobody speaks for others. */
  readonly forwarders?: ForwarderTable | undefined;
  /** What the lists do per group. */
  readonly lists?: readonly GroupLists[];
  /** Who has which address (createLeaseTable); undefined: nobody reads leases. */
  readonly leases?: SharedArrayBuffer | undefined;
}

/** Who is known by more than an address. */
export interface IdentityTable {
  readonly rules: IdentityRules;
  readonly revoked: Revocations;
  /** SHA-256 of the authorities of client certificates; undefined: not known, and not asked for. */
  readonly authorities?: readonly string[] | undefined;
}

/** Once per configuration; takes as long as there are prefixes to sort. */
export const compileAccess = ({
  allow,
  readCache,
  groups,
  listeners,
  devices = [],
  forwarders = [],
  lists = [],
}: AccessRules): AccessTable => ({
  devices,
  lists,
  forwarders: compileForwarders(forwarders),
  allow: PrefixTable.buildOf([allow]).rows,
  readCache: PrefixTable.buildOf(readCache === undefined ? [] : [readCache]).rows,
  groups: PrefixTable.buildOf(groups).rows,
  groupCount: groups.length,
  listeners,
});

/** The names of the forwarders, by their index. @cold */
export const forwarderNames = (access: AccessTable | undefined): string[] =>
  access?.forwarders?.forwarders.map(({ name }) => name) ?? [];

const NOTHING_REVOKED: Revocations = { fingerprints: [], serials: [] };
/** A client that is answered REFUSED. */
export const NOBODY: Client = { group: 0, allowed: false, readsCache: false, view: 0 };
/** Bits of the index of a client beside its group. */
const ALLOWED = 1;
const READS_CACHE = 2;
const GROUP_SHIFT = 2;

/** Tells for an address which client it is. */
export class Clients {
  readonly #allow: PrefixTable;
  readonly #readCache: PrefixTable;
  readonly #groups: PrefixTable;
  /** Groups of listeners; undefined when none has one. */
  readonly #listenerGroups: ReadonlyMap<string, number> | undefined;
  /** Undefined when nobody is known by more than an address. */
  readonly identities: Identities | undefined;
  /** Undefined when nobody speaks for others. */
  readonly forwarders: Forwarders | undefined;
  /** Undefined when nobody reads leases. */
  readonly leases: LeasedDevices | undefined;
  /** Devices may ask from everywhere, so that connections have to be taken from everywhere. */
  readonly allowsDevices: boolean;
  readonly #lists: readonly GroupLists[];
  /** One object for each group and answer, so that a query makes none. */
  readonly #clients: readonly Client[];
  readonly #knownWords = new Uint32Array(PLACES * 4);
  /** Index into #clients + 1; 0: the place is free. */
  readonly #knownClients = new Uint16Array(PLACES);

  /** Once per configuration. */
  constructor(access: AccessTable) {
    this.#allow = new PrefixTable(access.allow);
    this.#readCache = new PrefixTable(access.readCache);
    this.#groups = new PrefixTable(access.groups);
    const listeners = new Map<string, number>();
    for (const [group, names] of access.listeners.entries()) {
      for (const name of names) listeners.set(name, group);
    }
    this.#listenerGroups = listeners.size === 0 ? undefined : listeners;
    const { identities } = access;
    this.identities =
      identities && new Identities(identities.rules, identities.revoked, identities.authorities);
    const devices = new KnownDevices(access.devices ?? []);
    this.leases = access.leases && new LeasedDevices(access.leases, devices);
    this.forwarders =
      access.forwarders &&
      new Forwarders(
        access.forwarders,
        devices,
        identities?.revoked ?? NOTHING_REVOKED,
        identities?.authorities,
      );
    this.allowsDevices = access.allowsDevices === true;
    this.#lists = access.lists ?? [];
    const groups = Math.max(1, access.groupCount);
    this.#clients = Array.from({ length: groups << GROUP_SHIFT }, (_, index) => ({
      group: index >>> GROUP_SHIFT,
      allowed: (index & ALLOWED) !== 0,
      readsCache: (index & READS_CACHE) !== 0,
      view: access.views?.[index >>> GROUP_SHIFT] ?? 0,
    }));
  }

  /** The client behind an address that asks a listener; `who` is what it is known by beside them. */
  identify(address: AddressWords, listener: string, who?: Identified): Client {
    const client = this.#identifyAddress(address);
    const group = who?.group ?? this.#listenerGroups?.get(listener);
    return group === undefined
      ? client
      : (this.#clients[indexOf(group, this.#mayAsk(client, who), client.readsCache)] ?? NOBODY);
  }

  /**
   * The client that the peer at an address is taken for where it may say itself who it is, and says `named`: one in the group
   * of `named` if that refuses whatever the group of the peer and the default one refuse, else one in these. It may not ask without RD.
   */
  identifyUnproven(peer: AddressWords, listener: string, named: Client): Client {
    const own = this.identify(peer, listener).group;
    const floor = this.#isLaxer(own, 0) ? 0 : own;
    const group = this.#isLaxer(named.group, floor) ? floor : named.group;
    return this.#clients[indexOf(group, named.allowed, false)] ?? NOBODY;
  }

  /** True for a group that at some time refuses less than another one. */
  #isLaxer(group: number, than: number): boolean {
    if (group === than) return false;
    const [one, other] = [this.#lists[group], this.#lists[than]];
    if (one === undefined || other === undefined) return true;
    return (other.refusing & ~one.always) !== 0 || (one.passing & ~other.passing) !== 0;
  }

  #mayAsk({ allowed }: Client, who: Identified | undefined): boolean {
    // What somebody else says of a device proves nothing of where it is.
    return allowed || (this.allowsDevices && who?.device !== undefined && who.by !== BY.DEVICE);
  }

  #identifyAddress(address: AddressWords): Client {
    const place = placeOf(address);
    const known = this.#knownClients[place] ?? 0;
    if (known !== 0 && this.#isKnownAt(place, address)) return this.#clients[known - 1] ?? NOBODY;
    const row = this.#groups.find(address);
    const group = row < 0 ? 0 : this.#groups.value(row);
    const index = indexOf(group, this.#allow.find(address) >= 0, this.#readCache.find(address) >= 0);
    this.#knownClients[place] = index + 1;
    for (let i = 0; i < 4; i++) this.#knownWords[place * 4 + i] = address[i] ?? 0;
    return this.#clients[index] ?? NOBODY;
  }

  /** The client behind the text of an address that asks a listener; no address is not answered. Not per query. */
  identifyText(text: string, listener = ''): Client {
    const address = createAddress();
    return parseAddress(text, address) ? this.identify(address, listener) : NOBODY;
  }

  #isKnownAt(place: number, address: AddressWords): boolean {
    const words = this.#knownWords;
    const at = place * 4;
    return (
      words[at + 3] === address[3] &&
      words[at + 2] === address[2] &&
      words[at + 1] === address[1] &&
      words[at] === address[0]
    );
  }
}

const indexOf = (group: number, allowed: boolean, readsCache: boolean): number =>
  (group << GROUP_SHIFT) | (allowed ? ALLOWED : 0) | (readsCache ? READS_CACHE : 0);

const placeOf = (address: AddressWords): number => {
  let hash = Math.imul((address[0] ?? 0) ^ Math.imul(address[1] ?? 0, 0x9e3779b1), 0x85ebca6b);
  hash ^= Math.imul((address[2] ?? 0) ^ Math.imul(address[3] ?? 0, 0xc2b2ae35), 0x27d4eb2f);
  return (hash ^ (hash >>> 16)) & (PLACES - 1);
};
