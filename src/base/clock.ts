// Time, as everything below host/ sees it: a function that is passed in.
//
// The wall clock serves, because TTLs have to survive a suspended machine and because tests move it. Code that
// stores a time has to expect that the clock steps backwards and treat the stored item as expired then.

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** The machine's clock. */
export const systemClock: Clock = Date.now;

/**
 * A clock that is read once in each turn of the event loop, for work that comes in batches: reading the machine's
 * costs as much as parsing a query. It lags behind by as long as a turn takes.
 */
export const createTurnClock = (clock: Clock): Clock => {
  const settled = Promise.resolve();
  let isCurrent = false;
  let nowMs = 0;
  const expire = (): void => {
    isCurrent = false;
  };
  return () => {
    if (!isCurrent) {
      nowMs = clock();
      isCurrent = true;
      // Runs when the callback that asked is over.
      void settled.then(expire);
    }
    return nowMs;
  };
};
