// One worker thread: a whole resolver with its own sockets, cache and upstream sockets.
//
// It shares two things with the others: the compiled policy, which nobody writes, and its block of counters, which
// only it writes. Everything it does is driven by sockets and by the requests of the main thread; an unexpected error
// ends it, and the supervisor starts another one.
import { flushCompileCache } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import {
  createTurnClock,
  every,
  formatAddress,
  isAppError,
  keepHeapSmall,
  systemClock,
} from '../../base/base.ts';
import { RateLimit } from '../../policy/access/access.ts';
import type { ExemptionIndex } from '../../policy/policy.ts';
import { EventWriter, QueryRingWriter } from '../../telemetry/events/events.ts';
import {
  type Candidate,
  CandidateLog,
  type CheckAsked,
  createUnreadCounters,
  DeviceCheckLog,
  TRIGGER_WORDS,
  WorkerCounters,
} from '../../telemetry/observe/observe.ts';
import { askForShortSlices, letCompilersWait } from '../../wire/datagram/datagram.ts';
import { formatName, isInZone } from '../../wire/dns/dns.ts';
import { AnswerCache } from '../cache/cache.ts';
import { type Asked, type Traced, traceQuestions } from '../explain/explain.ts';
import { CHECK_CODE_LENGTH, isCheckCode } from '../local/local.ts';
import { type CheckContext, Pipeline, TRANSPORT } from '../pipeline/pipeline.ts';
import { PROBE_ZONE } from '../resolve/resolve.ts';
import { ConnectionBudget, ProbeGate, type ProbePorts, RateGate } from '../server/server.ts';
import { EncryptedListeners } from './encrypted-listeners.ts';
import { beginHeartbeat } from './heartbeat.ts';
import type {
  WorkerExemptions,
  WorkerReply,
  WorkerRequest,
  WorkerSettings,
  WorkerStart,
} from './messages.ts';
import { OwnSources } from './own-sources.ts';
import { RetiredMemory } from './retired-memory.ts';
import { UpstreamLog } from './upstream-log.ts';
import { WorkerListeners } from './worker-listeners.ts';
import { toRules } from './worker-parts.ts';
import { WorkerUpstreams } from './worker-upstreams.ts';

/** How often the cache's size is written to the counters and schedules are looked at, milliseconds. */
const SECOND_MS = 1000;
/** How often a draining worker looks whether queries still wait, milliseconds. */
const DRAIN_POLL_MS = 20;

class ResolverWorker {
  readonly #start: WorkerStart;
  readonly #counters: WorkerCounters;
  readonly #cache: AnswerCache;
  readonly #pipeline: Pipeline;
  readonly #gate: RateGate;
  readonly #own: OwnSources;
  readonly #listeners: WorkerListeners;
  readonly #encrypted: EncryptedListeners;
  readonly #retired = new RetiredMemory();
  /** What queries showed that somebody may ask for: names that a list may be missing, and devices that were checked. */
  readonly #seen = { candidates: new CandidateLog(), checks: new DeviceCheckLog(systemClock()) };
  #settings: WorkerSettings;
  #probe: ProbeGate | undefined;
  #upstreams: WorkerUpstreams;
  #exemptions: ExemptionIndex | undefined;
  #log: QueryRingWriter | undefined;

  constructor(start: WorkerStart) {
    this.#start = start;
    this.#settings = start.settings;
    this.#counters = new WorkerCounters(
      start.settings.counters,
      start.settings.refusals,
      start.exemptions?.block,
    );
    this.#cache = new AnswerCache({ sizeBytes: start.cacheBytes, observer: this.#counters });
    this.#cache.setStale(start.settings.staleMs);
    this.#own = new OwnSources(start);
    this.#log = logWriterFor(start.settings);
    this.#upstreams = new WorkerUpstreams(start.settings, this.#counters, this.#own.ports);
    this.#upstreams.setLog(upstreamLogFor(start.settings, this.#log));
    this.#exemptions = start.exemptions?.exemptions;
    const rules = toRules(start.settings);
    const clock = createTurnClock(systemClock);
    const connections = new ConnectionBudget(start.streamLimits, this.#counters);
    this.#pipeline = new Pipeline({
      rules,
      resolver: this.#upstreams.resolver,
      cache: this.#cache,
      clock,
      observer: this.#counters,
      probeObserver: createUnreadCounters(),
      cookieSecret: start.cookieSecret,
      exemptions: this.#exemptions,
      keepaliveMs: (transport) => (transport === TRANSPORT.TCP ? connections.idleMs : this.#encrypted.idleMs),
      events: writerFor(start.settings),
      queryLog: this.#log,
      isProbe: this.#own.isProbe,
      candidates: {
        candidate: (name, length, list, line, trigger) => {
          this.#noteCandidate(name.subarray(0, length), list, line, trigger);
        },
      },
      checks: { check: (context) => this.#noteCheck(context) },
    });
    this.#gate = new RateGate({
      pipeline: this.#pipeline,
      clients: rules.clients,
      rates: this.#createRates(start.settings),
      clock,
      observer: this.#counters,
      cookieSecret: start.cookieSecret,
    });
    this.#listeners = new WorkerListeners({
      pipeline: this.#pipeline,
      gate: this.#gate,
      connections,
      observer: this.#counters,
      shared: start.shared,
      isOwn: this.#own.isOwn,
    });
    this.#encrypted = new EncryptedListeners({
      pipeline: this.#pipeline,
      observer: this.#counters,
      proxies: this.#listeners.proxies,
      shared: start.shared,
      limits: start.encryptedLimits,
      rates: start.handshakeRates,
    });
    every(SECOND_MS, () => {
      this.#counters.setCache(this.#cache.entries, this.#cache.bytes);
      this.#pipeline.setTime(systemClock());
    });
  }

  /** Where the self-probe is answered; undefined: nowhere. */
  get probePorts(): ProbePorts | undefined {
    return this.#probe?.ports;
  }

  /** Opens the listeners of the settings that it was started with, and the door of the self-probe. */
  async open(): Promise<void> {
    this.#listeners.proxies.set(this.#settings.proxies);
    await this.#listeners.open(this.#settings.listen);
    await this.#encrypted.open(this.#settings.encrypted);
    const { probeSecret: secret } = this.#start;
    if (secret === undefined) return;
    const observer = this.#counters;
    this.#probe = await ProbeGate.open({ pipeline: this.#pipeline, secret, observer, clock: systemClock });
  }

  /** Puts other exemptions in force. */
  setExemptions({ exemptions, block }: WorkerExemptions): void {
    this.#pipeline.setExemptions(exemptions);
    this.#exemptions = exemptions;
    this.#counters.setExemptions(block);
  }

  /** Puts other settings in force. New listeners open first: when one cannot, everything stays as it was. */
  async apply(settings: WorkerSettings): Promise<void> {
    await this.#listeners.open(settings.listen);
    await this.#encrypted.open(settings.encrypted);
    const previous = this.#settings;
    this.#settings = settings;
    this.#listeners.proxies.set(settings.proxies);
    this.#counters.setCounters(settings.counters);
    this.#counters.setRefusals(settings.refusals);
    const rules = toRules(settings);
    this.#pipeline.setRules(rules);
    this.#gate.setRules(rules.clients, this.#createRates(settings));
    if (previous.events !== settings.events) this.#pipeline.setEvents(writerFor(settings));
    if (!isSameLog(previous, settings)) this.#log = logWriterFor(settings);
    this.#pipeline.setQueryLog(this.#log);
    this.#cache.setStale(settings.staleMs);
    if (previous.policy?.table !== settings.policy?.table) this.#retired.add(previous.policy?.table);
    if (hasOtherUpstreams(previous, settings)) {
      const retired = this.#upstreams;
      retired.silence();
      this.#upstreams = new WorkerUpstreams(settings, this.#counters, this.#own.ports);
      this.#useResolver();
      // Queries under way end with the upstreams that they were sent to.
      setTimeout(() => {
        retired.close();
      }, previous.timeoutMs + 100);
    } else if (!isDeepStrictEqual(previous.resolution, settings.resolution)) {
      this.#upstreams.resolveBy(settings);
      this.#useResolver();
    }
    this.#upstreams.setLog(upstreamLogFor(settings, this.#log));
    // Answers are looked at for private addresses when they come.
    if (!isDeepStrictEqual(previous.rebindingAllowed, settings.rebindingAllowed)) this.#cache.clear();
    await this.#listeners.closeOthers(settings.listen);
    await this.#encrypted.follow(settings.encrypted);
  }

  /** What others said, or was judged by other keys, may not be what would be said now. */
  #useResolver(): void {
    this.#pipeline.setResolver(this.#upstreams.resolver);
    this.#cache.clear();
  }

  #createRates({ rateLimit }: WorkerSettings): RateLimit | undefined {
    return rateLimit && new RateLimit(this.#start.rates, rateLimit);
  }

  /** Says what it answers, and why, without counting or recording it. */
  trace(asked: Asked): Promise<Traced> {
    const { resolver } = this.#upstreams;
    return traceQuestions(
      {
        rules: toRules(this.#settings),
        resolver,
        isInForce: () => resolver === this.#upstreams.resolver,
        cache: this.#cache,
        clock: systemClock,
        exemptions: this.#exemptions,
        beside: this.#pipeline,
      },
      asked,
    );
  }

  /** Names that a list may be missing. */
  candidates(): readonly Candidate[] {
    return this.#seen.candidates.entries();
  }

  /** What is known of a check of a device. */
  check(code: string, begunMs: number): CheckAsked | 'forgotten' | undefined {
    return this.#seen.checks.find(code, begunMs);
  }

  /** Answers what waits for upstreams, then closes everything. */
  async drain(): Promise<void> {
    const deadlineMs = systemClock() + this.#settings.timeoutMs;
    while (this.#pipeline.waiting > 0 && systemClock() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    await Promise.all([this.#listeners.closeOthers([]), this.#encrypted.follow(undefined)]);
    await this.#probe?.close();
    this.#upstreams.close();
  }

  #noteCheck({ key, asker }: CheckContext): void {
    const code = Buffer.from(key.bytes.subarray(1, CHECK_CODE_LENGTH + 1)).toString('latin1');
    const { check } = this.#settings;
    if (check === undefined || !isCheckCode(check.key, code)) return;
    this.#seen.checks.note({
      code,
      timeMs: systemClock(),
      transport: asker.transport,
      group: asker.client.group,
      address: formatAddress(asker.address),
      device: asker.who?.device && formatAddress(asker.who.device.address),
      isForwarded: asker.forwarder >= 0,
    });
  }

  #noteCandidate(name: Uint8Array, list: string, line: number, trigger: number): void {
    // Its names lead to listed ones on purpose.
    if (isInZone(name, PROBE_ZONE)) return;
    const evidence = { list, line, trigger: TRIGGER_WORDS[trigger] ?? 'unknown' };
    this.#seen.candidates.note(formatName(name).slice(0, -1), evidence, systemClock());
    this.#counters.setCandidates(this.#seen.candidates.size);
  }
}

const writerFor = ({ events }: WorkerSettings): EventWriter | undefined => events && new EventWriter(events);

const logWriterFor = ({ queryLog }: WorkerSettings): QueryRingWriter | undefined =>
  queryLog && new QueryRingWriter(queryLog);

const upstreamLogFor = (
  { queryLog }: WorkerSettings,
  log: QueryRingWriter | undefined,
): UpstreamLog | undefined =>
  queryLog?.hasUpstreams === true && log !== undefined ? new UpstreamLog(log) : undefined;

const isSameLog = ({ queryLog: a }: WorkerSettings, { queryLog: b }: WorkerSettings): boolean =>
  a?.ring === b?.ring && a?.sample === b?.sample;

const hasOtherUpstreams = (a: WorkerSettings, b: WorkerSettings): boolean =>
  !isDeepStrictEqual(upstreamSettings(a), upstreamSettings(b));

const upstreamSettings = (settings: WorkerSettings): readonly unknown[] => [
  settings.routes,
  settings.timeoutMs,
  settings.tryTimeoutMs,
  settings.inflightMax,
  settings.inflightPerServerMax,
  settings.cookies,
  settings.mixedCase,
];

const listen = (port: MessagePort): void => {
  // Before the first query: each thread writes what it compiled, and an end by the supervisor is not an orderly one.
  flushCompileCache();
  askForShortSlices();
  letCompilersWait();
  const start = workerData as WorkerStart;
  const worker = new ResolverWorker(start);
  beginHeartbeat(start.heartbeats, start.index);
  const answer = (request: number, work: Promise<void>): Promise<void> =>
    work.then(
      () => {
        const { probePorts: probe } = worker;
        port.postMessage({ request, kind: 'done', probe } satisfies WorkerReply);
      },
      (error: unknown) => {
        if (!isAppError(error)) throw error;
        const { code, message: text, hint } = error;
        port.postMessage({ request, kind: 'failed', code, text, hint } satisfies WorkerReply);
      },
    );
  port.on('message', (message: WorkerRequest) => {
    if (message.kind === 'candidates') {
      const candidates = worker.candidates();
      port.postMessage({ request: message.request, kind: 'done', candidates } satisfies WorkerReply);
      return;
    }
    if (message.kind === 'check') {
      const check = worker.check(message.code, message.begunMs);
      port.postMessage({ request: message.request, kind: 'done', check } satisfies WorkerReply);
      return;
    }
    if (message.kind === 'trace') {
      void worker.trace(message.asked).then((traced) => {
        port.postMessage({ request: message.request, kind: 'done', traced } satisfies WorkerReply);
      });
      return;
    }
    if (message.kind === 'exemptions') {
      worker.setExemptions(message);
      port.postMessage({ request: message.request, kind: 'done' } satisfies WorkerReply);
      return;
    }
    void answer(message.request, message.kind === 'apply' ? worker.apply(message.settings) : worker.drain());
  });
  void answer(0, worker.open());
  keepHeapSmall();
};

// A thread that was given nothing only fills the compile cache (src/launch.mjs).
if (parentPort !== null && workerData !== null) listen(parentPort);
