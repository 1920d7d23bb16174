// From the configuration to the routes that questions take: which servers are asked for which names of which clients.
//
// Groups with upstreams of their own get a view; groups that name the same ones share it. A server that is given by
// name stands for every address that is known of its host; while none is known, the route goes on without it.
import { AppError, type Endpoint, formatEndpoint } from '../../base/base.ts';
import type { Config, UpstreamConfig } from '../../config/config.ts';
import { VIEWS_MAX } from '../cache/cache.ts';
import { type ForwardingRoute, type UpstreamServer, VIEW_DEFAULT } from '../upstream/upstream.ts';
import { readAuthorities } from './upstream-authorities.ts';

/** The root as a wire name: the route of everything that no forwarding zone covers. */
const ROOT = Uint8Array.of(0);
/** Servers and fallback of a route together are at most 31: of hosts with many addresses, the last are left out. */
const ROUTE_SERVERS_MAX = 23;
const ROUTE_FALLBACK_MAX = 8;
/** The port that a name of an HTTPS resource leaves out. */
const HTTPS_PORT = 443;

/** Where questions go. */
export interface UpstreamRoutes {
  /** The first is the root's of the default view. */
  readonly routes: readonly ForwardingRoute[];
  /** View of each group, by its index. */
  readonly views: readonly number[];
}

/** The known addresses of a host; none when it was never found. */
export type AddressesOf = (name: string) => readonly Endpoint['address'][];

/**
 * Throws ERR_UPSTREAM_ROUTE when more groups than there can be views have upstreams of their own, and
 * ERR_UPSTREAM_CERTIFICATE when the authorities of encrypted upstreams cannot be read.
 */
export const buildRoutes = (
  config: Config,
  systemResolvers: () => readonly Endpoint[],
  addressesOf: AddressesOf,
): UpstreamRoutes => {
  const { strategy } = config.resolver;
  const caCertificates = readAuthorities(config.resolver.ca);
  const toServers = (upstreams: readonly UpstreamConfig[]): UpstreamServer[] =>
    upstreams
      .flatMap((upstream) => serversOf(upstream, addressesOf, caCertificates))
      .slice(0, ROUTE_SERVERS_MAX);
  const main =
    config.upstreams === undefined ? systemResolvers().map(plainServer) : toServers(config.upstreams);
  const routes: ForwardingRoute[] = [
    {
      zone: ROOT,
      view: VIEW_DEFAULT,
      servers: main,
      fallback: toServers(config.fallback).slice(0, ROUTE_FALLBACK_MAX),
      strategy,
    },
    ...config.forward.flatMap((rule) => {
      const servers = toServers(rule.upstreams);
      return rule.zones.map((zone) => ({ zone, view: VIEW_DEFAULT, servers, strategy }));
    }),
  ];
  const viewOf = new Map<string, number>();
  const views = config.groups.map(({ upstreams, fallback }) => {
    if (upstreams === undefined) return VIEW_DEFAULT;
    const key = JSON.stringify([upstreams, fallback]);
    const known = viewOf.get(key);
    if (known !== undefined) return known;
    const view = viewOf.size + 1;
    viewOf.set(key, view);
    const servers = toServers(upstreams);
    routes.push({
      zone: ROOT,
      view,
      servers,
      fallback: toServers(fallback).slice(0, ROUTE_FALLBACK_MAX),
      strategy,
    });
    return view;
  });
  if (viewOf.size >= VIEWS_MAX) {
    throw new AppError(
      'ERR_UPSTREAM_ROUTE',
      `setting up forwarding: ${viewOf.size} groups have different upstreams, ${VIEWS_MAX - 1} can have them`,
    );
  }
  return { routes, views };
};

/** Names of the hosts that upstreams of the configuration are given by, each once. */
export const upstreamHostNames = (config: Config): string[] => {
  const all = [
    ...(config.upstreams ?? []),
    ...config.fallback,
    ...config.forward.flatMap(({ upstreams }) => upstreams),
    ...config.groups.flatMap(({ upstreams = [], fallback }) => [...upstreams, ...fallback]),
  ];
  return [...new Set(all.flatMap(({ host }) => (host.kind === 'name' ? [host.name] : [])))];
};

/** The addresses of a route's servers, for look-ups of the main thread that are plain DNS; none for encrypted ones. */
export const plainEndpoints = (route: ForwardingRoute): Endpoint[] =>
  route.servers
    .filter(({ transport }) => transport === 'udp' || transport === 'tcp')
    .map(({ endpoint }) => endpoint);

const plainServer = (endpoint: Endpoint): UpstreamServer => ({
  endpoint,
  transport: 'udp',
  text: formatEndpoint(endpoint),
});

const serversOf = (
  upstream: UpstreamConfig,
  addressesOf: AddressesOf,
  caCertificates: readonly string[] | undefined,
): UpstreamServer[] => {
  const { host, transport, serverName, pins, certificateHashes, path, text } = upstream;
  const endpoints =
    host.kind === 'address'
      ? [host.endpoint]
      : addressesOf(host.name).map((address) => toEndpoint(address, host.port));
  const isEncrypted = transport === 'tls' || transport === 'https';
  return endpoints.map((endpoint) => ({
    endpoint,
    transport,
    text,
    ...(isEncrypted
      ? {
          tls: {
            serverName: serverName ?? endpoint.address,
            pins,
            certificateHashes,
            ...(caCertificates && { caCertificates }),
          },
        }
      : {}),
    ...(transport === 'https'
      ? {
          authority: authorityOf(serverName ?? endpoint.address, endpoint.port),
          ...(path === undefined ? {} : { path }),
        }
      : {}),
  }));
};

const toEndpoint = (address: string, port: number): Endpoint => ({
  address,
  port,
  family: address.includes(':') ? 6 : 4,
});

/** Host and port of a resource as HTTP names them (RFC 3986 section 3.2). */
const authorityOf = (name: string, port: number): string => {
  const host = name.includes(':') ? `[${name}]` : name;
  return port === HTTPS_PORT ? host : `${host}:${port}`;
};
