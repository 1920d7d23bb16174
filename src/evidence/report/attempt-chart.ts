// The chart of attempts: bars by time, stacked by mandate list.
import type { BarChart } from './document.ts';
import type { MandateAttempts } from './model.ts';
import { stepStart, weekNumber } from './series.ts';
import type { ReportTexts } from './texts/texts.ts';
import { numberText } from './words.ts';

/** Lists that have a color of their own; the others stand together. */
const SERIES_MAX = 4;
/** Bars that are wide enough for a value each. */
const VALUES_MAX = 53;

/** The chart; not for a period without attempts. */
export const toAttemptChart = (
  { byList, series }: Pick<MandateAttempts, 'byList' | 'series'>,
  texts: ReportTexts,
): BarChart => {
  const shown = byList.slice(0, byList.length > SERIES_MAX ? SERIES_MAX - 1 : SERIES_MAX);
  const rest = byList.slice(shown.length);
  const named = shown.map(({ name, count }) => ({ name, total: count }));
  const restTotal = rest.reduce((sum, { count }) => sum + count, 0);
  const { step, points } = series;
  const bars = points.map(({ from, count, lists }) => {
    const counts = new Map(lists.map((one) => [one.name, one.count]));
    const parts = shown.map(({ name }) => counts.get(name) ?? 0);
    if (rest.length > 0) parts.push(count - parts.reduce((sum, part) => sum + part, 0));
    return { label: labelOf(from, step, texts), count, parts };
  });
  const most = points.reduce((best, one) => (one.count > best.count ? one : best), {
    from: '',
    count: 0,
    lists: [],
  });
  return {
    kind: 'bars',
    title: texts.chart.title[step],
    series: rest.length === 0 ? named : [...named, { name: texts.terms['other'] ?? '', total: restTotal }],
    bars,
    spans: bars.length > VALUES_MAX ? weeksOf(points, texts) : [],
    description:
      most.count === 0
        ? texts.chart.nothing
        : texts.chart.words(numberText(most.count, texts), labelOf(most.from, step, texts)),
  };
};

const labelOf = (from: string, step: MandateAttempts['series']['step'], texts: ReportTexts): string => {
  switch (step) {
    case 'hour':
      return from.slice(11, 13);
    case 'day':
      return from.slice(8, 10);
    case 'week':
      return String(weekNumber(Date.parse(from)));
    case 'month':
      return (texts.months[Number(from.slice(5, 7)) - 1] ?? '').slice(0, 3);
  }
};

/** The weeks of days, cut to the period. */
const weeksOf = (points: MandateAttempts['series']['points'], texts: ReportTexts): BarChart['spans'] => {
  const spans: { label: string; from: number; until: number; count: number; mondayMs: number }[] = [];
  for (const [at, { from, count }] of points.entries()) {
    const mondayMs = stepStart(Date.parse(from), 'week');
    const last = spans.at(-1);
    if (last?.mondayMs === mondayMs) {
      last.until = at + 1;
      last.count += count;
    } else {
      spans.push({ label: texts.chart.week(weekNumber(mondayMs)), from: at, until: at + 1, count, mondayMs });
    }
  }
  return spans.map(({ label, from, until, count }) => ({ label, from, until, count }));
};
