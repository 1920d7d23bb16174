// Judgement: what the lists in force say of a question, and of an answer before it is given. Hot file.

import { SOURCE } from '../../base/words/words.ts';
import type { Policy } from '../../policy/policy.ts';
import { VALIDATION } from '../../telemetry/events/events.ts';
import { createEde, EDE, RCODE, type Targets } from '../../wire/dns/dns.ts';
import type { Answer } from '../cache/cache.ts';
import { answerNotReady } from './admission.ts';
import { enact, stops } from './enactment.ts';
import type { InForce } from './in-force.ts';
import type { Failure } from './outcome.ts';
import type { CandidateObserver } from './parts.ts';
import { NEXT, type QueryContext, REFRESH } from './query-context.ts';
import { writeAnswer } from './respond.ts';
import { writeAliased } from './rewrite.ts';

const EDE_INVALID_DATA = createEde(EDE.INVALID_DATA);
const EDE_STALE = createEde(EDE.STALE_ANSWER);
const EDE_STALE_NXDOMAIN = createEde(EDE.STALE_NXDOMAIN_ANSWER);

/** Of an answer's lifetime, the last part in which a query lets it be fetched anew. */
const PREFETCH_PART = 10;
/** Answers that live shorter, seconds, are not fetched before they expire: it would be most of the time. */
const PREFETCH_LIFETIME_SEC_MIN = 10;

/** Stage: policy before everything that depends on the type or the flags: none of them lets a listed name through. */
export const judgeQuestion = (context: QueryContext, rules: InForce): number => {
  const { policy } = rules;
  const { query, key, asker, verdict, watched, notes } = context;
  const { client } = asker;
  // Unreachable: requirePolicy() came first.
  if (policy === undefined) return answerNotReady(context);
  const { qnameLength, qtype } = query;
  policy.judgeQuestion(key.bytes, 0, qnameLength, qtype, asker.judged, client.group, verdict);
  context.parts.trace?.judged(context, undefined);
  if (verdict.refused) {
    const end = enact(context, rules, policy, undefined);
    if (end !== NEXT) return end;
  }
  if (policy.isWatching) {
    notes.remaining = verdict.remaining;
    policy.watchQuestion(key.bytes, qnameLength, client.group, verdict, watched);
    if (watched.refused) noteWatched(context, rules, undefined);
  }
  return NEXT;
};

/**
 * Judges an answer for the client and writes it, or what a rule says instead; NEXT when the rule leads elsewhere
 * (QueryContext.alias). Nothing that was resolved is given but through here or, once it is known to concern no rule, by
 * writeFresh().
 */
export const judgeAnswer = (
  context: QueryContext,
  rules: InForce,
  answer: Answer,
  source: number,
): number => {
  const { policy } = rules;
  const { query, asker, verdict, watched, alias, parts } = context;
  const { client } = asker;
  // Unreachable: requirePolicy() came first.
  if (policy === undefined) return answerNotReady(context);
  const { targets } = answer;
  if (targets.overflow) return context.answerEmpty(source, RCODE.SERVFAIL, EDE_INVALID_DATA);
  answer.choose(query.opt.dnssecOk);
  parts.trace?.found(context, source, answer);
  // The lists before the one with the alias have their say on where it leads.
  if (alias !== undefined) policy.judgeAlias(alias.target, client.group, verdict);
  if (alias === undefined || !stops(context)) policy.judgeTargets(targets, client.group, verdict);
  parts.trace?.judged(context, targets);
  if (verdict.refused) {
    if (parts.candidates !== undefined) noteCandidate(context, policy, parts.candidates);
    const end = enact(context, rules, policy, answer);
    if (end !== NEXT || context.alias !== alias) return end;
  } else if (policy.isWatching && !watched.refused) {
    policy.watchTargets(targets, client.group, context.notes.remaining, verdict, watched);
    if (watched.refused) noteWatched(context, rules, targets);
  }
  // Only on the second use: most names of the long tail are asked once.
  if (source === SOURCE.CACHE && alias === undefined && verdict.list < 0 && verdict.exempted.mask === 0) {
    if (policy.isUnlisted(context.key.bytes, query.qnameLength, targets))
      answer.markUnlisted(policy.generation);
  }
  if (source === SOURCE.STALE) return writeStale(context, rules, answer);
  if (alias === undefined) return writeFresh(context, rules, answer, source);
  context.answered(source, answer.rcode);
  return writeAliased(query, alias, answer, context.ageSecOf(answer), context.limit, context.out);
};

/**
 * Judges the aliases that led to a failure, so that a listed name is refused although nobody answers for it; NEXT when no
 * list decides by them, or when a rule leads elsewhere (QueryContext.alias).
 */
export const judgeAliases = (context: QueryContext, rules: InForce, { aliases }: Failure): number => {
  const { policy } = rules;
  const { verdict, parts } = context;
  if (aliases === undefined || policy === undefined || context.alias !== undefined) return NEXT;
  policy.judgeTargets(aliases.targets, context.asker.client.group, verdict);
  parts.trace?.judged(context, aliases.targets);
  if (!verdict.refused) return NEXT;
  if (parts.candidates !== undefined) noteCandidate(context, policy, parts.candidates);
  return enact(context, rules, policy, aliases);
};

/** Writes an answer that passes. One of the cache that expires soon is fetched anew. */
export const writeFresh = (context: QueryContext, rules: InForce, answer: Answer, source: number): number => {
  context.answered(source, answer.rcode);
  if (answer.secure) context.origin.validation = VALIDATION.SECURE;
  if (source === SOURCE.CACHE && rules.prefetch && context.asksResolver && expiresSoon(answer, context.nowMs))
    context.refresh = REFRESH.EARLY;
  return writeAnswer(context.query, answer, context.ageSecOf(answer), context.limit, context.out);
};

const writeStale = (context: QueryContext, { stale }: InForce, answer: Answer): number => {
  const { query, alias, out, limit } = context;
  context.answered(SOURCE.STALE, answer.rcode);
  if (alias !== undefined) return writeAliased(query, alias, answer, context.ageSecOf(answer), limit, out);
  const ede = answer.rcode === RCODE.NXDOMAIN ? EDE_STALE_NXDOMAIN : EDE_STALE;
  return writeAnswer(query, answer, 0, limit, out, ede, stale?.ttlSec ?? 0);
};

/** True in the last part of an answer's lifetime. */
const expiresSoon = ({ lifetimeSec, storedAtMs }: Answer, nowMs: number): boolean =>
  lifetimeSec >= PREFETCH_LIFETIME_SEC_MIN &&
  nowMs - storedAtMs >= lifetimeSec * 1000 * (1 - 1 / PREFETCH_PART);

const noteWatched = (context: QueryContext, rules: InForce, targets: Targets | undefined): void => {
  const { watched, notes, asker, query } = context;
  context.parts.trace?.watched(context, targets);
  if (asker.isProbe) return;
  const { list, match, trigger } = watched;
  if (targets !== undefined || !context.isRepeat)
    context.observer.refusal(list, match, trigger, asker.client.group, query.qtype);
  if (rules.events === undefined) return;
  notes.watched.take(watched, targets, undefined);
  notes.isAny = true;
};

/** The question passed, what it leads to does not. */
const noteCandidate = (context: QueryContext, policy: Policy, candidates: CandidateObserver): void => {
  const { list, line, trigger } = context.verdict;
  const { id = '', mandate = false } = policy.lists[list] ?? {};
  if (!mandate || context.alias !== undefined || context.asker.isProbe) return;
  candidates.candidate(context.key.bytes, context.query.qnameLength, id, line, trigger);
};
