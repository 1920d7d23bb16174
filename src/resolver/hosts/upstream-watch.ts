// What is wrong with upstreams: one that is not trusted or does not answer, and a route without any that answers.
//
// Workers write what they see into their counters, and the main thread reads them there. Nobody asks an upstream for it: what
// no client asks is not known.
import { DAY_MS } from '../../base/base.ts';
import type { FoundIssue } from '../../base/words/words.ts';
import type {
  CounterTotals,
  RouteFacts,
  UntrustedReason,
  UpstreamState,
} from '../../telemetry/observe/observe.ts';
import { formatName } from '../../wire/dns/dns.ts';
import { type ForwardingRoute, VIEW_DEFAULT } from '../upstream/upstream.ts';
import type { State } from '../workers/workers.ts';

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

/** A certificate of a server that ends sooner is told of, milliseconds: its operator is to be asked, and may be away. */
const CERTIFICATE_MS_MIN = 7 * DAY_MS;

/** What is watched. */
export interface UpstreamWatchParts {
  readonly totals: Pick<CounterTotals, 'upstreamStates'>;
  /** What is in force. */
  state(): Pick<State, 'routes' | 'views'> & { readonly config: Pick<State['config'], 'groups'> };
}

/** The upstreams of the running program. */
export class UpstreamWatch {
  readonly #parts: UpstreamWatchParts;
  /** What the main thread itself found out. */
  readonly #own = new Map<string, UntrustedReason | undefined>();

  constructor(parts: UpstreamWatchParts) {
    this.#parts = parts;
  }

  /** The main thread saw the certificate of an upstream; undefined: it is trusted. */
  note(upstream: string, reason: UntrustedReason | undefined): void {
    this.#own.set(upstream, reason);
  }

  /** What is wrong with them. */
  issues(nowMs: number): FoundIssue[] {
    const routes = this.routes();
    const states = this.#parts.totals.upstreamStates().flat();
    const down = new Set(states.filter(({ isUp }) => !isUp).map(({ upstream }) => upstream));
    const carried = new Set(routes.filter(({ isUp }) => isUp).flatMap(({ upstreams }) => upstreams));
    const ends = new Map<string, number>();
    for (const { upstream, certificateEndMs: endMs } of states) {
      if (endMs === 0 || endMs - nowMs >= CERTIFICATE_MS_MIN) continue;
      ends.set(upstream, Math.min(endMs, ends.get(upstream) ?? endMs));
    }
    const found: FoundIssue[] = [];
    for (const { route, isUp, upstreams } of routes) {
      if (isUp) continue;
      const why = upstreams.length === 0 ? 'no address of an upstream is known' : 'no upstream answers';
      found.push({ id: 'upstreams-down', subject: route, text: `${why} for ${route}` });
    }
    for (const [upstream, reason] of this.untrusted()) {
      if (reason === undefined) continue;
      const text = `upstream ${upstream} did not prove who it is: ${reason}`;
      found.push({ id: 'upstream-untrusted', subject: upstream, text, do: UNTRUSTED_HINTS[reason] });
    }
    for (const upstream of down) {
      if (!carried.has(upstream)) continue;
      const text = `upstream ${upstream} does not answer: others carry its questions`;
      found.push({ id: 'upstream-down', subject: upstream, text });
    }
    for (const [upstream, dueMs] of ends) {
      const text = `a certificate of upstream ${upstream} ends at ${new Date(dueMs).toISOString()}`;
      found.push({ id: 'upstream-certificate-ends', subject: upstream, text, dueMs });
    }
    return found;
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
   * Down as soon as one worker finds none of its servers answering, or while there is none, because no address of its hosts is
   * known. Zones of one rule, which share their servers, are one route, named by the first of them.
   */
  routes(): RouteFacts[] {
    const states = this.#parts.totals.upstreamStates();
    const seen = new Set<unknown>();
    const facts: RouteFacts[] = [];
    for (const route of this.#parts.state().routes) {
      if (seen.has(route.servers)) continue;
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
    return new Set(this.#parts.state().routes.flatMap((route) => serversOf(route).map(({ text }) => text)));
  }

  #nameOf({ zone, view }: ForwardingRoute): string {
    if (view === VIEW_DEFAULT) return formatName(zone);
    const { config, views } = this.#parts.state();
    return `group:${config.groups[views.indexOf(view)]?.name ?? view}`;
  }
}

const serversOf = ({ servers, fallback = [] }: ForwardingRoute) => [...servers, ...fallback];

const isAllDown = (states: readonly UpstreamState[], upstreams: readonly string[]): boolean => {
  const down = new Set(states.filter(({ isUp }) => !isUp).map(({ upstream }) => upstream));
  return upstreams.every((upstream) => down.has(upstream));
};
