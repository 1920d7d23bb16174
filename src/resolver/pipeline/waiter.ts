// A query that waits. Hot file: one for each miss.
//
// Waiters are used again (Pool): one belongs to whoever was handed it last, and who has answered it gives it back with
// endWaiter(). What is answered afterwards all the same ends the thread: it would be somebody else's query by then.

import { fail } from 'node:assert/strict';
import { type AddressWords, createAddress, Pool, Reusable } from '../../base/base.ts';
import { TRANSPORT } from '../../base/words/words.ts';
import type { Shown } from '../../policy/access/access.ts';
import type { PipelineObserver } from './parts.ts';
import { PORT_OF_PROBE, type QueryContext } from './query-context.ts';
import type { Alias } from './rewrite.ts';

/**
 * Takes a finished answer; the bytes are only valid during the call. No bytes: nothing may be answered, because a
 * list says so.
 */
export type Reply = (message: Uint8Array) => void;

/** Bytes of a query that have room in each waiter: header, 80 bytes of name, OPT with a cookie. What is longer gets its own. */
const ORDINARY_BYTES = 128;
/** Waiters that are kept for the next queries: more than are in flight but in a flood, half a megabyte. */
const WAITERS_KEPT_MAX = 1024;
/** Bytes of a waiter beside those of a long query: objects, address, room of an ordinary query and the reply. */
export const WAITER_BYTES = 256 + ORDINARY_BYTES;

/** A query that waits. */
export class Waiter extends Reusable {
  readonly #room = new Uint8Array(ORDINARY_BYTES);
  /** A copy of the query, in the first `length` bytes. */
  bytes = this.#room;
  length = 0;
  /** The client is identified again for the answer: its group may have changed meanwhile. */
  readonly address: AddressWords = createAddress();
  /** Where the query came from: the forwarder's, where one asks for the client. */
  readonly peer: AddressWords = createAddress();
  port = 0;
  transport = 0;
  listener = '';
  shown: Shown | undefined = undefined;
  observer: PipelineObserver | undefined = undefined;
  reply: Reply = answeredBefore;
  sinceMs = 0;
  /** Where a rule led the question. */
  alias: Alias | undefined = undefined;
  /** It asks for what could not be validated (CD). */
  isUnchecked = false;

  /** What it takes of memory. */
  get sizeBytes(): number {
    return WAITER_BYTES + (this.bytes === this.#room ? 0 : this.length);
  }

  /** Copies a query of a client. */
  copy(query: Uint8Array, length: number, address: AddressWords, peer: AddressWords): void {
    const bytes = length <= ORDINARY_BYTES ? this.#room : new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = query[i] ?? 0;
    this.bytes = bytes;
    this.length = length;
    for (let i = 0; i < 4; i++) {
      this.address[i] = address[i] ?? 0;
      this.peer[i] = peer[i] ?? 0;
    }
  }

  /** Lets go of what belongs to others. */
  clear(): void {
    this.bytes = this.#room;
    this.shown = undefined;
    this.observer = undefined;
    this.reply = answeredBefore;
    this.alias = undefined;
  }
}

const answeredBefore = (): void => fail('a query was answered that had its answer');

const waiters = new Pool<Waiter>(WAITERS_KEPT_MAX);

/** Gives back a waiter that was answered. Nobody may look at it any more. */
export const endWaiter = (waiter: Waiter): void => {
  waiter.clear();
  waiters.give(waiter);
};

/** The query of a turn, to wait. */
export const createWaiter = (
  { query, asker, observer, nowMs, alias }: QueryContext,
  reply: Reply,
): Waiter => {
  const waiter = waiters.take() ?? new Waiter();
  waiter.copy(query.bytes, query.length, asker.address, asker.peer);
  // Its port may be another's by the time of the answer.
  waiter.port = asker.isProbe ? PORT_OF_PROBE : asker.port;
  waiter.transport = asker.transport;
  waiter.listener = asker.listener;
  waiter.shown = asker.shown;
  waiter.observer = observer;
  waiter.reply = reply;
  waiter.sinceMs = nowMs;
  waiter.alias = alias;
  waiter.isUnchecked = false;
  return waiter;
};

/** The same query, to wait for where a rule leads, in another waiter: the one before is about to be given back. */
export const ledTo = (before: Waiter, alias: Alias | undefined, isUnchecked: boolean): Waiter => {
  const waiter = waiters.take() ?? new Waiter();
  waiter.copy(before.bytes, before.length, before.address, before.peer);
  waiter.port = before.port;
  waiter.transport = before.transport;
  waiter.listener = before.listener;
  waiter.shown = before.shown;
  waiter.observer = before.observer;
  waiter.reply = before.reply;
  waiter.sinceMs = before.sinceMs;
  waiter.alias = alias;
  waiter.isUnchecked = isUnchecked;
  return waiter;
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
  if (a.length !== b.length || a.transport !== b.transport || a.listener !== b.listener) return false;
  for (let i = 0; i < 4; i++) if (a.address[i] !== b.address[i]) return false;
  for (let i = 0; i < a.length; i++) if (a.bytes[i] !== b.bytes[i]) return false;
  return true;
};
