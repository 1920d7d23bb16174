// What a pipeline tells of the one question that it was made to explain, beside what it tells its observer.
//
// The objects are those that the pipeline works with: valid only during the call, and not to be changed.
import type { Trace } from '../../base/base.ts';
import type { Verdict } from '../../policy/policy.ts';
import type { Targets } from '../../wire/dns/dns.ts';
import type { Answer } from '../cache/cache.ts';
import type { Alias } from './rewrite.ts';

/** What is read of the turn of a question. */
export interface TracedQuery {
  readonly verdict: Verdict;
  readonly watched: Verdict;
  /** Where a rule led the question. */
  readonly alias: Alias | undefined;
  readonly nowMs: number;
}

/** Is told how a question is decided. A question that waits for an answer is judged again with it. */
export interface PipelineTrace extends Trace {
  /** What the lists say of the question, or of an answer (`targets`), to which a rule led or the question. */
  judged(context: TracedQuery, targets: Targets | undefined): void;
  /** The verdict is on the name to which a rule leads a question that asks for the alias itself: it is refused there. */
  judgedNamed(context: TracedQuery, target: Uint8Array): void;
  /** A list that is only watched would refuse. */
  watched(context: TracedQuery, targets: Targets | undefined): void;
  /** The list of the verdict does not count: the exemption of this number says so. */
  takenOut(context: TracedQuery, targets: Targets | undefined, exemption: number): void;
  /** There is an answer; SOURCE. */
  found(context: TracedQuery, source: number, answer: Answer): void;
  /** The question failed a moment ago, which is remembered; SOURCE of the failure. */
  remembered(source: number): void;
}
