// What a pipeline tells of the one question that it was made to explain, beside what it tells its observer.
//
// The objects are those that the pipeline works with: valid only during the call, and not to be changed.
import type { Trace } from '../base/base.ts';
import type { Answer } from '../cache/cache.ts';
import type { Targets } from '../dns/dns.ts';
import type { Verdict } from '../policy/policy.ts';
import type { Alias } from './rewrite.ts';

/** Is told how a question is decided. A question that waits for an answer is judged again with it. */
export interface PipelineTrace extends Trace {
  /** What the lists say of the question, or of an answer (`targets`), to which a rule led (`alias`) or the question. */
  judged(verdict: Verdict, targets: Targets | undefined, alias: Alias | undefined): void;
  /** The list of a verdict would refuse, and is only watched. */
  watched(verdict: Verdict, targets: Targets | undefined): void;
  /** The list of a verdict does not count: the exemption of this number says so. */
  takenOut(verdict: Verdict, targets: Targets | undefined, exemption: number): void;
  /** An answer is at hand; SOURCE. */
  found(source: number, answer: Answer, nowMs: number): void;
  /** The question failed a moment ago, which is remembered; SOURCE of the failure. */
  remembered(source: number): void;
}
