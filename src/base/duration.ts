// Times as people read them: `30 s`, `5 min`, `2 days` instead of milliseconds.

const UNITS = [
  [86_400_000, 'day', 'days'],
  [3_600_000, 'h', 'h'],
  [60_000, 'min', 'min'],
  [1000, 's', 's'],
] as const;

/** A duration in the largest unit that it is a whole number of, or in seconds; below a second in milliseconds. */
export const formatDuration = (ms: number): string => {
  for (const [size, one, several] of UNITS) {
    const count = ms / size;
    if (count >= 1 && Number.isInteger(count)) return `${count} ${count === 1 ? one : several}`;
  }
  return ms >= 1000 ? `${Number((ms / 1000).toFixed(1))} s` : `${ms} ms`;
};
