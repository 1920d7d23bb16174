// Sends the queries of tries: over UDP, or over a connection. Hot file.
import { formatName, formatType, type Question } from '../../wire/dns/dns.ts';
import { createQuery, writeQuery } from './query.ts';
import type { Traffic } from './traffic.ts';
import type { Try } from './try.ts';
import { copyMessage } from './upstream-answer.ts';

/** Sends the query of a try, over UDP unless its endpoint or a guard says otherwise. */
export const sendTry = (traffic: Traffic, attempt: Try): void => {
  const { endpoint, flight } = attempt;
  if (endpoint.transport !== 'udp') {
    sendStreamed(traffic, attempt);
  } else if (
    endpoint.forgeries.hasAlerted &&
    endpoint.isGuarded(() => traffic.guardedZone(flight.question.name))
  ) {
    attempt.form.isGuarded = true;
    traffic.observer.guarded(endpoint.index);
    sendStreamed(traffic, attempt);
  } else {
    sendDatagram(traffic, attempt);
  }
};

/** Sends it over UDP. */
export const sendDatagram = (traffic: Traffic, attempt: Try): void => {
  const { endpoint, flight } = attempt;
  const channel = endpoint.channel(traffic.random.next());
  const id = channel.freeId(traffic.random);
  const cookie = attempt.form.hasEdns ? endpoint.nextCookie() : undefined;
  const query = channel.reserve();
  const length = writeQuery(query, id, flight.question, attempt.form.hasEdns ? 'edns' : 'bare', cookie);
  const isMixed = endpoint.mixLetters(query, flight.question.name.length, traffic.random);
  attempt.channel = channel;
  attempt.id = id;
  attempt.form.hasCookie = cookie !== undefined;
  attempt.form.letters = isMixed ? copyOf(query, length) : undefined;
  awaitAnswer(traffic, attempt);
  channel.send(id, attempt, length);
  traffic.observer.sent(endpoint.index, 'udp');
  traffic.observer.asked?.(endpoint.server.endpoint, 'udp', query, length);
  if (flight.question.trace !== undefined) traceSent(flight.question, endpoint.text, 'udp');
};

/** Over TCP, TLS or HTTPS. Letters are mixed only when the answer shall show whether the server keeps them. */
export const sendStreamed = (traffic: Traffic, attempt: Try): void => {
  const { endpoint, flight } = attempt;
  const { connection } = endpoint;
  const cookie = attempt.form.hasEdns ? endpoint.nextCookie() : undefined;
  const form = attempt.form.hasEdns ? (endpoint.isEncrypted ? 'padded' : 'edns') : 'bare';
  const query = createQuery(0, flight.question, form, cookie);
  const isMixed =
    attempt.doubt === 'case' && endpoint.mixLetters(query, flight.question.name.length, traffic.random);
  attempt.connection = connection;
  attempt.form.hasCookie = cookie !== undefined;
  attempt.form.letters = isMixed ? query : undefined;
  awaitAnswer(traffic, attempt);
  connection.send(attempt, query);
  const transport = endpoint.transport === 'udp' ? 'tcp' : endpoint.transport;
  traffic.observer.sent(endpoint.index, transport);
  traffic.observer.asked?.(endpoint.server.endpoint, transport, query, query.length);
  if (flight.question.trace !== undefined) traceSent(flight.question, endpoint.text, transport);
};

/** Puts the try into the wheel: for its own time or what is left of the question's, and until the hedge before. */
const awaitAnswer = (traffic: Traffic, attempt: Try): void => {
  const { flight, endpoint } = attempt;
  const { tick } = traffic.timer;
  const isBrief = flight.order.hasFallback && !endpoint.isHealthy;
  const tryTicks = isBrief ? traffic.timer.briefTicks : traffic.timer.toTicks(endpoint.roundTrip.patienceMs);
  const ticks = Math.max(1, Math.min(tryTicks, flight.order.limitTick - tick));
  attempt.sentAtMs = traffic.clock();
  // Each early try waits twice as long for the next one (RFC 6298 section 5.5).
  const { hedgeMs, retryMs: ownMs } = endpoint.roundTrip;
  const retryMs = (flight.order.endpoints.length > 1 ? hedgeMs : ownMs) * 2 ** flight.earlyCount;
  const retryTicks = flight.mayAskEarly ? traffic.timer.toTicks(retryMs) : ticks;
  attempt.isFresh = retryTicks < ticks;
  traffic.timer.start(attempt, ticks, retryTicks);
};

/** What an answer has to repeat. */
const copyOf = (query: Uint8Array, length: number): Uint8Array => {
  const copy = Buffer.allocUnsafe(length);
  copyMessage(query, length, copy);
  return copy;
};

/** Once per query that is explained. */
const traceSent = ({ name, type, trace }: Question, server: string, transport: string): void => {
  trace?.step('upstream', `${server} is asked for ${formatName(name)} ${formatType(type)} over ${transport}`);
};
