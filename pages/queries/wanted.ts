// What somebody looks for in the query log: in the address of the page, and as it is sent. Pure.

/** Fields of the address; empty: it does not matter. */
export const FIELDS = [
  'name',
  'below',
  'verdict',
  'type',
  'rcode',
  'source',
  'group',
  'list',
  'reference',
  'from',
  'to',
] as const;

export type Wanted = Readonly<Record<(typeof FIELDS)[number], string>>;

/** What the log calls what made an answer. */
export const SOURCES = [
  'cache',
  'upstream',
  'policy',
  'local',
  'access',
  'protocol',
  'not-ready',
  'shed',
  'stale',
] as const;

export const wantedIn = (query: URLSearchParams): Wanted =>
  Object.fromEntries(FIELDS.map((field) => [field, query.get(field) ?? ''])) as Wanted;

/** True when something behind "more filters" is set: what filters is never hidden. */
export const hasMore = ({ name: _, below: __, verdict: ___, reference: ____, ...more }: Wanted): boolean =>
  Object.values(more).some((value: string) => value !== '');

/** A field gives seconds only where somebody wrote some. */
const toTime = (local: string): string => `${local.length === 16 ? `${local}:00` : local}Z`;

/** The body of a search. */
export const toBody = (wanted: Wanted, reason: string): Readonly<Record<string, unknown>> => {
  const { name, below, from, to, ...words } = wanted;
  const set = Object.entries(words)
    .map(([field, value]: [string, string]) => [field, value.trim()] as const)
    .filter(([, value]) => value !== '');
  return {
    reason: reason.trim(),
    ...Object.fromEntries(set),
    ...(name.trim() !== '' && { [below === '' ? 'part' : 'name']: name.trim() }),
    ...(from !== '' && { from: toTime(from) }),
    ...(to !== '' && { to: toTime(to) }),
  };
};

/** New rows before those that are shown, as many as a page can hold. */
export const withNew = <Row>(shown: readonly Row[], newer: readonly Row[], max: number): readonly Row[] =>
  newer.length === 0 ? shown : [...newer, ...shown].slice(0, max);
