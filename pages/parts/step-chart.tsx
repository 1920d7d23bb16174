// Counts over time as stacked bars, one a step, with what changed and what was not in force marked on them. As all charts it
// has a title that says what it shows, and a table with the same numbers.
import type { VNode } from 'preact';
import { useId } from 'preact/hooks';
import type { Span } from '../api/shapes.ts';
import { placeSpan, stackHours } from './geometry.ts';
import { useText } from './say.tsx';
import { BARS_SHARE, COLORS, type StepSeries } from './step-series.ts';
import { StepTable, StepTimes } from './step-table.tsx';

const CHART_PX = 140;
/** Above the bars: marks of changes. Below: gaps, then times. */
const TOP_PX = 18;
const GAP_PX = 8;
const GRID_SHARES = [0.25, 0.5, 0.75, 1];
interface StepChartProps {
  readonly title: string;
  readonly from: string;
  readonly until: string;
  readonly stepSec: number;
  readonly series: readonly StepSeries[];
  readonly spans: readonly Span[];
  /** When something changed. */
  readonly marks: readonly string[];
}

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

export const StepChart = ({ title, from, until, stepSec, series, spans, marks }: StepChartProps): VNode => {
  const { format } = useText();
  const id = useId();
  const steps = Math.round((Date.parse(until) - Date.parse(from)) / 1000 / stepSec);
  const { top, blocks } = stackHours(
    series.map(({ counts }) => counts),
    steps,
    CHART_PX,
  );
  const bottom = TOP_PX + CHART_PX;
  const shareOf = (time: string): number =>
    ((Date.parse(time) - Date.parse(from)) / (Date.parse(until) - Date.parse(from))) * 100 * BARS_SHARE;
  return (
    <>
      <svg class="chart" width="100%" height={bottom + GAP_PX + 24} role="img" aria-labelledby={id}>
        <title id={id}>{title}</title>
        {GRID_SHARES.map((share) => (
          <g key={share}>
            <line
              class="axis"
              x1="0"
              x2="100%"
              y1={bottom - CHART_PX * share}
              y2={bottom - CHART_PX * share}
            />
            <text x="100%" y={bottom - CHART_PX * share - 3} text-anchor="end">
              {format.number(top * share)}
            </text>
          </g>
        ))}
        <line class="axis" x1="0" x2="100%" y1={bottom} y2={bottom} />
        {marks.map((time, index) => (
          <line
            key={`${time} ${index}`}
            class="mark-line"
            x1={`${shareOf(time)}%`}
            x2={`${shareOf(time)}%`}
            y1={TOP_PX - 10}
            y2={bottom}
          />
        ))}
        {blocks.map(({ hour, series: index, x, y, width, height }) => (
          <rect
            key={`${hour} ${index}`}
            class={`fill-${Math.min(index, COLORS - 1) + 1}`}
            x={`${x * BARS_SHARE}%`}
            y={TOP_PX + y}
            width={`${width * BARS_SHARE}%`}
            height={height}
          />
        ))}
        {spans.map((span) => {
          const placed = placeSpan(span.from, span.to, from, until);
          if (placed === undefined) return null;
          return (
            <rect
              key={`${span.from}${span.state}`}
              class={span.state === 'not-in-force' || span.state === 'paused' ? 'fill-bad' : 'fill-none'}
              x={`${placed.x * BARS_SHARE}%`}
              width={`${Math.max(placed.width * BARS_SHARE, 0.4)}%`}
              y={bottom + 2}
              height={GAP_PX - 2}
            />
          );
        })}
        <StepTimes from={from} stepSec={stepSec} steps={steps} y={bottom + GAP_PX + 18} />
      </svg>
      <ul class="legend">
        {series.map(({ name, counts }, index) => (
          <li key={name}>
            <svg aria-hidden="true">
              <rect class={`fill-${Math.min(index, COLORS - 1) + 1}`} width={10} height={10} rx={2} />
            </svg>
            <span>
              {name} <b>{format.number(sumOf(counts))}</b>
            </span>
          </li>
        ))}
      </ul>
      <StepTable
        title={title}
        from={from}
        stepSec={stepSec}
        steps={steps}
        series={series.map(({ name, counts }) => ({ name, values: counts }))}
        write={format.number}
      />
    </>
  );
};
