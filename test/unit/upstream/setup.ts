// A Forwarding with scripted upstreams around it, and a record of what its observer was told.
import { afterEach } from 'vitest';
import { type Endpoint, formatEndpoint } from '../../../src/base/base.ts';
import { CLASS, nameFrom, parseType } from '../../../src/dns/dns.ts';
import {
  Forwarding,
  type ForwardingOptions,
  type ForwardingRoute,
  type Strategy,
  type UpstreamOutcome,
  type UpstreamQuestion,
  type UpstreamServer,
  VIEW_DEFAULT,
} from '../../../src/upstream/upstream.ts';
import { type ScriptedHandler, ScriptedUpstream } from '../../support/scripted-upstream.ts';

const open: { close(): void | Promise<void> }[] = [];

afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.close();
});

/** A scripted upstream that is closed after the test. */
export const openUpstream = async (handler?: ScriptedHandler): Promise<ScriptedUpstream> => {
  const upstream = await ScriptedUpstream.open(handler);
  open.push(upstream);
  return upstream;
};

/** An endpoint where nobody listens: its upstream was closed again. */
export const deadEndpoint = async (): Promise<Endpoint> => {
  const upstream = await ScriptedUpstream.open();
  await upstream.close();
  return upstream.endpoint;
};

/** A server over UDP, and over TCP for what is too long. */
export const plainServer = (endpoint: Endpoint): UpstreamServer => ({
  endpoint,
  transport: 'udp',
  text: formatEndpoint(endpoint),
});

/** A route of a test; `endpoints` are plain servers. */
export interface RouteText {
  readonly zone?: string;
  readonly view?: number;
  readonly endpoints?: readonly Endpoint[];
  readonly servers?: readonly UpstreamServer[];
  readonly fallback?: readonly Endpoint[];
  readonly strategy?: Strategy;
}

/** A route as Forwarding takes it. */
export const toRoute = (text: RouteText): ForwardingRoute => ({
  zone: nameFrom(text.zone ?? '.'),
  view: text.view ?? VIEW_DEFAULT,
  servers: text.servers ?? (text.endpoints ?? []).map(plainServer),
  fallback: (text.fallback ?? []).map(plainServer),
  strategy: text.strategy ?? 'ordered',
});

/** What an observer was told, as `INDEX EVENT …`. */
export interface Observed {
  readonly events: string[];
  readonly forwarding: Forwarding;
}

/** A Forwarding that is closed after the test; the times are long enough for a slow machine unless overridden. */
export const startForwarding = (
  routes: readonly RouteText[],
  options: Partial<ForwardingOptions> = {},
): Observed => {
  const events: string[] = [];
  const forwarding = new Forwarding({
    routes: routes.map(toRoute),
    timeoutMs: 5_000,
    tryTimeoutMs: 1_000,
    inflightMax: 1_000,
    clock: Date.now,
    observer: {
      sent: (index, transport) => events.push(`${index} sent ${transport}`),
      answered: (index, _rttMs, rcode) => events.push(`${index} answered ${rcode}`),
      failed: (index, fault) => events.push(`${index} failed ${fault}`),
      unwanted: (index, reason) => events.push(`${index} unwanted ${reason}`),
      healthy: (index, isHealthy) => events.push(`${index} healthy ${isHealthy}`),
      hedged: (index) => events.push(`${index} hedged`),
    },
    ...options,
  });
  open.push(forwarding);
  return { events, forwarding };
};

/** A question in words. */
export const question = (
  name: string,
  type = 'A',
  flags: Partial<UpstreamQuestion> = {},
): UpstreamQuestion => ({
  name: nameFrom(name),
  type: parseType(type) ?? 0,
  class: CLASS.IN,
  dnssecOk: false,
  checkingDisabled: false,
  wantsAd: false,
  view: VIEW_DEFAULT,
  ...flags,
});

/** The outcome of a question as a promise. */
export const ask = (forwarding: Forwarding, asked: UpstreamQuestion): Promise<UpstreamOutcome> =>
  new Promise((resolve) => forwarding.resolve(asked, resolve));
