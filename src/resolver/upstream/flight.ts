// A question on its way through the endpoints of its route (EndpointOrder). Hot file: one object per question.
import type { FailureReason, Question } from '../../wire/dns/dns.ts';
import { EndpointOrder } from './endpoint-order.ts';
import type { TryFault, UpstreamOutcome } from './exchange.ts';
import type { Route } from './route.ts';

/** Tries of a question that are begun before an earlier one has been silent for its whole time. */
const EARLY_TRIES_MAX = 2;

/** A question in flight; T is what waits on the sockets of the endpoints. */
export class Flight<T> {
  readonly question: Question;
  readonly route: Route<T>;
  readonly order: EndpointOrder<T>;
  readonly done: (outcome: UpstreamOutcome) => void;
  /** Tick of the wheel at which it began, and at which it is given up. */
  readonly startTick: number;
  readonly deadlineTick: number;
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

  /** Up to `limitTick` the route's own endpoints have time, when there is a fallback. */
  constructor(
    question: Question,
    route: Route<T>,
    startTick: number,
    limitTick: number,
    deadlineTick: number,
    done: (outcome: UpstreamOutcome) => void,
  ) {
    this.question = question;
    this.route = route;
    this.order = new EndpointOrder(route, limitTick, deadlineTick);
    this.done = done;
    this.startTick = startTick;
    this.deadlineTick = deadlineTick;
    if (question.notFrom !== undefined) this.order.avoid(question.notFrom);
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
      this.reason = 'network';
    }
  }
}
