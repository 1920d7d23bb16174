// Which endpoints of its route a question turns to, in which order, and how many at once. Hot file: one per question.
//
// The healthy endpoints by the route's strategy, the unhealthy ones after them. An endpoint that said no
// (SERVFAIL, REFUSED, …) or that the network cannot reach is not asked again for this question; one that was silent
// is, in a further round after all others, because a datagram may have been lost. Once some upstream has answered,
// however badly, there are no further rounds and unhealthy endpoints are left out: the client shall not wait the whole
// time for a failure that is known. The fallback comes when every endpoint has failed, instead of further rounds.
import type { RandomSource } from './random-pool.ts';
import type { Route } from './route.ts';
import { chooseEndpoint } from './strategy.ts';
import type { UpstreamEndpoint } from './upstream-endpoint.ts';

/** Tries at once of the strategy `parallel`: a third answer seldom comes before the first two, and each costs a query. */
const PARALLEL_TRIES_MAX = 3;
/** Tries at once of a hedged question. */
const HEDGED_TRIES_MAX = 2;
/** Tries of a question without a reason to stop; far more than its deadline allows. */
const TRIES_MAX = 1_000;

const NO_ENDPOINTS: readonly never[] = [];

/** The endpoints in turn; T is what waits on their sockets. One object serves many questions, one after the other. */
export class EndpointOrder<T> {
  /** Those of the route, later its fallback. */
  endpoints: readonly UpstreamEndpoint<T>[] = NO_ENDPOINTS;
  /** Tick at which they are given up: with a fallback to come, before the deadline. */
  limitTick = 0;
  /** Tries that may be open at once. */
  width = 1;
  openCount = 0;
  #strategy: Route<T>['strategy'] = 'ordered';
  #deadlineTick = 0;
  #fallback: readonly UpstreamEndpoint<T>[] = NO_ENDPOINTS;
  #triesLeft = TRIES_MAX;
  #hasFailed = false;
  #hasAnswer = false;
  #hasAnswerInTurn = false;
  /** Nobody in turn is healthy, and the fallback waits. */
  #isHurried = false;
  // Bits of the endpoints in turn: not to be chosen in this round, and not again.
  #askedBits = 0;
  #excludedBits = 0;

  /** Begins with another question. Up to `limitTick` the route's own endpoints have time, when there is a fallback. */
  begin(route: Route<T>, limitTick: number, deadlineTick: number): void {
    this.endpoints = route.endpoints;
    this.limitTick = route.fallback.length === 0 ? deadlineTick : limitTick;
    this.width = route.strategy === 'parallel' ? PARALLEL_TRIES_MAX : 1;
    this.openCount = 0;
    this.#strategy = route.strategy;
    this.#deadlineTick = deadlineTick;
    this.#fallback = route.fallback;
    this.#triesLeft = TRIES_MAX;
    this.#hasFailed = false;
    this.#hasAnswer = false;
    this.#hasAnswerInTurn = false;
    this.#isHurried = false;
    this.#askedBits = 0;
    this.#excludedBits = 0;
  }

  /** Leaves the endpoint of a text for a further round, if there is another one. */
  avoid(text: string): void {
    const index = this.endpoints.findIndex((endpoint) => endpoint.text === text);
    if (index >= 0 && this.endpoints.length > 1) this.#askedBits = 1 << index;
  }

  /** True when there is one server and nobody to fall back on. */
  get isOnly(): boolean {
    return this.endpoints.length === 1 && this.#fallback.length === 0;
  }

  /** True as long as the fallback has not been turned to. */
  get hasFallback(): boolean {
    return this.#fallback.length > 0;
  }

  /** The index in `endpoints` of the one to ask next; -1 when there is none, or none before an open try has ended. */
  next(tick: number, random: RandomSource): number {
    if (this.#triesLeft === 0) return -1;
    const index = tick < this.limitTick ? this.#choose(random) : -1;
    if (index >= 0 || this.openCount > 0) return index;
    if (this.#fallback.length > 0) {
      this.#turnToFallback();
    } else {
      if (this.#hasAnswer) return -1;
      // A further round.
      this.#askedBits = this.#excludedBits;
    }
    return tick < this.limitTick ? this.#choose(random) : -1;
  }

  /** The index in `endpoints` of a healthy one that was not asked yet, for a hedge; -1 when there is none. */
  nextHedge(random: RandomSource): number {
    return this.#triesLeft === 0 ? -1 : this.#chooseAmong(true, random);
  }

  /** From here on two tries may be open. */
  widen(): void {
    this.width = HEDGED_TRIES_MAX;
  }

  /** A try that was late is under way again. */
  reopened(): void {
    this.openCount++;
  }

  /** A try was begun at the endpoint of this bit: `1 << index`. */
  opened(bit: number): void {
    this.openCount++;
    this.#triesLeft--;
    this.#askedBits |= bit;
  }

  /** A try ended. */
  closed(): void {
    this.openCount--;
  }

  /** The try at the endpoint of this bit has failed; one that `isUseless` is not asked again. */
  failed(bit: number, isUseless: boolean): void {
    this.#hasFailed = true;
    if (isUseless) this.#excludedBits |= bit;
  }

  /** An endpoint has answered, however badly. */
  answered(): void {
    this.#hasAnswer = true;
    this.#hasAnswerInTurn = true;
  }

  /** A server, whose try has ended, says that the zone is at fault: one more may say so, too, and no third. */
  blameZone(): void {
    this.#triesLeft = Math.min(this.#triesLeft, this.openCount > 0 ? 0 : 1);
  }

  #choose(random: RandomSource): number {
    const index = this.#chooseAmong(true, random);
    if (index >= 0 || this.#hasAnswerInTurn) return index;
    if (this.openCount === 0 && this.#fallback.length > 0) {
      // Known to be down, and the fallback waits: several at once, so that little time is lost.
      this.#isHurried = true;
      this.width = PARALLEL_TRIES_MAX;
    }
    const mayBeUnhealthy = this.openCount === 0 || this.#hasFailed || this.#isHurried;
    return mayBeUnhealthy ? this.#chooseAmong(false, random) : -1;
  }

  #chooseAmong(isHealthy: boolean, random: RandomSource): number {
    const isFirst = this.#askedBits === 0;
    return chooseEndpoint(this.#strategy, this.endpoints, this.#askedBits, isHealthy, isFirst, random);
  }

  #turnToFallback(): void {
    this.endpoints = this.#fallback;
    this.#fallback = NO_ENDPOINTS;
    this.limitTick = this.#deadlineTick;
    this.width = this.#strategy === 'parallel' ? PARALLEL_TRIES_MAX : 1;
    this.#hasAnswerInTurn = false;
    this.#isHurried = false;
    this.#askedBits = 0;
    this.#excludedBits = 0;
  }
}
