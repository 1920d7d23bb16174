// Checks across mandates, lists and decisions: what a pack asks for is there and refuses, and a decision is about something.
import { foldPersonName } from '../base/base.ts';
import {
  type CrossCheckFacts,
  conflict,
  type Draft,
  isMap,
  itemsOf,
  listItemsOf,
  type Report,
  reportRepeat,
  unknown,
} from './draft.ts';
import { listsOf, type ReadMandate, type ReadMandates } from './mandate-pack.ts';
import { quote, suggest } from './value.ts';

/** Reports what does not fit together about mandates. */
export const checkMandates = (
  draft: Draft,
  facts: CrossCheckFacts,
  mandates: ReadMandates,
  report: Report,
): void => {
  checkPackLists(draft, facts, mandates, report);
  checkMandateDecisions(draft, facts, mandates, report);
  for (const [index, done] of itemsOf(draft['mandates-done']))
    checkKnown(draft, mandates, done?.mandate, ['mandates-done', index, 'mandate'], report);
};

/** Reports a mandate that the configuration does not name. */
const checkKnown = (
  draft: Draft,
  mandates: ReadonlyMap<number, ReadMandate>,
  id: string | undefined,
  path: readonly PropertyKey[],
  report: Report,
): void => {
  const ids = [...mandates.values()].map(({ mandate }) => mandate.id);
  // A pack that could not be read is reported already.
  if (id === undefined || ids.includes(id) || ids.length < [...itemsOf(draft.mandates)].length) return;
  const hint = suggest(id, ids) ?? (ids.length === 0 ? 'there is none' : `mandates are ${ids.join(', ')}`);
  report([...path], unknown(`${quote(id)} is no mandate of this configuration`, hint));
};

const checkPackLists = (
  draft: Draft,
  facts: CrossCheckFacts,
  mandates: ReadonlyMap<number, ReadMandate>,
  report: Report,
): void => {
  const written = listItemsOf(draft);
  for (const [index, { mandate }] of mandates) {
    for (const id of listsOf(mandate)) {
      if (facts.shippedIds.includes(id) || written.some(([, item]) => item?.id === id)) continue;
      const hint = 'write a list of this "id" into "extra-lists", with its file or address';
      report(['mandates', index], unknown(`the list ${quote(id)} of ${quote(mandate.id)} is not here`, hint));
    }
    for (const [path, item] of written) {
      if (item?.id === undefined || !listsOf(mandate).includes(item.id)) continue;
      if (facts.shippedIds.includes(item.id) && item.shipped !== item.id) {
        const text = `the mandate ${quote(mandate.id)} asks for the list that ships under this name`;
        report([...path, 'id'], conflict(text, 'give yours another "id"'));
      }
      for (const [name, wrong] of [
        ['mandate', false],
        ['allow', true],
        ['log-only', true],
      ] as const) {
        if (item[name] !== wrong) continue;
        const text = `the mandate ${quote(mandate.id)} asks for refusals by this list`;
        report(
          [...path, name],
          conflict(text, 'remove the key, or write the decision into "mandate-decisions"'),
        );
      }
    }
  }
};

const checkMandateDecisions = (
  draft: Draft,
  facts: CrossCheckFacts,
  mandates: ReadonlyMap<number, ReadMandate>,
  report: Report,
): void => {
  const seen = new Map<string, string>();
  const known = [...mandates.values()].map(({ mandate }) => mandate);
  for (const [index, decision] of itemsOf(draft['mandate-decisions'])) {
    if (!isMap(decision)) continue;
    const path = ['mandate-decisions', index];
    const { mandate: id, outcome } = decision;
    if (id !== undefined) reportRepeat(seen, id, [...path, 'mandate'], 'has a decision already', report);
    const mandate = known.find((one) => one.id === id);
    checkKnown(draft, mandates, id, [...path, 'mandate'], report);
    const [by, other] = [decision['decided-by'], decision['confirmed-by']];
    if (by !== undefined && other !== undefined && foldPersonName(by) === foldPersonName(other)) {
      const hint = 'what a mandate no longer asks for is decided by two';
      report([...path, 'confirmed-by'], conflict(`${quote(other)} decided it as well`, hint));
    }
    const operators = [...itemsOf(decision.operators)];
    if (outcome === 'narrow' && operators.length === 0)
      report(
        [...path, 'operators'],
        conflict('"narrow" is about operators', 'name them, or write "keep" or "lift"'),
      );
    if (outcome !== undefined && outcome !== 'narrow' && operators.length > 0)
      report([...path, 'operators'], conflict(`goes with "narrow" only, and this is ${quote(outcome)}`));
    const { shippedOperators } = facts;
    if (mandate === undefined || operators.length === 0 || shippedOperators === undefined) continue;
    const run = [...new Set(listsOf(mandate).flatMap((list) => shippedOperators(list) ?? []))];
    for (const [at, name] of operators) {
      if (name === undefined || run.includes(name)) continue;
      const hint = suggest(name, run) ?? `operators of its lists: ${run.join(', ')}`;
      report([...path, 'operators', at], unknown(`no entry of its lists is run by ${quote(name)}`, hint));
    }
  }
};
