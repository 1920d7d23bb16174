// What needs a person, the most urgent first.
import type { ActShown, Controls, RecorderStatus, StateShown } from '../admin/admin.ts';
import { DAY_MS } from '../base/base.ts';
import type { DecisionStatus, ExemptionPaper } from '../exemptions/exemptions.ts';
import type { ResolverStatus } from '../fleet/fleet.ts';
import type { Trouble } from './service-trouble.ts';

/** Before an end that somebody should know of, as designed. */
const EXEMPTION_MS = 7 * DAY_MS;
const REVIEW_SEC = 30 * 86_400;

type Need = StateShown['todo'][number];

/** What needs are found in. */
export interface NeedFacts {
  readonly nowMs: number;
  readonly lists: Awaited<ReturnType<NonNullable<Controls['lists']>['statuses']>>;
  readonly acts: readonly ActShown[];
  readonly papers: readonly (ExemptionPaper & { readonly isIncomplete: boolean })[];
  readonly decisions: readonly DecisionStatus[];
  readonly recorder: RecorderStatus | undefined;
  readonly hasAdministrator: boolean;
  /** Of the fleet's authority: every resolver. */
  readonly resolvers: readonly ResolverStatus[];
  readonly trouble: readonly Trouble[];
}

/** The needs in the order in which they should be looked at. */
export const needsOf = (facts: NeedFacts): Need[] => {
  const { nowMs, lists, acts, papers, decisions, recorder, hasAdministrator, resolvers, trouble } = facts;
  const need = (
    kind: Need['kind'],
    subject: string,
    to: string,
    text: string,
    more: Partial<Need> = {},
  ): Need => ({
    ...{ kind, subject, to, text, since: null, due: null },
    ...more,
  });
  const ending = papers.filter(
    ({ state, until }) => state === 'active' && Date.parse(until) - nowMs < EXEMPTION_MS,
  );
  return [
    ...(recorder?.isVerified === false
      ? [need('records-not-whole', 'records', '/proof?tab=records', 'The records are not whole')]
      : []),
    ...trouble.map(({ kind, subject, text, sinceMs, dueMs }) =>
      need(kind, subject, PLACES[kind] ?? '/', text, { since: timeOrNull(sinceMs), due: timeOrNull(dueMs) }),
    ),
    ...lists.flatMap(({ id, held, inForce }) =>
      held === null
        ? []
        : [
            need(
              'list-held',
              id,
              '/lists',
              `List ${id} is held: ${held.entries} rules came after ${inForce?.entries ?? 0}`,
              {
                since: held.since,
              },
            ),
          ],
    ),
    ...acts
      .filter(({ state }) => state === 'waiting')
      .map(({ id, summary, by, askedAt, expiresAt }) =>
        need('act-waiting', id, '/acts', `${summary}: asked by ${by}`, { since: askedAt, due: expiresAt }),
      ),
    ...papers
      .filter(({ state }) => state === 'requested')
      .map(({ id, requestedBy, requestedAt, from }) =>
        need(
          'exemption-waiting',
          id,
          `/exemptions/${id}`,
          `Exemption ${id} waits for an approver; asked by ${requestedBy}`,
          {
            ...{ since: requestedAt, due: from },
          },
        ),
      ),
    ...ending.map(({ id, until }) =>
      need('exemption-ends', id, `/exemptions/${id}`, `Exemption ${id} ends`, { due: until }),
    ),
    ...papers
      .filter(({ isIncomplete }) => isIncomplete)
      .map(({ id }) =>
        need(
          'exemption-incomplete',
          id,
          `/exemptions/${id}`,
          `Exemption ${id} would be refused by the rules as they are`,
        ),
      ),
    ...decisions
      .filter(({ reviewSec }) => reviewSec !== null && reviewSec < REVIEW_SEC)
      .map(({ list, decision }) =>
        need('mandate-review', list, `/lists/${list}`, `The decision behind ${list} is to be reviewed`, {
          due: decision.review === undefined ? null : new Date(decision.review).toISOString(),
        }),
      ),
    ...lists
      .filter(({ kept }) => (kept?.failures ?? 0) > 0 && kept?.isStale !== true)
      .map(({ id, kept }) =>
        need('list-failing', id, `/lists/${id}`, `List ${id} is not reached: ${kept?.lastFailure ?? ''}`, {
          since: kept?.checkedAt ?? null,
        }),
      ),
    ...lists
      .filter(({ mandate, kept }) => mandate === true && kept?.isStale === true)
      .map(({ id, kept }) =>
        need('list-stale', id, `/lists/${id}`, `List ${id} was not reached`, {
          since: kept?.checkedAt ?? null,
        }),
      ),
    ...resolvers.flatMap(({ name, heard, needs }) => {
      const [first] = needs;
      if (first === undefined) return [];
      if (first.kind === 'unheard')
        return [need('resolver-unheard', name, '/resolvers', `${name} is not heard`, { since: heard })];
      const text = `${first.kind}${first.text === '' ? '' : `: ${first.text}`}`;
      return [need('resolver-trouble', name, '/resolvers', text, { since: first.since })];
    }),
    ...(hasAdministrator ? [] : [need('set-up', 'room', '/settings', 'Nobody is administrator yet')]),
  ];
};

/** Where each is looked into; the rest is said by the overview itself. */
const PLACES: Readonly<Partial<Record<Trouble['kind'], string>>> = {
  'exemptions-unusable': '/exemptions',
  'approvers-open': '/settings',
  'approver-by-name': '/settings',
  'exemptions-unproven': '/exemptions',
  'output-stuck': '/proof?tab=records',
  'clock-wrong': '/proof?tab=records',
  'witness-conflict': '/proof?tab=records',
  'witness-away': '/proof?tab=records',
};

const timeOrNull = (ms: number | undefined): string | null =>
  ms === undefined ? null : new Date(ms).toISOString();
