// Stands before the pipeline for queries over UDP: who asks too much is not decided at all. Hot file.
//
// The address of a datagram may be forged, so that what is sent to it has to be bounded. A valid cookie (RFC 7873) or a
// stream proves the address: then nothing is limited here, only shared (resolver/pipeline/waiting-room.ts). A query over the limit gets an
// answer without data and with TC, no longer than itself, or by the 16 bytes of a server cookie where it has one of the client: a
// real client comes back over TCP, or with that cookie. Nothing else is done for
// it than to look for its cookie; no list, no cache and no record is touched.

import { type AddressWords, type Clock, createAddress } from '../../base/base.ts';
import { LIMITED, REPORTED } from '../../base/words/words.ts';
import type { Clients, Forwarders, RateLimit } from '../../policy/access/access.ts';
import { QUERY_FAULT, Query, RCODE } from '../../wire/dns/dns.ts';
import {
  COOKIE,
  type Decider,
  DROP,
  DROPPED,
  type Reply,
  ServerCookies,
  SOURCE,
  TRANSPORT,
  writeTruncated,
} from '../pipeline/pipeline.ts';

/** Told of queries over the limit; numbers are those of PipelineObserver, and LIMITED. */
export interface RateObserver {
  query(transport: number, qtype: number, group: number): void;
  answer(source: number, rcode: number): void;
  dropped(reason: number): void;
  limited(group: number, action: number): void;
}

/** What a gate needs. */
export interface RateGateOptions {
  readonly pipeline: Decider;
  readonly clients: Clients;
  /** Undefined: nothing is limited. */
  readonly rates: RateLimit | undefined;
  readonly clock: Clock;
  readonly observer: RateObserver;
  readonly cookieSecret: Uint8Array;
}

/** Decides what the limits let pass. */
export class RateGate implements Decider {
  readonly #pipeline: Decider;
  readonly #clock: Clock;
  readonly #observer: RateObserver;
  readonly #cookies: ServerCookies;
  readonly #query = new Query();
  /** The client whom a forwarder named last. */
  readonly #reported: AddressWords = createAddress();
  #clients: Clients;
  #rates: RateLimit | undefined;
  /** Queries over the limit so far. */
  #count = 0;

  constructor(options: RateGateOptions) {
    this.#pipeline = options.pipeline;
    this.#clients = options.clients;
    this.#rates = options.rates;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#cookies = new ServerCookies(options.cookieSecret);
  }

  /** Puts other limits in force. */
  setRules(clients: Clients, rates: RateLimit | undefined): void {
    this.#clients = clients;
    this.#rates = rates;
  }

  decide(
    bytes: Uint8Array,
    length: number,
    address: AddressWords,
    port: number,
    transport: number,
    out: Uint8Array,
    listener: string,
  ): number {
    const rates = this.#rates;
    if (rates === undefined || transport !== TRANSPORT.UDP)
      return this.#pipeline.decide(bytes, length, address, port, transport, out, listener);
    const { forwarders } = this.#clients;
    const client = forwarders === undefined ? address : this.#clientOf(forwarders, bytes, length, address);
    if (rates.admit(client, this.#clock()) || rates.isExempt(client))
      return this.#pipeline.decide(bytes, length, address, port, transport, out, listener);
    const query = this.#query;
    const fault = query.parse(bytes, length);
    const { allowed, group } = this.#clients.identify(client, listener);
    const isSound = fault === QUERY_FAULT.NONE;
    const isProven =
      isSound && allowed && this.#cookies.judge(query, address, this.#clock()) === COOKIE.VALID;
    if (isProven) return this.#pipeline.decide(bytes, length, address, port, transport, out, listener);
    const counted = allowed ? group : -1;
    if (rates.rules.isDryRun) {
      this.#observer.limited(counted, LIMITED.DRY_RUN);
      return this.#pipeline.decide(bytes, length, address, port, transport, out, listener);
    }
    if (isSound) this.#observer.query(transport, query.qtype, counted);
    const { slip } = rates.rules;
    // Who may not ask gets no connection either.
    if (!isSound || !allowed || slip === 0 || this.#count++ % slip !== 0) {
      this.#observer.limited(counted, LIMITED.DROPPED);
      this.#observer.dropped(DROP.RATE_LIMIT);
      return DROPPED;
    }
    this.#observer.limited(counted, LIMITED.TRUNCATED);
    this.#observer.answer(SOURCE.SHED, RCODE.NOERROR);
    return writeTruncated(query, out);
  }

  resolve(reply: Reply): void {
    this.#pipeline.resolve(reply);
  }

  /** For whom a query is sent, which is limited as if it asked here itself. */
  #clientOf(forwarders: Forwarders, bytes: Uint8Array, length: number, address: AddressWords): AddressWords {
    const index = forwarders.find(address, undefined, 0);
    if (index < 0) return address;
    const client = this.#reported;
    for (let i = 0; i < 4; i++) client[i] = address[i] ?? 0;
    if (this.#query.parse(bytes, length) !== QUERY_FAULT.NONE) return client;
    const { report } = forwarders;
    if (forwarders.read(index, this.#query) !== REPORTED.NAMED || !report.hasAddress) return client;
    for (let i = 0; i < 4; i++) client[i] = report.address[i] ?? 0;
    return client;
  }

  /**
   * Counts an answer over UDP of so many bytes. That to a forwarder is charged to the client whom it named last, who is the
   * right one but where an upstream was asked.
   */
  readonly charge = (address: AddressWords, bytes: number): void => {
    const { forwarders } = this.#clients;
    const isForwarder = forwarders !== undefined && forwarders.find(address, undefined, 0) >= 0;
    this.#rates?.charge(isForwarder ? this.#reported : address, bytes, this.#clock());
  };
}
