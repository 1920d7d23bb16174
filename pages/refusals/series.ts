// What a chart of refusals shows, out of the counts of the server: by list, network or mandate; and the same as CSV. Pure.
import type { RefusalFigures } from '../api/shapes.ts';
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

/** A cell of CSV (RFC 4180) that no spreadsheet takes for a formula. */
const cell = (text: string): string => {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** Every count of the chart, one a line, without folding: list, network and beginning of the step in UTC. */
export const csvOf = ({ from, stepSec, series }: RefusalFigures): string => {
  const lines = ['from,seconds,list,network,refusals'];
  for (const { list, group, counts } of series)
    counts.forEach((count, step) => {
      if (count === 0) return;
      lines.push(
        [stepTime(from, stepSec, step), String(stepSec), cell(list), cell(group), String(count)].join(','),
      );
    });
  return `${lines.join('\r\n')}\r\n`;
};
