// One worker thread: a whole resolver with its own sockets, cache and upstream sockets.
//
// It shares two things with the others: the compiled policy, which nobody writes, and its block of counters, which
// only it writes. Everything it does is driven by sockets and by the requests of the main thread; an unexpected error
// ends it, and the supervisor starts another one.
import { networkInterfaces } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Clients } from '../access/access.ts';
import { AppError, type Endpoint, formatEndpoint, systemClock } from '../base/base.ts';
import { AnswerCache } from '../cache/cache.ts';
import { LocalZones } from '../local/local.ts';
import { UPSTREAM_FAILURE, WorkerCounters } from '../observe/observe.ts';
import { Pipeline, type PipelineRules, TRANSPORT } from '../pipeline/pipeline.ts';
import { Policy } from '../policy/policy.ts';
import { StreamListener, UdpListener } from '../server/server.ts';
import { Forwarding, OwnPorts, type UpstreamObserver } from '../upstream/upstream.ts';
import type { WorkerReply, WorkerRequest, WorkerSettings, WorkerStart } from './messages.ts';

/** How often the cache's size is written to the counters, milliseconds. */
const GAUGES_MS = 1000;
/** How often a draining worker looks whether queries still wait, milliseconds. */
const DRAIN_POLL_MS = 20;

interface Listener {
  readonly udp: UdpListener;
  readonly stream: StreamListener;
}

class ResolverWorker {
  readonly #start: WorkerStart;
  readonly #counters: WorkerCounters;
  readonly #cache: AnswerCache;
  readonly #pipeline: Pipeline;
  readonly #ownPorts: OwnPorts;
  readonly #listeners = new Map<string, Listener>();
  readonly #ownAddresses = readOwnAddresses();
  #settings: WorkerSettings;
  #forwarding: Forwarding;

  constructor(start: WorkerStart) {
    this.#start = start;
    this.#settings = start.settings;
    this.#counters = new WorkerCounters(start.settings.counters, start.settings.refusals);
    this.#cache = new AnswerCache({ sizeBytes: start.cacheBytes, observer: this.#counters });
    this.#ownPorts = new OwnPorts(start.ownPorts, start.index);
    this.#forwarding = this.#createForwarding(start.settings);
    this.#pipeline = new Pipeline({
      rules: toRules(start.settings),
      resolver: this.#forwarding,
      cache: this.#cache,
      clock: systemClock,
      observer: this.#counters,
    });
    setInterval(() => {
      this.#counters.setCache(this.#cache.entries, this.#cache.bytes);
    }, GAUGES_MS).unref();
  }

  /** Opens the listeners of the settings that it was started with. */
  async open(): Promise<void> {
    await this.#openListeners(this.#settings.listen);
  }

  /** Puts other settings in force. New listeners open first: when one cannot, everything stays as it was. */
  async apply(settings: WorkerSettings): Promise<void> {
    await this.#openListeners(settings.listen);
    const previous = this.#settings;
    this.#settings = settings;
    if (settings.counters !== previous.counters) this.#counters.setCounters(settings.counters);
    this.#counters.setRefusals(settings.refusals);
    this.#pipeline.setRules(toRules(settings));
    if (hasOtherUpstreams(previous, settings)) {
      const retired = this.#forwarding;
      this.#forwarding = this.#createForwarding(settings);
      this.#pipeline.setResolver(this.#forwarding);
      // What other upstreams said may not be what these would say.
      this.#cache.clear();
      // Queries under way end with the upstreams that they were sent to.
      setTimeout(() => {
        retired.close();
      }, previous.timeoutMs + 100);
    }
    const wanted = new Set(settings.listen.map(formatEndpoint));
    for (const [text, listener] of this.#listeners) {
      if (wanted.has(text)) continue;
      this.#listeners.delete(text);
      await Promise.all([listener.udp.close(), listener.stream.close()]);
    }
  }

  /** Answers what waits for upstreams, then closes everything. */
  async drain(): Promise<void> {
    const deadlineMs = systemClock() + this.#settings.timeoutMs;
    while (this.#pipeline.waiting > 0 && systemClock() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    const listeners = [...this.#listeners.values()];
    await Promise.all(listeners.flatMap((listener) => [listener.udp.close(), listener.stream.close()]));
    this.#forwarding.close();
  }

  async #openListeners(endpoints: readonly Endpoint[]): Promise<void> {
    const opened: string[] = [];
    try {
      for (const endpoint of endpoints) {
        const text = formatEndpoint(endpoint);
        if (this.#listeners.has(text)) continue;
        this.#listeners.set(text, await this.#openListener(endpoint));
        opened.push(text);
      }
    } catch (error) {
      for (const text of opened) {
        const listener = this.#listeners.get(text);
        this.#listeners.delete(text);
        await Promise.all([listener?.udp.close(), listener?.stream.close()]);
      }
      throw error;
    }
  }

  async #openListener(endpoint: Endpoint): Promise<Listener> {
    const { shared, streamLimits } = this.#start;
    const common = { endpoint, shared, pipeline: this.#pipeline, observer: this.#counters };
    const udp = await UdpListener.open({ ...common, isOwn: (address, port) => this.#isOwn(address, port) });
    try {
      const stream = await StreamListener.open({ ...common, limits: streamLimits, clock: systemClock });
      return { udp, stream };
    } catch (error) {
      await udp.close();
      throw error;
    }
  }

  /** A query from one of our own upstream sockets: an upstream that points back here. */
  #isOwn(address: string, port: number): boolean {
    return this.#ownPorts.has(port) && this.#ownAddresses.has(address);
  }

  #createForwarding(settings: WorkerSettings): Forwarding {
    return new Forwarding({
      routes: settings.routes,
      timeoutMs: settings.timeoutMs,
      tryTimeoutMs: settings.tryTimeoutMs,
      inflightMax: settings.inflightMax,
      clock: systemClock,
      observer: toUpstreamObserver(this.#counters),
      ownPorts: this.#ownPorts,
    });
  }
}

/** The addresses of this host, as sockets print them. */
const readOwnAddresses = (): ReadonlySet<string> =>
  new Set(
    Object.values(networkInterfaces()).flatMap((entries) => entries?.map(({ address }) => address) ?? []),
  );

const toRules = (settings: WorkerSettings): PipelineRules => ({
  policy: settings.policy === undefined ? undefined : new Policy(settings.policy),
  clients: new Clients(settings.access),
  localZones: new LocalZones(settings.routes.slice(1).map((route) => route.zone)),
  ttlLimits: settings.ttlLimits,
});

const hasOtherUpstreams = (a: WorkerSettings, b: WorkerSettings): boolean => {
  const text = (settings: WorkerSettings): string =>
    JSON.stringify([
      settings.routes.map((route) => [[...route.zone], route.endpoints.map(formatEndpoint)]),
      settings.timeoutMs,
      settings.tryTimeoutMs,
      settings.inflightMax,
    ]);
  return text(a) !== text(b);
};

/** The upstream room speaks in words, the counters in numbers. */
const toUpstreamObserver = (counters: WorkerCounters): UpstreamObserver => ({
  sent: (endpoint, transport) => {
    counters.upstreamSent(endpoint, transport === 'udp' ? TRANSPORT.UDP : TRANSPORT.TCP);
  },
  answered: (endpoint, rttMs, rcode) => {
    counters.upstreamAnswered(endpoint, rttMs, rcode);
  },
  failed: (endpoint, reason) => {
    counters.upstreamFailed(endpoint, UPSTREAM_FAILURES[reason]);
  },
  unwanted: (endpoint) => {
    counters.upstreamUnwanted(endpoint);
  },
  healthy: (endpoint, healthy) => {
    counters.upstreamHealthy(endpoint, healthy);
  },
});

const UPSTREAM_FAILURES: Record<Parameters<UpstreamObserver['failed']>[1], number> = {
  timeout: UPSTREAM_FAILURE.TIMEOUT,
  network: UPSTREAM_FAILURE.NETWORK,
  servfail: UPSTREAM_FAILURE.SERVFAIL,
  refused: UPSTREAM_FAILURE.REFUSED,
  malformed: UPSTREAM_FAILURE.MALFORMED,
  unsupported: UPSTREAM_FAILURE.OTHER,
};

const listen = (port: MessagePort): void => {
  const worker = new ResolverWorker(workerData as WorkerStart);
  const answer = (request: number, work: Promise<void>): Promise<void> =>
    work.then(
      () => {
        port.postMessage({ request, kind: 'done' } satisfies WorkerReply);
      },
      (error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        const failure: AppError = error;
        const { code, message: text, hint } = failure;
        port.postMessage({ request, kind: 'failed', code, text, hint } satisfies WorkerReply);
      },
    );
  port.on('message', (message: WorkerRequest) => {
    void answer(message.request, message.kind === 'apply' ? worker.apply(message.settings) : worker.drain());
  });
  void answer(0, worker.open());
};

if (parentPort !== null) listen(parentPort);
