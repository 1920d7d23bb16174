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

export type Icon =
  | 'room'
  | 'overview'
  | 'lookUp'
  | 'exemptions'
  | 'lists'
  | 'proof'
  | 'refusals'
  | 'queries'
  | 'health'
  | 'reports'
  | 'resolvers'
  | 'settings'
  | 'more';

const LINES: Readonly<Record<Exclude<Icon, 'room'>, string>> = {
  overview: 'M2.2 2.2h4.6v6.2H2.2zm7 0h4.6v3.4H9.2zm0 5.8h4.6v5.8H9.2zm-7 2.8h4.6v3H2.2z',
  lookUp: 'M7 12a5 5 0 100-10 5 5 0 000 10zm3.7-1.3L14.2 14.2',
  exemptions: 'M3.2 1.8h6.6l3 3v9.4H3.2zm2.4 7.3l1.7 1.7 3.1-3.5',
  lists: 'M5.6 3.6H14M5.6 8H14M5.6 12.4H14M2 3.6h.6M2 8h.6M2 12.4h.6',
  proof: 'M8 1.6l5.4 2v4.1c0 3.2-2.2 5.6-5.4 6.7-3.2-1.1-5.4-3.5-5.4-6.7V3.6zM5.6 8l1.8 1.8L10.6 6',
  refusals: 'M2 14h12M3.4 11.4V8.2m3.1 3.2V4.4m3.1 7V6.6m3.1 4.8V2.4',
  queries: 'M2 3.4h12M2 6.8h7M2 10.2h4.4M9.9 13a2.6 2.6 0 100-5.2 2.6 2.6 0 000 5.2zm1.9-.7l2.2 2.2',
  health: 'M1.6 8.4h2.8l1.8-5 3.4 9 1.9-4h2.9',
  reports: 'M3.2 1.8h6.6l3 3v9.4H3.2zM5.6 8h4.8m-4.8 2.8h4.8M5.6 5.2h2',
  resolvers:
    'M8 2.2v3.4M8 5.6H3.4v3.2M8 5.6h4.6v3.2M6.2 2.2h3.6M2 8.8h2.8v3.6H2zm4.6 0h2.8v3.6H6.6zM8 5.6v3.2m3.2 0H14v3.6h-2.8z',
  settings:
    'M2 4.6h7m3.2 0H14M2 11.4h1.8m3.4 0H14M10.6 6.3a1.7 1.7 0 100-3.4 1.7 1.7 0 000 3.4zM5.5 13.1a1.7 1.7 0 100-3.4 1.7 1.7 0 000 3.4z',
  more: 'M3.4 8h.1M8 8h.1m4.5 0h.1',
};

/** The icon of a place; its name stands beside it. */
export const PlaceIcon = ({ icon }: { icon: Icon }): VNode =>
  icon === 'room' ? (
    <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        d="M4 5v15M20 5v15M4 8c4 7 12 7 16 0"
        fill="none"
        stroke="currentColor"
        stroke-width="2.4"
        stroke-linecap="round"
      />
    </svg>
  ) : (
    <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path
        d={LINES[icon]}
        fill="none"
        stroke="currentColor"
        stroke-width={icon === 'more' ? 2.6 : 1.5}
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
