// Values over time as lines, one a series; where nothing was observed, the line has a gap. As all charts it has a title that says
// what it shows, and a table with the same numbers.
import type { VNode } from 'preact';
import { useId } from 'preact/hooks';
import { roundUp } from './geometry.ts';
import { useText } from './say.tsx';
import { BARS_SHARE, COLORS } from './step-series.ts';
import { StepTable, StepTimes } from './step-table.tsx';

const CHART_PX = 96;
const TOP_PX = 14;
const GRID_SHARES = [0.5, 1];
/** Below it, four round steps would be ticks of thousandths. */
const LEAST_TOP = 0.004;

interface LineChartProps {
  /** Without the numbers. */
  readonly title: string;
  readonly from: string;
  readonly stepSec: number;
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  /** A value with its unit. */
  readonly write: (value: number) => string;
  /** The end of the axis, where it is known: 1 for shares. */
  readonly top?: number;
}

/** The end of an axis for small values as well. */
const topOf = (values: readonly number[]): number => {
  const most = Math.max(LEAST_TOP, ...values);
  let power = 1;
  while (most * power < 4) power *= 10;
  return roundUp(most * power) / power;
};

/** The last value that was observed. */
export const lastOf = (values: readonly (number | null)[]): number | null =>
  values.findLast((value) => value !== null) ?? null;

export const LineChart = ({ title, from, stepSec, series, write, top: wanted }: LineChartProps): VNode => {
  const { say } = useText();
  const id = useId();
  const steps = Math.max(0, ...series.map(({ values }) => values.length));
  const known = series.flatMap(({ values }) => values.filter((value) => value !== null));
  const top = wanted ?? topOf(known);
  const bottom = TOP_PX + CHART_PX;
  const x = (step: number): string => `${((step + 0.5) / steps) * 100 * BARS_SHARE}%`;
  const y = (value: number): number => bottom - Math.min(1, value / top) * CHART_PX;
  return (
    <>
      <svg class="chart" width="100%" height={bottom + 24} role="img" aria-labelledby={id}>
        <title id={id}>{say('chartTitle', { title })}</title>
        {GRID_SHARES.map((share) => (
          <g key={share}>
            <line class="axis" x1="0" x2="100%" y1={y(top * share)} y2={y(top * share)} />
            <text x="100%" y={y(top * share) - 3} text-anchor="end">
              {write(top * share)}
            </text>
          </g>
        ))}
        <line class="axis" x1="0" x2="100%" y1={bottom} y2={bottom} />
        {series.map(({ name, values }, index) => (
          <g key={name} class={`line-${Math.min(index, COLORS - 1) + 1}`}>
            {values.map((value, step) => {
              if (value === null) return null;
              const next = values[step + 1] ?? null;
              // One value between gaps is a point.
              return next === null ? (
                <circle key={step} cx={x(step)} cy={y(value)} r={2} />
              ) : (
                <line key={step} x1={x(step)} y1={y(value)} x2={x(step + 1)} y2={y(next)} />
              );
            })}
          </g>
        ))}
        <StepTimes from={from} stepSec={stepSec} steps={steps} y={bottom + 18} />
      </svg>
      <ul class="legend">
        {series.map(({ name, values }, index) => {
          const last = lastOf(values);
          return (
            <li key={name}>
              <svg aria-hidden="true">
                <rect class={`fill-${Math.min(index, COLORS - 1) + 1}`} width={10} height={10} rx={2} />
              </svg>
              <span>
                {name} <b>{last === null ? say('notKnown') : write(last)}</b>
              </span>
            </li>
          );
        })}
      </ul>
      <StepTable title={title} from={from} stepSec={stepSec} steps={steps} series={series} write={write} />
    </>
  );
};
