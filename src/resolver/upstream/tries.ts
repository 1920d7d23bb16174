// The life of a question in flight: it begins tries, a try fails or ends, and the question is over once. Hot file.

import assert, { fail } from 'node:assert/strict';
import type { Question } from '../../wire/dns/dns.ts';
import type { TryFault, UpstreamOutcome } from './exchange.ts';
import { Flight } from './flight.ts';
import type { Route } from './route.ts';
import { sendDatagram, sendTry } from './sending.ts';
import type { Traffic } from './traffic.ts';
import { Try } from './try.ts';
import type { UpstreamEndpoint } from './upstream-endpoint.ts';

/** With a fallback, the route's own endpoints have half of the time. */
export const begin = (
  traffic: Traffic,
  question: Question,
  route: Route<Try>,
  ticks: number,
  done: (outcome: UpstreamOutcome) => void,
): void => {
  const { tick } = traffic.timer;
  traffic.inflight++;
  const flight = traffic.flights.take() ?? createFlight(traffic);
  flight.begin(question, route, tick, tick + Math.ceil(ticks / 2), tick + ticks, done);
  const { interest } = question;
  if (interest !== undefined) {
    interest.cancel = flight.cancel;
    interest.lookers++;
  }
  advance(traffic, flight);
};

/** By itself: what a closure holds is made when a function begins, also where the closure is not. */
const createFlight = (traffic: Traffic): Flight<Try> => new Flight<Try>((own) => abandon(traffic, own));

/** Nobody wants an answer any more: ends the question and all that is under way for it. */
const abandon = (traffic: Traffic, flight: Flight<Try>): void => {
  if (flight.isOver) return;
  for (let attempt = flight.last; attempt !== undefined; attempt = attempt.sibling)
    if (attempt.isOpen) endTry(traffic, attempt);
  finish(traffic, flight, { kind: 'failure', reason: 'overload', message: undefined });
};

/**
 * Asks the endpoints that may have recovered; nobody waits for the outcome. A copy of the question serves best,
 * because a server for one zone may ignore other names. An encrypted server gets the name of the zone instead: what
 * fails there is the connection, and a client's question is not shown to a server that it does not need.
 */
export const probeEndpoints = (
  traffic: Traffic,
  question: Question,
  route: Route<Try>,
  endpoints: readonly UpstreamEndpoint<Try>[],
): void => {
  for (const endpoint of endpoints) {
    if (endpoint.isHealthy || traffic.inflight >= traffic.inflightMax || !endpoint.takeProbe()) continue;
    const probe = endpoint.isEncrypted ? route.probe : copyOf(question);
    begin(traffic, probe, createProbeRoute(route, endpoint), traffic.timer.tryTicks, ignoreOutcome);
  }
};

/** Begins as many tries as may be open; without any, the question has failed. */
export const advance = (traffic: Traffic, flight: Flight<Try>): void => {
  while (flight.order.openCount < flight.order.width) {
    const index = flight.order.next(traffic.timer.tick, traffic.random);
    if (index < 0) break;
    launch(traffic, flight, index);
  }
  if (flight.order.openCount > 0) return;
  finish(traffic, flight, { kind: 'failure', reason: flight.reason, message: flight.message });
};

/** Begins a try at one of the endpoints in turn. */
export const launch = (traffic: Traffic, flight: Flight<Try>, index: number): void => {
  const endpoint = flight.order.endpoints[index];
  assert(endpoint !== undefined, 'a try without an endpoint');
  const bit = 1 << index;
  const attempt = traffic.tries.take() ?? new Try(flight, endpoint, bit);
  attempt.begin(flight, endpoint, bit);
  attempt.sibling = flight.last;
  flight.last = attempt;
  flight.opened(attempt.bit);
  endpoint.outstanding++;
  sendTry(traffic, attempt);
};

export const failTry = (
  traffic: Traffic,
  attempt: Try,
  fault: TryFault,
  message: Uint8Array | undefined,
  blamesZone = false,
): void => {
  const { endpoint, flight } = attempt;
  if (relents(traffic, attempt, fault)) return;
  flight.question.trace?.step('upstream', `${endpoint.text} is of no use: ${fault}`);
  endTry(traffic, attempt);
  traffic.observer.failed(endpoint.index, fault);
  if (isFaultOfPath(fault)) {
    endpoint.noteFault();
    trustAgain(attempt);
  }
  if (flight.isOver) return;
  flight.note(attempt.bit, fault, message);
  if (blamesZone) flight.order.blameZone();
  advance(traffic, flight);
};

/** TCP cannot tell the truth: better the answers that there are than none. */
export const trustAgain = ({ endpoint, doubt }: Try): void => {
  if (doubt === 'cookie') endpoint.cookies?.forget();
  if (doubt === 'case') endpoint.pauseLetters();
};

/** Sends a query over UDP after all when it went over TCP for fear of a forger, and TCP does not work. */
export const relents = (traffic: Traffic, attempt: Try, fault: TryFault): boolean => {
  if (!attempt.form.isGuarded || attempt.flight.isOver || !isFaultOfPath(fault)) return false;
  attempt.form.isGuarded = false;
  attempt.endpoint.forgeries.relent(traffic.clock());
  stopTry(traffic, attempt);
  sendDatagram(traffic, attempt);
  return true;
};

/** Asks an endpoint what any server answers: whether it is down, or only silent about the names that were asked. */
export const checkEndpoint = (traffic: Traffic, endpoint: UpstreamEndpoint<Try>, route: Route<Try>): void => {
  if (traffic.isClosed) return;
  begin(traffic, route.probe, createProbeRoute(route, endpoint), traffic.timer.briefTicks, ignoreOutcome);
};

/** A late try is under way again. */
export const resumeTry = (attempt: Try): void => {
  if (!attempt.isLate) return;
  attempt.isLate = false;
  attempt.endpoint.outstanding++;
  attempt.flight.order.reopened();
};

/** Ends the thread when the flight of a try, or its question, is another one by now: that one would get this one's outcome. */
export const checkFlight = ({ flight, flightUse }: Try): void => {
  if (flight.use !== flightUse || !flight.hasQuestion)
    fail('a try outlived the question that it was made for');
};

/** No answer to the query under way is taken any more. */
export const stopTry = (traffic: Traffic, attempt: Try): void => {
  checkFlight(attempt);
  if (attempt.channel !== undefined) {
    attempt.channel.release(attempt.id);
    attempt.channel = undefined;
  } else if (attempt.connection !== undefined) {
    attempt.connection.release(attempt);
    attempt.connection = undefined;
  }
  traffic.timer.remove(attempt);
};

/** Ends a try. */
export const endTry = (traffic: Traffic, attempt: Try): void => {
  stopTry(traffic, attempt);
  attempt.isOpen = false;
  if (attempt.isLate) return;
  attempt.endpoint.outstanding--;
  attempt.flight.order.closed();
};

/** Tries that are still open are overtaken: see Try. Late ones are waited for no longer. */
export const finish = (traffic: Traffic, flight: Flight<Try>, outcome: UpstreamOutcome): void => {
  // Once, whoever calls: who asked is somebody else's by then. A try that failed as it was sent has gone on by itself.
  if (flight.isOver) return;
  flight.isOver = true;
  traffic.inflight--;
  if (flight.question.interest !== undefined) flight.question.interest.cancel = undefined;
  for (let attempt = flight.last; attempt !== undefined; attempt = attempt.sibling)
    if (attempt.isOpen && attempt.isLate) endTry(traffic, attempt);
  flight.done(outcome);
};

/** Ends a question by the answer to a try that has ended. After a plain life, flight and try are kept for another one. */
export const finishAnswered = (traffic: Traffic, attempt: Try, outcome: UpstreamOutcome): void => {
  const { flight } = attempt;
  const isPlain = flight.last === attempt && attempt.sibling === undefined;
  // Before who asked is told, because that one may use the question again at once.
  if (isPlain && flight.question.interest !== undefined) flight.question.interest.lookers--;
  finish(traffic, flight, outcome);
  if (!isPlain) return;
  flight.clear();
  traffic.flights.give(flight);
  traffic.tries.give(attempt);
};

/** Since its query was sent. */
export const elapsedMs = (traffic: Traffic, attempt: Try): number =>
  Math.max(0, traffic.clock() - attempt.sentAtMs);

const ignoreOutcome = (): void => {};

/** A probe is not the asker's to end, and may outlive what the asker has. Allocates, once per probe. @cold */
const copyOf = (question: Question): Question => ({
  ...question,
  name: Uint8Array.from(question.name),
  interest: undefined,
});

/** A route to nothing but one endpoint. Allocates, once per probe. */
const createProbeRoute = (route: Route<Try>, endpoint: UpstreamEndpoint<Try>): Route<Try> => ({
  zone: route.zone,
  endpoints: [endpoint],
  fallback: [],
  strategy: 'ordered',
  probe: route.probe,
  isSingle: true,
  isProbe: true,
});

/** True for faults that say that the endpoint cannot be reached, or is not what it should be. */
const isFaultOfPath = (fault: TryFault): boolean =>
  fault === 'timeout' || fault === 'network' || fault === 'certificate';
