// A query that waits, and the question that is asked for it. Hot file: both are made for each miss.

import type { AddressWords } from '../../base/base.ts';
import { TRANSPORT } from '../../base/words/words.ts';
import type { Shown } from '../../policy/access/access.ts';
import { HEADER_LENGTH } from '../../wire/dns/dns.ts';
import { KEY_FLAG, keyText } from '../cache/cache.ts';
import type { InForce } from './in-force.ts';
import type { PipelineObserver } from './parts.ts';
import type { Question } from './resolver.ts';
import type { Alias } from './rewrite.ts';
import { PORT_OF_PROBE, type Turn } from './turn.ts';

/**
 * Takes a finished answer; the bytes are only valid during the call. No bytes: nothing may be answered, because a
 * list says so.
 */
export type Reply = (message: Uint8Array) => void;

/** A query that waits. */
export interface Waiter {
  /** A copy of the query. */
  readonly bytes: Uint8Array;
  /** The client is identified again for the answer: its group may have changed meanwhile. */
  readonly address: AddressWords;
  readonly port: number;
  readonly transport: number;
  readonly listener: string;
  readonly shown: Shown | undefined;
  readonly observer: PipelineObserver;
  readonly reply: Reply;
  readonly sinceMs: number;
  /** Where a rule led the question. */
  readonly alias: Alias | undefined;
  /** It asks for what could not be validated (CD). */
  readonly isUnchecked: boolean;
}

/** A question for the resolver. */
export interface Asked {
  /** Hash and flags of its cache key. */
  readonly hash: number;
  readonly flags: number;
  /** Folded; `question.name` has the letters of the client that asked first. */
  readonly qname: Uint8Array;
  readonly question: Question;
}

/** The cache key of a question as text; made where it is needed, because most questions are answered. */
export const keyTextOf = ({ qname, question, flags }: Asked): string => keyText(qname, question.type, flags);

/** The query of a turn, to wait. */
export const createWaiter = ({ query, asker, observer, nowMs, alias }: Turn, reply: Reply): Waiter => ({
  // No Buffer: its slice() would be a view, of the socket's memory here and of this copy elsewhere.
  bytes: new Uint8Array(query.bytes.subarray(0, query.length)),
  address: asker.address.slice(),
  // Its port may be another's by the time of the answer.
  port: asker.isProbe ? PORT_OF_PROBE : asker.port,
  transport: asker.transport,
  listener: asker.listener,
  shown: asker.shown,
  observer,
  reply,
  sinceMs: nowMs,
  alias,
  isUnchecked: false,
});

/** The same query, to wait for where a rule leads. */
export const ledTo = (waiter: Waiter, alias: Alias | undefined, isUnchecked: boolean): Waiter => ({
  bytes: waiter.bytes,
  address: waiter.address,
  port: waiter.port,
  transport: waiter.transport,
  listener: waiter.listener,
  shown: waiter.shown,
  observer: waiter.observer,
  reply: waiter.reply,
  sinceMs: waiter.sinceMs,
  alias,
  isUnchecked,
});

/**
 * The question of a turn, under its sealed key, for the name that a rule leads to or the QNAME, in the letters of
 * `waiter`.
 */
export const createAsked = (
  { query, key, asker }: Turn,
  { resolver }: InForce,
  alias: Alias | undefined,
  waiter: Waiter | undefined,
): Asked => {
  const { qtype, qclass, qnameLength } = query;
  const qname = alias?.target ?? new Uint8Array(key.bytes.subarray(0, qnameLength));
  // A copy of its own: the letters of the waiter's query come back to it, whatever a resolver does with the name.
  const name =
    alias === undefined && waiter !== undefined
      ? waiter.bytes.slice(HEADER_LENGTH, HEADER_LENGTH + qnameLength)
      : qname;
  const question: Question = {
    name,
    type: qtype,
    class: qclass,
    dnssecOk: query.opt.dnssecOk || resolver.joinsVariants?.(qtype) === true,
    checkingDisabled: (key.flags & KEY_FLAG.CHECKING_DISABLED) !== 0,
    view: asker.client.view,
    wantsAd: false,
    interest: { cancel: undefined },
  };
  return { hash: key.hash, flags: key.flags, qname, question };
};

/** True when a client has sent the very same datagram before, from the same port. */
export const isRepeated = (waiter: Waiter, others: readonly Waiter[]): boolean => {
  if (waiter.transport !== TRANSPORT.UDP) return false;
  for (let i = 0; i < others.length; i++) {
    const other = others[i];
    if (other?.port === waiter.port && isSameQuery(waiter, other)) return true;
  }
  return false;
};

const isSameQuery = (a: Waiter, b: Waiter): boolean => {
  if (a.bytes.length !== b.bytes.length || a.transport !== b.transport || a.listener !== b.listener)
    return false;
  for (let i = 0; i < 4; i++) if (a.address[i] !== b.address[i]) return false;
  for (let i = 0; i < a.bytes.length; i++) if (a.bytes[i] !== b.bytes[i]) return false;
  return true;
};
