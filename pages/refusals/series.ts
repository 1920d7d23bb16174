// What a chart of refusals shows, out of the counts of the server: by list, network or mandate; and the same as CSV. Pure.
import type { RefusalFigures } from '../api/shapes.ts';
import { csvText } from '../parts/csv.ts';
import { COLORS, type StepSeries, stepTime } from '../parts/step-series.ts';

export const GROUPINGS = ['list', 'network', 'mandate'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Series by what is wanted, the largest first; what is beyond the colors stands together under `rest`. */
export const seriesBy = (
  { series }: Pick<RefusalFigures, 'series'>,
  grouping: Grouping,
  mandateOf: (list: string) => string,
  rest: string,
): StepSeries[] => {
  const sums = new Map<string, number[]>();
  const add = (name: string, counts: readonly number[]): void => {
    const known = sums.get(name) ?? new Array<number>(counts.length).fill(0);
    sums.set(
      name,
      known.map((count, step) => count + (counts[step] ?? 0)),
    );
  };
  for (const { list, group, counts } of series)
    add(grouping === 'list' ? list : grouping === 'network' ? group : mandateOf(list), counts);
  const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  const all = [...sums].map(([name, counts]) => ({ name, counts }));
  all.sort((a, b) => total(b.counts) - total(a.counts) || (a.name < b.name ? -1 : 1));
  if (all.length <= COLORS) return all;
  const steps = all[0]?.counts.length ?? 0;
  const others = new Array<number>(steps).fill(0);
  for (const { counts } of all.slice(COLORS - 1))
    for (let step = 0; step < steps; step++) others[step] = (others[step] ?? 0) + (counts[step] ?? 0);
  return [...all.slice(0, COLORS - 1), { name: rest, counts: others }];
};

/** Every count of the chart, one a line, without folding: list, network and beginning of the step in UTC. */
export const csvOf = ({ from, stepSec, series }: RefusalFigures): string =>
  csvText([
    ['from', 'seconds', 'list', 'network', 'refusals'],
    ...series.flatMap(({ list, group, counts }) =>
      counts.flatMap((count, step) =>
        count === 0 ? [] : [[stepTime(from, stepSec, step), stepSec, list, group, count]],
      ),
    ),
  ]);
