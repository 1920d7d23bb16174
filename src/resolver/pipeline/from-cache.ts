// Answers from the cache: a hit, what failed just now, and what is stale. Hot file.
//
// A stale answer is served only when no fresh one arrives in time, and is judged like any other (RFC 8767). A failure is
// remembered (RFC 9520), and answered with what is stale where that is better than nothing. RFCs 4035, 8767, 8914, 9520.

import { SOURCE } from '../../base/words/words.ts';
import { FLAG, readU16 } from '../../wire/dns/dns.ts';
import { type Answer, type CacheKey, KEY_FLAG, KEY_TAIL_BYTES, keyFlags } from '../cache/cache.ts';
import { type Asked, createAsked } from './asked.ts';
import { answerUnknown } from './envelope.ts';
import type { InForce } from './in-force.ts';
import { judgeAliases, judgeAnswer, writeFresh } from './judgement.ts';
import type { Failure } from './outcome.ts';
import { NEXT, type QueryContext, REFRESH } from './query-context.ts';
import type { Alias } from './rewrite.ts';

/** Questions in flight beside which nothing is fetched before somebody has to wait for it. */
const PREFETCH_INFLIGHT_MAX = 512;

/** The questions in flight. */
export interface InFlight {
  readonly size: number;
  has(key: CacheKey): boolean;
  /** True when the question has taken so long that nobody shall wait for it. */
  isLate(key: CacheKey): boolean;
  /** Asks for the cache alone. */
  refresh(asked: Asked): void;
}

/** Stage: a hit that concerns no rule of this generation, which is found out once: most answers of a network do not. */
export const answerUnlisted = (context: QueryContext, rules: InForce): number => {
  const { parts, observer } = context;
  context.nowMs = parts.clock();
  const answer = findAnswer(context, rules, context.query.qnameLength);
  context.answer = answer;
  if (answer === undefined || answer.unlistedGeneration !== rules.generation || !context.asksResolver)
    return NEXT;
  observer.cacheHit();
  parts.trace?.found(context, SOURCE.CACHE, answer);
  answer.choose(context.query.opt.dnssecOk);
  return writeFresh(context, rules, answer, SOURCE.CACHE);
};

/** Stage: a hit, which is judged. */
export const answerFromCache = (context: QueryContext, rules: InForce): number => {
  let answer = context.alias === undefined ? context.answer : findTarget(context, rules, context.alias);
  let end = NEXT;
  if (answer !== undefined) end = judgeAnswer(context, rules, answer, SOURCE.CACHE);
  if (end === NEXT && answer !== undefined && context.alias !== undefined) {
    // A rule leads from the answer elsewhere: only once, because an alias leads to no other one.
    answer = findTarget(context, rules, context.alias);
    if (answer !== undefined) end = judgeAnswer(context, rules, answer, SOURCE.CACHE);
  }
  if (answer === undefined) context.observer.cacheMiss();
  else context.observer.cacheHit();
  return end;
};

/** Stage: a question that failed just now is not asked again. */
export const answerFailed = (context: QueryContext, rules: InForce): number => {
  const failure = findFailure(context);
  if (failure === undefined) return NEXT;
  context.parts.trace?.remembered(failure.source);
  const { alias } = context;
  let end = judgeAliases(context, rules, failure);
  if (end !== NEXT) return end;
  if (context.alias !== undefined && context.alias !== alias)
    return answerElsewhere(context, rules, context.alias);
  if (failure.mayBeStale) end = answerStale(context, rules, true);
  return end === NEXT ? context.answerEmpty(SOURCE.CACHE, failure.rcode, failure.cachedEde) : end;
};

/** What the question of the sealed key failed with just now. Usually nothing did, and no text is made of the key. */
const findFailure = ({ key, parts, nowMs }: QueryContext): Failure | undefined =>
  parts.failures.size === 0 ? undefined : parts.failures.get(key.text, nowMs);

/** Answers for where a rule leads from the aliases of a failure, whose own answer is not there. */
const answerElsewhere = (context: QueryContext, rules: InForce, alias: Alias): number => {
  const answer = findTarget(context, rules, alias);
  return answer === undefined
    ? answerFailed(context, rules)
    : judgeAnswer(context, rules, answer, SOURCE.CACHE);
};

/** Stage: without RD nobody is asked for this client's sake; what is stale is fetched anew as for any other. */
export const answerWithoutRd = (context: QueryContext, rules: InForce): number => {
  if (context.asksResolver) return NEXT;
  const end = answerStale(context, rules, true);
  if (end === NEXT) return answerUnknown(context);
  context.refresh = REFRESH.LATE;
  return end;
};

/** Stage: a stale answer, when others have waited for a fresh one as long as a client should, or no client shall wait. */
export const answerLate = (context: QueryContext, rules: InForce, flight: InFlight): number => {
  if (rules.stale === undefined) return NEXT;
  const isLate = flight.isLate(context.key);
  if (rules.stale.afterMs > 0 && !isLate) return NEXT;
  const end = answerStale(context, rules, isLate);
  if (end !== NEXT) context.refresh = REFRESH.LATE;
  return end;
};

/** Fetches the answer of a turn anew. The last thing in a turn, because a resolver may answer at once. */
export const refresh = (context: QueryContext, rules: InForce, flight: InFlight): void => {
  const isEarly = context.refresh === REFRESH.EARLY;
  if (isEarly && flight.size >= PREFETCH_INFLIGHT_MAX) return;
  if (flight.has(context.key)) return;
  if (isEarly && findFailure(context) !== undefined) return;
  if (isEarly) context.observer.prefetched();
  flight.refresh(createAsked(context, rules, context.alias, undefined));
};

/** Answers with what is stale; NEXT when there is nothing, or a rule leads from there elsewhere. */
const answerStale = (context: QueryContext, rules: InForce, mayLive: boolean): number => {
  const { alias } = context;
  const end = judgeStale(context, rules, mayLive);
  if (end === NEXT) context.alias = alias;
  return end;
};

/**
 * Judges and writes the stale answer under the key, or one that is not stale when it `mayLive` (see getStale()); NEXT when
 * there is none, or a rule leads elsewhere (QueryContext.alias).
 */
export const judgeStale = (context: QueryContext, rules: InForce, mayLive: boolean): number => {
  if (rules.stale === undefined) return NEXT;
  const answer = getStale(context, context.key.length - KEY_TAIL_BYTES, context.nowMs, mayLive);
  if (answer === undefined) return NEXT;
  return judgeAnswer(context, rules, answer, isStale(answer, context.nowMs) ? SOURCE.STALE : SOURCE.CACHE);
};

const isStale = ({ lifetimeSec, storedAtMs }: Answer, nowMs: number): boolean =>
  nowMs < storedAtMs || nowMs - storedAtMs >= lifetimeSec * 1000;

/** The answer for the name that a rule leads to, which is put into the key. */
export const findTarget = (context: QueryContext, rules: InForce, { target }: Alias): Answer | undefined => {
  context.key.bytes.set(target);
  return findAnswer(context, rules, target.length);
};

/** The answer to the question for the folded name in the first bytes of the key, which is sealed. */
export const findAnswer = (context: QueryContext, rules: InForce, nameLength: number): Answer | undefined => {
  const { key, nowMs } = context;
  const { qtype, flags } = context.query;
  const { dnssecOk } = context.query.opt;
  const { cache } = context.parts;
  const { view } = context.asker.client;
  const isCheckingDisabled = (flags & FLAG.CD) !== 0;
  if (rules.resolver.joinsVariants?.(qtype) !== true) {
    cache.seal(key, nameLength, qtype, keyFlags(dnssecOk, isCheckingDisabled, view));
    return cache.get(key, nowMs);
  }
  cache.seal(key, nameLength, qtype, keyFlags(false, false, view));
  const answer = cache.get(key, nowMs);
  // What came when nobody validated may lack what this client asks for.
  if (answer !== undefined) return answer.isComplete || !dnssecOk ? answer : undefined;
  // A client that validates by itself gets what failed here, under a key of its own (RFC 4035 section 3.2.2).
  const failure = isCheckingDisabled ? findFailure(context) : undefined;
  if (failure === undefined) return undefined;
  const hasStale =
    failure.mayBeStale &&
    rules.stale !== undefined &&
    getStale(context, nameLength, nowMs, false) !== undefined;
  if (hasStale) return undefined;
  cache.seal(key, nameLength, qtype, keyFlags(false, true, view));
  return cache.get(key, nowMs);
};

/** The stale answer to a question, or one that does in its place. */
export const findStale = (
  context: QueryContext,
  { qname, question, flags }: Asked,
  nowMs: number,
): Answer | undefined => {
  const { key, parts } = context;
  key.bytes.set(qname);
  parts.cache.seal(key, qname.length, question.type, flags);
  return getStale(context, qname.length, nowMs, true);
};

/**
 * The stale answer under the key. For a client that asks for DNSSEC records one without them will do, also one that is not
 * stale when it `mayLive`: there is nothing better, and most clients that ask for them do not validate.
 */
const getStale = (
  { key, parts }: QueryContext,
  nameLength: number,
  nowMs: number,
  mayLive: boolean,
): Answer | undefined => {
  const { cache } = parts;
  const answer = cache.getStale(key, nowMs);
  if (answer !== undefined || (key.flags & KEY_FLAG.DNSSEC_OK) === 0) return answer;
  const { flags, bytes } = key;
  const type = readU16(bytes, nameLength);
  cache.seal(key, nameLength, type, flags & ~KEY_FLAG.DNSSEC_OK);
  const plain = cache.getStale(key, nowMs) ?? (mayLive ? cache.get(key, nowMs) : undefined);
  cache.seal(key, nameLength, type, flags);
  return plain;
};
