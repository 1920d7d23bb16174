// The days of UTC that a run of tests touches: one that begins before midnight asks for two.

/** The day of an instant, `2026-12-01`. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, '2026-12-01'.length);

/** `--from` and `--to` for all that was recorded since an instant. */
export const since = (ms: number): readonly string[] => ['--from', dayOf(ms), '--to', dayOf(Date.now())];
