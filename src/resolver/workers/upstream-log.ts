// The query log of what upstreams were asked, where an output wants it. Hot file: runs for each miss.

import { type AddressWords, createAddress, parseAddress } from '../../base/base.ts';
import { SOURCE, TRANSPORT } from '../../base/words/words.ts';
import { LOGGED, LoggedQuery, type QueryObserver } from '../../telemetry/events/events.ts';
import type { UpstreamServer, UpstreamTransport } from '../upstream/upstream.ts';

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
  readonly #addresses = new WeakMap<UpstreamServer, AddressWords>();

  constructor(log: QueryObserver) {
    this.#log = log;
    this.#entry.kind = LOGGED.UPSTREAM;
    this.#entry.source = SOURCE.UPSTREAM;
  }

  asked(server: UpstreamServer, transport: UpstreamTransport, query: Uint8Array, length: number): void {
    const entry = this.#entry;
    entry.query = query;
    entry.queryLength = length;
    entry.responseLength = 0;
    this.#write(server, transport, 0);
  }

  told(server: UpstreamServer, transport: UpstreamTransport, response: Uint8Array, rttMs: number): void {
    const entry = this.#entry;
    entry.queryLength = 0;
    entry.response = response;
    entry.responseLength = response.length;
    this.#write(server, transport, Math.round(rttMs));
  }

  #write(server: UpstreamServer, transport: UpstreamTransport, tookMs: number): void {
    const entry = this.#entry;
    if (!this.#log.wants()) return;
    let address = this.#addresses.get(server);
    if (address === undefined) {
      address = createAddress();
      parseAddress(server.endpoint.address, address);
      this.#addresses.set(server, address);
    }
    entry.address = address;
    entry.port = server.endpoint.port;
    entry.transport = TRANSPORTS[transport];
    entry.timeMs = Date.now();
    entry.tookMs = tookMs;
    this.#log.write(entry);
  }
}
