// One wrapper for whatever handles a message or goes on by itself: what it throws or rejects with is told, and ends nothing.
//
// The program answers DNS beside its fleet: a request that nobody thought of, or a file that cannot be written while a resolver
// gets another key, must not end it. The rule for defects stands everywhere else (an assertion ends its thread); here the cause
// may be a stranger's bytes, so that ending is what an attacker wants. Lint holds: in this room no promise is left to itself.
import type { FleetLog } from './acts.ts';

/** Told of what a handler threw: what was being done, and the error. Must not throw. */
export type OnFault = (doing: string, thrown: unknown) => void;

/** A handler that never throws and never rejects; it is done when the one that it wraps is. */
export const guarded =
  <Given extends readonly unknown[]>(
    doing: string,
    onFault: OnFault,
    handle: (...given: Given) => unknown,
  ): ((...given: Given) => Promise<void>) =>
  async (...given) => {
    try {
      await handle(...given);
    } catch (thrown) {
      onFault(doing, thrown);
    }
  };

/** Leaves work to itself; what it rejects with is logged. */
export const leave = (work: Promise<unknown>, doing: string, log: Pick<FleetLog, 'error'>): void => {
  work.catch((thrown: unknown) => log.error({ err: thrown }, `fleet: ${doing} failed`));
};
