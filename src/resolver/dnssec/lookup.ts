// What validation asks for, and what comes back: the room's only way to data.
//
// The shapes are those of a resolver (the pipeline's Resolver, the exchange with upstreams), so that a validator
// stands between the two. Everything is asked with DO and CD set (RFC 6840 section 5.9): an upstream that validates
// would otherwise keep back the very records that show what is wrong.
import { CLASS, type Question, type ResolveFailure } from '../../wire/dns/dns.ts';

/** A whole message whose ID and question were checked. */
export interface LookupAnswer {
  readonly kind: 'answer';
  readonly message: Uint8Array;
  /** Who answered. */
  readonly endpoint?: string | undefined;
  /** Nobody else could be asked, so that asking again brings the same. */
  readonly isOnly?: boolean;
}

/** What became of a question. */
export type LookupOutcome = LookupAnswer | ResolveFailure;

/** Finds answers. */
export interface Lookup {
  /** Calls `done` exactly once, possibly before resolve() returns. */
  resolve(question: Question, done: (outcome: LookupOutcome) => void): void;
}

/** True when two messages differ in nothing but their ID: what was found out about one is true of the other. */
export const isSameAnswer = (message: Uint8Array, other: Uint8Array | undefined): boolean =>
  other !== undefined && Buffer.compare(message.subarray(2), other.subarray(2)) === 0;

/** Asks for records that a validator needs itself. */
export const lookUp = (
  lookup: Lookup,
  name: Uint8Array,
  type: number,
  view: number,
  notFrom?: string,
): Promise<LookupOutcome> =>
  ask(lookup, {
    name,
    type,
    class: CLASS.IN,
    dnssecOk: true,
    checkingDisabled: true,
    view,
    wantsAd: false,
    notFrom,
  });

/** Asks a question; a lookup that throws counts as one that failed. */
export const ask = (lookup: Lookup, question: Question): Promise<LookupOutcome> =>
  new Promise((resolve) => {
    try {
      lookup.resolve(question, resolve);
    } catch {
      resolve({ kind: 'failure', reason: 'network' });
    }
  });
