// The listeners of one worker, by endpoint: UDP and TCP for each, opened and closed together.
import { type AddressWords, type Endpoint, formatEndpoint, systemClock } from '../../base/base.ts';
import type { WorkerCounters } from '../../telemetry/observe/observe.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import {
  type Closable,
  type ConnectionBudget,
  openUdp,
  Proxies,
  type RateGate,
  StreamListener,
} from '../server/server.ts';

interface Listener {
  readonly udp: Closable;
  readonly stream: StreamListener;
}

/** What listeners work with. */
export interface ListenerParts {
  readonly pipeline: Pipeline;
  /** Before the pipeline, for transports that prove no address. */
  readonly gate: RateGate;
  /** Of all listeners of the worker. */
  readonly connections: ConnectionBudget;
  readonly observer: WorkerCounters;
  /** Several workers share the endpoints. */
  readonly shared: boolean;
  /** True for a query from one of our own upstream sockets: an upstream that points back here. */
  isOwn(address: AddressWords, port: number): boolean;
}

/** What a worker listens on. */
export class WorkerListeners {
  /** Who may say for whom it asks; the encrypted listeners believe the same. */
  readonly proxies = new Proxies();
  readonly #parts: ListenerParts;
  readonly #listeners = new Map<string, Listener>();

  constructor(parts: ListenerParts) {
    this.#parts = parts;
  }

  /** Opens those that are not open yet; when one cannot, none of them is, and an AppError is thrown. */
  async open(endpoints: readonly Endpoint[]): Promise<void> {
    const opened: string[] = [];
    try {
      for (const endpoint of endpoints) {
        const text = formatEndpoint(endpoint);
        if (this.#listeners.has(text)) continue;
        this.#listeners.set(text, await this.#openOne(endpoint));
        opened.push(text);
      }
    } catch (error) {
      for (const text of opened) await this.#close(text);
      throw error;
    }
  }

  /** Closes all but these. */
  async closeOthers(endpoints: readonly Endpoint[]): Promise<void> {
    const wanted = new Set(endpoints.map(formatEndpoint));
    const others = [...this.#listeners.keys()].filter((text) => !wanted.has(text));
    await Promise.all(others.map((text) => this.#close(text)));
  }

  async #close(text: string): Promise<void> {
    const listener = this.#listeners.get(text);
    this.#listeners.delete(text);
    await Promise.all([listener?.udp.close(), listener?.stream.close()]);
  }

  async #openOne(endpoint: Endpoint): Promise<Listener> {
    const { pipeline, gate, connections, observer, shared } = this.#parts;
    const name = formatEndpoint(endpoint);
    const common = { endpoint, name, shared, proxies: this.proxies };
    const udp = await openUdp({
      ...common,
      pipeline: gate,
      charge: gate.charge,
      observer,
      isOwn: (address, port) => this.#parts.isOwn(address, port),
    });
    try {
      const stream = await StreamListener.open({
        ...common,
        pipeline,
        budget: connections,
        clock: systemClock,
        settled: (ms) => observer.settled(ms),
        mayAsk: (address) => pipeline.mayAsk(address, name),
      });
      return { udp, stream };
    } catch (error) {
      await udp.close();
      throw error;
    }
  }
}
