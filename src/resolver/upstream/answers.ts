// Reads what comes of tries: answers over UDP and over connections, and what may be forged. Hot file.
//
// An answer over UDP counts only when it came to the connected socket of the try with its ID and its question (RFC 5452
// section 9.1), and with its cookie and its letters where those were sent; anything else is counted and dropped. One that
// is right but for cookie or letters is neither believed nor waited for: the same question goes over TCP, which nobody
// forges blindly, and what comes that way is taken, and teaches how the server is.
import {
  FLAG,
  formatRcode,
  HEADER_LENGTH,
  isWorthReading,
  messageFlags,
  messageId,
  questionEnd,
  RCODE,
  skipName,
} from '../../wire/dns/dns.ts';
import type { ConnectionFault } from './connection.ts';
import type { CookieFit } from './cookie-jar.ts';
import type { TryFault, UpstreamOutcome } from './exchange.ts';
import { keepsLetters } from './letter-case.ts';
import { findFlaw, hasQuestion } from './response.ts';
import { sendDatagram, sendStreamed, sendTry } from './sending.ts';
import type { Traffic } from './traffic.ts';
import { checkFlight, elapsedMs, endTry, failTry, finishAnswered, resumeTry, stopTry } from './tries.ts';
import type { Try } from './try.ts';
import type { UdpChannel } from './udp-channel.ts';
import { createUpstreamAnswer, UpstreamAnswer } from './upstream-answer.ts';
import type { EndpointListener, UpstreamEndpoint } from './upstream-endpoint.ts';

/** What endpoints tell of their sockets and connections. */
export const answerListener = (traffic: Traffic): EndpointListener<Try> => ({
  datagram: (endpoint, channel, bytes, length) =>
    readDatagram(traffic, endpoint, channel, createUpstreamAnswer(bytes, length)),
  channelFault: (channel) => loseChannel(traffic, channel),
  message: (attempt, bytes) => readStreamed(traffic, attempt, bytes),
  fault: (attempt, fault) => loseStream(traffic, attempt, fault),
});

const readDatagram = (
  traffic: Traffic,
  endpoint: UpstreamEndpoint<Try>,
  channel: UdpChannel<Try>,
  answer: UpstreamAnswer,
): void => {
  const { message: bytes } = answer;
  const attempt = channel.waiting.get(messageId(bytes));
  if (attempt !== undefined) checkFlight(attempt);
  const flaw = findFlaw(bytes, attempt?.flight.question);
  if (flaw !== undefined || attempt === undefined) {
    traffic.observer.unwanted(endpoint.index, flaw ?? 'id');
    // An ID that was used is a late answer's.
    if (flaw === 'question' || (flaw === 'id' && !channel.hasUsed(messageId(bytes))))
      noteNearMiss(traffic, endpoint, bytes);
    answer.end();
    return;
  }
  if (changesLetters(attempt, bytes)) {
    doubt(traffic, attempt, 'case');
    return;
  }
  if ((messageFlags(bytes) & FLAG.TC) !== 0) {
    readTruncated(traffic, attempt);
    return;
  }
  const isSound = traffic.response.read(bytes, attempt.flight.question);
  if (isSound && attempt.form.hasCookie) {
    const fit = examineCookie(traffic, attempt, bytes);
    if (fit === 'missing') {
      doubt(traffic, attempt, 'cookie');
      return;
    }
    if (fit === 'wrong') {
      traffic.observer.unwanted(endpoint.index, 'cookie');
      noteNearMiss(traffic, endpoint, bytes);
      return;
    }
  }
  stopTry(traffic, attempt);
  judge(traffic, attempt, answer, isSound, true);
};

/** Somebody may have guessed all but a part of what makes an answer. */
const noteNearMiss = (traffic: Traffic, endpoint: UpstreamEndpoint<Try>, bytes: Uint8Array): void => {
  traffic.observer.nearMiss(endpoint.index);
  const end = skipName(bytes, HEADER_LENGTH, bytes.length);
  const zone = end > HEADER_LENGTH ? traffic.guardedZone(bytes.subarray(HEADER_LENGTH, end)) : 0;
  endpoint.forgeries.miss(zone, traffic.clock());
};

/** The answer did not fit into a datagram: the same question goes over TCP, unless nobody waits any more. */
const readTruncated = (traffic: Traffic, attempt: Try): void => {
  const { endpoint } = attempt;
  endpoint.noteAnswer(attempt.flight.question.name, elapsedMs(traffic, attempt), attempt.form.hasCookie);
  if (attempt.flight.isOver) {
    endTry(traffic, attempt);
    return;
  }
  stopTry(traffic, attempt);
  resumeTry(attempt);
  sendStreamed(traffic, attempt);
};

/** Drops an answer that may be forged, and asks over TCP. */
const doubt = (traffic: Traffic, attempt: Try, reason: 'case' | 'cookie'): void => {
  traffic.observer.unwanted(attempt.endpoint.index, reason);
  traffic.observer.nearMiss(attempt.endpoint.index);
  if (attempt.flight.isOver) {
    endTry(traffic, attempt);
    return;
  }
  stopTry(traffic, attempt);
  resumeTry(attempt);
  attempt.doubt = reason;
  sendStreamed(traffic, attempt);
};

/** A message over a connection: nobody else can have written it, so a wrong one ends the try. */
const readStreamed = (traffic: Traffic, attempt: Try, bytes: Uint8Array): void => {
  attempt.connection = undefined;
  stopTry(traffic, attempt);
  const flaw = findFlaw(bytes, attempt.flight.question);
  if (flaw !== undefined) {
    traffic.observer.unwanted(attempt.endpoint.index, flaw);
    failTry(traffic, attempt, 'malformed', undefined);
    return;
  }
  // A server that truncates here has no whole answer to give, and part of one must not be taken for it (RFC 2181 section 9).
  if ((messageFlags(bytes) & FLAG.TC) !== 0) {
    failTry(traffic, attempt, 'malformed', undefined);
    return;
  }
  const isSound = traffic.response.read(bytes, attempt.flight.question);
  if (isSound) {
    // What was doubted is the server's way after all.
    const fit = attempt.form.hasCookie ? examineCookie(traffic, attempt, bytes) : 'none';
    if (attempt.doubt === 'cookie' && fit !== 'fits') attempt.endpoint.cookies?.forget();
    if (attempt.doubt === 'case' && changesLetters(attempt, bytes)) attempt.endpoint.pauseLetters();
  }
  judge(traffic, attempt, new UpstreamAnswer(bytes), isSound, false);
};

const examineCookie = (traffic: Traffic, attempt: Try, bytes: Uint8Array): CookieFit => {
  const { cookieOffset, cookieLength } = traffic.response;
  return attempt.endpoint.cookies?.examine(bytes, cookieOffset, cookieLength) ?? 'none';
};

const COSTLY: UpstreamOutcome = { kind: 'failure', reason: 'costly', message: undefined };

/** Takes an answer whose try was stopped; the response reader has read it. */
const judge = (
  traffic: Traffic,
  attempt: Try,
  answer: UpstreamAnswer,
  isSound: boolean,
  isDatagram: boolean,
): void => {
  const { endpoint, flight } = attempt;
  const { message: bytes } = answer;
  resumeTry(attempt);
  if (!isSound) {
    traffic.observer.unwanted(endpoint.index, 'malformed');
    failTry(traffic, attempt, 'malformed', undefined);
    return;
  }
  if (attempt.form.letters !== undefined && hasQuestion(bytes))
    bytes.set(flight.question.name, HEADER_LENGTH);
  const { rcode, blamesZone } = traffic.response;
  const rttMs = elapsedMs(traffic, attempt);
  endpoint.noteAnswer(flight.question.name, rttMs, attempt.form.hasCookie);
  traffic.observer.answered(endpoint.index, rttMs, rcode);
  const transport = isDatagram || endpoint.transport !== 'udp' ? endpoint.transport : 'tcp';
  traffic.observer.told?.(endpoint.server.endpoint, transport, bytes, rttMs);
  traffic.silent.answered(flight.question.name, flight.question.view);
  flight.question.trace?.step('upstream', `${endpoint.text} answers ${formatRcode(rcode)}`);
  const fault = faultOfRcode(rcode);
  if (fault === undefined) {
    endTry(traffic, attempt);
    if (flight.isOver) return;
    answer.endpoint = endpoint.text;
    answer.rttMs = rttMs;
    answer.isEncrypted = endpoint.isEncrypted;
    answer.isOnly = flight.order.isOnly;
    // The server did its part. What it passed on is not worth what it would cost to read.
    const isWorth = isWorthReading(bytes, questionEnd(bytes, bytes.length));
    finishAnswered(traffic, attempt, isWorth ? answer : COSTLY);
  } else if (flight.isOver || fault !== 'unsupported' || !simplify(traffic, attempt, rcode, isDatagram)) {
    failTry(traffic, attempt, fault, bytes, blamesZone && fault === 'servfail');
  }
};

/** Sends a query that the server did not understand in another form; false when there is none. Each form once. */
const simplify = (traffic: Traffic, attempt: Try, rcode: number, isDatagram: boolean): boolean => {
  if (attempt.form.hasCookie && rcode === RCODE.BADCOOKIE) {
    // RFC 7873 section 5.3: once more with the cookie that came along, then over TCP.
    if (!isDatagram) return false;
    if (attempt.form.isCookieRefused) sendStreamed(traffic, attempt);
    else sendDatagram(traffic, attempt);
    attempt.form.isCookieRefused = true;
    return true;
  }
  if (attempt.form.hasCookie) {
    attempt.endpoint.cookies?.forget();
  } else if (attempt.form.hasEdns && !attempt.flight.question.dnssecOk) {
    // RFC 6891 section 7: an old server is asked once more without OPT; DNSSEC records cannot be had that way.
    attempt.form.hasEdns = false;
  } else {
    return false;
  }
  sendTry(traffic, attempt);
  return true;
};

const loseChannel = (traffic: Traffic, channel: UdpChannel<Try>): void => {
  for (const attempt of channel.waiting.values()) {
    // What ends meanwhile with another one waits here no longer.
    if (attempt.channel !== channel) continue;
    if (attempt.isLate) endTry(traffic, attempt);
    else failTry(traffic, attempt, 'network', undefined);
  }
};

const loseStream = (traffic: Traffic, attempt: Try, fault: ConnectionFault): void => {
  attempt.connection = undefined;
  if (attempt.isLate) endTry(traffic, attempt);
  else failTry(traffic, attempt, fault, undefined);
};

/** True when the query was in mixed case and the message, which repeats its question, is in another. */
const changesLetters = ({ form, flight }: Try, bytes: Uint8Array): boolean =>
  form.letters !== undefined &&
  hasQuestion(bytes) &&
  !keepsLetters(bytes, form.letters, flight.question.name.length);

/** What an RCODE says about the try; undefined when the message is an answer. */
const faultOfRcode = (rcode: number): TryFault | undefined => {
  if (rcode === RCODE.SERVFAIL) return 'servfail';
  if (rcode === RCODE.REFUSED) return 'refused';
  if (rcode === RCODE.FORMERR || rcode === RCODE.NOTIMP || rcode >= RCODE.BADVERS) return 'unsupported';
  // YXDOMAIN: what a DNAME makes of the name is too long (RFC 6672 section 2.2). The others answer no query.
  const isAnswer = rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN || rcode === RCODE.YXDOMAIN;
  return isAnswer ? undefined : 'servfail';
};
