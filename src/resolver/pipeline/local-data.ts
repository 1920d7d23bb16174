// The data of a rule ("local data" of RPZ): its records, or the alias that has to be resolved first.
//
// Not the everyday path: rules with data of their own are few, and an alias and its leads are made anew for each.

import { ACTION, type PolicyList } from '../../policy/policy.ts';
import { foldedName, HEADER_LENGTH, RCODE, TYPE } from '../../wire/dns/dns.ts';
import type { Answer } from '../cache/cache.ts';
import type { InForce } from './in-force.ts';
import { NEXT, type QueryContext } from './query-context.ts';
import { NODATA, writeEmpty, writeRefusal } from './respond.ts';
import { type Alias, aliasFor, aliasTarget, type Lead, leadTo, writeRecords } from './rewrite.ts';
import { edeOf } from './structured-error.ts';

/** Answers with the records of the rule; NEXT after noting the alias of one that leads elsewhere (QueryContext.alias). */
export const writeData = (
  context: QueryContext,
  rules: InForce,
  list: PolicyList,
  answer: Answer | undefined,
): number => {
  const { query, verdict, limit, out } = context;
  const { records } = verdict;
  const lead = answer && leadOf(context, answer);
  const alias = aliasFor(records, query.qtype);
  if (alias !== undefined) {
    const target = aliasTarget(alias, lead?.name ?? foldedQname(context));
    if (target === undefined) return writeEmpty(query, RCODE.YXDOMAIN, list.ede, out);
    if (context.alias !== undefined)
      return writeRecords(query, [{ ...alias, rdata: target }], lead, list.ede, limit, out);
    context.alias = {
      target,
      ttlSec: alias.ttlSec,
      lead,
      list: verdict.list,
      generation: rules.generation,
      line: verdict.line,
      match: verdict.match,
      trigger: verdict.trigger,
      isOfQuestion: answer === undefined,
      exemptionChange: rules.exemptionChange,
      validUntilMs: verdict.exempted.mask === 0 ? Number.POSITIVE_INFINITY : verdict.exempted.untilMs,
      ede: list.ede,
    };
    return NEXT;
  }
  const asked = query.qtype === TYPE.ANY ? records : records.filter(({ type }) => type === query.qtype);
  if (asked.length === 0) return writeRefusal(query, list, NODATA, edeOf(context, rules, list, NODATA), out);
  const target = namedTarget(context, answer);
  if (target === TOO_LONG) return writeEmpty(query, RCODE.YXDOMAIN, list.ede, out);
  const said =
    target === undefined
      ? asked
      : asked.map((record) => (record.type === TYPE.CNAME ? { ...record, rdata: target } : record));
  return writeRecords(query, said, lead, list.ede, limit, out);
};

/** The name that an alias leads to is none. */
const TOO_LONG = new Uint8Array(0);

/**
 * Where the rule's alias leads that is answered itself and not resolved, because it is asked for or another rule's alias led
 * here: folded, TOO_LONG, or undefined where there is none or it will be resolved.
 */
export const namedTarget = (context: QueryContext, answer: Answer | undefined): Uint8Array | undefined => {
  const { query, verdict } = context;
  if (query.qtype !== TYPE.CNAME && query.qtype !== TYPE.ANY && context.alias === undefined) return undefined;
  const alias = verdict.records.find(({ type }) => type === TYPE.CNAME);
  if (alias === undefined) return undefined;
  const lead = answer && leadOf(context, answer);
  return aliasTarget(alias, lead?.name ?? foldedQname(context)) ?? TOO_LONG;
};

/** True when an answer under an alias is the one that the rules in force call for; a rule of an answer is noted anew. */
export const isStillLedTo = (context: QueryContext, rules: InForce, alias: Alias | undefined): boolean => {
  if (isSameAlias(alias, context.alias)) return true;
  // A rule led there from an answer: under the same rules it still does.
  if (alias === undefined || context.alias !== undefined || alias.isOfQuestion) return false;
  if (alias.generation !== rules.generation || alias.exemptionChange !== rules.exemptionChange) return false;
  // It was met because an exemption took out a list before its own, and that exemption has ended.
  if (context.parts.clock() >= alias.validUntilMs) return false;
  context.alias = alias;
  context.verdict.list = alias.list;
  context.verdict.action = ACTION.DATA;
  if (rules.events !== undefined) context.notes.led(alias);
  return true;
};

const isSameAlias = (a: Alias | undefined, b: Alias | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && Buffer.compare(a.target, b.target) === 0);

/** How an answer leads to the name that the rule is about. */
const leadOf = (context: QueryContext, answer: Answer): Lead | undefined => {
  const { targetStart, targetLength } = context.verdict;
  if (targetLength === 0) return undefined;
  const name = answer.bytes.slice(targetStart, targetStart + targetLength);
  return leadTo(answer, foldedQname(context), name, context.ageSecOf(answer));
};

/** The key may hold the name that a rule leads to. */
const foldedQname = ({ query }: QueryContext): Uint8Array =>
  foldedName(query.bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + query.qnameLength));
