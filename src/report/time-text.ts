// Times and lengths as reports write them.

/** Milliseconds of a UTC day, which has no leap seconds here. */
export const DAY_MS = 86_400_000;
/** Milliseconds of an hour. */
export const HOUR_MS = 3_600_000;

/** UTC, RFC 3339 with milliseconds. */
export const timeText = (ms: number): string => new Date(ms).toISOString();

/** The UTC day of a time. */
export const dayText = (ms: number): string => timeText(ms).slice(0, 10);

/** The UTC days that a period touches. */
export const daysOf = (fromMs: number, untilMs: number): string[] => {
  const days: string[] = [];
  for (let ms = Math.floor(fromMs / DAY_MS) * DAY_MS; ms < untilMs; ms += DAY_MS) days.push(dayText(ms));
  return days;
};
