// The running program on the main thread: configuration, lists, workers, admin; start, reload, stop.
//
// Errors by stage of life: at the start, what prevents listening ends the program with one line, while lists that
// cannot be loaded leave it running with the generation that was saved or, where there is none, refusing everything
// (SERVFAIL, EDE 14), because a silent resolver is replaced by an unfiltered one; at a reload, any error is reported
// and what is in force stays; at the end, queries are answered before sockets close. A list that was fetched anew is
// put in force as a reload is, without reading the configuration.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  type Admin,
  CONTROL_SOCKET_NAME,
  type ControlSocket,
  openControlSocket,
  type ProgramControl,
  startAdmin,
} from '../admin/admin.ts';
import { AppError, type Endpoint, formatEndpoint, isAppError, systemClock, VERSION } from '../base/base.ts';
import { type Config, configHash } from '../config/config.ts';
import { datagramKind } from '../datagram/datagram.ts';
import { formatName } from '../dns/dns.ts';
import { describeEnforcement, isAnswering, isAsDecided, todoOf } from '../enforcement/enforcement.ts';
import { REGISTER_NAME } from '../exemptions/exemptions.ts';
import type { Asked } from '../explain/explain.ts';
import {
  buildAside,
  buildGeneration,
  type Generation,
  type PathOf,
  SavedGeneration,
} from '../generation/generation.ts';
import { FileReview, isUrlList, ListKeeper, withoutMissing } from '../lists/keeping/keeping.ts';
import { isPastReview, type LoadedList } from '../lists/lists.ts';
import {
  type CounterBlock,
  CounterTotals,
  createMetrics,
  type ListFacts,
  type Log,
  type Metrics,
  type SourceFacts,
} from '../observe/observe.ts';
import { TrustKeeper } from '../resolve/resolve.ts';
import {
  Forwarding,
  type ForwardingRoute,
  RESOLV_CONF,
  readSystemResolvers,
  type UpstreamObserver,
  upstreamTexts,
} from '../upstream/upstream.ts';
import type { ChangeAuthor } from './change-journal.ts';
import { claimEndpoint } from './claim.ts';
import { configAuthor } from './config-author.ts';
import { budgetDescriptors, type DescriptorBudget, readDescriptorLimit } from './descriptors.ts';
import { EnforcementKeeper } from './enforcement-keeper.ts';
import { Evidence } from './evidence.ts';
import { type ExplainedBy, explainTraced, listenerOf } from './explain.ts';
import { createListControl } from './list-control.ts';
import { createHostLookup } from './list-hosts.ts';
import type { WorkerSettings } from './messages.ts';
import { OperatorPause } from './pause.ts';
import { RECORDS_NAME } from './record-settings.ts';
import { collectGarbage, RetiredMemory } from './retired-memory.ts';
import { StateWatch } from './state-watch.ts';
import { type SettingsFor, Supervisor } from './supervisor.ts';
import { type ServiceStatus, SystemdNotice } from './systemd-notice.ts';
import { UpstreamHosts } from './upstream-hosts.ts';
import { buildRoutes, plainEndpoints, upstreamHostNames } from './upstream-routes.ts';
import { UpstreamWatch } from './upstream-watch.ts';
import { namedListeners, type State, toSettings, withPause } from './worker-settings.ts';

/** Lists are renewed minutes apart, so that a second round is enough. */
const EXPLAIN_ROUNDS_MAX = 3;
/** Between two looks at upstreams and outputs for what the log has to tell, milliseconds. */
const LOOK_MS = 1_000;

/** Reads the configuration again; throws an AppError that names its problems. */
type ConfigReader = () => Config;

/** Where the configuration comes from. */
export interface ServiceSource {
  readonly readConfig: ConfigReader;
  /** Its file, for records about changes; undefined: there is none. */
  readonly configPath: string | undefined;
}

/** The program while it runs. */
export class Service {
  readonly #log: Log;
  readonly #readConfig: ConfigReader;
  readonly #configPath: string | undefined;
  readonly #totals = new CounterTotals();
  readonly #enforcement: EnforcementKeeper;
  readonly #reloads = { success: 0, failure: 0 };
  readonly #metrics: Metrics;
  readonly #supervisor: Supervisor;
  readonly #saved: SavedGeneration;
  readonly #retired = new RetiredMemory();
  readonly #fileReview = new FileReview();
  readonly #pause: OperatorPause;
  readonly #evidence: Evidence;
  /** Endpoints of the configuration to those with a known port. */
  readonly #claimed = new Map<string, Endpoint>();
  readonly #trust: TrustKeeper;
  readonly #upstreamWatch: UpstreamWatch;
  readonly #manager: SystemdNotice;
  readonly #descriptors: DescriptorBudget;
  /** Looks for what the log has to tell. */
  #lookTimer: NodeJS.Timeout | undefined;
  #state: State;
  #admin: Admin | undefined;
  #stateWatch: StateWatch | undefined;
  #controlSocket: ControlSocket | undefined;
  /** Undefined when no list has an address, or the state directory cannot be used. */
  #keeper: ListKeeper | undefined;
  /** Undefined while no upstream is given by name. */
  #hosts: UpstreamHosts | undefined;
  /** What the main thread itself asks upstreams with. */
  #forwarding: Forwarding | undefined;
  /** A configuration that is to be put in force as soon as its lists are there. */
  #awaited: Config | undefined;
  #generationCount = 0;
  #isListening = false;
  /** Lists were in force, or loading them was tried. */
  #isStarted = false;
  /** As workers judge. */
  #isPauseApplied = false;
  #reloading: Promise<unknown> = Promise.resolve();
  /** A reload that has not begun. */
  #waitingReload: Promise<AppError | undefined> | undefined;

  private constructor(config: Config, { readConfig, configPath }: ServiceSource, log: Log) {
    this.#log = log;
    this.#readConfig = readConfig;
    this.#configPath = configPath;
    this.#saved = new SavedGeneration(config.stateDirectory, log);
    this.#trust = TrustKeeper.open(config, {
      clock: systemClock,
      log,
      onChange: () => void this.#queue(() => this.#applyAgain()),
    });
    const count = config.workers === 'auto' ? availableParallelism() : config.workers;
    this.#state = {
      config,
      generation: undefined,
      enforced: config,
      listen: [],
      routes: [],
      views: [],
      counters: [],
      refusals: [],
    };
    this.#evidence = new Evidence(config, {
      log,
      totals: this.#totals,
      workerCount: count,
      supervisor: () => this.#supervisor,
      state: () => this.#probedState(),
      isPaused: () => this.#pause.isPaused,
      enforcement: () => this.#enforcement.current,
      onCrash: (ms) => this.#enforcement.clock.add('crash', ms),
    });
    this.#enforcement = new EnforcementKeeper({
      directory: config.stateDirectory,
      clock: systemClock,
      monotonic: () => performance.now(),
      log,
      program: () => ({
        isStarted: this.#isStarted,
        workers: { answering: this.#supervisor.answering, hung: this.#supervisor.hung },
        isPaused: this.#isPauseApplied,
        generation: this.#state.generation,
        config: this.#state.enforced,
      }),
      note: (record) => this.#evidence.journal.enforcement(record),
    });
    this.#descriptors = budgetDescriptors(config, count, readDescriptorLimit());
    this.#supervisor = new Supervisor({
      count,
      start: {
        cacheBytes: config.cache.sizeBytes,
        streamLimits: this.#descriptors.streams,
        probeSecret: this.#evidence.probeSecret,
      },
      settingsFor: (index) => this.#settingsOf(this.#state, index),
      log,
      onChange: () => this.#enforcement.update(),
      onStuck: endAtOnce,
    });
    this.#pause = new OperatorPause({
      msMax: () => this.#state.config.compliance.pauseMsMax,
      nowMs: systemClock,
      enforcement: () => this.#enforcement.current,
      apply: (by, reason) => this.#applyPause(toAuthor(by, reason)),
      changed: (status, by, reason) => {
        const action = status.isPaused ? 'pause' : 'resume';
        const { isPaused, until } = status;
        const detail = { isPaused, ...(until === undefined ? {} : { until }) };
        if (by !== undefined) this.#evidence.journal.admin(action, by, reason, detail);
      },
    });
    this.#manager = new SystemdNotice({
      env: process.env,
      pid: process.pid,
      log,
      monotonicUsec: () => process.hrtime.bigint() / 1_000n,
    });
    this.#upstreamWatch = new UpstreamWatch({
      log,
      totals: this.#totals,
      monotonic: () => performance.now(),
      routes: () => this.#state.routes,
      groupOf: (view) => this.#state.config.groups[this.#state.views.indexOf(view)]?.name,
    });
    this.#metrics = createMetrics({
      version: VERSION,
      totals: this.#totals,
      enforcement: this.#enforcement.clock,
      lists: () => this.#listFacts(),
      sources: () => this.#sourceFacts(),
      generation: () => this.#state.generation?.policy.generation ?? 0,
      configSha256: () => configHash(this.#state.config),
      reloads: () => this.#reloads,
      workers: () => this.#supervisor.alive,
      workerRestarts: () => this.#supervisor.restarts,
      workerHangs: () => this.#supervisor.hangs,
      tcpConnectionsLimit: () => count * this.#descriptors.streams.connectionsMax,
      cacheLimitBytes: () => count * config.cache.sizeBytes,
      routes: () => this.#upstreamWatch.routes(),
      untrusted: () => this.#upstreamWatch.untrusted(),
      anchorsConfirmedMs: () => this.#trust.confirmedMs,
      isUdpBatched: () => datagramKind().isBatched,
      dnssecMode: () => this.#trust.mode,
      evidence: () => this.#evidence.facts(),
    });
  }

  /** Starts everything; throws an AppError when it cannot listen. */
  static async start(source: ServiceSource, createLogFor: (config: Config) => Log): Promise<Service> {
    const config = source.readConfig();
    const service = new Service(config, source, createLogFor(config));
    try {
      await service.#start(config);
    } catch (error) {
      // The caller gives up: a thread of the recorder's would keep the process alive.
      await service.#evidence.stop();
      throw error;
    }
    return service;
  }

  async #start(config: Config): Promise<void> {
    if (process.geteuid?.() === 0)
      this.#log.warn({ hint: ROOT_HINT }, 'runs as root, and does not give it up');
    this.#tellDescriptors();
    await this.#evidence.start(config);
    this.#enforcement.start();
    await this.#followHosts(config);
    // The sockets come first: until the lists are there, SERVFAIL tells clients to wait; silence would send them away.
    this.#state = await this.#prepare(config, undefined);
    await this.#trust.recall(upstreamsText(this.#state.routes));
    await this.#supervisor.start();
    this.#isListening = true;
    if (config.listen.admin !== undefined) {
      this.#admin = await startAdmin({
        endpoint: config.listen.admin,
        allow: config.admin.allow,
        hosts: config.admin.hosts.map((host) => formatName(host).slice(0, -1)),
        control: this.#control(),
        log: this.#log,
      });
    }
    await this.#followLists(config);
    await this.#applySaved(config);
    const isEnforcing = this.#state.generation !== undefined;
    if (isEnforcing) this.#logReady();
    await this.#applyFirst(config);
    if (!isEnforcing) this.#logReady();
    await this.#openControlSocket(config);
    this.#stateWatch = this.#watchState(config);
    this.#stateWatch.start();
    this.#evidence.begin();
    this.#keeper?.start();
    this.#hosts?.start();
    this.#followUpstreams();
    this.#manager.update(this.#status());
    this.#lookTimer = setInterval(() => {
      this.#upstreamWatch.look();
      this.#evidence.look();
      this.#manager.update(this.#status());
    }, LOOK_MS);
  }

  /** Says what the descriptors of the process do not suffice for. */
  #tellDescriptors(): void {
    const { limit, reserve, streams, isLowered, isScarce } = this.#descriptors;
    if (!isLowered) return;
    const fields = {
      limit,
      reserve,
      connections: streams.connectionsMax,
      hint: 'raise LimitNOFILE of the unit, or ulimit -n; tcp.connections counts for each worker',
    };
    if (isScarce) {
      this.#log.error(
        fields,
        'descriptors do not suffice: metrics, control socket, lists and upstreams may fail',
      );
    } else
      this.#log.warn(fields, 'fewer TCP connections of clients than configured, for want of descriptors');
  }

  /** For the service manager. */
  #status(): ServiceStatus {
    const { current } = this.#enforcement;
    return {
      isAnswering: this.#isListening && isAnswering(current.state),
      text: describeEnforcement(current),
    };
  }

  /** Keeps the addresses of upstreams that are given by name from now on. */
  async #followHosts(config: Config): Promise<void> {
    const names = upstreamHostNames(config);
    if (this.#hosts === undefined && names.length === 0) return;
    this.#hosts ??= await UpstreamHosts.open({
      directory: config.stateDirectory,
      clock: systemClock,
      log: this.#log,
      onChange: () => {
        // Before that, the start itself reads what was found.
        if (this.#isListening) void this.#queue(() => this.#applyAgain());
      },
    });
    this.#hosts.follow(names, config.bootstrap);
    if (this.#isListening) this.#hosts.start();
    // A first start has nothing to ask without them; a host that is not found in time is found later.
    if (names.some((name) => this.#hosts?.addressesOf(name).length === 0)) await this.#hosts.lookUpDue();
  }

  /** Lets the main thread ask the upstreams now in force. */
  #followUpstreams(): void {
    const { routes, config } = this.#state;
    const previous = this.#forwarding;
    const { timeoutMs, tryTimeoutMs, inflightMax } = config.resolver;
    this.#forwarding = new Forwarding({
      routes,
      timeoutMs,
      tryTimeoutMs,
      inflightMax,
      clock: systemClock,
      observer: this.#ownObserver(upstreamTexts(routes)),
    });
    this.#trust.follow(this.#forwarding);
    previous?.close();
  }

  /** The main thread asks seldom, and nobody counts it; but it may be the first to whom a server proves nothing. */
  #ownObserver(upstreams: readonly string[]): UpstreamObserver {
    return {
      sent: () => {},
      answered: () => {},
      failed: () => {},
      unwanted: () => {},
      nearMiss: () => {},
      guarded: () => {},
      silentZone: () => {},
      healthy: () => {},
      hedged: () => {},
      trusted: (index) => this.#upstreamWatch.note(upstreams[index] ?? '', undefined),
      untrusted: (index, reason) => this.#upstreamWatch.note(upstreams[index] ?? '', reason),
    };
  }

  /** Puts what is in force in force again: with other addresses of upstreams, or with other keys. */
  async #applyAgain(author?: ChangeAuthor): Promise<AppError | undefined> {
    const { config, generation, enforced } = this.#state;
    try {
      await this.#apply(await this.#prepare(config, generation, enforced), author);
      return undefined;
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#log.error({ err: error }, 'what was learned of upstreams is not put in force');
      return error;
    }
  }

  /** Puts in force what the pause now says; throws the AppError of the workers. */
  async #applyPause(author: ChangeAuthor): Promise<void> {
    const error = await this.#queue(() => this.#applyAgain(author));
    if (error !== undefined) throw error;
  }

  /** Keeps the lists of a configuration from now on. A state directory that cannot be used costs the fetched lists. */
  async #followLists({ lists, stateDirectory }: Config): Promise<void> {
    if (this.#keeper === undefined && !lists.some(isUrlList)) return;
    try {
      this.#keeper ??= await ListKeeper.open({
        directory: stateDirectory,
        clock: systemClock,
        log: this.#log,
        resolve: createHostLookup(() =>
          this.#state.routes.map((route) => {
            const endpoints = plainEndpoints(route);
            const { bootstrap } = this.#state.config;
            return { zone: route.zone, endpoints: endpoints.length === 0 ? bootstrap : endpoints };
          }),
        ),
        userAgent: `cordon/${VERSION}`,
        random: Math.random,
        onChange: () => void this.#renew(),
        onOutcome: (result) => this.#evidence.journal.fetched(result),
      });
      await this.#keeper.follow(lists);
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#log.error({ err: error }, 'lists with an address are not kept');
    }
  }

  /** What is in the state directory and comes back when it is deleted, and what does not. */
  #watchState(config: Config): StateWatch {
    return new StateWatch({
      directory: config.stateDirectory,
      parts: new Map([
        [
          CONTROL_SOCKET_NAME,
          async () => {
            await this.#controlSocket?.close();
            await this.#openControlSocket(config);
          },
        ],
        [RECORDS_NAME, () => this.#evidence.renewRecords()],
        [REGISTER_NAME, undefined],
      ]),
      log: this.#log,
      onRestored: () => {
        this.#enforcement.restate();
        this.#save();
      },
    });
  }

  /** Without it the service does all its work; only the command cannot decide on lists. */
  async #openControlSocket({ stateDirectory }: Config): Promise<void> {
    const lists = createListControl({
      candidates: () => this.#supervisor.candidates(),
      lists: () => (this.#awaited ?? this.#state.config).lists,
      generation: () => this.#state.generation,
      keeper: () => this.#keeper,
      fileReview: this.#fileReview,
      renew: () => this.#renew(),
      decided: (event, list, sha256, author) => {
        this.#evidence.journal.decided(event, list, sha256, author);
      },
      reload: () => this.#queueReload('a decision on a list came over the control socket'),
    });
    const path = join(stateDirectory, CONTROL_SOCKET_NAME);
    try {
      this.#controlSocket = await openControlSocket({
        path,
        controls: {
          lists,
          pause: this.#pause,
          explain: { explain: (asked) => this.#explain(asked) },
          ...this.#evidence.controls(),
        },
        log: this.#log,
      });
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#log.warn({ err: error }, 'no control socket');
    }
  }

  /** Throws ERR_APP_LISTENER, ERR_APP_WORKER, or ERR_APP_EXPLAIN when lists change again and again. */
  async #explain(question: Asked): Promise<ExplainedBy> {
    for (let round = 0; round < EXPLAIN_ROUNDS_MAX; round++) {
      const asked = { ...question, listener: listenerOf(question.listener, this.#state) };
      const { worker, traced } = await this.#supervisor.trace(asked);
      const { config, generation } = this.#state;
      // Lists and lines are numbers of the generation that judged: those of another one would name other rules.
      if (traced.generation !== (generation?.policy.generation ?? 0)) continue;
      return {
        asked: {
          kind: 'service',
          version: VERSION,
          configSha256: configHash(config),
          generation: traced.generation,
          validation: this.#trust.mode,
          time: new Date(traced.nowMs).toISOString(),
          pid: process.pid,
          worker,
          workers: this.#supervisor.count,
          isPaused: this.#pause.isPaused,
        },
        ...explainTraced(asked, traced, this.#state),
      };
    }
    throw new AppError('ERR_APP_EXPLAIN', 'explaining a name: the lists changed meanwhile', {
      hint: 'Ask again.',
    });
  }

  /** What was in force when the program ended is in force again at once, before lists are read. */
  async #applySaved(config: Config): Promise<void> {
    try {
      const enforced = withoutMissing(config, this.#pathOf);
      const saved = this.#saved.read(enforced, this.#generationCount + 1);
      if (saved === undefined) return;
      this.#generationCount++;
      await this.#apply(await this.#prepare(config, saved, enforced), configAuthor(this.#configPath));
      this.#isStarted = true;
      this.#log.info(ageOf(saved), 'the saved generation is in force while the lists are read');
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#log.warn({ err: error }, 'the saved generation is not used');
    }
  }

  async #applyFirst(config: Config): Promise<void> {
    try {
      await this.#putInForce(config, configAuthor(this.#configPath));
      this.#evidence.journal.configuration(config, 'start', configAuthor(this.#configPath));
      this.#log.info({ generation: this.#state.generation?.policy.generation }, 'lists loaded');
      this.#save();
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#evidence.journal.refused(error.code, 'start');
      const saved = this.#state.generation;
      if (saved === undefined) {
        this.#log.error(
          { err: error },
          'lists cannot be loaded: every query is answered SERVFAIL until a reload succeeds',
        );
      } else {
        this.#log.warn(
          { err: error, ...ageOf(saved) },
          'lists cannot be loaded: the saved generation stays in force until a reload succeeds',
        );
      }
    }
    this.#isStarted = true;
    this.#enforcement.update();
  }

  #save(): void {
    const { enforced, generation } = this.#state;
    if (generation !== undefined) this.#saved.save(enforced, generation);
  }

  #logReady(): void {
    this.#log.info(
      {
        version: VERSION,
        dns: this.#state.listen.map(formatEndpoint),
        admin: this.#admin?.address,
        workers: this.#supervisor.count,
        udp: describeUdp(),
        generation: this.#state.generation?.policy.generation ?? 0,
        upstreams: this.#state.routes[0]?.servers.map(({ text }) => text),
        dnssec: this.#state.config.dnssec.mode,
      },
      'ready',
    );
  }

  /** Puts the configuration and the lists as they now are on disk in force, or reports why not. Never throws. */
  async reload(): Promise<void> {
    await this.#queueReload('SIGHUP came, whose sender the system does not tell');
  }

  /** Answers what waits and ends everything. */
  async stop(): Promise<void> {
    this.#log.info('draining');
    this.#manager.stopping();
    this.#isListening = false;
    clearInterval(this.#lookTimer);
    this.#pause.close();
    this.#enforcement.close();
    this.#stateWatch?.close();
    this.#trust.close();
    await this.#hosts?.close();
    await this.#keeper?.stop();
    await this.#controlSocket?.close();
    await this.#supervisor.stop();
    await this.#evidence.stop();
    this.#forwarding?.close();
    await this.#admin?.close();
    this.#log.info('stopped');
  }

  /** At most one waits beside the one that runs: it has not read anything yet, and will read what is newest then. */
  #queueReload(trigger: string): Promise<AppError | undefined> {
    this.#waitingReload ??= this.#queue(async () => {
      this.#waitingReload = undefined;
      this.#manager.reloading();
      try {
        return await this.#reload(trigger);
      } finally {
        this.#manager.reloaded(this.#status());
      }
    });
    return this.#waitingReload;
  }

  /** Makes a policy of the contents that are now kept, if it is not in force already. */
  #renew(): Promise<AppError | undefined> {
    return this.#queue(() => this.#renewNow());
  }

  /** One change of the policy at a time. Gives the error that was reported. */
  #queue(change: () => Promise<AppError | undefined>): Promise<AppError | undefined> {
    const changed = this.#reloading.then(change);
    this.#reloading = changed;
    return changed;
  }

  async #reload(trigger: string): Promise<AppError | undefined> {
    const previous = this.#state;
    this.#awaited = undefined;
    let config: Config | undefined;
    try {
      config = this.#readConfig();
      this.#warnOfStartOnlyChanges(previous.config, config);
      this.#evidence.check(config);
      await this.#followHosts(config);
      await this.#followLists(config);
      this.#keeper?.start();
      await this.#putInForce(config, configAuthor(this.#configPath));
      this.#save();
      this.#evidence.journal.act('reload');
      this.#evidence.journal.configuration(config, 'reload', {
        ...configAuthor(this.#configPath),
        reason: `${trigger}; ${configAuthor(this.#configPath).reason ?? 'the configuration was read'}`,
      });
      await this.#evidence.follow(config);
      this.#reloads.success++;
      this.#log.info({ generation: this.#state.generation?.policy.generation }, 'reloaded');
      return undefined;
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#reloads.failure++;
      this.#evidence.journal.refused(error.code, 'reload');
      const isWaiting = config !== undefined && this.#lacksLists(config);
      this.#awaited = isWaiting ? config : undefined;
      if (config !== undefined && !isWaiting) await this.#followLists(previous.config);
      this.#log.error(
        { err: error },
        isWaiting
          ? 'reload waits for lists that are being fetched: the configuration and lists before it stay in force'
          : 'reload refused: the configuration and lists before it stay in force',
      );
      return error;
    }
  }

  async #renewNow(): Promise<AppError | undefined> {
    const config = this.#awaited ?? this.#state.config;
    if (this.#awaited === undefined && this.#enforcesKept()) return undefined;
    try {
      await this.#putInForce(
        config,
        this.#awaited === undefined ? undefined : configAuthor(this.#configPath),
      );
      this.#evidence.journal.configuration(config, 'lists');
      if (this.#awaited !== undefined) await this.#evidence.follow(config);
      this.#awaited = undefined;
      this.#save();
      this.#reloads.success++;
      this.#log.info({ generation: this.#state.generation?.policy.generation }, 'lists renewed');
      return undefined;
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#reloads.failure++;
      this.#evidence.journal.refused(error.code, 'lists');
      this.#log.error({ err: error }, 'renewed lists are not put in force: the lists before them stay');
      return error;
    }
  }

  /** Throws an AppError and changes nothing, or has the lists as they now are in force. */
  async #putInForce(config: Config, author?: ChangeAuthor): Promise<void> {
    const enforced = withoutMissing(config, this.#pathOf);
    const missing = config.lists.filter((list) => !enforced.lists.includes(list)).map(({ id }) => id);
    if (missing.length > 0) {
      this.#log.warn({ lists: missing }, 'lists that were never fetched are not in force');
    }
    await this.#apply(await this.#prepare(config, await this.#build(enforced), enforced), author);
  }

  /** True when a list that has to be there was never fetched. */
  #lacksLists(config: Config): boolean {
    const { lists } = withoutMissing(config, this.#pathOf);
    return lists.some((list) => isUrlList(list) && this.#pathOf(list) === undefined);
  }

  /** True when the generation in force was made of the contents that are kept now: the path of each has its hash. */
  #enforcesKept(): boolean {
    const { config, generation } = this.#state;
    const paths = new Map(generation?.lists.map(({ id, loaded }) => [id, loaded.path]));
    return config.lists.filter(isUrlList).every((list) => paths.get(list.id) === this.#pathOf(list));
  }

  readonly #pathOf: PathOf = (list) => this.#keeper?.pathOf(list);

  async #build(config: Config): Promise<Generation> {
    const nowMs = systemClock();
    // What a fetch or an earlier build left behind would stand beside both tables: some 20 MB at a million names.
    if (this.#state.generation !== undefined) collectGarbage();
    const number = this.#generationCount + 1;
    // At a start nothing is in force that a disk could hold up, and a thread would take longer to start.
    const build = this.#state.generation === undefined ? buildGeneration : buildAside;
    const generation = await build(config, number, nowMs, this.#pathOf);
    const files = config.lists.filter(({ source }) => source.kind === 'file').map(({ id }) => id);
    try {
      this.#fileReview.check(this.#state.generation, generation, new Set(files), nowMs);
    } catch (error) {
      this.#retired.add(generation.policy.table);
      throw error;
    }
    this.#generationCount++;
    for (const { group, list } of generation.ignoredSchedules) {
      this.#log.warn({ group, list }, 'a schedule of a mandate list is ignored: it is in force at all times');
    }
    for (const { id, loaded } of generation.lists) this.#tellRemarks(id, loaded);
    return generation;
  }

  /** Says what of a list was not taken, and what a person should look at. */
  #tellRemarks(list: string, loaded: LoadedList): void {
    const { path, rejected, reasons, diagnostics, notes, reviewed } = loaded;
    if (isPastReview(reviewed, systemClock())) {
      this.#log.warn(
        { list, path, ...reviewed, hint: 'take a newer release, or a newer list' },
        'a list is past its review: names may have moved since',
      );
    }
    if (rejected > 0) {
      const [first] = diagnostics;
      this.#log.warn({ list, path, rejected, reasons, first }, 'lines of a list were rejected');
    }
    for (const { code, text } of notes) this.#log.warn({ list, path, note: code }, `list ${list}: ${text}`);
  }

  /** Everything that a state needs and that can fail without having changed anything. */
  async #prepare(config: Config, generation: Generation | undefined, enforced = config): Promise<State> {
    const listen: Endpoint[] = [];
    for (const endpoint of config.listen.dns) listen.push(await this.#claim(endpoint));
    const { routes, views } = buildRoutes(
      config,
      () => readSystemResolvers(RESOLV_CONF, listen),
      (name) => this.#hosts?.addressesOf(name) ?? [],
    );
    return {
      config,
      generation,
      enforced,
      listen,
      routes,
      views,
      counters: this.#countersFor(routes),
      refusals: this.#state.refusals,
    };
  }

  async #claim(endpoint: Endpoint): Promise<Endpoint> {
    const text = formatEndpoint(endpoint);
    const known = this.#claimed.get(text);
    if (known !== undefined) return known;
    const claimed = await claimEndpoint(endpoint);
    this.#claimed.set(text, claimed);
    return claimed;
  }

  /** The counter blocks for a set of upstreams: those in use when the set is the same. */
  #countersFor(routes: readonly ForwardingRoute[]): readonly CounterBlock[] {
    const upstreams = upstreamTexts(routes);
    const inUse = this.#state.counters;
    if (inUse[0]?.layout.upstreams.join() === upstreams.join()) return inUse;
    return this.#perWorker(() => this.#totals.openCounters({ upstreams }));
  }

  /** Puts a prepared state in force in all workers; on an error the one before it is put back. */
  async #apply(prepared: State, author?: ChangeAuthor): Promise<void> {
    const previous = this.#state;
    const { isPaused } = this.#pause;
    const { policy } = prepared.generation ?? {};
    const layout = {
      lists: policy === undefined ? [] : withPause(policy, this.#pause.isPaused).lists,
      groups: policy?.groups.map((group) => group.name) ?? [],
    };
    const state = { ...prepared, refusals: this.#perWorker(() => this.#totals.openRefusals(layout)) };
    const settingsOf =
      (of: State): SettingsFor =>
      (index) =>
        this.#settingsOf(of, index);
    const hasOtherRoutes = !isDeepStrictEqual(previous.routes, state.routes);
    let restoreTrust = (): void => {};
    try {
      restoreTrust = this.#trust.setConfig(state.config);
      await this.#trust.recall(upstreamsText(state.routes));
      if (state.generation !== undefined) this.#evidence.define(state.generation);
      await this.#evidence.whileChanging(async () => {
        await this.#supervisor.apply(settingsOf(state));
        this.#state = state;
        this.#isPauseApplied = isPaused;
        // In this moment, so that nobody else sees the change first and records it without its author.
        this.#enforcement.update(author);
      });
      if (state.generation !== undefined) this.#evidence.journal.generation(state.generation);
      this.#retired.add(previous.generation?.policy.table);
    } catch (error) {
      this.#retired.add(policy?.table);
      restoreTrust();
      await this.#trust.recall(upstreamsText(previous.routes));
      await this.#supervisor.apply(settingsOf(previous));
      throw error;
    } finally {
      this.#retire(state === this.#state ? previous : state);
    }
    const listening = new Set(state.config.listen.dns.map(formatEndpoint));
    for (const text of this.#claimed.keys()) if (!listening.has(text)) this.#claimed.delete(text);
    if (this.#forwarding !== undefined && hasOtherRoutes) this.#followUpstreams();
  }

  #settingsOf(state: State, index: number): WorkerSettings {
    const trust = { mode: this.#trust.mode, anchors: this.#trust.anchors };
    return toSettings(state, index, trust, {
      isPaused: this.#pause.isPaused,
      events: this.#evidence.eventsOf(index),
    });
  }

  #retire(state: State): void {
    for (const block of state.refusals) {
      if (!this.#state.refusals.includes(block)) this.#totals.retireRefusals(block);
    }
    for (const block of state.counters) {
      if (!this.#state.counters.includes(block)) this.#totals.retireCounters(block);
    }
  }

  #perWorker<T>(create: () => T): T[] {
    return Array.from({ length: this.#supervisor.count }, create);
  }

  /** What the self-probe is told of what is in force; undefined before the lists are. */
  #probedState() {
    const { generation, enforced: config, listen } = this.#state;
    if (generation === undefined) return undefined;
    return { generation, config, listen, access: namedListeners(generation.access, this.#state) };
  }

  #listFacts(): ListFacts[] {
    const { generation } = this.#state;
    const kept = new Map(this.#keeper?.facts().map(({ id, lastSuccessMs }) => [id, lastSuccessMs]));
    return (generation?.lists ?? []).map(({ id, category, mandate, loaded }) => ({
      id,
      category,
      mandate,
      sha256: loaded.sha256,
      entries: loaded.entries,
      rejectedEntries: loaded.rejected,
      oldestReviewMs: loaded.reviewed === undefined ? undefined : Date.parse(loaded.reviewed.oldest),
      // Loading a kept list again says nothing about its source.
      lastSuccessMs: kept.has(id) ? kept.get(id) : generation?.loadedAtMs,
      entriesChange: this.#evidence.journal.entriesChange(id),
    }));
  }

  #sourceFacts(): SourceFacts[] {
    const files = this.#state.config.lists.filter(({ source }) => source.kind === 'file');
    return [
      ...(this.#keeper?.facts() ?? []),
      ...files.map(({ id }) => ({ id, isHeld: this.#fileReview.held.has(id) })),
    ];
  }

  #control(): ProgramControl {
    return {
      version: VERSION,
      metrics: () => this.#metrics.render(),
      metricsContentType: this.#metrics.contentType,
      readiness: () => {
        const { current } = this.#enforcement;
        const causes: string[] = [];
        if (!this.#isListening) causes.push('not-listening');
        if (current.cause !== undefined) causes.push(current.cause);
        const trouble = this.#stateWatch?.trouble;
        if (trouble !== undefined) causes.push('state-directory');
        return {
          ready: this.#isListening && isAsDecided(current.state) && trouble === undefined,
          answering: this.#isListening && isAnswering(current.state),
          causes,
          state: current.state,
          text: [describeEnforcement(current), trouble].filter((text) => text !== undefined).join('; '),
          todo: todoOf(current),
          groups: current.groups,
        };
      },
    };
  }

  #warnOfStartOnlyChanges(before: Config, after: Config): void {
    const startOnly = (config: Config): Record<string, unknown> => ({
      workers: config.workers,
      'cache.size': config.cache.sizeBytes,
      tcp: JSON.stringify(config.tcp),
      'listen.admin': config.listen.admin && formatEndpoint(config.listen.admin),
      'admin.allow': JSON.stringify(config.admin.allow),
      'admin.hosts': JSON.stringify(config.admin.hosts.map((host) => formatName(host))),
      'log.level': config.log.level,
      'log.priorities': config.log.priorities,
      'records.enabled': config.records.isEnabled,
      state: config.stateDirectory,
    });
    const [old, wanted] = [startOnly(before), startOnly(after)];
    const keys = Object.keys(old).filter((key) => old[key] !== wanted[key]);
    if (keys.length > 0) this.#log.warn({ keys }, 'changed keys take effect at the next start');
  }
}

const toAuthor = (by: string | undefined, reason: string | undefined): ChangeAuthor => ({
  ...(by === undefined ? {} : { by }),
  ...(reason === undefined || reason === '' ? {} : { reason }),
});

const upstreamsText = (routes: readonly ForwardingRoute[]): string => upstreamTexts(routes).join('\n');

/** `batched`, or `plain` with the reason where batches were wanted and cannot be had. */
const describeUdp = (): string => {
  const { isBatched, reason } = datagramKind();
  return isBatched ? 'batched' : reason === '' ? 'plain' : `plain: ${reason}`;
};

/** When the lists of a generation were read, for log lines. */
const ageOf = ({ loadedAtMs }: Generation): { loadedAt: string; ageSec: number } => ({
  loadedAt: new Date(loadedAtMs).toISOString(),
  ageSec: Math.max(0, Math.round((systemClock() - loadedAtMs) / 1000)),
});

/**
 * Giving root up after the sockets are open would be for good: a worker that is replaced, and a listener that a reload
 * adds, could not bind port 53 any more, and files that only root reads could not be read again.
 */
const ROOT_HINT =
  'start it as a user of its own with the capability CAP_NET_BIND_SERVICE, as deploy/cordon.service does';

/** Time for the last lines of the log to be written, milliseconds. */
const LAST_WORDS_MS = 200;

/** Ends the process while a thread of it cannot be ended: an orderly end would wait for that thread for ever. */
const endAtOnce = (): void => {
  setTimeout(() => {
    process.kill(process.pid, 'SIGKILL');
  }, LAST_WORDS_MS);
};
