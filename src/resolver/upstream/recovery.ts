// Looks whether upstreams that are down are back, also while no client asks anything.
//
// What clients ask leads to probes as well (tries.ts), but a resolver that lost its upstreams loses its clients: VRRP or an
// announced route takes them to another one, and they come back only when this one says that it is well.
import { every } from '../../base/base.ts';
import type { Route } from './route.ts';
import type { Traffic } from './traffic.ts';
import { checkEndpoint } from './tries.ts';
import type { Try } from './try.ts';

/** Between two looks. Who is asked how often is decided by the endpoint, whoever looks. */
const LOOK_MS = 1_000;

/** The looks of one Forwarding. */
export class Recovery {
  /** Ends them. */
  readonly close: () => void;

  constructor(traffic: Traffic, routes: readonly Route<Try>[]) {
    this.close = every(LOOK_MS, () => {
      for (const route of routes) {
        look(traffic, route, route.endpoints);
        look(traffic, route, route.fallback);
      }
    });
  }
}

/** A server of several routes is asked about the zone of one of them. */
const look = (traffic: Traffic, route: Route<Try>, endpoints: Route<Try>['endpoints']): void => {
  for (const endpoint of endpoints) {
    if (endpoint.isHealthy || traffic.inflight >= traffic.inflightMax || !endpoint.takeProbe()) continue;
    checkEndpoint(traffic, endpoint, route);
  }
};
