// The resolver behind a pipeline: what it is asked, and what it says. The pipeline knows this and no upstream.

import type { Trace } from '../base/base.ts';

/**
 * Says that nobody wants an answer any more. It goes along with a question and all that is asked for its sake; code that
 * sends something sets `cancel`, and takes it back at the end.
 */
export interface Interest {
  cancel: (() => void) | undefined;
}

/** A question for an upstream. */
export interface Question {
  /** Wire name with the letters of the client that asked first. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
  /** Number of the upstreams that are to answer. */
  readonly view: number;
  /** Whether the upstream shall say that it has validated (RFC 6840 section 5.7): for a resolver that trusts it. */
  readonly wantsAd: boolean;
  /** Is told the steps of this question's way; undefined for ordinary questions. */
  readonly trace?: Trace | undefined;
  /** Undefined: an answer is wanted whatever happens. */
  readonly interest?: Interest;
}

/** What became of it. The resolver has checked id, QR and question of a message. */
export type Resolution =
  | {
      readonly kind: 'answer';
      readonly message: Uint8Array;
      /** Undefined: nothing was validated. */
      readonly security?: 'secure' | 'insecure';
      /** What signatures allow, seconds. */
      readonly ttlMaxSec?: number;
    }
  | {
      readonly kind: 'failure';
      readonly reason: 'timeout' | 'network' | 'servfail' | 'refused' | 'overload';
      /** The last answer of an upstream that said no, whose EDE is passed on. */
      readonly message?: Uint8Array | undefined;
      /** The aliases that were found before, as an answer: lists judge where they lead. Nobody is given it. */
      readonly aliases?: Uint8Array | undefined;
    }
  /** Validation failed; an EDE code of RFC 8914 and a sentence. */
  | {
      readonly kind: 'bogus';
      readonly code: number;
      readonly text: string;
      /** What came, for clients that ask for it all the same (CD). */
      readonly message?: Uint8Array | undefined;
    };

/** Finds answers; calls back exactly once, maybe before resolve() returns. */
export interface Resolver {
  resolve(question: Question, done: (resolution: Resolution) => void): void;
  /**
   * True for a type whose answers do not depend on DO and CD of the question, because DNSSEC records are always asked for
   * and validated: one question and one answer serve all clients.
   */
  joinsVariants?(type: number): boolean;
}
