// What validation asks for, and what comes back: the room's only way to data.
//
// The shapes are those of a resolver (the pipeline's Resolver, the exchange with upstreams), so that a validator
// stands between the two. Everything is asked with DO and CD set (RFC 6840 section 5.9): an upstream that validates
// would otherwise keep back the very records that show what is wrong.
import type { Trace } from '../base/base.ts';
import { CLASS } from '../dns/dns.ts';

/** One question. */
export interface LookupQuestion {
  /** Uncompressed wire name, in any letters. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
  /** Which upstreams are asked; what one view learned serves that view only. */
  readonly view: number;
  readonly wantsAd: boolean;
  /** The endpoint of an answer that was bogus: another one is preferred, where there is one. */
  readonly notFrom?: string | undefined;
  /** What an answer said about the end of its aliases was no proof: the end is to be asked for by itself. */
  readonly doubtsEnd?: boolean;
  /** Is told the steps of this question's way; undefined for ordinary questions. */
  readonly trace?: Trace | undefined;
}

/** A question got no answer. */
export interface LookupFailure {
  readonly kind: 'failure';
  readonly reason: 'timeout' | 'network' | 'servfail' | 'refused' | 'overload';
  /** The SERVFAIL or REFUSED message of an upstream. */
  readonly message?: Uint8Array | undefined;
  /** The aliases that were found before, as an answer that nobody validated: not to be given to anybody. */
  readonly aliases?: Uint8Array | undefined;
}

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
export type LookupOutcome = LookupAnswer | LookupFailure;

/** Finds answers. */
export interface Lookup {
  /** Calls `done` exactly once, possibly before resolve() returns. */
  resolve(question: LookupQuestion, done: (outcome: LookupOutcome) => void): void;
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
export const ask = (lookup: Lookup, question: LookupQuestion): Promise<LookupOutcome> =>
  new Promise((resolve) => {
    try {
      lookup.resolve(question, resolve);
    } catch {
      resolve({ kind: 'failure', reason: 'network' });
    }
  });
