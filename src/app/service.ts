// The running program on the main thread: configuration, lists, workers, admin; start, reload, stop.
//
// Errors by stage of life: at the start, what prevents listening ends the program with one line, while lists that
// cannot be loaded leave it running with the generation that was saved or, where there is none, refusing everything
// (SERVFAIL, EDE 14), because a silent resolver is replaced by an unfiltered one; at a reload, any error is reported
// and what is in force stays; at the end, queries are answered before sockets close. A list that was fetched anew is
// put in force as a reload is, without reading the configuration.

import { availableParallelism } from 'node:os';
import {
  type Admin,
  CONTROL_SOCKET_NAME,
  type ProgramControl,
  type Readiness,
  startAdmin,
} from '../admin/admin.ts';
import { systemClock, VERSION } from '../base/base.ts';
import { type Config, configHash } from '../config/config.ts';
import { datagramKind } from '../datagram/datagram.ts';
import { formatName } from '../dns/dns.ts';
import { describeEnforcement, isAnswering } from '../enforcement/enforcement.ts';
import { REGISTER_NAME } from '../exemptions/exemptions.ts';
import { FileReview } from '../lists/keeping/keeping.ts';
import { CounterTotals, createMetrics, type Log, type Metrics } from '../observe/observe.ts';
import { TrustKeeper } from '../resolve/resolve.ts';
import { AddressFeed } from './address-feed.ts';
import { toAuthor } from './change-journal.ts';
import { Changes, type ServiceSource } from './changes.ts';
import { ConfigurationTexts } from './configuration-texts.ts';
import { ControlDoor } from './control-door.ts';
import {
  affordableWorkers,
  budgetDescriptors,
  type DescriptorBudget,
  readDescriptorLimit,
  tellDescriptors,
} from './descriptors.ts';
import { EnforcementKeeper } from './enforcement-keeper.ts';
import { Evidence } from './evidence.ts';
import { readFips } from './fips.ts';
import { FleetLink } from './fleet-link.ts';
import { Generations } from './generations.ts';
import type { Health } from './health.ts';
import { KeptHosts } from './kept-hosts.ts';
import { KeptLists } from './kept-lists.ts';
import { endAtOnce } from './last-words.ts';
import { ListenerProof } from './listener-proof.ts';
import { Outlets } from './outlets.ts';
import { OwnForwarding } from './own-forwarding.ts';
import { OperatorPause } from './pause.ts';
import { toProbedState } from './probed-state.ts';
import { listFacts, readinessOf, sourceFacts } from './program-facts.ts';
import { type QuicFacts, readQuic, tellQuic } from './quic.ts';
import { readyFields } from './ready-line.ts';
import { RECORDS_NAME } from './record-settings.ts';
import { ReportShelf } from './report-shelf.ts';
import { RetiredMemory, settleAfterStart } from './retired-memory.ts';
import { RoomDoor } from './room-door.ts';
import { warnOfRoot } from './root-warning.ts';
import { createHealth } from './service-health.ts';
import { StateKeeper } from './state-keeper.ts';
import { StateWatch } from './state-watch.ts';
import { Supervisor } from './supervisor.ts';
import { type ServiceStatus, SystemdNotice } from './systemd-notice.ts';
import { UpstreamWatch } from './upstream-watch.ts';

/** Between two looks for what is wrong, milliseconds. */
const LOOK_MS = 1_000;

/** The program while it runs. */
export class Service {
  readonly #log: Log;
  readonly #totals = new CounterTotals();
  readonly #fileReview = new FileReview();
  readonly #descriptors: DescriptorBudget;
  readonly #fips = readFips();
  readonly #manager: SystemdNotice;
  readonly #trust: TrustKeeper;
  readonly #proof: ListenerProof;
  readonly #evidence: Evidence;
  readonly #enforcement: EnforcementKeeper;
  readonly #supervisor: Supervisor;
  readonly #pause: OperatorPause;
  readonly #upstreamWatch: UpstreamWatch;
  readonly #own: OwnForwarding;
  readonly #hosts: KeptHosts;
  readonly #lists: KeptLists;
  readonly #state: StateKeeper;
  readonly #changes: Changes;
  readonly #fleet: FleetLink;
  readonly #health: Health;
  readonly #metrics: Metrics;
  readonly #controlDoor: ControlDoor;
  readonly #roomDoor: RoomDoor;
  readonly #stateWatch: StateWatch;
  readonly #outlets: Outlets;
  readonly #addresses = new AddressFeed(() => ({
    generation: this.#generation,
    enforced: this.#state.current.enforced,
  }));
  #admin: Admin | undefined;
  /** Looks for what is wrong. */
  #lookTimer: NodeJS.Timeout | undefined;
  #isListening = false;
  readonly #readiness = (): Readiness =>
    readinessOf(this.#isListening, this.#enforcement.current, this.#stateWatch.trouble, this.#health.issues);

  private constructor(config: Config, source: ServiceSource, log: Log, quic: QuicFacts | undefined) {
    const descriptors = readDescriptorLimit();
    const wanted = config.workers === 'auto' ? availableParallelism() : config.workers;
    const workers = affordableWorkers(wanted, descriptors);
    // One more, with the listeners for QUIC alone: a library in C is at work there, and each handshake in one thread.
    const quicWorker = quic !== undefined && quic.fault === undefined ? workers : undefined;
    const count = quicWorker === undefined ? workers : workers + 1;
    tellQuic(log, quic);
    const monotonic = (): number => performance.now();
    const learned = (): void => void this.#changes.applyAgain();
    this.#log = log;
    this.#descriptors = budgetDescriptors(config, count, descriptors);
    this.#manager = new SystemdNotice({
      env: process.env,
      pid: process.pid,
      log,
      monotonicUsec: () => process.hrtime.bigint() / 1_000n,
    });
    this.#trust = TrustKeeper.open(config, { clock: systemClock, log, onChange: learned });
    this.#proof = new ListenerProof({
      log,
      state: () => this.#state.current,
      journal: () => this.#evidence.journal,
      apply: () => this.#changes.applyAgain(),
    });
    this.#evidence = new Evidence(config, {
      log,
      totals: this.#totals,
      workerCount: count,
      supervisor: () => this.#supervisor,
      state: () => toProbedState(this.#state.current, quic?.fault),
      isPaused: () => this.#pause.isPaused,
      enforcement: () => this.#enforcement.current,
      onFound: () => this.#enforcement.update(),
      fleet: () => this.#fleet.facts(),
      onRegister: () => this.#fleet.registerChanged(),
      requireDecisions: (isNew) => this.#fleet.requireDecisions(isNew),
      onCrash: (ms) => this.#enforcement.clock.add('crash', ms),
    });
    this.#enforcement = new EnforcementKeeper({
      directory: config.stateDirectory,
      clock: systemClock,
      monotonic,
      log,
      program: () => ({
        isStarted: this.#changes.isStarted,
        workers: { answering: this.#supervisor.answering, hung: this.#supervisor.hung },
        isPaused: this.#state.isPauseApplied,
        generation: this.#state.current.generation,
        config: this.#state.current.enforced,
        leaking: this.#evidence.leakingGroups(),
      }),
      note: (record) => this.#evidence.journal.enforcement(record),
    });
    this.#supervisor = new Supervisor({
      count,
      start: {
        shared: workers > 1,
        cacheBytes: config.cache.sizeBytes,
        streamLimits: this.#descriptors.streams,
        encryptedLimits: this.#descriptors.encrypted,
        probeSecret: this.#evidence.probeSecret,
      },
      settingsFor: (index) => this.#state.settingsOf(index),
      log,
      onChange: () => this.#enforcement.update(),
      onStuck: endAtOnce,
    });
    this.#pause = new OperatorPause({
      msMax: () => this.#state.current.config.compliance.pauseMsMax,
      nowMs: systemClock,
      enforcement: () => this.#enforcement.current,
      apply: async (by, reason) => {
        const error = await this.#changes.applyAgain(toAuthor(by, reason));
        if (error !== undefined) throw error;
      },
      changed: (status, by, reason) => {
        const action = status.isPaused ? 'pause' : 'resume';
        const { isPaused, until } = status;
        const detail = { isPaused, ...(until === undefined ? {} : { until }) };
        if (by !== undefined) this.#evidence.journal.admin(action, by, reason, detail);
      },
    });
    this.#upstreamWatch = new UpstreamWatch({ totals: this.#totals, state: () => this.#state.current });
    this.#own = new OwnForwarding(this.#trust, this.#upstreamWatch);
    this.#hosts = new KeptHosts({ log, isListening: () => this.#isListening, onChange: learned });
    this.#lists = new KeptLists({
      log,
      state: () => this.#state.current,
      onChange: () => void this.#changes.renew(),
      onOutcome: (result) => this.#evidence.journal.fetched(result),
    });
    const retired = new RetiredMemory();
    this.#state = new StateKeeper(config, {
      totals: this.#totals,
      supervisor: this.#supervisor,
      trust: this.#trust,
      ...{ tls: this.#proof.tls, revocations: this.#proof.revocations },
      evidence: this.#evidence,
      enforcement: this.#enforcement,
      pause: this.#pause,
      hosts: this.#hosts,
      own: this.#own,
      retired,
      quicWorker,
    });
    const texts = new ConfigurationTexts(config.stateDirectory, systemClock);
    this.#changes = new Changes({
      log,
      source,
      state: this.#state,
      generations: new Generations(config.stateDirectory, {
        log,
        fileReview: this.#fileReview,
        retired,
        pathOf: this.#lists.pathOf,
      }),
      lists: this.#lists,
      hosts: this.#hosts,
      ...{ tls: this.#proof.tls, revocations: this.#proof.revocations },
      evidence: this.#evidence,
      enforcement: this.#enforcement,
      knownAuthor: (sha256) => texts.author(sha256),
      onReload: {
        begun: () => this.#manager.reloading(),
        ended: () => this.#manager.reloaded(this.#status()),
      },
    });
    this.#fleet = new FleetLink({
      log,
      evidence: this.#evidence,
      changes: this.#changes,
      state: this.#state,
      lists: this.#lists,
      enforcement: () => this.#enforcement.current,
      monotonic,
    });
    this.#roomDoor = new RoomDoor({
      log,
      clock: systemClock,
      evidence: this.#evidence,
      agency: () => this.#state.current.config.agency,
      shared: () => this.#controlDoor.shared,
    });
    const shelf = new ReportShelf({
      ...{ stateDirectory: config.stateDirectory, configPath: source.configPath, clock: systemClock },
    });
    this.#outlets = new Outlets(log, this.#evidence, () => this.#state.current, shelf);
    // What comes back when it is deleted, and what does not.
    this.#stateWatch = new StateWatch({
      directory: config.stateDirectory,
      parts: new Map([
        [CONTROL_SOCKET_NAME, () => this.#controlDoor.open()],
        [RECORDS_NAME, () => this.#evidence.renewRecords()],
        [REGISTER_NAME, undefined],
      ]),
      log: this.#log,
      onRestored: () => {
        this.#enforcement.restate();
        this.#changes.save();
      },
    });
    this.#health = createHealth({
      ...{ log, monotonic, evidence: this.#evidence, pause: this.#pause },
      ...{ enforcement: this.#enforcement, state: this.#state, changes: this.#changes },
      ...{ supervisor: this.#supervisor, upstreams: this.#upstreamWatch, fleet: this.#fleet },
      ...{ proof: this.#proof, room: this.#roomDoor, outlets: this.#outlets, stateWatch: this.#stateWatch },
      controlDoor: () => this.#controlDoor,
    });
    this.#controlDoor = new ControlDoor({
      directory: config.stateDirectory,
      log,
      supervisor: this.#supervisor,
      state: this.#state,
      changes: this.#changes,
      lists: this.#lists,
      fileReview: this.#fileReview,
      pause: this.#pause,
      trust: this.#trust,
      evidence: this.#evidence,
      fleet: this.#fleet,
      room: this.#roomDoor,
      ...{ source, texts, shelf, health: this.#health },
      totals: this.#totals,
      enforcement: this.#enforcement,
      ...{ tls: this.#proof.tls, acme: () => this.#proof.acme.facts },
      upstreams: this.#upstreamWatch,
      readiness: this.#readiness,
      adminAddress: () => this.#admin?.address,
    });
    this.#metrics = createMetrics({
      version: VERSION,
      totals: this.#totals,
      enforcement: this.#enforcement.clock,
      lists: () => listFacts(this.#state.current, this.#lists, this.#evidence.journal),
      sources: () => sourceFacts(this.#state.current, this.#lists, this.#fileReview),
      generation: () => this.#generation,
      configSha256: () => configHash(this.#state.current.config),
      reloads: () => this.#changes.counts,
      workers: () => this.#supervisor.alive,
      workerRestarts: () => this.#supervisor.restarts,
      workerHangs: () => this.#supervisor.hangs,
      tls: () => this.#proof.tls.facts(this.#state.current.config),
      acme: () => this.#proof.acme.counts,
      roomCertificateEndMs: () => this.#roomDoor.certificateEndMs,
      tlsConnectionsLimit: () => count * (this.#descriptors.encrypted?.connectionsMax ?? 0),
      tcpConnectionsLimit: () => count * this.#descriptors.streams.connectionsMax,
      cacheLimitBytes: () => count * config.cache.sizeBytes,
      routes: () => this.#upstreamWatch.routes(),
      untrusted: () => this.#upstreamWatch.untrusted(),
      anchorsConfirmedMs: () => this.#trust.confirmedMs,
      isUdpBatched: () => datagramKind().isBatched,
      isFips: () => this.#fips !== undefined,
      hasQuic: () => quic && quicWorker !== undefined,
      dnssecMode: () => this.#trust.mode,
      evidence: () => ({ ...this.#evidence.facts(), ...this.#outlets.facts() }),
      health: () => this.#health.issues,
    });
  }

  /** Starts everything; throws an AppError when it cannot listen. */
  static async start(source: ServiceSource, createLogFor: (config: Config) => Log): Promise<Service> {
    const config = source.readConfig();
    const service = new Service(config, source, createLogFor(config), await readQuic(config));
    try {
      await service.#start(config);
    } catch (error) {
      // The caller gives up: threads would keep the process alive.
      await service.#supervisor.stop();
      await service.#evidence.stop();
      throw error;
    }
    return service;
  }

  async #start(config: Config): Promise<void> {
    warnOfRoot(this.#log);
    tellDescriptors(this.#log, this.#descriptors, this.#supervisor.count);
    await this.#evidence.start(config);
    if (this.#fips !== undefined) {
      this.#log.info({ ...this.#fips }, 'cryptography comes from a FIPS module');
      this.#evidence.journal.cryptography(this.#fips);
    }
    this.#enforcement.start();
    await this.#hosts.follow(config);
    // The sockets come first: until the lists are there, SERVFAIL tells clients to wait; silence would send them away.
    await this.#state.begin(config);
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
    await this.#outlets.open(config);
    await this.#lists.follow(config);
    await this.#changes.applySaved(config);
    const isEnforcing = this.#state.current.generation !== undefined;
    if (isEnforcing) this.#logReady();
    await this.#changes.applyFirst(config);
    if (!isEnforcing) this.#logReady();
    await this.#fleet.start(config);
    await this.#controlDoor.open();
    await this.#roomDoor.open(config);
    this.#stateWatch.start();
    this.#evidence.begin();
    this.#lists.start();
    this.#hosts.start();
    this.#outlets.begin();
    this.#own.follow(this.#state.current);
    this.#manager.update(this.#status());
    this.#proof.start();
    this.#lookTimer = setInterval(() => {
      this.#evidence.look();
      this.#health.look();
      this.#proof.look();
      this.#outlets.look(this.#state.current.config);
      this.#manager.update(this.#status());
    }, LOOK_MS);
  }

  /** Puts the configuration and the lists as they now are on disk in force, or reports why not. Never throws. */
  async reload(): Promise<void> {
    await this.#changes.reload('SIGHUP came, whose sender the system does not tell');
  }

  /** Answers what waits and ends everything. */
  async stop(): Promise<void> {
    this.#log.info('draining');
    this.#manager.stopping();
    this.#isListening = false;
    clearInterval(this.#lookTimer);
    await this.#proof.close();
    this.#pause.close();
    this.#enforcement.close();
    this.#stateWatch.close();
    this.#trust.close();
    await this.#hosts.close();
    await this.#lists.stop();
    await this.#outlets.close();
    await this.#roomDoor.close();
    await this.#fleet.stop();
    await this.#controlDoor.close();
    await this.#supervisor.stop();
    await this.#evidence.stop();
    this.#own.close();
    await this.#admin?.close();
    this.#log.info('stopped');
  }

  get #generation(): number {
    return this.#state.current.generation?.policy.generation ?? 0;
  }

  /** For the service manager. */
  #status(): ServiceStatus {
    const { current } = this.#enforcement;
    return {
      isAnswering: this.#isListening && isAnswering(current.state),
      text: describeEnforcement(current),
    };
  }

  #logReady(): void {
    settleAfterStart();
    const { count: workers } = this.#supervisor;
    this.#log.info(readyFields(this.#state.current, { admin: this.#admin?.address, workers }), 'ready');
  }

  #control(): ProgramControl {
    return {
      version: VERSION,
      metrics: () => this.#metrics.render(),
      metricsContentType: this.#metrics.contentType,
      addresses: (form) => this.#addresses.read(form),
      readiness: this.#readiness,
    };
  }
}
