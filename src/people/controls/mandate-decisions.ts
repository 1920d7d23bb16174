// Mandates as decisions on record: which stood how, from when, on what basis, and what people decided about it.
//
// They take the way of the decisions of lists: compared at each start and reload with what was recorded last, so that a pack
// whose standing changes is a record of that moment, and the report of a period says which basis held when.
import type { Config } from '../../config/config.ts';
import { DECISION_LINE_MAX, type Decision, toDay } from '../../evidence/exemptions/exemptions.ts';

type MandateConfig = Config['mandates'][number];

/** What decisions about a mandate stand under, where those of a list have its `id`, which has no blank. */
const PREFIX = 'mandate ';

/** True for the subject of a decision about a mandate, not about a list. */
export const isOfMandate = (subject: string): boolean => subject.startsWith(PREFIX);

/** By `mandate ID`. */
export const mandateDecisionsOf = (mandates: Config['mandates']): readonly (readonly [string, Decision])[] =>
  mandates.map((one) => [`${PREFIX}${one.mandate.id}`, toDecision(one)] as const);

const toDecision = ({ mandate, decision, sha256 }: MandateConfig): Decision => ({
  authority: bounded([...new Set(mandate.bases.map(({ authority }) => authority))].join('; ')),
  reference: bounded(
    mandate.bases.map(({ reference, standing }) => `${reference} (${standing.value})`).join('; '),
  ),
  text: bounded(
    `${mandate.title.en}. ${standingText(mandate)} ${sourcesText(mandate)}${decidedText(decision)}`,
  ),
  inForceFrom: firstDay(mandate.bases.map(({ since }) => since)),
  ...(mandate.review === undefined ? {} : { review: firstDay([mandate.review]) }),
  mandate: {
    ...{ id: mandate.id, version: mandate.version, sha256 },
    standing: mandate.standing.value,
    ...(mandate.standing.since === undefined ? {} : { since: mandate.standing.since }),
    ...(mandate.standing.by === undefined ? {} : { by: mandate.standing.by }),
    lists: [...new Set(mandate.products.flatMap(({ lists }) => lists))],
  },
  ...(decision === undefined
    ? {}
    : {
        decided: {
          ...{ outcome: decision.outcome, of: decision.of, operators: [...decision.operators] },
          ...{ authority: decision.authority, reference: decision.reference, reason: decision.reason },
          ...{ from: toDay(decision.fromMs), by: decision.decidedBy, confirmedBy: decision.confirmedBy },
        },
      }),
});

/** The day of UTC with which the earliest of some dates begins. */
const firstDay = (dates: readonly string[]): string =>
  toDay(Math.min(...dates.map((date) => Date.parse(date))));

/** As much of a text as a record of a decision may have. */
const bounded = (text: string): string =>
  text.length <= DECISION_LINE_MAX ? text : `${text.slice(0, DECISION_LINE_MAX - 1)}…`;

/** How it stands, in a sentence. */
const standingText = ({ standing: { value, since, by } }: MandateConfig['mandate']): string =>
  `It is ${value}${since === undefined ? '' : ` since ${since}`}${by === undefined ? '' : `, by ${by}`}.`;

/** What people decided, in a sentence. */
const decidedText = (decision: MandateConfig['decision']): string => {
  if (decision === undefined) return '';
  const { outcome, of, operators, decidedBy, confirmedBy, authority, reference, reason } = decision;
  const whom = operators.length === 0 ? '' : ` (${operators.join(', ')})`;
  return ` Decided when it was ${of}: ${outcome}${whom}, by ${decidedBy}, confirmed by ${confirmedBy} (${authority}, ${reference}): ${reason}`;
};

/** How sure the sources are, in a sentence. */
const sourcesText = ({ sources }: MandateConfig['mandate']): string => {
  const unread = sources.filter(({ sure }) => sure !== 'primary').length;
  return unread === 0
    ? 'The text of each source was read.'
    : `${unread} of ${sources.length} sources are known at second hand only.`;
};
