// Times in words: how long ago, how far ahead, how long.

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];
/** Ages are told in the largest unit of which there are two. */
const UNIT_COUNT_MIN = 2;

/** How long since a time: `3 days ago`; null is `never`. */
export const agoText = (time: string | null, nowMs: number): string => {
  if (time === null) return 'never';
  const span = spanText(nowMs - Date.parse(time));
  return span === undefined ? 'just now' : `${span} ago`;
};

/** How long until a time: `in 3 days`. */
export const aheadText = (time: string, nowMs: number): string => {
  const span = spanText(Date.parse(time) - nowMs);
  return span === undefined ? 'now' : `in ${span}`;
};

/** A span of time in words; undefined for less than a moment. */
const spanText = (spanMs: number): string | undefined => {
  for (const [name, ms] of UNITS) {
    const count = Math.floor(spanMs / ms);
    if (count >= UNIT_COUNT_MIN) return `${count} ${name}s`;
  }
  return undefined;
};
