// The upstreams of one worker as settings name them, what counts them, and the resolver that asks them.
import { systemClock } from '../../base/base.ts';
import type { WorkerCounters } from '../../telemetry/observe/observe.ts';
import { setTranslationPrefix } from '../../wire/dns/dns.ts';
import type { Resolver } from '../pipeline/pipeline.ts';
import { createResolver } from '../resolve/resolve.ts';
import type { Forwarding, OwnPorts } from '../upstream/upstream.ts';
import type { WorkerSettings } from './messages.ts';
import { UpstreamCounters } from './upstream-counters.ts';
import type { UpstreamLog } from './upstream-log.ts';
import { createForwarding } from './worker-parts.ts';

/** Until settings name others. */
export class WorkerUpstreams {
  readonly #observer: WorkerCounters;
  readonly #counters: UpstreamCounters;
  readonly #forwarding: Forwarding;
  #resolver: Resolver;

  constructor(settings: WorkerSettings, observer: WorkerCounters, ports: OwnPorts) {
    this.#observer = observer;
    this.#counters = new UpstreamCounters(observer);
    this.#forwarding = createForwarding(settings, this.#counters, ports);
    this.#resolver = this.#createResolver(settings);
  }

  get resolver(): Resolver {
    return this.#resolver;
  }

  /** Resolves by other keys, zones or prefixes, over the same upstreams. */
  resolveBy(settings: WorkerSettings): void {
    this.#resolver = this.#createResolver(settings);
  }

  /** Where questions to upstreams are logged; undefined: nowhere. */
  setLog(log: UpstreamLog | undefined): void {
    this.#counters.log = log;
  }

  /** Its endpoints have no place in the counters any more. */
  silence(): void {
    this.#counters.silence();
  }

  close(): void {
    this.#forwarding.close();
  }

  #createResolver({ resolution }: WorkerSettings): Resolver {
    setTranslationPrefix(resolution.dns64?.prefix);
    return createResolver(resolution, this.#forwarding, systemClock, this.#observer);
  }
}
