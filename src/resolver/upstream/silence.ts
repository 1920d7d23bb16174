// What is done while a try is silent: another endpoint is asked early, then the try is given up for late. Hot file.
//
// While a try is silent for longer than its endpoint usually is (RFC 6298), another endpoint is asked as well, or the same
// one once more, and the first usable answer wins, also one to a try that was given up for late. Silence is the endpoint's
// fault only when it answered nothing meanwhile; otherwise the zone's, which is not asked about for a while (SilentZones).
import type { Traffic } from './traffic.ts';
import {
  advance,
  checkEndpoint,
  checkFlight,
  elapsedMs,
  endTry,
  finish,
  launch,
  relents,
  trustAgain,
} from './tries.ts';
import type { Try } from './try.ts';

/** Tries' times that a question waits before its silence counts for its zone: names of slow zones are answered by then. */
const SILENCE_TRIES = 1.5;

/** A try is due: for its hedge, for its end, or because everything ends. */
export const expire = (traffic: Traffic, attempt: Try): void => {
  const { flight } = attempt;
  checkFlight(attempt);
  if (traffic.isClosed) {
    endTry(traffic, attempt);
    if (flight.isOver || flight.order.openCount > 0) return;
    finish(traffic, flight, { kind: 'failure', reason: 'network', message: undefined });
  } else if (attempt.isFresh) {
    // Without a budget it is tried again later, the waits doubled: what was lost need not wait for its whole time.
    const laterTick = traffic.timer.tick + traffic.timer.toTicks(elapsedMs(traffic, attempt));
    attempt.isFresh = !askEarly(traffic, attempt) && laterTick < attempt.endTick;
    traffic.timer.waitOn(attempt, attempt.isFresh ? laterTick : attempt.endTick);
  } else if (attempt.isLate) {
    if (traffic.timer.tick < flight.deadlineTick) traffic.timer.waitOn(attempt, flight.deadlineTick);
    else endTry(traffic, attempt);
  } else if (traffic.timer.tick < attempt.endTick) {
    traffic.timer.waitOn(attempt, attempt.endTick);
  } else {
    fallSilent(traffic, attempt);
  }
};

/** A try was silent for its time. It goes on to be waited for, beside others. */
const fallSilent = (traffic: Traffic, attempt: Try): void => {
  const { endpoint, flight } = attempt;
  if (relents(traffic, attempt, 'timeout')) return;
  flight.question.trace?.step('upstream', `${endpoint.text} is of no use: timeout`);
  traffic.observer.failed(endpoint.index, 'timeout');
  trustAgain(attempt);
  const wasAlive = endpoint.answeredAtMs > attempt.sentAtMs;
  const isOfProbe = flight.route.isProbe === true;
  if (!wasAlive && endpoint.noteSilence(isOfProbe)) checkEndpoint(traffic, endpoint, flight.route);
  const leftTicks = flight.deadlineTick - traffic.timer.tick;
  if (flight.isOver || isOfProbe || leftTicks <= 0) {
    endTry(traffic, attempt);
  } else {
    attempt.isLate = true;
    endpoint.outstanding--;
    flight.order.closed();
    traffic.timer.waitOn(attempt, flight.deadlineTick);
  }
  if (flight.isOver) return;
  if (
    wasAlive &&
    !flight.isSilenceNoted &&
    traffic.timer.tick - flight.startTick > SILENCE_TRIES * traffic.timer.tryTicks
  ) {
    flight.isSilenceNoted = true;
    traffic.silent.fail(flight.question.name, flight.question.view, traffic.clock());
  }
  flight.note(attempt.bit, 'timeout', undefined);
  advance(traffic, flight);
};

/**
 * Asks another healthy endpoint as well, or the same one again where there is no other, if enough questions came without
 * that. Not about names below a zone that was silent or is slow: they would take what lost datagrams of others need.
 * False when it is worth another look later.
 */
const askEarly = (traffic: Traffic, attempt: Try): boolean => {
  const { flight, endpoint } = attempt;
  const { name, view } = flight.question;
  if (flight.isOver || !flight.mayAskEarly || traffic.timer.tick >= flight.order.limitTick) return true;
  if (traffic.silent.isDoubtful(name, view)) return true;
  if (endpoint.isSlowFor(name)) return true;
  const other = flight.order.nextHedge(traffic.random);
  if (other < 0 && (flight.order.endpoints.length > 1 || endpoint.isFull)) return true;
  if (!traffic.hedges.take()) return false;
  if (endpoint.answeredAtMs > attempt.sentAtMs) endpoint.noteEarly(name);
  flight.earlyCount++;
  if (other >= 0) traffic.observer.hedged(endpoint.index);
  flight.order.widen();
  launch(traffic, flight, Math.max(other, 0));
  return true;
};
