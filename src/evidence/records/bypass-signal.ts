// Which ways around the resolver a query can be a sign of, and which lists see them.
//
// Words of records: none is ever renamed.

/** Ways around the resolver that a query can be a sign of. */
export const BYPASS_SIGNALS = ['canary', 'private-relay', 'foreign-doh', 'ddr', 'unlisted-network'] as const;

/** One of BYPASS_SIGNALS. */
export type BypassSignal = (typeof BYPASS_SIGNALS)[number];

/** Signals that only lists see: their categories are of the same names. */
export const LISTED_SIGNALS = ['canary', 'private-relay', 'foreign-doh'] as const satisfies BypassSignal[];
const SIGNAL_CATEGORIES: ReadonlySet<string> = new Set(LISTED_SIGNALS);

/** The signal that a refusal by a list of this category is; undefined for a list that is there for something else. */
export const signalOfCategory = (category: string | undefined): BypassSignal | undefined =>
  category !== undefined && SIGNAL_CATEGORIES.has(category) ? (category as BypassSignal) : undefined;
