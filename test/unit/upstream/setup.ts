// A Forwarding with scripted upstreams around it, and a record of what its observer was told.
import assert from 'node:assert/strict';
import { afterEach, expect } from 'vitest';
import { type Clock, type Endpoint, formatEndpoint } from '../../../src/base/base.ts';
import {
  Forwarding,
  type ForwardingOptions,
  type ForwardingRoute,
  type Strategy,
  type UpstreamOutcome,
  type UpstreamServer,
  VIEW_DEFAULT,
} from '../../../src/resolver/upstream/upstream.ts';
import { CLASS, nameFrom, parseType, type Question } from '../../../src/wire/dns/dns.ts';
import {
  type ScriptedHandler,
  type ScriptedQuery,
  ScriptedUpstream,
} from '../../support/scripted-upstream.ts';

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

/** Answers the first query of a silent upstream, at the moment that a test chooses and not after a time. */
export const answerFirst = async (
  upstream: ScriptedUpstream | undefined,
  messageFor: (query: ScriptedQuery) => Uint8Array,
): Promise<void> => {
  assert.ok(upstream !== undefined);
  await expect.poll(() => upstream.count(), { interval: 5 }).toBeGreaterThan(0);
  const [query] = upstream.queries;
  assert.ok(query !== undefined);
  upstream.sendDatagram(messageFor(query), query.port);
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
  /** Indexes of the upstreams at whose ports somebody guessed. */
  readonly nearMisses: readonly number[];
  readonly forwarding: Forwarding;
  /** What the Forwarding measures with. */
  readonly clock: Clock;
}

/** What patientClock() lets pass between two looks at most: a tick of a try of a second. */
const LOOK_MS_MAX = 32;

/**
 * The machine's clock without the time in which the machine stood still. The scripted upstreams live in the thread of
 * the Forwarding, so that a pause of the thread would be taken from the time of a try in which nobody could answer.
 */
export const patientClock = (): Clock => {
  let nowMs = Date.now();
  let lookedAtMs = performance.now();
  return () => {
    const thisMs = performance.now();
    nowMs += Math.min(thisMs - lookedAtMs, LOOK_MS_MAX);
    lookedAtMs = thisMs;
    return Math.floor(nowMs);
  };
};

/** A Forwarding that is closed after the test; the times are long enough for a slow machine unless overridden. */
export const startForwarding = (
  routes: readonly RouteText[],
  options: Partial<ForwardingOptions> = {},
): Observed => {
  const events: string[] = [];
  const nearMisses: number[] = [];
  const { clock = patientClock() } = options;
  const forwarding = new Forwarding({
    routes: routes.map(toRoute),
    timeoutMs: 5_000,
    tryTimeoutMs: 1_000,
    inflightMax: 1_000,
    observer: {
      sent: (index, transport) => events.push(`${index} sent ${transport}`),
      answered: (index, _rttMs, rcode) => events.push(`${index} answered ${rcode}`),
      failed: (index, fault) => events.push(`${index} failed ${fault}`),
      unwanted: (index, reason) => events.push(`${index} unwanted ${reason}`),
      nearMiss: (index) => nearMisses.push(index),
      guarded: (index) => events.push(`${index} guarded`),
      silentZone: () => events.push('silent zone'),
      healthy: (index, isHealthy) => events.push(`${index} healthy ${isHealthy}`),
      hedged: (index) => events.push(`${index} hedged`),
    },
    ...options,
    clock,
  });
  open.push(forwarding);
  return { events, nearMisses, forwarding, clock };
};

/** A question in words. */
export const question = (name: string, type = 'A', flags: Partial<Question> = {}): Question => ({
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
export const ask = (forwarding: Forwarding, asked: Question): Promise<UpstreamOutcome> =>
  new Promise((resolve) => forwarding.resolve(asked, resolve));
