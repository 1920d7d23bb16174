// Counts what a worker's upstreams do: the upstream room speaks in words, the counters in numbers.
import type { Endpoint } from '../../base/base.ts';
import { UNTRUSTED, UPSTREAM_FAILURE, type WorkerCounters } from '../../telemetry/observe/observe.ts';
import { TRANSPORT } from '../pipeline/pipeline.ts';
import type { TryFault, UntrustedReason, UpstreamObserver, UpstreamTransport } from '../upstream/upstream.ts';
import type { UpstreamLog } from './upstream-log.ts';

/** The counters of one set of upstreams, whose places in the counters belong to them for as long as they are in force. */
export class UpstreamCounters implements UpstreamObserver {
  #counters: WorkerCounters | undefined;
  /** Is told of messages; undefined: nobody logs them. */
  log: UpstreamLog | undefined;

  constructor(counters: WorkerCounters) {
    this.#counters = counters;
  }

  /** Counts nothing from here on. */
  silence(): void {
    this.#counters = undefined;
    this.log = undefined;
  }

  sent(endpoint: number, transport: UpstreamTransport): void {
    this.#counters?.upstreamSent(endpoint, TRANSPORTS[transport]);
  }

  answered(endpoint: number, rttMs: number, rcode: number): void {
    this.#counters?.upstreamAnswered(endpoint, rttMs, rcode);
  }

  asked(to: Endpoint, transport: UpstreamTransport, query: Uint8Array, length: number): void {
    this.log?.asked(to, transport, query, length);
  }

  told(by: Endpoint, transport: UpstreamTransport, response: Uint8Array, rttMs: number): void {
    this.log?.told(by, transport, response, rttMs);
  }

  failed(endpoint: number, fault: TryFault): void {
    this.#counters?.upstreamFailed(endpoint, UPSTREAM_FAILURES[fault]);
  }

  unwanted(endpoint: number): void {
    this.#counters?.upstreamUnwanted(endpoint);
  }

  nearMiss(endpoint: number): void {
    this.#counters?.upstreamNearMiss(endpoint);
  }

  guarded(endpoint: number): void {
    this.#counters?.upstreamGuarded(endpoint);
  }

  silentZone(): void {
    this.#counters?.silentZone();
  }

  healthy(endpoint: number, isHealthy: boolean): void {
    this.#counters?.upstreamHealthy(endpoint, isHealthy);
  }

  hedged(endpoint: number): void {
    this.#counters?.upstreamHedged(endpoint);
  }

  trusted(endpoint: number, endMs: number): void {
    this.#counters?.upstreamTrusted(endpoint, endMs);
  }

  untrusted(endpoint: number, reason: UntrustedReason): void {
    this.#counters?.upstreamUntrusted(endpoint, UNTRUSTED_REASONS[reason]);
  }
}

const TRANSPORTS: Record<UpstreamTransport, number> = {
  udp: TRANSPORT.UDP,
  tcp: TRANSPORT.TCP,
  tls: TRANSPORT.DOT,
  https: TRANSPORT.DOH,
};

const UNTRUSTED_REASONS: Record<UntrustedReason, number> = {
  authority: UNTRUSTED.AUTHORITY,
  expired: UNTRUSTED.EXPIRED,
  early: UNTRUSTED.EARLY,
  name: UNTRUSTED.NAME,
  pin: UNTRUSTED.PIN,
  other: UNTRUSTED.OTHER,
};

const UPSTREAM_FAILURES: Record<TryFault, number> = {
  timeout: UPSTREAM_FAILURE.TIMEOUT,
  network: UPSTREAM_FAILURE.NETWORK,
  certificate: UPSTREAM_FAILURE.CERTIFICATE,
  servfail: UPSTREAM_FAILURE.SERVFAIL,
  refused: UPSTREAM_FAILURE.REFUSED,
  malformed: UPSTREAM_FAILURE.MALFORMED,
  unsupported: UPSTREAM_FAILURE.UNSUPPORTED,
  overload: UPSTREAM_FAILURE.OTHER,
};
