// A question on its way through the endpoints of its route (EndpointOrder). Hot file: one for each question.
//
// Flights and tries are used again (Pool), but only after the plain life that nearly every question has: one try, whose
// answer ended both. Then neither a socket, nor the wheel, nor another try knows of them. After any other life they are
// garbage: a try that was overtaken or late still looks at its question.
import { fail } from 'node:assert/strict';
import { Reusable } from '../../base/base.ts';
import { type FailureReason, NO_QUESTION, type Question } from '../../wire/dns/dns.ts';
import { EndpointOrder } from './endpoint-order.ts';
import type { TryFault, UpstreamOutcome } from './exchange.ts';
import type { Route } from './route.ts';

/** Tries of a question that are begun before an earlier one has been silent for its whole time. */
const EARLY_TRIES_MAX = 2;

/** What a flight has that is nobody's: whoever looks at it finds no server to ask, and nobody to tell. */
const NO_ROUTE: Route<never> = {
  zone: NO_QUESTION.name,
  endpoints: [],
  fallback: [],
  strategy: 'ordered',
  probe: NO_QUESTION,
  isSingle: true,
};
const NOBODY = (): void => fail('a question that was over had an outcome once more');

/** A question in flight; T is what waits on the sockets of the endpoints. */
export class Flight<T> extends Reusable {
  question: Question = NO_QUESTION;
  route: Route<T> = NO_ROUTE;
  readonly order = new EndpointOrder<T>();
  done: (outcome: UpstreamOutcome) => void = NOBODY;
  /** Number of the use of its question, which it must not outlive. */
  questionUse = 0;
  /** Tick of the wheel at which it began, and at which it is given up. */
  startTick = 0;
  deadlineTick = 0;
  /** The try that was begun last; see Try.sibling. */
  last: T | undefined = undefined;
  /** Tries that were begun early. */
  earlyCount = 0;
  /** The silence of its zone was noted. */
  isSilenceNoted = false;
  /** The outcome was handed over; tries that are open are overtaken. */
  isOver = false;

  /** Why the question fails if nothing better comes. */
  reason: FailureReason = 'overload';
  /** The last SERVFAIL or REFUSED answer. */
  message: Uint8Array | undefined = undefined;

  /** Ends it, when nobody wants its answer any more; one function for all questions that it serves. */
  readonly cancel: () => void;

  constructor(cancel: (flight: Flight<T>) => void) {
    super();
    this.cancel = () => cancel(this);
  }

  /** Begins with another question. Up to `limitTick` the route's own endpoints have time, when there is a fallback. */
  begin(
    question: Question,
    route: Route<T>,
    startTick: number,
    limitTick: number,
    deadlineTick: number,
    done: (outcome: UpstreamOutcome) => void,
  ): void {
    this.question = question;
    this.questionUse = useOf(question);
    this.route = route;
    this.order.begin(route, limitTick, deadlineTick);
    this.done = done;
    this.startTick = startTick;
    this.deadlineTick = deadlineTick;
    this.last = undefined;
    this.earlyCount = 0;
    this.isSilenceNoted = false;
    this.isOver = false;
    this.reason = 'overload';
    this.message = undefined;
    if (question.notFrom !== undefined) this.order.avoid(question.notFrom);
  }

  /** Lets go of what belongs to others. */
  clear(): void {
    this.question = NO_QUESTION;
    this.route = NO_ROUTE;
    this.done = NOBODY;
    this.last = undefined;
  }

  /** False when its question serves another asker by now, which nobody may see: see Interest. */
  get hasQuestion(): boolean {
    return useOf(this.question) === this.questionUse;
  }

  /** True while a silent try may lead to another one before its time is over. */
  get mayAskEarly(): boolean {
    return (
      this.earlyCount < EARLY_TRIES_MAX && this.route.strategy !== 'parallel' && this.route.isProbe !== true
    );
  }

  /** A try was begun at the endpoint of this bit: `1 << index`. */
  opened(bit: number): void {
    if (this.reason === 'overload') this.reason = 'timeout';
    this.order.opened(bit);
  }

  /** Records why the try at the endpoint of this bit, which has ended, failed. */
  note(bit: number, fault: TryFault, message: Uint8Array | undefined): void {
    this.order.failed(bit, fault !== 'timeout');
    if (fault === 'servfail' || fault === 'refused') {
      this.order.answered();
      this.reason = fault;
      this.message = message;
    } else if (fault === 'unsupported') {
      this.order.answered();
      if (this.message === undefined) this.reason = 'servfail';
    } else if (fault !== 'timeout' && this.reason === 'timeout') {
      this.reason = fault === 'overload' ? fault : 'network';
    }
  }
}

const useOf = ({ interest }: Question): number => interest?.use ?? 0;
