// Which upstreams are asked for a name: those of the longest configured zone that holds it (conditional forwarding).
//
// Built once per configuration; find() runs per question and costs one walk over the name's labels for each zone. The
// zones of the default view hold for every view that has not the same zone itself; only its root is for itself.
// A server that stands in several routes is one endpoint, so that its health and its sockets are shared.
import { AppError } from '../../base/base.ts';
import { CLASS, formatName, isInZone, TYPE } from '../../wire/dns/dns.ts';
import { VIEW_DEFAULT } from './exchange.ts';
import type { Route } from './route.ts';
import { ROUTE_ENDPOINTS_MAX, type Strategy } from './strategy.ts';
import type { TlsErrorCode } from './tls.ts';
import { type EndpointContext, UpstreamEndpoint } from './upstream-endpoint.ts';
import { isEncrypted, serverKey, type UpstreamServer } from './upstream-server.ts';

/** Errors of this room. */
export type UpstreamErrorCode = 'ERR_UPSTREAM_NONE' | 'ERR_UPSTREAM_ROUTE' | TlsErrorCode;

/** Which servers are asked for the names of a zone. */
export interface ForwardingRoute {
  /** Uncompressed wire name; the root is the default. */
  readonly zone: Uint8Array;
  /** Whose questions: VIEW_DEFAULT, or a view with upstreams of its own. */
  readonly view: number;
  /** In the order of preference. Without any, questions fail: the addresses of a host may not be known yet. */
  readonly servers: readonly UpstreamServer[];
  /** Asked only when all servers have failed for the question. */
  readonly fallback?: readonly UpstreamServer[];
  readonly strategy: Strategy;
}

/** The text of every server once, in the order of the observer's indexes. */
export const upstreamTexts = (routes: readonly ForwardingRoute[]): string[] => [
  ...new Set(routes.flatMap((route) => serversOf(route).map((server) => server.text))),
];

/** The routes of one configuration; T is what waits on the sockets of their endpoints. */
export class RouteTable<T> {
  /** All distinct servers. */
  readonly endpoints: UpstreamEndpoint<T>[] = [];
  /** Of all views. */
  readonly routes: readonly Route<T>[];
  readonly #default: ViewRoutes<T>;
  readonly #views = new Map<number, ViewRoutes<T>>();

  /**
   * Throws ERR_UPSTREAM_ROUTE when the default view has no route for the root, when a route has too many
   * servers, or when an encrypted one does not say how it proves who it is; ERR_UPSTREAM_CERTIFICATE when a CA
   * certificate cannot be read.
   */
  constructor(routes: readonly ForwardingRoute[], context: EndpointContext<T>) {
    const texts = upstreamTexts(routes);
    const known = new Map<string, UpstreamEndpoint<T>>();
    const open = (server: UpstreamServer): UpstreamEndpoint<T> => {
      const key = serverKey(server);
      const endpoint = known.get(key) ?? new UpstreamEndpoint<T>(server, texts.indexOf(server.text), context);
      if (!known.has(key)) this.endpoints.push(endpoint);
      known.set(key, endpoint);
      return endpoint;
    };
    const opened = new Map<number, Route<T>[]>([[VIEW_DEFAULT, []]]);
    for (const route of routes) {
      checkRoute(route);
      opened.set(route.view, [...(opened.get(route.view) ?? []), openRoute(route, open)]);
    }
    this.routes = [...opened.values()].flat();
    const shared = opened.get(VIEW_DEFAULT) ?? [];
    this.#default = buildView(shared, []);
    for (const [view, own] of opened) {
      if (view !== VIEW_DEFAULT) this.#views.set(view, buildView(own, shared));
    }
  }

  /** The route for a name in a view. */
  find(name: Uint8Array, view: number): Route<T> {
    const routes = view === VIEW_DEFAULT ? this.#default : (this.#views.get(view) ?? this.#default);
    for (const route of routes.zones) {
      if (isInZone(name, route.zone)) return route;
    }
    return routes.root;
  }
}

/** What a view's questions choose from. */
interface ViewRoutes<T> {
  /** Longest zone first, without the root. */
  readonly zones: readonly Route<T>[];
  readonly root: Route<T>;
}

const serversOf = (route: ForwardingRoute): UpstreamServer[] => [...route.servers, ...(route.fallback ?? [])];

const buildView = <T>(own: readonly Route<T>[], shared: readonly Route<T>[]): ViewRoutes<T> => {
  const root = own.find(isRoot) ?? shared.find(isRoot);
  if (root === undefined) {
    throw new AppError('ERR_UPSTREAM_ROUTE', 'setting up forwarding: no upstreams for the root zone');
  }
  // A stable sort: of two routes for the same zone the view's own comes first.
  const zones = [...own, ...shared]
    .filter((route) => !isRoot(route))
    .sort((a, b) => b.zone.length - a.zone.length);
  return { zones, root };
};

const isRoot = (route: { readonly zone: Uint8Array }): boolean => route.zone.length === 1;

const openRoute = <T>(
  route: ForwardingRoute,
  open: (server: UpstreamServer) => UpstreamEndpoint<T>,
): Route<T> => {
  const endpoints = route.servers.map(open);
  const fallback = (route.fallback ?? []).map(open);
  const probe = {
    name: route.zone,
    type: TYPE.NS,
    class: CLASS.IN,
    dnssecOk: false,
    checkingDisabled: false,
    wantsAd: false,
    view: route.view,
  };
  const isSingle = endpoints.length + fallback.length === 1;
  return { zone: route.zone, endpoints, fallback, strategy: route.strategy, probe, isSingle };
};

const checkRoute = (route: ForwardingRoute): void => {
  const zone = formatName(route.zone);
  const fallbackCount = route.fallback?.length ?? 0;
  const count = route.servers.length;
  if (count > ROUTE_ENDPOINTS_MAX || fallbackCount > ROUTE_ENDPOINTS_MAX) {
    throw new AppError(
      'ERR_UPSTREAM_ROUTE',
      `setting up forwarding: ${count} upstreams and ${fallbackCount} as fallback for ${zone}, of each at most ` +
        `${ROUTE_ENDPOINTS_MAX}`,
    );
  }
  const unproven = serversOf(route).find((server) => isEncrypted(server) && server.tls === undefined);
  if (unproven !== undefined) {
    throw new AppError(
      'ERR_UPSTREAM_ROUTE',
      `setting up forwarding: ${unproven.text} for ${zone} is encrypted, but nothing says how it proves who it is`,
    );
  }
};
