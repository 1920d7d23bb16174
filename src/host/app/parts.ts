// The parts of the running program, made and put in their order. The array at the end is the order of the start; the end goes
// backward over it.
//
// Errors by stage of life: at the start, what prevents listening ends the program with one line, while lists that
// cannot be loaded leave it running with the generation that was saved or, where there is none, refusing everything
// (SERVFAIL, EDE 14), because a silent resolver is replaced by an unfiltered one; at a reload, any error is reported
// and what is in force stays; at the end, queries are answered before sockets close. A list that was fetched anew is
// put in force as a reload is, without reading the configuration.

import { availableParallelism } from 'node:os';
import { systemClock } from '../../base/base.ts';
import { type Config, configHash } from '../../config/config.ts';
import { ExemptionKeeping, REGISTER_NAME } from '../../evidence/exemptions/exemptions.ts';
import { ProbeScheduler, toProbedState } from '../../evidence/probe/probe.ts';
import {
  EnforcementMonitor,
  QueryLogKeeping,
  RECORDS_NAME,
  RecordKeeping,
  toAuthor,
} from '../../evidence/recording/recording.ts';
import { fleetPath } from '../../fleet/fleet.ts';
import { CONTROL_SOCKET_NAME } from '../../people/admin/admin.ts';
import { type ConfigurationSource, ConfigurationTexts } from '../../people/configuration/configuration.ts';
import {
  AskedCounts,
  createEvidence,
  createListControl,
  createServiceHistory,
  exemptionSettings,
  OperatorPause,
  OverviewRecords,
  personsOf,
  RecordsCheck,
  ReportStore,
  TriedChanges,
} from '../../people/controls/controls.ts';
import { FileReview, KeptLists } from '../../policy/keeping/keeping.ts';
import { LeaseReading } from '../../policy/leases/leases.ts';
import { ListenerProof } from '../../resolver/certificates/certificates.ts';
import {
  createPublicLookup,
  createStateLookup,
  KeptHosts,
  OwnForwarding,
  UpstreamWatch,
} from '../../resolver/hosts/hosts.ts';
import { TrustAnchorUpdater } from '../../resolver/resolve/resolve.ts';
import { createProbeSecret } from '../../resolver/server/server.ts';
import {
  affordableWorkers,
  budgetDescriptors,
  RetiredMemory,
  readDescriptorLimit,
  Supervisor,
  settleAfterStart,
  tellDescriptors,
} from '../../resolver/workers/workers.ts';
import { describeEnforcement, isAnswering, isInForce } from '../../telemetry/enforcement/enforcement.ts';
import { CounterTotals, type Log } from '../../telemetry/observe/observe.ts';
import { SystemdNotice } from '../../wire/datagram/datagram.ts';
import { ActiveState } from './active-state.ts';
import { AdminListenerPart } from './admin-listener.ts';
import { Changes } from './changes.ts';
import { ControlRoomPart } from './control-room.ts';
import { ControlSocketPart } from './control-socket.ts';
import { exitNow } from './fatal-exit.ts';
import { readFips } from './fips.ts';
import { FleetLink } from './fleet-link.ts';
import { Generations } from './generations.ts';
import { Outlets } from './outlets.ts';
import { type Part, Parts } from './part.ts';
import { type QuicFacts, tellQuic } from './quic.ts';
import { readyFields } from './ready-line.ts';
import { readRecorded } from './recorded-register.ts';
import { warnOfRoot } from './root-warning.ts';
import { createHealth } from './service-health.ts';
import { createServiceMetrics } from './service-metrics.ts';
import { makeStateDirectory } from './state-directory.ts';
import { StateWatch } from './state-watch.ts';

/** A program that was put together and not started. */
export interface Program {
  /** In the order of the start. */
  readonly order: readonly Part[];
  readonly parts: Parts;
  readonly changes: Changes;
}

/** Puts the parts of a program together; nothing is open yet. */
export const createProgram = (
  config: Config,
  source: ConfigurationSource,
  log: Log,
  quic: QuicFacts | undefined,
): Program => {
  const limit = readDescriptorLimit();
  const wanted = config.workers === 'auto' ? availableParallelism() : config.workers;
  const workers = affordableWorkers(wanted, limit);
  // One more, with the listeners for QUIC alone: a library in C is at work there, and each handshake in one thread.
  const quicWorker = quic !== undefined && quic.fault === undefined ? workers : undefined;
  const workerCount = quicWorker === undefined ? workers : workers + 1;
  const descriptors = budgetDescriptors(config, workerCount, limit);
  const fips = readFips();
  const totals = new CounterTotals();
  const monotonic = (): number => performance.now();
  const { stateDirectory } = config;
  const learned = (): void => void changes.applyAgain();
  let isListening = false;

  const recording = new RecordKeeping(config, {
    log,
    workerCount,
    onCrash: (ms) => enforcement.clock.add('crash', ms),
    countingKeyPath: (directory) => fleetPath(directory, 'countingKey'),
    fleetWitnesses: () => fleet.witnesses,
  });
  const { journal } = recording;
  const queryLog = new QueryLogKeeping(config, { log, workerCount, monotonic });
  const leases = new LeaseReading({ clock: systemClock, monotonic, log });
  const asked = new AskedCounts(stateDirectory, systemClock);
  const exemptions = new ExemptionKeeping(config, {
    ...{ log, totals, workerCount, records: recording, settings: exemptionSettings },
    nodeRegisterPath: (directory) => fleetPath(directory, 'register'),
    readRecorded: (service, config) => readRecorded(service, config, log),
    share: (exemptionsFor) => probe.whileChanging(() => supervisor.setExemptions(exemptionsFor)),
    onRegister: () => fleet.registerChanged(),
  });
  const probeSecret = createProbeSecret();
  const probe: ProbeScheduler = new ProbeScheduler({
    clock: systemClock,
    log,
    random: Math.random,
    secret: probeSecret,
    state: () => toProbedState(state.current, quic?.fault),
    workers: () => workerCount,
    endpoints: () => supervisor.probeEndpoints(),
    exemptions: () => exemptions.shared,
    enforcement: () => enforcement.current,
    onFound: () => enforcement.update(),
    onRecord: (record) => recording.note(record),
    onAlarm: () => undefined,
    onDirectPort: (port, isOpen) => supervisor.setProbePort(port, isOpen),
  });
  const enforcement: EnforcementMonitor = new EnforcementMonitor({
    directory: stateDirectory,
    clock: systemClock,
    monotonic,
    log,
    program: () => ({
      isStarted: changes.isStarted,
      workers: { answering: supervisor.answering, hung: supervisor.hung },
      isPaused: state.isPauseApplied,
      generation: state.current.generation,
      config: state.current.enforced,
      leaking: probe.leakingGroups(),
    }),
    note: (record) => journal.enforcement(record),
  });
  const supervisor: Supervisor = new Supervisor({
    count: workerCount,
    start: {
      shared: workers > 1,
      cacheBytes: config.cache.sizeBytes,
      streamLimits: descriptors.streams,
      encryptedLimits: descriptors.encrypted,
      probeSecret,
    },
    settingsFor: (index) => state.settingsOf(index),
    log,
    onChange: () => enforcement.update(),
    onStuck: exitNow,
  });
  const pause = new OperatorPause({
    log,
    isApplied: () => state.isPauseApplied,
    msMax: () => state.current.config.compliance.pauseMsMax,
    nowMs: systemClock,
    enforcement: () => enforcement.current,
    apply: (by, reason) => changes.applyPause(toAuthor(by, reason)),
    changed: ({ isPaused, until }, by, reason) => {
      const detail = { isPaused, ...(until === undefined ? {} : { until }) };
      if (by !== undefined) journal.admin(isPaused ? 'pause' : 'resume', by, reason, detail);
    },
  });
  const trust = TrustAnchorUpdater.open(config, { clock: systemClock, log, onChange: learned });
  const upstreams = new UpstreamWatch({ totals, state: () => state.current });
  const own = new OwnForwarding(trust, upstreams);
  const hosts = new KeptHosts({ log, isListening: () => isListening, onChange: learned });
  const proof: ListenerProof = new ListenerProof({
    ...{ log, journal },
    config: () => state.current.config,
    lookup: createStateLookup(() => state.current),
    apply: () => changes.applyAgain(),
  });
  const lists = new KeptLists({
    log,
    lookup: createPublicLookup(() => state.current),
    onChange: () => void changes.renew(),
    onOutcome: (result) => journal.fetched(result),
  });
  const retired = new RetiredMemory();
  const state: ActiveState = new ActiveState(config, {
    ...{ totals, supervisor, trust, tls: proof.tls, revocations: proof.revocations, recording, queryLog },
    ...{ probe, leases },
    ...{ enforcement, pause, hosts, own, retired, quicWorker },
  });
  const fileReview = new FileReview();
  const generations = new Generations(stateDirectory, { log, fileReview, retired, pathOf: lists.pathOf });
  const texts = new ConfigurationTexts(stateDirectory, systemClock);
  const manager = new SystemdNotice({
    ...{ env: process.env, pid: process.pid, log },
    monotonicUsec: () => process.hrtime.bigint() / 1_000n,
    status: () => ({
      isAnswering: isListening && isAnswering(enforcement.current.state),
      text: describeEnforcement(enforcement.current),
    }),
  });
  const changes: Changes = new Changes({
    ...{ log, directory: stateDirectory, source, state, generations, lists, journal, enforcement },
    parts: () => parts,
    knownAuthor: (sha256) => texts.author(sha256),
    onReload: { begun: () => manager.reloading(), ended: () => manager.reloaded() },
  });
  const evidence = createEvidence({
    ...{ recording, queryLog, exemptions, probe, asked, pause },
    requireDecisions: (isNew) => fleet.requireDecisions(isNew),
    check: new RecordsCheck({ stateDirectory, configPath: source.configPath, clock: systemClock }),
    state: () => state.current,
    fleet: () => fleet.facts(),
  });
  const fleet: FleetLink = new FleetLink({
    ...{ log, recording, exemptions, probe, changes, state, lists, pause, monotonic },
    enforcement: () => enforcement.current,
  });
  const store = new ReportStore({ stateDirectory, configPath: source.configPath, clock: systemClock });
  const outlets = new Outlets({
    ...{ log, recording, exemptions, store },
    state: () => state.current,
    asked: (code, begunMs) => supervisor.check(code, begunMs),
    isInForce: (group) => {
      const { groups, state: whole } = enforcement.current;
      return isInForce(groups.find((one) => one.group === group)?.state ?? whole);
    },
  });
  const room = new ControlRoomPart({
    ...{ log, clock: systemClock, journal },
    agency: () => state.current.config.agency,
    persons: () => personsOf(state.current.config),
    shared: () => controlDoor.shared,
  });
  // What comes back when it is deleted, and what does not.
  const stateWatch = new StateWatch({
    directory: stateDirectory,
    parts: new Map([
      [CONTROL_SOCKET_NAME, () => controlDoor.open()],
      [RECORDS_NAME, () => recording.renew()],
      [REGISTER_NAME, undefined],
    ]),
    log,
    onRestored: () => {
      enforcement.restate();
      changes.save();
    },
  });
  const trying = new TriedChanges({
    ...{ clock: systemClock, monotonic },
    config: () => state.current.config,
    inForce: () => {
      const { config: inForce, generation } = state.current;
      const contents = generation?.lists.map(({ id, loaded }) => `${id} ${loaded.sha256}`) ?? [];
      return [configHash(inForce), ...contents].join(' ');
    },
    recorder: () => recording.recorder,
    acted: () => journal.act('queries-tried'),
  });
  const listControl = createListControl({
    trying,
    candidates: () => supervisor.candidates(),
    config: () => changes.wanted,
    lists: () => changes.wanted.lists,
    generation: () => state.current.generation,
    keeper: () => lists.keeper,
    fileReview,
    asked: () => asked.names(),
    renew: () => changes.renew(),
    decided: (event, list, sha256, author) => journal.decided(event, list, sha256, author),
    reload: () => changes.reload('somebody decided on a list'),
  });
  const records = new OverviewRecords(stateDirectory, systemClock);
  const health = createHealth({
    ...{ log, monotonic, evidence, pause, enforcement, state, changes, supervisor, upstreams, fleet, proof },
    ...{ room, outlets, stateWatch, lists: listControl, kept: lists, records, totals, leases },
  });
  const admin: AdminListenerPart = new AdminListenerPart({
    ...{ log, state, enforcement, stateWatch, health },
    isListening: () => isListening,
    metrics: createServiceMetrics({
      ...{
        totals,
        descriptors,
        fips,
        enforcement,
        state,
        changes,
        lists,
        fileReview,
        supervisor,
        proof,
        room,
      },
      ...{ upstreams, trust, evidence, outlets, health, cacheBytes: config.cache.sizeBytes },
      hasQuic: quic && quicWorker !== undefined,
    }),
  });
  const history = createServiceHistory(
    {
      ...{ totals, supervisor },
      evidence: () => ({ records: recording.facts(), queryLog: queryLog.metrics() }),
      certificateEnds: () => ({
        certificateEndMs: proof.tls.facts(state.current.config)?.endMs,
        roomCertificateEndMs: room.certificateEndMs,
      }),
    },
    systemClock,
    monotonic,
  );
  const controlDoor: ControlSocketPart = new ControlSocketPart({
    ...{
      directory: stateDirectory,
      log,
      supervisor,
      state,
      changes,
      lists: listControl,
      trying,
      pause,
      trust,
      evidence,
    },
    ...{
      fleet,
      room,
      outlets,
      source,
      texts,
      store,
      health,
      records,
      totals,
      enforcement,
      upstreams,
      tls: proof.tls,
    },
    history,
    acme: () => proof.acme.facts,
    readiness: admin.readiness,
    adminAddress: () => admin.address,
  });

  const ready = (): void => {
    settleAfterStart();
    log.info(readyFields(state.current, { admin: admin.address, workers: workerCount }), 'ready');
  };
  const order: readonly Part[] = [
    {
      name: 'limits of the system',
      open: () => {
        warnOfRoot(log);
        tellQuic(log, quic);
        tellDescriptors(log, descriptors, workerCount);
      },
    },
    { name: 'state directory', open: () => makeStateDirectory(config, log) },
    exemptions.register,
    recording,
    queryLog,
    leases,
    {
      name: 'cryptography',
      open: () => {
        if (fips === undefined) return;
        log.info({ ...fips }, 'cryptography comes from a FIPS module');
        journal.cryptography(fips);
      },
    },
    exemptions,
    enforcement,
    hosts,
    admin,
    // The sockets come first: until the lists are there, SERVFAIL tells clients to wait; silence would send them away.
    { name: 'state', open: () => state.begin(config) },
    // The first client that is answered is answered by records whose faults are told.
    { name: 'witnesses', open: () => recording.witnessed() },
    {
      name: 'workers',
      open: async () => {
        await supervisor.start();
        isListening = true;
      },
      drain: () => {
        isListening = false;
      },
      close: () => supervisor.stop(),
    },
    { name: 'probe', begin: () => probe.start(), close: () => probe.close() },
    { name: 'own queries', begin: () => own.follow(state.current), close: () => own.close() },
    { name: 'trust anchors', close: () => trust.close() },
    outlets,
    lists,
    {
      name: 'policy',
      open: async () => {
        await changes.applySaved(config);
        const isEnforcing = state.current.generation !== undefined;
        if (isEnforcing) ready();
        await changes.applyFirst(config);
        if (!isEnforcing) ready();
      },
    },
    fleet,
    controlDoor,
    room,
    stateWatch,
    proof,
    { name: 'feeds', look: () => lists.tell(journal, state.current.generation) },
    { name: 'health', look: () => health.look() },
    { name: 'history', look: () => history.look() },
    pause,
    manager,
  ];
  const parts = new Parts(order, log);
  return { order, parts, changes };
};
