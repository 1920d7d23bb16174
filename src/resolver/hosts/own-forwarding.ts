// What the main thread itself asks upstreams with: for the keys of trust anchors.
//
// It asks seldom, and nobody counts it; but it may be the first to whom a server proves nothing.
import { systemClock } from '../../base/base.ts';
import type { TrustAnchorUpdater } from '../resolve/resolve.ts';
import { Forwarding, UNOBSERVED, type UpstreamObserver, upstreamTexts } from '../upstream/upstream.ts';
import type { State } from '../workers/workers.ts';
import type { UpstreamWatch } from './upstream-watch.ts';

/** The upstreams of the main thread. */
export class OwnForwarding {
  readonly #trust: TrustAnchorUpdater;
  readonly #watch: UpstreamWatch;
  #forwarding: Forwarding | undefined;

  constructor(trust: TrustAnchorUpdater, watch: UpstreamWatch) {
    this.#trust = trust;
    this.#watch = watch;
  }

  /** False before the start has come that far. */
  get isOpen(): boolean {
    return this.#forwarding !== undefined;
  }

  /** Asks the upstreams of this state from now on. */
  follow({ routes, config }: State): void {
    const previous = this.#forwarding;
    const { timeoutMs, tryTimeoutMs, inflightMax } = config.resolver;
    this.#forwarding = new Forwarding({
      routes,
      timeoutMs,
      tryTimeoutMs,
      inflightMax,
      clock: systemClock,
      observer: this.#observer(upstreamTexts(routes)),
    });
    this.#trust.follow(this.#forwarding);
    previous?.close();
  }

  close(): void {
    this.#forwarding?.close();
  }

  #observer(upstreams: readonly string[]): UpstreamObserver {
    return {
      ...UNOBSERVED,
      trusted: (index) => this.#watch.note(upstreams[index] ?? '', undefined),
      untrusted: (index, reason) => this.#watch.note(upstreams[index] ?? '', reason),
    };
  }
}
