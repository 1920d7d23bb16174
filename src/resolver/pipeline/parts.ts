// What a pipeline is made of and keeps, whatever rules are in force, and whom it tells what happened.
import type { AddressWords, Clock } from '../../base/base.ts';
import type { AnswerCache, FailureCache } from '../cache/cache.ts';
import type { ServerCookies } from './cookie.ts';
import type { Failure } from './outcome.ts';
import type { PipelineTrace } from './trace.ts';
import type { UnauthorizedClients } from './unauthorized-clients.ts';

/** Told what happens to questions in flight. */
export interface WaitingObserver {
  inflight(count: number): void;
  /** A question was given up for others; GAVE_WAY. */
  gaveWay(reason: number): void;
}

/** Told what happens to a query that waits. */
export interface WaiterObserver {
  coalesced(): void;
  /** It was refused: its client had its share of what is in flight, or waited for the same name too often. */
  clientShed(): void;
  /** It was refused: names below its zone had their share of what is in flight. */
  zoneShed(): void;
  /** Its client repeated a query that waits, and gets one answer for both. */
  repeated(): void;
}

/** Told what happened; every method is a few memory operations. Numbers are TRANSPORT, SOURCE, DROP, MATCH, TRIGGER. */
export interface PipelineObserver extends WaitingObserver, WaiterObserver {
  /** `group` is -1 for an address that may not ask. */
  query(transport: number, qtype: number, group: number): void;
  /** A forwarder sent a query; REPORTED of whom it asks for. */
  reported(forwarder: number, said: number): void;
  answer(source: number, rcode: number): void;
  /** A list decided the answer. */
  policyAnswer(transport: number): void;
  /** Refused by a list, or passed although a list that is only watched would have refused. */
  refusal(list: number, match: number, trigger: number, group: number, qtype: number): void;
  dropped(reason: number): void;
  cacheHit(): void;
  cacheMiss(): void;
  /** A query that had to wait was answered so long after it came in. */
  missDuration(ms: number): void;
  /** The self-probe asked something, of which nothing else is told. */
  probed(): void;
  /** What a resolver said took longer to be read than one message may hold the loop. */
  heldLoop(): void;
  /** An answer is fetched anew before it expires. */
  prefetched(): void;
  /** An answer had more names, aliases or addresses than are looked at. */
  overBounds(): void;
  /** Private addresses for a public name were refused. */
  rebindingRefused(): void;
  /** A query was let pass by the exemption of this index, and would have been refused. */
  exempted(index: number): void;
  /** A sign of a way around the resolver; SIGNAL. */
  bypass(signal: number): void;
}

/** Is told of names that no list has while what they lead to is on a mandate list. Numbers as for PipelineObserver. */
export interface CandidateObserver {
  /** The folded wire name is in the first `length` bytes, valid only during the call. */
  candidate(name: Uint8Array, length: number, list: string, line: number, trigger: number): void;
}

/** Told of the name of one check of a device. */
export interface CheckObserver {
  /** What is asked and by whom is valid only during the call. */
  check(context: CheckContext): void;
}

/** What of a query tells about the device that asks. */
export interface CheckContext {
  readonly key: { readonly bytes: Uint8Array };
  readonly asker: {
    readonly address: AddressWords;
    readonly forwarder: number;
    readonly transport: number;
    readonly client: { readonly group: number };
    /** Undefined: known by nothing but the address. */
    readonly who: { readonly device: { readonly address: AddressWords } | undefined } | undefined;
  };
}

/** The parts of one pipeline. */
export interface Parts {
  readonly cache: AnswerCache;
  readonly failures: FailureCache<Failure>;
  readonly clock: Clock;
  readonly observer: PipelineObserver;
  /** Is told what the self-probe asks, in place of `observer`. */
  readonly probeObserver: PipelineObserver;
  readonly candidates: CandidateObserver | undefined;
  readonly checks: CheckObserver | undefined;
  /** Undefined: clients get no cookies. */
  readonly cookies: ServerCookies | undefined;
  readonly unauthorized: UnauthorizedClients;
  /** True for an address and a port from which the self-probe asks listeners as any client would. */
  /** How long connections of a TRANSPORT may be idle; undefined: clients are not told. */
  readonly keepaliveMs: ((transport: number) => number) | undefined;
  readonly isProbe: ((address: AddressWords, port: number) => boolean) | undefined;
  /** Undefined but in a pipeline that was made to explain one question. */
  readonly trace: PipelineTrace | undefined;
}
