// Spans of time that many rooms count in. A day is one of UTC: 24 hours.

/** Milliseconds of an hour. */
export const HOUR_MS = 3_600_000;
/** Milliseconds of a day. */
export const DAY_MS = 24 * HOUR_MS;

/**
 * Cut off is who missed two signs of life of a fleet's authority, and something for their way: that many times the time between
 * two. A shorter suspension would take exemptions out between two signs of an authority that is well.
 */
export const CUT_OFF_CHECKPOINTS = 2.5;
