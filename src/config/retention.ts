// How long records are kept, by the names of the memoranda that ask for it.
//
// M-26-14 wants six months searchable and twelve retrievable; read as twelve more after the six, which keeps both
// readings. M-21-31, rescinded but cited by contracts, has twelve months active and eighteen cold. A month counts
// as 31 days: too long is safe.
const MONTH_MS = 31 * 86_400_000;

/** Named times for which records are kept. */
export const RETENTION_PRESETS = ['m-26-14', 'm-21-31'] as const;

/** How long records of a chain are kept. */
export interface Keep {
  readonly searchableMs: number;
  /** After that. */
  readonly archivedMs: number;
}

/** What each preset means. */
export const RETENTION: Readonly<Record<(typeof RETENTION_PRESETS)[number], Keep>> = {
  'm-26-14': { searchableMs: 6 * MONTH_MS, archivedMs: 12 * MONTH_MS },
  'm-21-31': { searchableMs: 12 * MONTH_MS, archivedMs: 18 * MONTH_MS },
};
