// A question in flight, and who waits for it. Hot file: one for each miss.
import { Reusable } from '../../base/base.ts';
import { type Asked, NOT_ASKED } from './asked.ts';
import type { Questions } from './questions.ts';
import type { Resolution } from './resolver.ts';
import type { Waiter } from './waiter.ts';

/** Questions in flight, each found by what it asks. */
export type Waiting = Questions<Pending>;

/** Where nothing is held. */
export const NO_SLOT = -1;
/** Questions that are kept for the next ones, as waiters are. */
export const PENDINGS_KEPT_MAX = 1024;
/** Who waits for most questions. */
const ORDINARY_WAITERS = 16;

/**
 * A question that was sent to the resolver. Used again (Pool) after the plain life that nearly every question has: nobody was
 * sent away for it, nobody got a stale answer, and all who waited had theirs at once.
 */
export class Pending extends Reusable {
  /** Without any, the answer is only for the cache. */
  waiters: Waiter[] = [];
  /** Waiters by the place of their client, from the second one on. */
  byPlace: Map<number, Waiter[]> | undefined = undefined;
  /** Runs when there is a stale answer, for those who have waited long enough. */
  timer: NodeJS.Timeout | undefined = undefined;
  /** True once the timer has run: later queries do not wait for it again. */
  isLate = false;
  /** True once it was evicted: the resolver may still say something. */
  isGivenUp = false;
  /** Its slot, or NO_SLOT once it has left. */
  slot = NO_SLOT;
  asked: Asked = NOT_ASKED;
  waiting: Waiting | undefined = undefined;
  sinceMs = 0;
  /** Takes what the resolver says; made when it is first needed, and anew after a resolver that may call again. */
  done: ((resolution: Resolution) => void) | undefined = undefined;
  /** Another question with the same hash; see Questions. */
  other: Pending | undefined = undefined;

  /** Puts a waiter among those of its place, where these are told apart. */
  place(waiter: Waiter, place: number): void {
    const own = this.byPlace?.get(place);
    if (own === undefined) this.byPlace?.set(place, [waiter]);
    else own.push(waiter);
  }

  /** Nobody looks at it any more. */
  get hadPlainLife(): boolean {
    return !this.isLate && !this.isGivenUp && this.slot === NO_SLOT && this.timer === undefined;
  }

  /** Lets go of what belongs to others; of `done` unless whoever was to call it has ended (Resolution.end()). */
  clear(hasEnded: boolean): void {
    if (!hasEnded) this.done = undefined;
    // An array that is emptied in one step lets go of its room as well, which is kept for a few and not for many.
    if (this.waiters.length > ORDINARY_WAITERS) this.waiters = [];
    else while (this.waiters.length > 0) this.waiters.pop();
    this.byPlace = undefined;
    this.asked = NOT_ASKED;
    this.waiting = undefined;
  }
}

/** True when somebody waits for the answer. */
export const isAwaited = ({ waiters }: Pending): boolean => waiters.length > 0;

/** What the resolver said, to be read. */
export interface Completion {
  readonly pending: Pending;
  readonly resolution: Resolution;
  readonly isKept: boolean;
}
