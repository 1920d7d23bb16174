// Looks up the hosts that lists and certificates are fetched from: at the upstreams that the configuration has for such a name.
//
// Neither the system's resolver nor Cordon itself is asked: either may be waiting for these very lists. The queries
// are dns2's, as the self-probe's are, and none of this is on the path of a client's query.
import type { Endpoint } from '../../base/base.ts';
import { type ResolveHost, sourceError } from '../../policy/lists/lists.ts';
import { foldName, isInZone, parseName } from '../../wire/dns/dns.ts';
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
    const name = parseName(host);
    if (typeof name === 'string') throw sourceError('ERR_LIST_FETCH', `looking up ${host}: ${name}`);
    foldName(name, 0, name.length);
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

const serversFor = (name: Uint8Array, routes: readonly Route[]): readonly Endpoint[] => {
  let longest: Route | undefined;
  for (const route of routes) {
    if (!isInZone(name, route.zone)) continue;
    if (longest === undefined || route.zone.length > longest.zone.length) longest = route;
  }
  return longest?.endpoints ?? [];
};
