// What every chart over steps of time has: times below it, and a table with the same numbers.
import type { VNode } from 'preact';
import type { Format } from '../text/format.ts';
import { useText } from './say.tsx';
import { BARS_SHARE, stepTime } from './step-series.ts';

const DAY_SEC = 86_400;
/** Times below the axis: as many as a phone has room for. */
const TIMES = 4;

interface StepsProps {
  readonly from: string;
  readonly stepSec: number;
  readonly steps: number;
}

const labelOf = (format: Format, { from, stepSec, steps }: StepsProps, step: number): string => {
  const time = stepTime(from, stepSec, step);
  return stepSec * steps <= DAY_SEC ? format.clock(time).slice(0, 5) : format.dayOfYear(time);
};

/** Times below a chart, as children of its SVG. */
export const StepTimes = ({ y, ...props }: StepsProps & { readonly y: number }): VNode => {
  const { format } = useText();
  const { steps } = props;
  return (
    <>
      {Array.from({ length: TIMES }, (_, index) => Math.floor((index * steps) / TIMES)).map((step, index) => (
        <text
          key={step}
          class={index % 2 === 0 ? undefined : 'wide'}
          x={`${(step / steps) * 100 * BARS_SHARE}%`}
          y={y}
        >
          {labelOf(format, props, step)}
        </text>
      ))}
      <text x="100%" y={y} text-anchor="end">
        UTC
      </text>
    </>
  );
};

/** The numbers of a chart, a row for each step in which there is one. */
export const StepTable = ({
  title,
  series,
  write,
  ...props
}: StepsProps & {
  readonly title: string;
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  readonly write: (value: number) => string;
}): VNode => {
  const { say, format } = useText();
  const { from, stepSec, steps } = props;
  const full = (step: number): string => {
    const time = stepTime(from, stepSec, step);
    return stepSec < DAY_SEC ? format.time(time) : format.day(time);
  };
  return (
    <details class="figures">
      <summary>{say('asTable')}</summary>
      {/* A keyboard has to reach what a finger can move (WCAG 2.1.1). */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: as said above */}
      <section class="wide-table" tabIndex={0} aria-label={title}>
        <table>
          <thead>
            <tr>
              <th scope="col">UTC</th>
              {series.map(({ name }) => (
                <th key={name} scope="col" class="num">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: steps }, (_, step) =>
              series.every(({ values }) => (values[step] ?? 0) === 0) ? null : (
                <tr key={step}>
                  <th scope="row">{full(step)}</th>
                  {series.map(({ name, values }) => {
                    const value = values[step] ?? null;
                    return (
                      <td key={name} class="num">
                        {value === null ? '' : write(value)}
                      </td>
                    );
                  })}
                </tr>
              ),
            )}
          </tbody>
        </table>
      </section>
    </details>
  );
};
