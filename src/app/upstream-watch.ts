// What the log and the metrics say of upstreams: one that is not trusted, and a route without any that answers.
//
// Workers write what they see into their counters; the main thread looks once a second. A line names what, where, and
// what to do, once for each change (TroubleLines). Nobody asks an upstream for it: what no client asks is not known.
import { formatName } from '../dns/dns.ts';
import type { CounterTotals, Log, RouteFacts, UntrustedReason, UpstreamState } from '../observe/observe.ts';
import { type ForwardingRoute, VIEW_DEFAULT } from '../upstream/upstream.ts';
import { TroubleLines } from './trouble-lines.ts';

/** What to do about a server that did not prove who it is. */
const UNTRUSTED_HINTS: Readonly<Record<UntrustedReason, string>> = {
  authority:
    'the certificate is signed by nobody who is trusted: name the file of your own authority under resolver.ca; a public server that shows such a certificate is somebody else',
  expired: 'the certificate has expired: look at the clock of this host, then ask its operator to renew it',
  early: 'the certificate is not valid yet: look at the clock of this host',
  name: 'the certificate is for other names: one of them has to stand behind "#" of the upstream',
  pin: 'no pin fits: ask its operator for its new key, and do not take it from the network alone',
  other: 'openssl s_client -connect ADDRESS:PORT -verify_return_error shows the chain',
};

const DOWN_HINT =
  'what is not cached ends with SERVFAIL or old answers, and nobody else is asked: look at route and firewall, then ask a server with dig from this host';

/** What is watched. */
export interface UpstreamWatchParts {
  readonly log: Pick<Log, 'error' | 'info'>;
  readonly totals: Pick<CounterTotals, 'upstreamStates'>;
  /** On a clock that only goes forward, milliseconds. */
  readonly monotonic: () => number;
  routes(): readonly ForwardingRoute[];
  /** Name of the group with a view of its own. */
  groupOf(view: number): string | undefined;
}

/** The upstreams of the running program. */
export class UpstreamWatch {
  readonly #parts: UpstreamWatchParts;
  readonly #lines = new TroubleLines();
  /** What the main thread itself found out. */
  readonly #own = new Map<string, UntrustedReason | undefined>();

  constructor(parts: UpstreamWatchParts) {
    this.#parts = parts;
  }

  /** The main thread saw the certificate of an upstream; undefined: it is trusted. */
  note(upstream: string, reason: UntrustedReason | undefined): void {
    this.#own.set(upstream, reason);
  }

  /** Tells of what has changed; to be called once a second. */
  look(): void {
    const { log, monotonic } = this.#parts;
    const nowMs = monotonic();
    // Other routes begin anew with what workers know; what was told of a server is not forgotten for that.
    const keys = new Set(Array.from(this.#upstreams(), keyOf));
    for (const [upstream, reason] of this.untrusted()) {
      this.#lines.update(
        keyOf(upstream),
        reason !== undefined,
        nowMs,
        ({ isTroubled, afterSec, changes }) => {
          if (isTroubled)
            log.error(
              { upstream, reason, changes, hint: reason && UNTRUSTED_HINTS[reason] },
              'an upstream did not prove who it is: it gets no query',
            );
          else log.info({ upstream, afterSec, changes }, 'an upstream proves again who it is');
        },
      );
    }
    for (const { route, isUp, upstreams } of this.routes()) {
      const key = `route ${route}`;
      keys.add(key);
      this.#lines.update(key, !isUp, nowMs, ({ isTroubled, afterSec, changes }) => {
        if (isTroubled) log.error({ route, upstreams, changes, hint: DOWN_HINT }, 'no upstream answers');
        else log.info({ route, upstreams, afterSec, changes }, 'upstreams answer again');
      });
    }
    this.#lines.keep(keys);
  }

  /** Every encrypted upstream that was connected to, and why it is not trusted; undefined: it is. */
  untrusted(): ReadonlyMap<string, UntrustedReason | undefined> {
    const found = new Map<string, UntrustedReason | undefined>();
    const known = this.#upstreams();
    for (const [upstream, reason] of this.#own) {
      if (known.has(upstream)) found.set(upstream, reason);
      else this.#own.delete(upstream);
    }
    for (const states of this.#parts.totals.upstreamStates()) {
      for (const { upstream, untrusted, certificateEndMs } of states) {
        if (untrusted === undefined && certificateEndMs === 0) continue;
        if (known.has(upstream)) found.set(upstream, untrusted ?? found.get(upstream));
      }
    }
    return found;
  }

  /**
   * Routes with servers: down as soon as one worker finds none of them answering. Zones of one rule, which share their
   * servers, are one route, named by the first of them.
   */
  routes(): RouteFacts[] {
    const states = this.#parts.totals.upstreamStates();
    const seen = new Set<unknown>();
    const facts: RouteFacts[] = [];
    for (const route of this.#parts.routes()) {
      if (route.servers.length === 0 || seen.has(route.servers)) continue;
      seen.add(route.servers);
      const upstreams = [...new Set(serversOf(route).map(({ text }) => text))];
      facts.push({
        route: this.#nameOf(route),
        upstreams,
        isUp: !states.some((worker) => isAllDown(worker, upstreams)),
      });
    }
    return facts;
  }

  #upstreams(): ReadonlySet<string> {
    return new Set(this.#parts.routes().flatMap((route) => serversOf(route).map(({ text }) => text)));
  }

  #nameOf({ zone, view }: ForwardingRoute): string {
    if (view === VIEW_DEFAULT) return formatName(zone);
    return `group:${this.#parts.groupOf(view) ?? view}`;
  }
}

const keyOf = (upstream: string): string => `certificate ${upstream}`;

const serversOf = ({ servers, fallback = [] }: ForwardingRoute) => [...servers, ...fallback];

const isAllDown = (states: readonly UpstreamState[], upstreams: readonly string[]): boolean => {
  const down = new Set(states.filter(({ isUp }) => !isUp).map(({ upstream }) => upstream));
  return upstreams.every((upstream) => down.has(upstream));
};
