// Charts as SVG without a viewBox. Each has a title that says what it shows, and a table with the same numbers.
import type { VNode } from 'preact';
import { useId } from 'preact/hooks';
import type { Span } from '../api/shapes.ts';
import { gatherPins, hourTicks, placeSpan } from './geometry.ts';
import { useText } from './say.tsx';

/** Per cent from an end within which a number stands at the end. */
const PIN_EDGE = 4;
/** Behind it, the word for now leaves no room on a telephone. */
const NOW_EDGE = 62;

/** Which fill a state of a span has. */
const FILLS: Readonly<Record<string, string>> = {
  'not-in-force': 'fill-bad',
  paused: 'fill-bad',
  unproven: 'fill-none',
  'no-evidence': 'fill-none',
};

/** Marks of a gap between `y` and `y + height`: red ones are whole, a pause is two bars, lack of evidence is dashed. */
const GapMark = ({ span, from, to, y, height }: GapProps): VNode | null => {
  const placed = placeSpan(span.from, span.to, from, to);
  if (placed === undefined) return null;
  const fill = FILLS[span.state] ?? 'fill-none';
  const middle = `${placed.x + placed.width / 2}%`;
  const dashes = span.state === 'unproven' || span.state === 'no-evidence' ? '3 2' : undefined;
  const stroke = fill.replace('fill', 'stroke');
  if (placed.isThin)
    return (
      <>
        <line
          x1={middle}
          x2={middle}
          y1={y - 1}
          y2={y + height + 1}
          class="stroke-surface"
          stroke-width={8}
        />
        <line
          x1={middle}
          x2={middle}
          y1={y - 3}
          y2={y + height + 3}
          class={stroke}
          stroke-width={4}
          stroke-dasharray={dashes}
        />
      </>
    );
  return (
    <>
      <rect class="fill-gap" x={`${placed.x}%`} width={`${placed.width}%`} y={y} height={height} />
      <rect
        class={fill}
        x={`${placed.x}%`}
        width={`${placed.width}%`}
        y={dashes === undefined ? y - 2 : y + height / 3}
        height={dashes === undefined ? height + 4 : height / 3}
        rx={1}
      />
      {span.state === 'paused' && (
        <rect
          class="fill-gap"
          x={`${placed.x}%`}
          width={`${placed.width}%`}
          y={y + height / 2 - 1}
          height={2}
        />
      )}
    </>
  );
};

interface GapProps {
  readonly span: Span;
  readonly from: string;
  readonly to: string;
  readonly y: number;
  readonly height: number;
}

interface StripProps {
  readonly from: string;
  readonly to: string;
  readonly spans: readonly Span[];
}

/** One sentence for a span: what, how long, when, where. */
const useSpanText = (): ((span: Span) => string) => {
  const { say, word, format } = useText();
  return (span) => {
    const seconds = (Date.parse(span.to) - Date.parse(span.from)) / 1000;
    const text = say('spanText', {
      what: word('span', span.state),
      length: format.length(seconds),
      clock: format.clock(span.from),
    });
    const why = [span.cause === null ? '' : word('cause', span.cause), span.by ?? '']
      .filter((part) => part !== '')
      .join(', ');
    return why === '' ? text : `${text}${format.colon}${why}`;
  };
};

/** The last 24 hours of the whole service, with numbered gaps and what each was. */
export const DayStrip = ({ from, to, spans }: StripProps): VNode => {
  const { say, format } = useText();
  const spanText = useSpanText();
  const id = useId();
  const numbered = spans.filter((span) => span.number !== null && placeSpan(span.from, span.to, from, to));
  const pins = gatherPins(
    numbered.map((span) => {
      const { x, width } = placeSpan(span.from, span.to, from, to) ?? { x: 0, width: 0 };
      return { x: x + width / 2, number: span.number ?? 0 };
    }),
  );
  return (
    <figure class="strip">
      <svg class="chart" width="100%" height="58" role="img" aria-labelledby={id}>
        <title id={id}>
          {spans.length === 0
            ? say('stripWhole')
            : say('stripGaps', { gaps: spans.map(spanText).join('; ') })}
        </title>
        <rect class="fill-ok" y={20} width="100%" height={14} rx={2} />
        {spans.map((span) => (
          <GapMark key={`${span.from}${span.state}`} span={span} from={from} to={to} y={20} height={14} />
        ))}
        {pins.map(({ x, first, last }) => (
          <text
            key={first}
            class="pin"
            x={`${x < PIN_EDGE ? 0 : x > 100 - PIN_EDGE ? 100 : x}%`}
            y={11}
            text-anchor={x < PIN_EDGE ? 'start' : x > 100 - PIN_EDGE ? 'end' : 'middle'}
          >
            {first === last ? first : `${first}–${last}`}
          </text>
        ))}
        {hourTicks(from, to).map(({ time, x }, index) => (
          <g key={x} class={index % 2 === 0 || x > NOW_EDGE ? 'wide' : undefined}>
            <line class="axis" x1={`${x}%`} x2={`${x}%`} y1={34} y2={39} />
            {x > 3 && x < 94 && (
              <text x={`${x}%`} y={53} text-anchor="middle">
                {format.clock(time.toISOString()).slice(0, 5)}
              </text>
            )}
          </g>
        ))}
        <text x="100%" y={53} text-anchor="end">
          {say('now')}
        </text>
      </svg>
      {spans.length > 0 && (
        <ol class="legend">
          {spans.map((span) => (
            <li key={`${span.from}${span.state}`}>
              <svg aria-hidden="true">
                <rect class={FILLS[span.state] ?? 'fill-none'} x={3} width={4} height={10} />
              </svg>
              <span>
                {span.number !== null && <b>{span.number} </b>}
                {spanText(span)}
              </span>
            </li>
          ))}
        </ol>
      )}
    </figure>
  );
};

/** The same for one row of a table; what it shows is its label. */
export const RowStrip = ({ from, to, spans }: StripProps): VNode => {
  const { say } = useText();
  const spanText = useSpanText();
  const text =
    spans.length === 0 ? say('stripWhole') : say('stripGaps', { gaps: spans.map(spanText).join('; ') });
  return (
    <svg class="chart" width="100%" height="14" role="img" aria-label={text}>
      <rect class="fill-ok" y={4} width="100%" height={6} rx={1} />
      {spans.map((span) => (
        <GapMark key={`${span.from}${span.state}`} span={span} from={from} to={to} y={4} height={6} />
      ))}
    </svg>
  );
};

/** A bar with its value beside it in the table: drawn only, so that nothing is read twice. */
export const Bar = ({ share }: { share: number }): VNode => (
  <svg class="chart" width="100%" height="8" aria-hidden="true">
    <rect class="fill-5" width={`${Math.max(0.6, share * 100)}%`} height={8} rx={1} />
  </svg>
);
