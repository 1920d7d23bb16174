// A Forwarding with scripted upstreams around it, and a record of what its observer was told.
import { afterEach } from 'vitest';
import type { Endpoint } from '../../../src/base/base.ts';
import { CLASS, nameFrom, parseType } from '../../../src/dns/dns.ts';
import {
  Forwarding,
  type ForwardingOptions,
  type UpstreamOutcome,
  type UpstreamQuestion,
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

/** What an observer was told, as `INDEX EVENT …`. */
export interface Observed {
  readonly events: string[];
  readonly forwarding: Forwarding;
}

/** A Forwarding that is closed after the test; the times are long enough for a slow machine unless overridden. */
export const startForwarding = (
  routes: { zone?: string; endpoints: Endpoint[] }[],
  options: Partial<ForwardingOptions> = {},
): Observed => {
  const events: string[] = [];
  const forwarding = new Forwarding({
    routes: routes.map(({ zone = '.', endpoints }) => ({ zone: nameFrom(zone), endpoints })),
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
  ...flags,
});

/** The outcome of a question as a promise. */
export const ask = (forwarding: Forwarding, asked: UpstreamQuestion): Promise<UpstreamOutcome> =>
  new Promise((resolve) => forwarding.resolve(asked, resolve));
