// Mandates as decisions on record: which stood how, from when, on what basis, and what people decided about it.
//
// They take the way of the decisions of lists: compared at each start and reload with what was recorded last, so that a pack
// whose standing changes is a record of that moment, and the report of a period says which basis held when.
import type { Config } from '../../config/config.ts';
import {
  DECISION_LINE_MAX,
  type Decision,
  type Duties,
  toDay,
} from '../../evidence/exemptions/exemptions.ts';
import { dutiesOf } from '../health/health.ts';

type MandateConfig = Config['mandates'][number];

/** Of what was done by the days of one mandate, each change of it writes so much: sixteen years of quarters. */
const DONE_MAX = 64;
/** Characters of who did it, and of what shows it. */
const NOTE_MAX = 200;

/** What decisions about a mandate stand under, where those of a list have its `id`, which has no blank. */
const PREFIX = 'mandate ';

/** True for the subject of a decision about a mandate, not about a list. */
export const isOfMandate = (subject: string): boolean => subject.startsWith(PREFIX);

/** By `mandate ID`. */
export const mandateDecisionsOf = ({
  mandates,
  mandatesDone,
}: Pick<Config, 'mandates' | 'mandatesDone'>): readonly (readonly [string, Decision])[] =>
  mandates.map((one) => [`${PREFIX}${one.mandate.id}`, toDecision(one, mandatesDone)] as const);

const toDecision = (
  { mandate, decision, sha256 }: MandateConfig,
  mandatesDone: Config['mandatesDone'],
): Decision => ({
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
    ...daysOf(dutiesOf(mandate, mandatesDone)),
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

/** Its days as a record keeps them: the latest that were met, and until when there were more. */
const daysOf = ({
  duties,
  done,
}: Duties): Pick<NonNullable<Decision['mandate']>, 'duties' | 'done' | 'doneBefore'> => {
  const ordered = done.toSorted((a, b) => (a.due < b.due ? 1 : -1));
  const [kept, cut] = [ordered.slice(0, DONE_MAX), ordered[DONE_MAX]];
  const shown = kept.map((one) => ({
    ...one,
    by: bounded(one.by, NOTE_MAX),
    reference: bounded(one.reference, NOTE_MAX),
  }));
  return {
    ...(duties.length === 0 ? {} : { duties: duties.map((one) => ({ ...one, text: bounded(one.text) })) }),
    ...(shown.length === 0 ? {} : { done: shown }),
    ...(cut === undefined ? {} : { doneBefore: cut.due }),
  };
};

/** The day of UTC with which the earliest of some dates begins. */
const firstDay = (dates: readonly string[]): string =>
  toDay(Math.min(...dates.map((date) => Date.parse(date))));

/** As much of a text as a record of a decision may have. */
const bounded = (text: string, max = DECISION_LINE_MAX): string =>
  text.length <= max ? text : `${text.slice(0, max - 1)}…`;

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
