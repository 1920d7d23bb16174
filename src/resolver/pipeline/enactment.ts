// Enactment: the rule that prevailed, turned into an answer. Hot file.
//
// A new action is a word in policy's ACTION and a case in writeAction().

import { DROP, SOURCE, TRANSPORT } from '../../base/words/words.ts';
import {
  ACTION,
  type BlockMode,
  LIST_COUNT_MAX,
  type Policy,
  type PolicyList,
  Verdict,
} from '../../policy/policy.ts';
import type { Answer } from '../cache/cache.ts';
import { answerNotReady } from './admission.ts';
import type { InForce } from './in-force.ts';
import { namedTarget, writeData } from './local-data.ts';
import { DROPPED, NEXT, type QueryContext } from './query-context.ts';
import { NODATA, writeRefusal, writeTruncated } from './respond.ts';
import { edeOf } from './structured-error.ts';

const NXDOMAIN: BlockMode = { kind: 'nxdomain' };

/** True when the verdict ends the question: what sends to TCP is no word against whoever came that way. */
export const stops = ({ verdict, asker }: QueryContext): boolean =>
  verdict.refused && (verdict.action !== ACTION.TCP_ONLY || asker.transport === TRANSPORT.UDP);

/** Answers as the rule of the verdict says, about the question or about an answer; NEXT when it says to go on. */
export const enact = (
  context: QueryContext,
  rules: InForce,
  policy: Policy,
  answer: Answer | undefined,
): number => {
  const { verdict, asker, observer, query } = context;
  const named = judgeNamedTarget(context, policy, answer);
  const list = policy.lists[verdict.list];
  if (list === undefined) return answerNotReady(context);
  if (!stops(context)) return NEXT;
  noteRefusal(context, rules, answer, named);
  const length = writeAction(context, rules, list, answer);
  // A query that waited was counted before, unless it is refused only now.
  const isFirst = answer !== undefined || !context.isRepeat;
  if ((isFirst || length !== NEXT) && !asker.isProbe) {
    observer.refusal(verdict.list, verdict.match, verdict.trigger, asker.client.group, query.qtype);
  }
  if (length > 0) {
    context.answered(SOURCE.POLICY, (context.out[3] ?? 0) & 0xf);
    observer.policyAnswer(asker.transport);
  }
  return length;
};

const kept = new Verdict();

/**
 * An alias is judged when it is resolved; one that is answered itself is given without that. The lists that have a say on where it
 * leads have it here: what they refuse is refused by them, and where their data is an alias again, that is judged as well.
 * Returns the name that is refused.
 */
const judgeNamedTarget = (
  context: QueryContext,
  policy: Policy,
  answer: Answer | undefined,
): Uint8Array | undefined => {
  const { verdict, asker } = context;
  let named: Uint8Array | undefined;
  for (let round = 0; round < LIST_COUNT_MAX && verdict.action === ACTION.DATA; round++) {
    const target = namedTarget(context, answer);
    if (target === undefined || target.length === 0) return named;
    const { remaining } = verdict;
    kept.take(verdict);
    policy.judgeAlias(target, asker.client.group, verdict);
    if (!stops(context)) {
      verdict.take(kept);
      verdict.remaining = remaining;
      return named;
    }
    named = target;
    context.parts.trace?.judgedNamed(context, target);
  }
  // Rules that lead in a circle have no name for an answer.
  if (verdict.action === ACTION.DATA) verdict.action = ACTION.LIST;
  return named;
};

const writeAction = (
  context: QueryContext,
  rules: InForce,
  list: PolicyList,
  answer: Answer | undefined,
): number => {
  const { query, out } = context;
  switch (context.verdict.action) {
    case ACTION.DROP:
      context.origin.source = SOURCE.POLICY;
      context.observer.dropped(DROP.POLICY);
      return DROPPED;
    case ACTION.TCP_ONLY:
      return writeTruncated(query, out);
    case ACTION.NXDOMAIN:
      return writeRefusal(query, list, NXDOMAIN, edeOf(context, rules, list, NXDOMAIN), out);
    case ACTION.NODATA:
      return writeRefusal(query, list, NODATA, edeOf(context, rules, list, NODATA), out);
    case ACTION.DATA:
      return writeData(context, rules, list, answer);
    default:
      return writeRefusal(query, list, list.mode, edeOf(context, rules, list, list.mode), out);
  }
};

/** Notes the rule that answers in place of what was asked for; `named` is the name that it refuses where a rule led. */
const noteRefusal = (
  { notes, verdict, alias }: QueryContext,
  rules: InForce,
  answer: Answer | undefined,
  named: Uint8Array | undefined,
): void => {
  // What is refused all the same was not let pass by any exemption.
  notes.hitCount = 0;
  // A client that comes back over TCP gets what it asked for.
  const isNobodyTold = rules.events === undefined && rules.queryLog === undefined;
  if (isNobodyTold || verdict.action === ACTION.TCP_ONLY) return;
  notes.refusal.take(verdict, answer?.targets, named ?? alias?.target);
  notes.isAny = true;
};
