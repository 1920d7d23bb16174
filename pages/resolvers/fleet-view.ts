// What the page computes of a fleet, without a browser: marks, sites, and the sums of a probe.

import type { FleetProbe, FleetResolver, FleetStatus } from '../api/shapes.ts';
import type { Mark } from '../parts/mark.ts';

type ProbeRow = NonNullable<FleetProbe['resolvers'][number]['probe']>['results'][number];

/** In force, or by decision out of scope. */
const AS_DECIDED = new Set(['enforced', 'out-of-scope']);

export const isUnheard = ({ needs }: FleetResolver): boolean => needs.some(({ kind }) => kind === 'unheard');

/** The mark of a resolver: what is known of it, and nothing is never green. */
export const resolverMark = (resolver: FleetResolver): Mark => {
  if (resolver.removed !== null || isUnheard(resolver)) return 'none';
  if (resolver.needs.some(({ kind }) => kind === 'not-in-force' || kind === 'leaking')) return 'bad';
  if (resolver.needs.length > 0) return 'warn';
  // An older version does not say it in a closed word, and a collector refuses nothing.
  return resolver.enforcement === null && resolver.role !== 'collector' ? 'none' : 'ok';
};

/** What is known of all resolvers of a site, or of several. */
export interface Sum {
  readonly site: string;
  readonly resolvers: number;
  readonly heard: number;
  readonly inForce: number;
  /** Entries of policy that the last of them lacks. */
  readonly behind: number;
  readonly needs: number;
  /** Of the worst of them. */
  readonly mark: Mark;
}

/** The worst first; what nobody knows is worse than what needs a person. */
const WORST: readonly Mark[] = ['bad', 'none', 'warn'];

/** Of those that are in the fleet; a collector refuses nothing. */
export const sumOf = (site: string, all: readonly FleetResolver[]): Sum => {
  const resolvers = all.filter(({ removed, role }) => removed === null && role !== 'collector');
  const heard = resolvers.filter((one) => !isUnheard(one));
  const marks = resolvers.map(resolverMark);
  return {
    site,
    resolvers: resolvers.length,
    heard: heard.length,
    inForce: heard.filter(({ enforcement }) => AS_DECIDED.has(enforcement ?? '')).length,
    behind: Math.max(0, ...resolvers.map(({ behind }) => behind ?? 0)),
    needs: resolvers.filter(({ needs }) => needs.length > 0).length,
    mark: WORST.find((mark) => marks.includes(mark)) ?? 'ok',
  };
};

/** Sites by name; the empty one is that of resolvers without. */
export const sumsBySite = ({ resolvers }: FleetStatus): Sum[] =>
  [...new Set(resolvers.filter(({ removed }) => removed === null).map(({ site }) => site ?? ''))]
    .sort((a, b) => a.localeCompare(b, 'en'))
    .map((site) =>
      sumOf(
        site,
        resolvers.filter((one) => (one.site ?? '') === site),
      ),
    )
    .filter((sum) => sum.resolvers > 0);

/** What one transport of a resolver was answered, over all networks and types. */
export const sumOfTransport = (
  rows: readonly ProbeRow[],
  transport: string,
): Pick<ProbeRow, 'asked' | 'leaked' | 'failed'> | undefined => {
  const found = rows.filter((row) => row.transport === transport);
  if (found.length === 0) return undefined;
  return {
    asked: found.reduce((sum, row) => sum + row.asked, 0),
    leaked: found.reduce((sum, row) => sum + row.leaked, 0),
    failed: found.reduce((sum, row) => sum + row.failed, 0),
  };
};
