// Which upstreams are asked for a name: those of the longest configured zone that holds it (conditional forwarding).
//
// Built once per configuration; find() runs per question and costs one walk over the name's labels for each zone.
// An endpoint that stands in several routes is one object, so that its health and its sockets are shared.
import { AppError, type Endpoint, formatEndpoint } from '../base/base.ts';
import { formatName, isInZone } from '../dns/dns.ts';
import { type Flight, ROUTE_ENDPOINTS_MAX } from './flight.ts';
import { type EndpointContext, UpstreamEndpoint } from './upstream-endpoint.ts';

/** Errors of this room. */
export type UpstreamErrorCode = 'ERR_UPSTREAM_NONE' | 'ERR_UPSTREAM_ROUTE';

/** Which endpoints are asked for the names of a zone. */
export interface ForwardingRoute {
  /** Uncompressed wire name; the root is the default. */
  readonly zone: Uint8Array;
  /** In the order of preference. */
  readonly endpoints: readonly Endpoint[];
}

interface Route {
  readonly zone: Uint8Array;
  readonly endpoints: readonly UpstreamEndpoint<Flight>[];
}

/** The routes of one configuration. */
export class RouteTable {
  /** All distinct endpoints; each knows its place. */
  readonly endpoints: UpstreamEndpoint<Flight>[] = [];
  /** Longest zone first, without the root. */
  readonly #zones: readonly Route[];
  readonly #root: Route;
  readonly #context: EndpointContext<Flight>;

  /** Throws ERR_UPSTREAM_ROUTE when there is no route for the root, or one with no or too many endpoints. */
  constructor(routes: readonly ForwardingRoute[], context: EndpointContext<Flight>) {
    this.#context = context;
    const opened = routes
      .map((route) => ({ zone: route.zone, endpoints: this.#openEndpoints(route) }))
      .sort((a, b) => b.zone.length - a.zone.length);
    const root = opened.pop();
    if (root?.zone.length !== 1) {
      throw new AppError('ERR_UPSTREAM_ROUTE', 'setting up forwarding: no upstreams for the root zone');
    }
    this.#root = root;
    this.#zones = opened;
  }

  /** The endpoints for a name, in the order of preference. */
  find(name: Uint8Array): readonly UpstreamEndpoint<Flight>[] {
    for (const route of this.#zones) {
      if (isInZone(name, route.zone)) return route.endpoints;
    }
    return this.#root.endpoints;
  }

  /** `ADDRESS:PORT` of each endpoint. */
  endpointTexts(): string[] {
    return this.endpoints.map((endpoint) => endpoint.text);
  }

  #openEndpoints(route: ForwardingRoute): UpstreamEndpoint<Flight>[] {
    const count = route.endpoints.length;
    if (count === 0 || count > ROUTE_ENDPOINTS_MAX) {
      throw new AppError(
        'ERR_UPSTREAM_ROUTE',
        `setting up forwarding: ${count} upstreams for ${formatName(route.zone)}, must be 1 to ${ROUTE_ENDPOINTS_MAX}`,
      );
    }
    return route.endpoints.map((endpoint) => this.#openEndpoint(endpoint));
  }

  #openEndpoint(endpoint: Endpoint): UpstreamEndpoint<Flight> {
    const text = formatEndpoint(endpoint);
    const known = this.endpoints.find((other) => other.text === text);
    if (known !== undefined) return known;
    const opened = new UpstreamEndpoint<Flight>(endpoint, this.endpoints.length, this.#context);
    this.endpoints.push(opened);
    return opened;
  }
}
