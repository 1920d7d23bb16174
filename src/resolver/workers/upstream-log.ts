// The query log of what upstreams were asked, where an output wants it. Hot file: runs for each miss.

import { type AddressWords, createAddress, type Endpoint, parseAddress } from '../../base/base.ts';
import { SOURCE, TRANSPORT } from '../../base/words/words.ts';
import { LOGGED, LoggedQuery, type QueryObserver } from '../../telemetry/events/events.ts';
import type { UpstreamTransport } from '../upstream/upstream.ts';

const TRANSPORTS: Record<UpstreamTransport, number> = {
  udp: TRANSPORT.UDP,
  tcp: TRANSPORT.TCP,
  tls: TRANSPORT.DOT,
  https: TRANSPORT.DOH,
};

/** Tells of messages to upstreams, and of theirs. */
export class UpstreamLog {
  readonly #log: QueryObserver;
  readonly #entry = new LoggedQuery();
  /** By server: as many as a configuration has. */
  readonly #addresses = new WeakMap<Endpoint, AddressWords>();

  constructor(log: QueryObserver) {
    this.#log = log;
    this.#entry.kind = LOGGED.UPSTREAM;
    this.#entry.source = SOURCE.UPSTREAM;
  }

  asked(to: Endpoint, transport: UpstreamTransport, query: Uint8Array, length: number): void {
    const entry = this.#entry;
    entry.query = query;
    entry.queryLength = length;
    entry.responseLength = 0;
    this.#write(to, transport, 0);
  }

  told(by: Endpoint, transport: UpstreamTransport, response: Uint8Array, rttMs: number): void {
    const entry = this.#entry;
    entry.queryLength = 0;
    entry.response = response;
    entry.responseLength = response.length;
    this.#write(by, transport, Math.round(rttMs));
  }

  #write(endpoint: Endpoint, transport: UpstreamTransport, tookMs: number): void {
    const entry = this.#entry;
    if (!this.#log.wants()) return;
    let address = this.#addresses.get(endpoint);
    if (address === undefined) {
      address = createAddress();
      parseAddress(endpoint.address, address);
      this.#addresses.set(endpoint, address);
    }
    entry.address = address;
    entry.port = endpoint.port;
    entry.transport = TRANSPORTS[transport];
    entry.timeMs = Date.now();
    entry.tookMs = tookMs;
    this.#log.write(entry);
  }
}
