// The context of the query that is being decided: question, client, and the results of stages so far. Hot file.
//
// Each stage is a function of a QueryContext and the rules in force. It returns the length of the answer that it wrote, DROPPED,
// or NEXT: it has nothing to say. A pipeline has two contexts for its whole life: that of decide(), and
// that of the responder, which answers queries that waited. A resolver that answers meanwhile cannot change the first.

import { type AddressWords, createAddress } from '../../base/base.ts';
import { TRANSPORT } from '../../base/words/words.ts';
import type { Client, Identified, Shown } from '../../policy/access/access.ts';
import { type ExemptionObserver, Verdict } from '../../policy/policy.ts';
import { VALIDATION } from '../../telemetry/events/events.ts';
import {
  EDE,
  FLAG,
  foldByte,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  Query,
  type Targets,
  UDP_LENGTH_MAX,
} from '../../wire/dns/dns.ts';
import { type Answer, CacheKey } from '../cache/cache.ts';
import { Notes } from './notes.ts';
import type { Parts, PipelineObserver } from './parts.ts';
import { writeEmpty, writeTruncated } from './respond.ts';
import type { Alias } from './rewrite.ts';

/** What decide() returns when nothing may be answered. */
export const DROPPED = 0;
/** What decide() returns when the answer has to be resolved: call resolve() at once. */
export const PENDING = -1;
/** What a stage returns when the next one decides. */
export const NEXT = -2;

/**
 * Port used by the self-probe, in place of a client's: the resolver asks itself to see what that client would get. Such
 * queries are decided normally but neither counted nor recorded. Real clients never have port 0.
 */
export const PORT_OF_PROBE = 0;

/** Whether the resolver is asked the question again once it is answered, for the cache alone. */
export const REFRESH = {
  NO: 0,
  /** The answer expires soon. */
  EARLY: 1,
  /** The answer is stale. */
  LATE: 2,
} as const;

/** Of a message that is not read yet. */
const NOBODY: Client = { group: 0, view: 0, allowed: false, readsCache: false };

/** Who asks. */
export class Asker {
  client = NOBODY;
  /** Of the client: that of the peer, unless the peer is a forwarder that is believed to say for whom it asks. */
  address: AddressWords = createAddress();
  /** Where the query came from and its answer goes. */
  peer: AddressWords = createAddress();
  /** Of whom lists decide: that of the client, unless that may have said itself who it is; then that of the peer. */
  judged: AddressWords = createAddress();
  /** Holds the address of the client that a forwarder names. */
  readonly reported: AddressWords = createAddress();
  /** Index of the forwarder that says who asks; -1: the client asks for itself. */
  forwarder = -1;
  port = 0;
  transport = 0;
  listener = '';
  /** What the connection shows of its client; undefined where nobody can show anything. */
  shown: Shown | undefined = undefined;
  /** Who that is by the rules in force. */
  who: Identified | undefined = undefined;
  /** True for the self-probe. */
  isProbe = false;
}

/** What an answer comes from. */
class Origin {
  /** SOURCE; below 0: nothing was answered. */
  source = -1;
  /** VALIDATION. */
  validation: number = VALIDATION.NONE;
}

/** One query. */
export class QueryContext implements ExemptionObserver {
  readonly parts: Parts;
  readonly query = new Query();
  readonly asker = new Asker();
  /** Is told of this query: the observer of clients, or that of the self-probe. */
  observer: PipelineObserver;
  /** Where the answer is written. */
  out: Uint8Array = EMPTY;
  nowMs = 0;
  /** True when the query waited, and is decided again for its answer. */
  isRepeat = false;
  /** The cache key, which starts with the folded QNAME until a rule leads elsewhere. */
  readonly key = new CacheKey();
  /** What the cache has for the question. */
  answer: Answer | undefined = undefined;
  readonly verdict = new Verdict();
  /** What the lists say that are only watched. */
  readonly watched = new Verdict();
  readonly notes = new Notes();
  /** Where a rule leads the question. */
  alias: Alias | undefined = undefined;
  /** REFRESH. */
  refresh: number = REFRESH.NO;
  readonly origin = new Origin();

  constructor(parts: Parts) {
    this.parts = parts;
    this.observer = parts.observer;
    this.verdict.exempted.observer = this;
  }

  /** Begins with another query. */
  begin(
    address: AddressWords,
    port: number,
    transport: number,
    listener: string,
    out: Uint8Array,
    shown: Shown | undefined,
  ): void {
    const { asker, parts } = this;
    asker.address = address;
    asker.peer = address;
    asker.judged = address;
    asker.forwarder = -1;
    asker.port = port;
    asker.transport = transport;
    asker.listener = listener;
    asker.shown = shown;
    asker.client = NOBODY;
    asker.isProbe = port === PORT_OF_PROBE || parts.isProbe?.(address, port) === true;
    this.observer = asker.isProbe ? parts.probeObserver : parts.observer;
    this.out = out;
    this.alias = undefined;
    this.refresh = REFRESH.NO;
    this.origin.source = -1;
    this.origin.validation = VALIDATION.NONE;
    this.notes.clear();
  }

  /** Puts the folded QNAME into the key. */
  foldQname(): void {
    const { bytes, qnameLength } = this.query;
    const key = this.key.bytes;
    for (let i = 0; i < qnameLength; i++) key[i] = foldByte(bytes[HEADER_LENGTH + i] ?? 0);
  }

  /** Bytes that the answer may have. */
  get limit(): number {
    return this.asker.transport === TRANSPORT.UDP
      ? Math.min(this.query.opt.udpLength, UDP_LENGTH_MAX)
      : MESSAGE_LENGTH_MAX;
  }

  /**
   * An answer of `length` bytes that was written, or none, as it may leave: what is longer than the limit, whoever wrote it, goes
   * without data and with TC. Returns the length.
   */
  fitted(length: number): number {
    return length > this.limit ? writeTruncated(this.query, this.out) : length;
  }

  /** True for a query with RD. */
  get asksResolver(): boolean {
    return (this.query.flags & FLAG.RD) !== 0;
  }

  /** Whole seconds since an answer was stored. */
  ageSecOf({ storedAtMs }: Answer): number {
    return Math.max(0, Math.floor((this.nowMs - storedAtMs) / 1000));
  }

  /** Tells what made the answer. */
  answered(source: number, rcode: number): void {
    this.origin.source = source;
    this.observer.answer(source, rcode);
  }

  /** Answers without data, and counts it. */
  answerEmpty(source: number, rcode: number, ede: Uint8Array | undefined): number {
    this.answered(source, rcode);
    if (ede !== undefined && isBogus(ede)) this.origin.validation = VALIDATION.BOGUS;
    return writeEmpty(this.query, rcode, ede, this.out);
  }

  /** Notes that an exemption takes out the list that would have refused. */
  exempted(targets: Targets | undefined, index: number, number: number): void {
    this.notes.exempted(this.verdict, targets, this.alias?.target, index, number);
    this.parts.trace?.takenOut(this, targets, number);
  }
}

/** True for the data of an EDE with which validation fails an answer (RFC 8914 sections 4.7 to 4.13). */
const isBogus = (ede: Uint8Array): boolean => {
  const code = ((ede[0] ?? 0) << 8) | (ede[1] ?? 0);
  return code >= EDE.DNSSEC_BOGUS && code <= EDE.NSEC_MISSING;
};

const EMPTY = new Uint8Array(0);
