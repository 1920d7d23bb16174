// The resolver behind a pipeline: what it is asked, and what it says. The pipeline knows this and no upstream.

import type { Question, ResolveFailure } from '../../wire/dns/dns.ts';

export type { Question } from '../../wire/dns/dns.ts';

/** What became of it. The resolver has checked id, QR and question of a message. */
export type Resolution =
  | {
      readonly kind: 'answer';
      readonly message: Uint8Array;
      /** Undefined: nothing was validated. */
      readonly security?: 'secure' | 'insecure';
      /** What signatures allow, seconds. */
      readonly ttlMaxSec?: number;
      /** True for what the configuration says: it may lead to private addresses. */
      readonly isOwn?: boolean;
      /**
       * Says that nobody looks at it any more, at most once; what is there serves another question then. Only for whoever it was
       * made for: who keeps it, or hands on a part of it, calls nothing.
       */
      end?(): void;
    }
  | ResolveFailure
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
