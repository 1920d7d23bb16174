// What is in force in all workers, and the one way to replace it: prepare a state, apply it, or have the one before back.
import { isDeepStrictEqual } from 'node:util';
import { type Endpoint, formatEndpoint } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { ProbeScheduler } from '../../evidence/probe/probe.ts';
import {
  type ChangeAuthor,
  type EnforcementMonitor,
  namesOf,
  type QueryLogKeeping,
  type RecordKeeping,
} from '../../evidence/recording/recording.ts';
import type { GenerationFacts } from '../../evidence/records/records.ts';
import type { OperatorPause } from '../../people/controls/controls.ts';
import { forwarderNames } from '../../policy/access/access.ts';
import type { Generation } from '../../policy/generation/generation.ts';
import type { LeaseReading } from '../../policy/leases/leases.ts';
import type { CertificateReloader, RevocationReloader } from '../../resolver/certificates/certificates.ts';
import type { KeptHosts, OwnForwarding } from '../../resolver/hosts/hosts.ts';
import type { TrustAnchorUpdater } from '../../resolver/resolve/resolve.ts';
import {
  type ForwardingRoute,
  RESOLV_CONF,
  readSystemResolvers,
  upstreamTexts,
} from '../../resolver/upstream/upstream.ts';
import {
  buildRoutes,
  claimEncrypted,
  claimEndpoint,
  ENCRYPTED_KINDS,
  type EncryptedEndpoint,
  type RetiredMemory,
  type State,
  type Supervisor,
  toSettings,
  type WorkerSettings,
  withPause,
} from '../../resolver/workers/workers.ts';
import type { CounterBlock, CounterTotals } from '../../telemetry/observe/observe.ts';

/** The parts of the program that a state concerns. */
export interface StateParts {
  readonly totals: CounterTotals;
  readonly supervisor: Supervisor;
  readonly trust: TrustAnchorUpdater;
  readonly tls: CertificateReloader;
  readonly revocations: RevocationReloader;
  readonly recording: Pick<RecordKeeping, 'eventsOf' | 'define' | 'journal'>;
  readonly queryLog: Pick<QueryLogKeeping, 'shareOf' | 'define'>;
  readonly leases: Pick<LeaseReading, 'tableOf'>;
  readonly probe: Pick<ProbeScheduler, 'whileChanging'>;
  readonly enforcement: EnforcementMonitor;
  readonly pause: OperatorPause;
  readonly hosts: KeptHosts;
  readonly own: OwnForwarding;
  readonly retired: RetiredMemory;
  /** Index of the worker that has the listeners for QUIC, and no others; undefined: nobody has any. */
  readonly quicWorker: number | undefined;
}

/** Nothing: before the first state is in force. */
export const emptyState = (config: Config): State => ({
  config,
  generation: undefined,
  enforced: config,
  listen: [],
  encrypted: [],
  tls: undefined,
  revoked: { fingerprints: [], serials: [] },
  routes: [],
  views: [],
  counters: [],
  refusals: [],
});

/** The state of one program. */
export class ActiveState {
  readonly #parts: StateParts;
  /** Endpoints of the configuration to those with a known port. */
  readonly #claimed = new Map<string, Endpoint>();
  /** The same for encrypted ones. */
  readonly #secured = new Map<string, EncryptedEndpoint>();
  #current: State;
  #isPauseApplied = false;

  constructor(config: Config, parts: StateParts) {
    this.#parts = parts;
    this.#current = emptyState(config);
  }

  get current(): State {
    return this.#current;
  }

  /** As workers judge. */
  get isPauseApplied(): boolean {
    return this.#isPauseApplied;
  }

  /** What a worker that starts now is told. */
  settingsOf(index: number, state = this.#current, isPaused = this.#isPauseApplied): WorkerSettings {
    const { trust, recording, queryLog, leases } = this.#parts;
    return toSettings(state, index, trust, {
      isPaused,
      events: recording.eventsOf(index),
      queryLog: queryLog.shareOf(index, state.config),
      leases: leases.tableOf(state.config),
      hasQuic: index === this.#parts.quicWorker,
    });
  }

  /** The state without lists that workers start in. */
  async begin(config: Config): Promise<void> {
    this.#current = await this.prepare(config, undefined);
    await this.#parts.trust.recall(upstreamsText(this.#current.routes));
  }

  /** Everything that a state needs and that can fail without having changed anything. */
  async prepare(config: Config, generation: Generation | undefined, enforced = config): Promise<State> {
    const listen: Endpoint[] = [];
    for (const endpoint of config.listen.dns) listen.push(await this.#claim(endpoint));
    const encrypted: EncryptedEndpoint[] = [];
    for (const kind of ENCRYPTED_KINDS) {
      if (kind === 'doq' && this.#parts.quicWorker === undefined) continue;
      for (const endpoint of config.listen[kind]) encrypted.push(await this.#claimEncrypted(kind, endpoint));
    }
    const tls = this.#parts.tls.settingsFor(config);
    const revoked = this.#parts.revocations.revokedFor(config);
    const { routes, views } = buildRoutes(
      config,
      () => readSystemResolvers(RESOLV_CONF, listen),
      this.#parts.hosts.addressesOf,
    );
    const counters = this.#countersFor(routes);
    const { refusals } = this.#current;
    const listeners = { listen, encrypted, tls, revoked };
    return { config, generation, enforced, ...listeners, routes, views, counters, refusals };
  }

  /**
   * Puts a prepared state in force in all workers; on an error the one before it is put back. A pause, and its end, that waits for
   * its turn is not taken up: its own change says who wanted it.
   */
  async apply(prepared: State, author?: ChangeAuthor, isPaused = this.#isPauseApplied): Promise<void> {
    const { supervisor, trust, recording, probe, enforcement, own, retired, totals } = this.#parts;
    const previous = this.#current;
    const wasPaused = this.#isPauseApplied;
    const { policy } = prepared.generation ?? {};
    const layout = {
      lists: policy === undefined ? [] : withPause(policy, isPaused).lists,
      groups: policy?.groups.map((group) => group.name) ?? [],
      forwarders: forwarderNames(prepared.generation?.access),
    };
    const state = { ...prepared, refusals: this.#perWorker(() => totals.openRefusals(layout)) };
    let restoreTrust = (): void => {};
    try {
      restoreTrust = trust.setConfig(state.config);
      await trust.recall(upstreamsText(state.routes));
      if (state.generation !== undefined) this.#define(namesOf(state.generation));
      await probe.whileChanging(async () => {
        await supervisor.apply(this.#settingsFrom(state, isPaused));
        this.#current = state;
        this.#isPauseApplied = isPaused;
        // In this moment, so that nobody else sees the change first and records it without its author.
        enforcement.update(author);
      });
      if (state.generation !== undefined) recording.journal.generation(state.generation);
      retired.add(previous.generation?.policy.table);
    } catch (error) {
      retired.add(policy?.table);
      restoreTrust();
      await trust.recall(upstreamsText(previous.routes));
      await supervisor.apply(this.#settingsFrom(previous, wasPaused));
      throw error;
    } finally {
      this.#retire(state === this.#current ? previous : state);
    }
    const { listen } = state.config;
    const listening = new Set(listen.dns.map(formatEndpoint));
    for (const text of this.#claimed.keys()) if (!listening.has(text)) this.#claimed.delete(text);
    const secured = new Set(ENCRYPTED_KINDS.flatMap((kind) => listen[kind].map((at) => claimName(kind, at))));
    for (const text of this.#secured.keys()) if (!secured.has(text)) this.#secured.delete(text);
    if (own.isOpen && !isDeepStrictEqual(previous.routes, state.routes)) own.follow(state);
  }

  /** Puts what the pause now says in force, with all else as it is. */
  applyPause(author: ChangeAuthor | undefined): Promise<void> {
    return this.apply(this.#current, author, this.#parts.pause.isPaused);
  }

  #define(facts: GenerationFacts): void {
    this.#parts.recording.define(facts);
    this.#parts.queryLog.define(facts);
  }

  /**
   * What workers that start later get as well. In a scope of its own: the supervisor keeps the function, and what stands beside
   * it, such as the state before with its table, would live as long.
   */
  #settingsFrom(state: State, isPaused: boolean): (index: number) => WorkerSettings {
    return (index) => this.settingsOf(index, state, isPaused);
  }

  async #claim(endpoint: Endpoint): Promise<Endpoint> {
    const text = formatEndpoint(endpoint);
    const known = this.#claimed.get(text);
    if (known !== undefined) return known;
    const claimed = await claimEndpoint(endpoint);
    this.#claimed.set(text, claimed);
    return claimed;
  }

  async #claimEncrypted(kind: EncryptedEndpoint['kind'], endpoint: Endpoint): Promise<EncryptedEndpoint> {
    const text = claimName(kind, endpoint);
    const known = this.#secured.get(text);
    if (known !== undefined) return known;
    const claimed = { kind, endpoint: await claimEncrypted(endpoint, kind) };
    this.#secured.set(text, claimed);
    return claimed;
  }

  /** The counter blocks for a set of upstreams: those in use when the set is the same. */
  #countersFor(routes: readonly ForwardingRoute[]): readonly CounterBlock[] {
    const upstreams = upstreamTexts(routes);
    const inUse = this.#current.counters;
    if (inUse[0]?.layout.upstreams.join() === upstreams.join()) return inUse;
    return this.#perWorker(() => this.#parts.totals.openCounters({ upstreams }));
  }

  #retire(state: State): void {
    const { totals } = this.#parts;
    for (const block of state.refusals) {
      if (!this.#current.refusals.includes(block)) totals.retireRefusals(block);
    }
    for (const block of state.counters) {
      if (!this.#current.counters.includes(block)) totals.retireCounters(block);
    }
  }

  #perWorker<T>(create: () => T): T[] {
    return Array.from({ length: this.#parts.supervisor.count }, create);
  }
}

const upstreamsText = (routes: readonly ForwardingRoute[]): string => upstreamTexts(routes).join('\n');

const claimName = (kind: EncryptedEndpoint['kind'], endpoint: Endpoint): string =>
  `${kind} ${formatEndpoint(endpoint)}`;
