// Time, as everything below app/ sees it: a function that is passed in.
//
// The wall clock serves, because TTLs have to survive a suspended machine and because tests move it. Whoever
// stores a time has to expect that the clock steps backwards and treat the stored item as expired then.

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** The machine's clock. */
export const systemClock: Clock = Date.now;
