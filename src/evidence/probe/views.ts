// As whom the self-probe asks: for each group an address that really leads to it, for each listener this host itself.
//
// A prefix of a group may be taken apart by more specific ones of others until nothing is left of it, or may lie
// outside of what may ask at all. So addresses are tried where regions begin: at the starts of prefixes and right behind
// their ends; if none of these is a client of the group, no address is. Who shows more than an address stands beside them
// (identified.ts). What decides is the room access itself.
import { createSocket } from 'node:dgram';
import {
  type AddressWords,
  createAddress,
  type Endpoint,
  errorText,
  isIpv4,
  matchesPrefix,
  type Prefix,
  PrefixTable,
  parseAddress,
} from '../../base/base.ts';
import { reasonText } from '../../base/words/words.ts';
import { type AccessTable, Clients, type Credentials } from '../../policy/access/access.ts';
import { chooseRepresentatives, type Showing } from './identified.ts';
import type { ProbeTransport } from './plan-facts.ts';

/** Representatives of one group by its listeners: more would only ask the same again. */
const LISTENERS_MAX = 4;

/** Somebody who asks. */
export interface Asker {
  readonly address: AddressWords;
  /** Name of the listener that is asked; empty: one without a group of its own. */
  readonly listener: string;
  /** What it shows beside its address; undefined: nothing. */
  readonly shown?: Credentials;
  /** Stands for the device that it is by that, in exemptions. */
  readonly device?: AddressWords | undefined;
  /** Where it can show it; undefined: it shows nothing, and asks over all of them. */
  readonly transports?: readonly ProbeTransport[];
}

/** Who asks for a group; without anybody, nobody can belong to it. */
export interface GroupAskers {
  readonly group: string;
  readonly askers: readonly Asker[];
  /** Why there is nobody, where the group names somebody by more than an address. */
  readonly reason?: string | undefined;
}

/**
 * Representatives of each group, in the order of `groups`: one for each family of addresses that it has, one for each of its
 * listeners, and one for each kind of what else its clients are known by. Addresses and devices in `avoid` are taken only where
 * there is no other.
 */
export const chooseAskers = (
  access: AccessTable,
  groups: readonly string[],
  avoid: readonly Prefix[] = [],
  showing: Showing = NOT_SHOWN,
): readonly GroupAskers[] => {
  const clients = new Clients(access);
  const isAvoided = (address: AddressWords): boolean =>
    avoid.some(({ words, bits }) => matchesPrefix(address, words, bits));
  const anybody = new Choice(isAvoided);
  const own = groups.map(() => FAMILIES.map((isFamily) => ({ isFamily, choice: new Choice(isAvoided) })));
  const tables = [access.allow, access.groups].map((rows) => new PrefixTable(rows));
  // There may be a hundred thousand of them: each is looked at once.
  for (const address of candidatesOf(() => prefixesOf(tables, avoid))) {
    const { allowed, group } = clients.identify(address, '');
    if (!allowed) continue;
    anybody.offer(address);
    for (const { isFamily, choice } of own[group] ?? []) if (isFamily(address)) choice.offer(address);
  }
  const identify = (index: number, from: AddressWords | undefined): Omit<GroupAskers, 'group'> => {
    const { identities } = clients;
    if (identities === undefined || access.identities === undefined) return { askers: [] };
    const { known, reason } = chooseRepresentatives(identities, access.identities, index, showing, isAvoided);
    const address = from ?? elsewhere();
    const askers = known
      .filter(({ who }) => clients.identify(address, '', who).allowed)
      .map(({ shown, device, transports }) => ({ address, listener: '', shown, device, transports }));
    return { askers, reason };
  };
  return groups.map((group, index) => {
    const askers: Asker[] = [];
    for (const { choice } of own[index] ?? []) {
      if (choice.best !== undefined) askers.push({ address: choice.best, listener: '' });
    }
    for (const listener of (access.listeners[index] ?? []).slice(0, LISTENERS_MAX)) {
      if (anybody.best !== undefined) askers.push({ address: anybody.best, listener });
    }
    const identified = identify(index, anybody.best);
    const all = [...askers, ...identified.askers];
    // Who is exempted stands for nobody but itself.
    const free = all.filter(({ device }) => device === undefined || !isAvoided(device));
    const isByDevice = (access.devices?.[index] ?? []).length > 0;
    const reason =
      identified.reason ?? (isByDevice ? 'its devices are named by a forwarder alone' : undefined);
    return { group, askers: free.length > 0 ? free : all, reason };
  });
};

/** Where nobody can show anything. */
const NOT_SHOWN: Showing = { certificates: [], tokens: [], serverNames: [] };
/** A client that is nowhere else, for those who may ask from everywhere: an address of documentation (RFC 5737). */
const ELSEWHERE = '192.0.2.1';

const elsewhere = (): AddressWords => {
  const address = createAddress();
  parseAddress(ELSEWHERE, address);
  return address;
};

const FAMILIES = [isIpv4, (address: AddressWords): boolean => !isIpv4(address)];

/** The first address that is not to be avoided, or the first one where all are. */
class Choice {
  readonly #isAvoided: (address: AddressWords) => boolean;
  #best: AddressWords | undefined;
  #isFinal = false;

  constructor(isAvoided: (address: AddressWords) => boolean) {
    this.#isAvoided = isAvoided;
  }

  get best(): AddressWords | undefined {
    return this.#best;
  }

  offer(address: AddressWords): void {
    if (this.#isFinal) return;
    this.#isFinal = !this.#isAvoided(address);
    if (this.#isFinal || this.#best === undefined) this.#best = address;
  }
}

function* prefixesOf(tables: readonly PrefixTable[], others: readonly Prefix[]): Generator<Prefix, void> {
  for (const table of tables) yield* table.prefixes();
  yield* others;
}

/** The first address of each prefix and the first behind it: where what holds for addresses may change. */
function* candidatesOf(prefixes: () => Iterable<Prefix>): Generator<AddressWords> {
  for (const { words } of prefixes()) yield words;
  for (const prefix of prefixes()) {
    const next = addressBehind(prefix);
    if (next !== undefined) yield next;
  }
}

/** Undefined behind the last address of all. */
const addressBehind = ({ words, bits }: Prefix): AddressWords | undefined => {
  const next = Uint32Array.from(words);
  let carry = bits === 0 ? 0 : 1 << (31 - ((bits - 1) & 31));
  for (let word = (bits - 1) >>> 5; word >= 0 && carry !== 0; word--) {
    const sum = (next[word] ?? 0) + (carry >>> 0);
    next[word] = sum;
    carry = sum > 0xffff_ffff ? 1 : 0;
  }
  return bits === 0 || carry !== 0 ? undefined : next;
};

/** How this host reaches a listener. */
export interface ListenerAccess {
  readonly server: Endpoint;
  /** The address that this host asks from. */
  readonly client: AddressWords;
}

/** Where to ask a listener from this host, or in words why that cannot be known. */
export const reachListener = async (listener: Endpoint): Promise<ListenerAccess | string> => {
  const server = { ...listener, address: LOOPBACK_OF[listener.address] ?? listener.address };
  const client = new Uint32Array(4);
  try {
    return parseAddress(await sourceTowards(server), client) ? { server, client } : reasonText('no-address');
  } catch (thrown) {
    return reasonText('not-reached', { rest: errorText(thrown) });
  }
};

/** Listeners on every address are asked on one that each host has. */
const LOOPBACK_OF: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** The kernel chooses the address that packets to a server come from; connecting tells it without sending any. */
const sourceTowards = (server: Endpoint): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = createSocket(server.family === 6 ? 'udp6' : 'udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.connect(server.port, server.address, () => {
      const { address } = socket.address();
      socket.close();
      resolve(address);
    });
  });
