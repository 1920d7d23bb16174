// What somebody has written so far about an exemption, and the request that it comes to. Pure.
import type { ExemptionProblem } from '../api/members.ts';
import { rawProblem } from '../parts/fault-text.ts';

export interface Measure {
  /** A measure of the profile's checklist; empty: one of their own. */
  readonly item: string;
  readonly text: string;
}

export interface Draft {
  readonly grounds: string;
  readonly justification: string;
  readonly alternatives: string;
  readonly measures: readonly Measure[];
  readonly groups: readonly string[];
  /** One a line or separated by blanks or commas, as the two below. */
  readonly clients: string;
  readonly devices: string;
  readonly names: string;
  readonly lists: readonly string[];
  /** Of `datetime-local` fields, UTC; an empty beginning is the approval. */
  readonly from: string;
  readonly until: string;
  readonly weekdays: readonly string[];
  readonly hoursFrom: string;
  readonly hoursTo: string;
  readonly timezone: string;
  readonly renews: string;
}

export const EMPTY: Draft = {
  grounds: '',
  justification: '',
  alternatives: '',
  measures: [{ item: '', text: '' }],
  groups: [],
  clients: '',
  devices: '',
  names: '',
  lists: [],
  from: '',
  until: '',
  weekdays: [],
  hoursFrom: '',
  hoursTo: '',
  timezone: '',
  renews: '',
};

/** A draft as it is kept in the browser. */
export const toKept = (draft: Draft): string => JSON.stringify(draft);

/** Reads a kept draft; undefined for what is none, such as one of another version. */
export const fromKept = (text: string | null | undefined): Draft | undefined => {
  if (text === null || text === undefined) return undefined;
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found !== 'object' || found === null) return undefined;
    const fields = found as Readonly<Record<string, unknown>>;
    const isDraft = Object.entries(EMPTY).every(
      ([key, value]) =>
        typeof fields[key] === typeof value && Array.isArray(fields[key]) === Array.isArray(value),
    );
    const { measures } = fields;
    const areMeasures = (measures as readonly unknown[] | undefined)?.every(
      (one) => typeof (one as Measure | null)?.item === 'string' && typeof (one as Measure).text === 'string',
    );
    return isDraft && areMeasures === true ? (found as Draft) : undefined;
  } catch {
    return undefined;
  }
};

/** True when nobody has written anything yet. */
export const isEmpty = (draft: Draft): boolean => toKept(draft) === toKept(EMPTY);

/** Several values of one field. */
export const splitValues = (text: string): readonly string[] =>
  text.split(/[\s,;]+/).filter((part) => part !== '');

/** Of hours and days, where nobody wrote one. */
export const TIMEZONE_LEFT_OUT = 'UTC';

/** A field gives seconds only where somebody wrote some. */
const toTime = (local: string): string => `${local.length === 16 ? `${local}:00` : local}Z`;

/** The body of a request: what was left empty is left out, where it may be. */
export const toRequest = (draft: Draft): Record<string, unknown> => {
  // One of the two alone is refused: left out, it would open all day.
  const hours =
    draft.hoursFrom === '' && draft.hoursTo === '' ? undefined : `${draft.hoursFrom}-${draft.hoursTo}`;
  const names = splitValues(draft.names);
  const clients = splitValues(draft.clients);
  const devices = splitValues(draft.devices);
  const hasSchedule = hours !== undefined || draft.weekdays.length > 0;
  return {
    grounds: draft.grounds,
    justification: draft.justification.trim(),
    alternatives: draft.alternatives.trim(),
    mitigations: draft.measures
      .filter(({ text }) => text.trim() !== '')
      .map(({ item, text }) => (item === '' ? { text: text.trim() } : { item, text: text.trim() })),
    ...(draft.groups.length > 0 && { groups: draft.groups }),
    ...(clients.length > 0 && { clients }),
    ...(devices.length > 0 && { devices }),
    ...(draft.lists.length > 0 && { lists: draft.lists }),
    ...(names.length > 0 && { names }),
    ...(hasSchedule && {
      schedule: {
        ...(draft.weekdays.length > 0 && { weekdays: draft.weekdays }),
        ...(hours !== undefined && { hours }),
        timezone: draft.timezone || TIMEZONE_LEFT_OUT,
      },
    }),
    ...(draft.from !== '' && { from: toTime(draft.from) }),
    ...(draft.until !== '' && { until: toTime(draft.until) }),
    ...(draft.renews !== '' && { renews: draft.renews }),
  };
};

/** Fields of the form; problems of others are shown above it. */
const FIELDS = [
  'grounds',
  'justification',
  'alternatives',
  'mitigations',
  'groups',
  'clients',
  'devices',
  'lists',
  'names',
  'schedule',
  'from',
  'until',
  'renews',
] as const;

/** Problems by the field at which they are shown: `mitigations.0` is shown at the mitigations; '' has the rest. */
export const problemsByField = (
  problems: readonly ExemptionProblem[],
  sentenceOf: (problem: ExemptionProblem) => string = rawProblem,
): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const problem of problems) {
    const { field } = problem;
    const sentence = sentenceOf(problem);
    const [first = ''] = field.split(/[.[]/);
    const key = FIELDS.find((one) => one === first) ?? '';
    const before = found.get(key);
    found.set(
      key,
      before === undefined ? sentence : `${before}${/[.!?]$/.test(before) ? '' : '.'} ${sentence}`,
    );
  }
  return found;
};
