// The order in which a query is decided. Hot file.
//
// Each stage stands in a file of its own and says there why it stands where it does. They are called one by one, because
// an array of functions costs five times as much (ADR 0045). ARCHITECTURE.md, "Life of a query", follows this order.
import { admit, requirePolicy } from './admission.ts';
import { answerMeta, checkEnvelope, requireRd } from './envelope.ts';
import {
  answerFailed,
  answerFromCache,
  answerLate,
  answerUnlisted,
  answerWithoutRd,
  type InFlight,
} from './from-cache.ts';
import type { InForce } from './in-force.ts';
import { judgeQuestion } from './judgement.ts';
import { answerLocally } from './local-names.ts';
import { NEXT, type QueryContext } from './query-context.ts';

/** Decides a query that was read, by what is asked. NEXT: data is needed. */
export const decideQuestion = (context: QueryContext, rules: InForce): number => {
  let end = admit(context, rules);
  if (end === NEXT) end = checkEnvelope(context);
  if (end === NEXT) end = requirePolicy(context, rules);
  if (end === NEXT) end = answerLocally(context, rules);
  if (end === NEXT && !context.isRepeat) end = answerUnlisted(context, rules);
  if (end === NEXT) end = judgeQuestion(context, rules);
  if (end === NEXT) end = answerMeta(context);
  if (end === NEXT) end = requireRd(context);
  return end;
};

/** Decides it by what is there. NEXT: it has to be resolved. */
export const decideByCache = (context: QueryContext, rules: InForce, flight: InFlight): number => {
  let end = answerFromCache(context, rules);
  if (end === NEXT) end = answerFailed(context, rules);
  if (end === NEXT) end = answerWithoutRd(context, rules);
  if (end === NEXT) end = answerLate(context, rules, flight);
  return end;
};
