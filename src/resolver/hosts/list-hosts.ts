// Looks up the hosts that lists and certificates are fetched from: at the upstreams that the configuration has for such a name.
//
// Neither the system's resolver nor Cordon itself is asked: either may be waiting for these very lists. The queries
// are dns2's, as the self-probe's are, and none of this is on the path of a client's query.
import { createAddress, type Endpoint, parseAddress } from '../../base/base.ts';
import { type ResolveHost, sourceError } from '../../policy/lists/lists.ts';
import { EMBEDDED_IPV4_MAX, foldName, isInZone, parseName, readEmbeddedIpv4 } from '../../wire/dns/dns.ts';
import { createNeverForeignTable } from '../pipeline/pipeline.ts';
import type { State } from '../workers/workers.ts';
import { plainEndpoints } from '../workers/workers.ts';
import { lookUpAddresses } from './upstream-hosts.ts';

/** Addresses of a host that are tried. */
const ADDRESSES_MAX = 16;

/** Which servers are asked for the names of a zone; the one of the root is the default. */
interface Route {
  /** Wire form, folded. */
  readonly zone: Uint8Array;
  readonly endpoints: readonly Endpoint[];
}

/** A look-up over the routes that are in force when it is called; rejects when no server gives an answer. */
export const createHostLookup =
  (routes: () => readonly Route[]): ResolveHost =>
  async (host, signal) => {
    const name = nameOf(host);
    const servers = serversFor(name, routes());
    const found = await Promise.allSettled([
      lookUpAddresses(host, 4, servers, signal),
      lookUpAddresses(host, 6, servers, signal),
    ]);
    const addresses = found.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    const failed = found.find((outcome) => outcome.status === 'rejected');
    if (addresses.length === 0 && failed !== undefined) throw failed.reason;
    return addresses.slice(0, ADDRESSES_MAX);
  };

/** A look-up over the routes of the state in force: at their plain servers, else at those of `bootstrap`. */
export const createStateLookup = (state: () => State): ResolveHost =>
  createHostLookup(() => {
    const { routes, config } = state();
    return routes.map((route) => {
      const endpoints = plainEndpoints(route);
      return { zone: route.zone, endpoints: endpoints.length === 0 ? config.bootstrap : endpoints };
    });
  });

/**
 * As createStateLookup(), for hosts that are foreign: whoever has such a name must not have Cordon ask machines of the network
 * that it stands in. Names below `rebinding.allow` and the zones of `forward` may lead there. Rejects with ERR_LIST_PRIVATE.
 */
export const createPublicLookup = (state: () => State): ResolveHost => {
  const lookup = createStateLookup(state);
  return async (host, signal) => {
    const addresses = await lookup(host, signal);
    const found = addresses.find(({ address }) => isPrivate(address));
    if (found === undefined) return addresses;
    const { rebinding, forward } = state().config;
    const name = nameOf(host);
    const zones = [...rebinding.allow, ...forward.flatMap((rule) => rule.zones)];
    if (zones.some((zone) => isInZone(name, zone))) return addresses;
    throw sourceError(
      'ERR_LIST_PRIVATE',
      `looking up ${host}: it leads to ${found.address}, inside of a network`,
      {
        hint: 'Where it is to lead there, name it in rebinding.allow, or write its addresses into "resolve".',
      },
    );
  };
};

const PRIVATE = createNeverForeignTable();
const words = createAddress();
const embedded = createAddress();
const embeddedWords = new Uint32Array(EMBEDDED_IPV4_MAX);

/** True for an address that means something inside of a network only, also in a form of IPv6 that leads to one. */
const isPrivate = (text: string): boolean => {
  if (!parseAddress(text, words) || PRIVATE.find(words) >= 0) return true;
  const count = readEmbeddedIpv4(words, embeddedWords);
  for (let at = 0; at < count; at++) {
    embedded[2] = 0xffff;
    embedded[3] = embeddedWords[at] ?? 0;
    if (PRIVATE.find(embedded) >= 0) return true;
  }
  return false;
};

const nameOf = (host: string): Uint8Array => {
  const name = parseName(host);
  if (typeof name === 'string') throw sourceError('ERR_LIST_FETCH', `looking up ${host}: ${name}`);
  foldName(name, 0, name.length);
  return name;
};

const serversFor = (name: Uint8Array, routes: readonly Route[]): readonly Endpoint[] => {
  let longest: Route | undefined;
  for (const route of routes) {
    if (!isInZone(name, route.zone)) continue;
    if (longest === undefined || route.zone.length > longest.zone.length) longest = route;
  }
  return longest?.endpoints ?? [];
};
