// What mandates make of lists, groups and scope: their lists are in force for every group that is not written out of scope.
//
// A pack adds and never takes away: however it stands, its lists refuse until a person decides otherwise, and that decision
// stands in the configuration with two names and a reason. What another mandate, or the operator, wants refused stays.
import { toSentence } from './evidence-leaf.ts';
import type { FormContext, FormOf } from './form.ts';
import { listsOf, type ReadMandate, sureOf } from './mandate-pack.ts';
import type { listItem } from './sections/lists.ts';
import { shippedList } from './sections/lists.ts';
import type { MandateDecision } from './sections/mandates.ts';

type List = FormOf<typeof listItem>;

/** A mandate in the configuration of a process. */
export interface MandateConfig extends ReadMandate {
  /** What people decided about it; undefined: nothing. */
  readonly decision: MandateDecision | undefined;
}

/** Whether a mandate asks for refusals here. */
export const isActive = ({ decision }: MandateConfig): boolean => decision?.outcome !== 'lift';

/** Lists of mandates that were lifted and that no other mandate asks for. */
export const liftedLists = (mandates: readonly MandateConfig[]): readonly string[] => {
  const active = new Set(mandates.filter(isActive).flatMap(({ mandate }) => listsOf(mandate)));
  return mandates
    .filter((one) => !isActive(one))
    .flatMap(({ mandate }) => listsOf(mandate))
    .filter((id, index, all) => !active.has(id) && all.indexOf(id) === index);
};

/** The lists that are in force; `written` are those that the operator named. */
export const withMandates = (
  lists: readonly List[],
  written: ReadonlySet<string>,
  mandates: readonly MandateConfig[],
  context: FormContext,
): readonly List[] => {
  const lifted = new Set(liftedLists(mandates));
  const all = new Map(
    lists.filter(({ id }) => written.has(id) || !lifted.has(id)).map((list) => [list.id, list]),
  );
  const active = mandates.filter(isActive);
  for (const id of active.flatMap(({ mandate }) => listsOf(mandate)))
    if (!all.has(id)) all.set(id, shippedList(id, context));
  return [...all.values()].map((list) => {
    const of = active.filter(({ mandate }) => demandsOf(mandate).includes(list.id));
    return of.length === 0 ? list : demanded(list, of);
  });
};

/** The lists of a mandate, with that of the authority. */
export const demandsOf = (mandate: ReadMandate['mandate']): readonly string[] => [
  ...listsOf(mandate),
  ...(mandate.authorityList === undefined ? [] : [mandate.authorityList.list]),
];

const demanded = (list: List, mandates: readonly MandateConfig[]): List => ({
  ...list,
  mandate: true,
  mandates: mandates.map(({ mandate: { id } }) => id),
  decision: list.decision ?? decisionOf(mandates),
  operators: [...list.operators, ...narrowed(list, mandates)],
});

/** What a list rests on, where the operator says nothing of it: the first basis of each mandate. */
const decisionOf = (mandates: readonly MandateConfig[]): List['decision'] => {
  const first = mandates.flatMap(({ mandate }) =>
    mandate.bases.slice(0, 1).map((basis) => ({ mandate, basis })),
  );
  const join = (texts: readonly string[]): string => toSentence([...new Set(texts)].join('; '));
  return {
    authority: join(first.map(({ basis }) => basis.authority)),
    reference: join(
      first.map(
        ({ basis, mandate }) => `${basis.reference} (${mandate.id}${howSure(mandate, basis.source)})`,
      ),
    ),
    text: undefined,
    inForceFromMs: Math.min(...first.map(({ basis }) => Date.parse(basis.since))),
    reviewMs: undefined,
    endsMs: undefined,
  };
};

/** Whoever reads it learns that the text behind it was not read. */
const howSure = (mandate: ReadMandate['mandate'], source: string): string =>
  sureOf(mandate, source) === 'primary' ? '' : ', known at second hand';

/** Operators that every mandate of the list was narrowed by: one that was not still wants them refused. */
const narrowed = (list: List, mandates: readonly MandateConfig[]): List['operators'] => {
  const known = new Set(list.operators.map(({ name }) => name));
  const [first, ...others] = mandates.map(({ decision }) => decision);
  if (first?.outcome !== 'narrow') return [];
  return first.operators
    .filter((name) => !known.has(name) && others.every((one) => one?.operators.includes(name) === true))
    .map((name) => ({
      name,
      refuse: false,
      decision: {
        ...{ authority: first.authority, reference: first.reference, text: first.reason },
        ...{ inForceFromMs: first.fromMs, reviewMs: undefined, endsMs: undefined },
      },
    }));
};
