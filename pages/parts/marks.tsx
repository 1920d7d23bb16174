// Marks of states, one shape each, and the icons of places. Drawn for this program; a word always stands beside them.
import type { VNode } from 'preact';
import type { Mark } from './mark.ts';

const OCTAGON = 'M5 .6h6L15.4 5v6L11 15.4H5L.6 11V5z';

const SHAPES: Readonly<Record<Mark, VNode>> = {
  ok: (
    <>
      <circle cx="8" cy="8" r="7.4" fill="currentColor" />
      <path class="cut" d="M4.7 8.4l2.2 2.2 4.4-4.9" stroke-width="1.8" stroke-linecap="round" />
    </>
  ),
  bad: (
    <>
      <path d={OCTAGON} fill="currentColor" />
      <path class="cut" d="M5.5 5.5l5 5m0-5l-5 5" stroke-width="1.8" stroke-linecap="round" />
    </>
  ),
  paused: (
    <>
      <path d={OCTAGON} fill="currentColor" />
      <path class="cut" d="M6.2 5.2v5.6m3.6-5.6v5.6" stroke-width="2" stroke-linecap="round" />
    </>
  ),
  warn: (
    <>
      <path
        d="M8 1.6l6.9 12.8H1.1z"
        fill="currentColor"
        stroke="currentColor"
        stroke-width="1.4"
        stroke-linejoin="round"
      />
      <path class="cut" d="M8 6v3.8m0 2.4v.1" stroke-width="1.8" stroke-linecap="round" />
    </>
  ),
  held: (
    <>
      <path d="M8 .8L15.2 8 8 15.2.8 8z" fill="currentColor" />
      <path class="cut" d="M6.4 6v4m3.2-4v4" stroke-width="1.6" stroke-linecap="round" />
    </>
  ),
  none: (
    <circle
      cx="8"
      cy="8"
      r="6.6"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-dasharray="3 2.2"
    />
  ),
  refused: (
    <>
      <circle cx="8" cy="8" r="7.4" fill="currentColor" />
      <path class="cut" d="M4.6 8h6.8" stroke-width="2.3" stroke-linecap="round" />
    </>
  ),
};

/** The mark of a state; what it means stands beside it in words. */
export const StateMark = ({ mark, isLarge = false }: { mark: Mark; isLarge?: boolean }): VNode => (
  <svg
    class={`st st-${mark}${isLarge ? ' mark' : ''}`}
    viewBox="0 0 16 16"
    aria-hidden="true"
    focusable="false"
  >
    {SHAPES[mark]}
  </svg>
);

/** An icon of lines in a box of 16; the name of what it leads to stands beside it. */
export const LineIcon = ({
  line,
  width = 1.5,
}: {
  readonly line: string;
  readonly width?: number;
}): VNode => (
  <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path
      d={line}
      fill="none"
      stroke="currentColor"
      stroke-width={width}
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </svg>
);

/** The mark of the program. */
export const ProgramIcon = (): VNode => (
  <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path
      d="M4 5v15M20 5v15M4 8c4 7 12 7 16 0"
      fill="none"
      stroke="currentColor"
      stroke-width="2.4"
      stroke-linecap="round"
    />
  </svg>
);
