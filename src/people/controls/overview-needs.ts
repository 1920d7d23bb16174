// What needs a person, the most urgent first: what is wrong, and what waits for a decision.

import type { HealthIssue, HealthIssueId } from '../../base/words/words.ts';
import type { ExemptionPaper } from '../../evidence/exemptions/exemptions.ts';
import type { ActShown, StateShown } from '../admin/admin.ts';
import { isOfMandate } from './mandate-decisions.ts';

type Need = StateShown['todo'][number];

/** Of one kind: who reads that ten exemptions wait goes to where all of them are. */
const OF_KIND_MAX = 10;

/** What needs are found in. */
export interface NeedFacts {
  readonly issues: readonly HealthIssue[];
  readonly acts: readonly ActShown[];
  /** Exemptions that wait for an approver. */
  readonly requested: readonly ExemptionPaper[];
}

/**
 * The needs in the order in which they should be looked at, at most OF_KIND_MAX of a kind, and how many there are of each. What the
 * headline says itself is no need beside it.
 */
export const needsOf = (
  { issues, acts, requested }: NeedFacts,
  headline: string,
): { readonly todo: Need[]; readonly counts: StateShown['counts']['todo'] } => {
  const told = TOLD_BY_HEADLINE[headline] ?? [];
  const waiting = acts.filter(({ state }) => state === 'waiting');
  const count = new Map<Need['kind'], number>();
  const todo: Need[] = [];
  for (const { id, subject, text, sinceMs, dueMs } of issues) {
    if (told.includes(id)) continue;
    const known = count.get(id) ?? 0;
    count.set(id, known + 1);
    if (known >= OF_KIND_MAX) continue;
    todo.push({
      ...{ kind: id, subject, to: placeOf(id, subject), text },
      ...{ since: toText(sinceMs), due: dueMs === undefined ? null : toText(dueMs) },
    });
  }
  if (waiting.length > 0) count.set('act-waiting', waiting.length);
  if (requested.length > 0) count.set('exemption-waiting', requested.length);
  const firstLater = todo.findIndex(({ kind }) => LATER.has(kind));
  todo.splice(
    firstLater < 0 ? todo.length : firstLater,
    0,
    ...waiting.slice(0, OF_KIND_MAX).map(({ id, operation, summary, by, askedAt, expiresAt }) => ({
      ...({ kind: 'act-waiting', subject: id, to: '/acts' } as const),
      ...{ text: `${summary}: asked by ${by}`, since: askedAt, due: expiresAt, act: { operation, by } },
    })),
    ...requested.slice(0, OF_KIND_MAX).map(({ id, requestedBy, requestedAt, from }) => ({
      ...({ kind: 'exemption-waiting', subject: id, to: `/exemptions/${id}` } as const),
      text: `Exemption ${id} waits for an approver; asked by ${requestedBy}`,
      ...{ since: requestedAt, due: from },
    })),
  );
  return { todo, counts: [...count].map(([kind, found]) => ({ kind, count: found })) };
};

/** By state of the headline: the issues that it is about. */
const TOLD_BY_HEADLINE: Readonly<Record<string, readonly HealthIssueId[]>> = {
  paused: ['not-in-force', 'leaking'],
  'not-in-force': ['not-in-force'],
  'no-mandate-list': ['not-in-force'],
  leaking: ['not-in-force', 'leaking'],
  unproven: ['unproven', 'probe-off'],
  unrecorded: ['unrecorded', 'records-off'],
};

/** What waits for a decision goes before these. */
const LATER: ReadonlySet<string> = new Set([
  'exemption-ends',
  'probe-off',
  'records-off',
  'release-newer',
  'set-up',
]);

/** Where each is looked into; the rest is said by the overview itself. */
const PLACES: Readonly<Partial<Record<HealthIssueId, string>>> = {
  'records-not-whole': '/proof?tab=records',
  'exemptions-unusable': '/exemptions',
  'exemptions-unproven': '/exemptions',
  'exemption-ends': '/exemptions/',
  'exemption-incomplete': '/exemptions/',
  'approvers-open': '/settings',
  'approver-by-name': '/settings',
  'set-up': '/settings',
  'output-stuck': '/proof?tab=records',
  'clock-wrong': '/proof?tab=records',
  'witness-conflict': '/proof?tab=records',
  'witness-away': '/proof?tab=records',
  'list-held': '/lists',
  'list-missing': '/lists/',
  'list-stale': '/lists/',
  'list-failing': '/lists/',
  'feed-unproven': '/lists',
  'feed-backwards': '/lists',
  'feed-expired': '/lists',
  'feed-behind': '/lists/',
  'release-newer': '/lists',
  'mandate-review': '/lists/',
  'resolver-unheard': '/resolvers',
  'resolver-trouble': '/resolvers',
};

const placeOf = (id: HealthIssueId, subject: string): string => {
  const place = PLACES[id] ?? '/';
  // The decision behind a mandate stands beside those of lists, and has no page of its own: the overview shows it. One about an
  // operator has the list first, whose page shows it.
  if (isOfMandate(subject)) return '/';
  return place !== '/' && place.endsWith('/') ? `${place}${subject.replace(/ .*/, '')}` : place;
};

const toText = (ms: number): string => new Date(ms).toISOString();
