// A question on its way from who asks to who answers, and the failure that all who resolve it tell in the same words.
import type { Trace } from '../../base/base.ts';
import { CLASS, TYPE } from './registry.ts';

/** What who asks has to know of those who answer. It goes along with a question and all that is asked for its sake. */
export interface Interest {
  /** Says that nobody wants an answer any more. Code that sends something sets it, and takes it back at the end. */
  cancel: (() => void) | undefined;
  /**
   * Who sent something and may look at the question after it was answered, as a try does that was overtaken: for as long as there is
   * any, the question's memory is not used for another one.
   */
  lookers: number;
  /** Number of the use of that memory: another one tells who looks too late that the question is somebody else's by now. */
  readonly use: number;
}

/** One question to be resolved. */
export interface Question {
  /** Uncompressed wire name, with the letters of the client that asked first; the answer has them too. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  /** Ask for DNSSEC records (RFC 3225). */
  readonly dnssecOk: boolean;
  /** Ask not to validate (RFC 4035 section 3.2.2). */
  readonly checkingDisabled: boolean;
  /** Whose upstreams are asked: 0 for those of everybody, or the number of a view with upstreams of its own. */
  readonly view: number;
  /** Ask to be told whether the upstream has validated, without DNSSEC records (RFC 6840 section 5.7). */
  readonly wantsAd: boolean;
  /** The text of an upstream whose answer was no good: others are asked before it, where there are any. */
  readonly notFrom?: string | undefined;
  /** What an answer said about the end of aliases was no proof: the end is asked for by itself. */
  readonly doubtsEnd?: boolean;
  /** Is told the steps of this question's way; undefined for ordinary questions. */
  readonly trace?: Trace | undefined;
  /** Undefined: an answer is wanted whatever happens. */
  readonly interest?: Interest | undefined;
}

/** Stands where there is no question, so that what is used again holds none. */
export const NO_QUESTION: Question = {
  name: new Uint8Array(1),
  type: TYPE.A,
  class: CLASS.IN,
  dnssecOk: false,
  checkingDisabled: false,
  view: 0,
  wantsAd: false,
};

/** Why a question got no answer. */
export type FailureReason = 'timeout' | 'network' | 'servfail' | 'refused' | 'overload' | 'costly';

/** A question got no answer. */
export interface ResolveFailure {
  readonly kind: 'failure';
  readonly reason: FailureReason;
  /** The last SERVFAIL or REFUSED answer of an upstream, owned by the receiver, whose EDE is passed on. */
  readonly message?: Uint8Array | undefined;
  /** An answer with the aliases that were found before it failed: for lists to judge, and for nobody to be given. */
  readonly aliases?: Uint8Array | undefined;
}
