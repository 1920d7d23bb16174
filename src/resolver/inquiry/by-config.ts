// What a configuration alone resolves with, where no program runs: as the program would be right after its start.
import { type Endpoint, systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Generation } from '../../policy/generation/generation.ts';
import { CounterTotals, createLog } from '../../telemetry/observe/observe.ts';
import { lookUpAddresses } from '../hosts/hosts.ts';
import { TrustAnchorUpdater } from '../resolve/resolve.ts';
import {
  type Forwarding,
  RESOLV_CONF,
  readSystemResolvers,
  UNOBSERVED,
  upstreamTexts,
} from '../upstream/upstream.ts';
import type { WorkerSettings } from '../workers/workers.ts';
import {
  buildRoutes,
  createForwarding,
  ENCRYPTED_KINDS,
  type State,
  toSettings,
  upstreamHostNames,
} from '../workers/workers.ts';

/** As the program would be right after its start. */
export const stateOf = async (
  config: Config,
  enforced: Config,
  generation: Generation | undefined,
): Promise<State> => {
  const addresses = await lookUpHosts(config);
  const { routes, views } = buildRoutes(
    config,
    () => readSystemResolvers(RESOLV_CONF, config.listen.dns),
    (name) => addresses.get(name) ?? [],
  );
  const totals = new CounterTotals();
  return {
    config,
    generation,
    enforced,
    listen: config.listen.dns,
    encrypted: ENCRYPTED_KINDS.flatMap((kind) => config.listen[kind].map((endpoint) => ({ kind, endpoint }))),
    tls: undefined,
    revoked: { fingerprints: [], serials: [] },
    routes,
    views,
    counters: [totals.openCounters({ upstreams: upstreamTexts(routes) })],
    refusals: [totals.openRefusals({ lists: [], groups: [] })],
  };
};

/** The addresses of the upstreams that are given by name, as far as they can be found now. */
const lookUpHosts = async (config: Config): Promise<ReadonlyMap<string, readonly string[]>> => {
  const { signal } = new AbortController();
  const found = new Map<string, readonly Endpoint['address'][]>();
  for (const name of upstreamHostNames(config)) {
    const outcomes = await Promise.allSettled([
      lookUpAddresses(name, 4, config.bootstrap, signal),
      lookUpAddresses(name, 6, config.bootstrap, signal),
    ]);
    const addresses = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    found.set(
      name,
      addresses.map(({ address }) => address),
    );
  }
  return found;
};

/** What asks upstreams, and how a worker would be set. */
export interface ConfigMeans {
  readonly settings: WorkerSettings;
  readonly forwarding: Forwarding;
  /** Ends both. */
  close(): void;
}

/** Opens what a state of a configuration asks upstreams with. */
export const openByConfig = async (config: Config, state: State): Promise<ConfigMeans> => {
  const trust = TrustAnchorUpdater.open(config, {
    clock: systemClock,
    // What was learned of trust anchors and cannot be read is worth a line beside the answer.
    log: createLog({ level: 'warn', to: process.stderr.fd }),
    onChange: () => {},
  });
  await trust.recall(upstreamTexts(state.routes).join('\n'));
  const { mode, anchors } = trust;
  const settings = toSettings(state, 0, { mode, anchors }, { isPaused: false, events: undefined });
  const forwarding = createForwarding(settings, UNOBSERVED);
  const close = (): void => {
    trust.close();
    forwarding.close();
  };
  return { settings, forwarding, close };
};
