// Forwarding: questions go to configured upstreams, over UDP and TCP or through TLS and HTTPS. Hot file.
//
// The longest zone that holds the name chooses the endpoints, and the route's strategy their order; nothing else is
// ever asked. Every try ends by an answer, a fault or the time wheel; the next endpoint follows at once. How a question goes
// on from try to try is in tries.ts, what is sent in sending.ts, what is believed in answers.ts, what silence leads to in
// silence.ts; Traffic is what all of them work on.

import { randomBytes } from 'node:crypto';
import type { Question } from '../../wire/dns/dns.ts';
import { answerListener } from './answers.ts';
import { COOKIE_SECRET_BYTES } from './cookie-jar.ts';
import type { Exchange, UpstreamOutcome } from './exchange.ts';
import { OwnPorts } from './own-ports.ts';
import { Recovery } from './recovery.ts';
import { type ForwardingRoute, RouteTable, upstreamTexts } from './route-table.ts';
import { expire } from './silence.ts';
import { Traffic, type TrafficOptions } from './traffic.ts';
import { begin, probeEndpoints } from './tries.ts';
import type { Try } from './try.ts';

/**
 * Queries outstanding at one upstream unless options say otherwise: twice the questions that wait by default, so that the
 * table of in-flight queries is full before, where the heaviest source is evicted from. Eight sockets have 26 IDs for each;
 * connections are opened for as many, and the oldest query on them is evicted where silent ones and their retries take all.
 */
const INFLIGHT_PER_SERVER_MAX = 20_000;
/** What Forwarding is made of. */
export interface ForwardingOptions extends TrafficOptions {
  /** One of them for the root of the default view. */
  readonly routes: readonly ForwardingRoute[];
  /** Queries outstanding at one upstream: what is above goes to the next one. INFLIGHT_PER_SERVER_MAX without it. */
  readonly inflightPerServerMax?: number;
  /** Send DNS cookies over UDP and insist on them where a server has them (RFC 7873). Off without it. */
  readonly cookies?: boolean;
  /** Send names over UDP in mixed case and insist on their letters. Off without it. */
  readonly mixedCase?: boolean;
  /** Shared by the workers; without it, this object knows only its own ports. */
  readonly ownPorts?: OwnPorts;
}

/** Resolves questions by asking upstreams. */
export class Forwarding implements Exchange {
  /** The texts of all servers, each once, in the order of the observer's indexes. */
  readonly endpoints: readonly string[];
  readonly #routes: RouteTable<Try>;
  readonly #traffic: Traffic;
  readonly #recovery: Recovery;

  /** Throws ERR_UPSTREAM_ROUTE or ERR_UPSTREAM_CERTIFICATE when the routes cannot be used, see RouteTable. */
  constructor(options: ForwardingOptions) {
    const { clock, observer, tryTimeoutMs } = options;
    const traffic: Traffic = new Traffic(options, (attempt) => expire(traffic, attempt));
    this.#traffic = traffic;
    this.#routes = new RouteTable<Try>(options.routes, {
      clock,
      observer,
      ownPorts: options.ownPorts ?? new OwnPorts(),
      tryTimeoutMs,
      outstandingMax: options.inflightPerServerMax ?? INFLIGHT_PER_SERVER_MAX,
      cookieSecret: options.cookies === true ? randomBytes(COOKIE_SECRET_BYTES) : undefined,
      mixedCase: options.mixedCase === true,
      listener: answerListener(traffic),
    });
    this.#recovery = new Recovery(traffic, this.#routes.routes);
    this.endpoints = upstreamTexts(options.routes);
  }

  /** Questions in flight, probes included. */
  get inflight(): number {
    return this.#traffic.inflight;
  }

  /** True when a zone of its own, and not the root's servers, decides who is asked for a name in a view. */
  hasZoneFor(name: Uint8Array, view: number): boolean {
    return this.#routes.find(name, view).zone.length > 1;
  }

  resolve(question: Question, done: (outcome: UpstreamOutcome) => void): void {
    const traffic = this.#traffic;
    if (traffic.isClosed || traffic.inflight >= traffic.inflightMax) {
      const reason = traffic.isClosed ? 'network' : 'overload';
      done({ kind: 'failure', reason, message: undefined });
      return;
    }
    const route = this.#routes.find(question.name, question.view);
    if (route.endpoints.length + route.fallback.length === 0) {
      done({ kind: 'failure', reason: 'network', message: undefined });
      return;
    }
    if (!traffic.silent.isEmpty && traffic.silent.refuses(question.name, question.view, traffic.clock())) {
      traffic.observer.silentZone();
      done({ kind: 'failure', reason: 'timeout', message: undefined });
      return;
    }
    traffic.hedges.earn();
    begin(traffic, question, route, traffic.timer.questionTicks, done);
    if (!route.isSingle) {
      probeEndpoints(traffic, question, route, route.endpoints);
      probeEndpoints(traffic, question, route, route.fallback);
    }
  }

  /** Ends everything in flight as a network failure and closes all sockets. */
  close(): void {
    const traffic = this.#traffic;
    if (traffic.isClosed) return;
    traffic.isClosed = true;
    this.#recovery.close();
    traffic.timer.stop();
    for (const endpoint of this.#routes.endpoints) endpoint.close();
    traffic.timer.expireAll();
  }
}
