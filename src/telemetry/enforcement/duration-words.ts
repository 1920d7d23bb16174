// How long something was, as people say it: one or two units.

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** `40 s`, `2 h 12 min`, `3 d`. */
export const durationWords = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const at = UNITS.findIndex(([, size]) => seconds >= size);
  const [unit, size] = UNITS[at] ?? ['s', 1];
  const whole = Math.floor(seconds / size);
  const [smaller, smallerSize] = UNITS[at + 1] ?? ['s', 1];
  const rest = Math.floor((seconds - whole * size) / smallerSize);
  const isExact = unit === 's' || unit === 'd' || rest === 0;
  return isExact ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${smaller}`;
};
