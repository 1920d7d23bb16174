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
import { NEXT, type Turn } from './turn.ts';

/** Decides a query that was read, by what is asked. NEXT: data is needed. */
export const decideQuestion = (turn: Turn, rules: InForce): number => {
  let end = admit(turn, rules);
  if (end === NEXT) end = checkEnvelope(turn);
  if (end === NEXT) end = requirePolicy(turn, rules);
  if (end === NEXT) end = answerLocally(turn, rules);
  if (end === NEXT && !turn.isRepeat) end = answerUnlisted(turn, rules);
  if (end === NEXT) end = judgeQuestion(turn, rules);
  if (end === NEXT) end = answerMeta(turn);
  if (end === NEXT) end = requireRd(turn);
  return end;
};

/** Decides it by what is there. NEXT: it has to be resolved. */
export const decideByCache = (turn: Turn, rules: InForce, flight: InFlight): number => {
  let end = answerFromCache(turn, rules);
  if (end === NEXT) end = answerFailed(turn, rules);
  if (end === NEXT) end = answerWithoutRd(turn, rules);
  if (end === NEXT) end = answerLate(turn, rules, flight);
  return end;
};
