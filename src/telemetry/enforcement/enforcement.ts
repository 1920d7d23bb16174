// enforcement: whether the prohibition is in force, for each group of clients and for the whole service.
//
// In force means that the names of every mandate list that concerns a group are refused to its clients at this moment.
// Invariants: there is one judge, judgeEnforcement(), a pure function of facts, and everybody who says anything about
// it reads its result: metrics, readiness, log, probe, records, reports, the check of a configuration; its words are
// closed sets and stand here only; only what is written as out of scope excuses a list that does not refuse. The
// service as a whole is as bad as the worst of its groups that are in scope.
//
// To add a way to be not in force: add the fact to EnforcementFacts, decide in judge.ts, say it in texts.ts, and add a
// row to test/integration/enforcement.test.ts. Imports base only.
export { type EnforcementChange, EnforcementClock } from './enforcement-clock.ts';
export { judgeHeadlines } from './headline.ts';
export {
  HEADLINE_CAUSES,
  HEADLINE_STATES,
  type Headline,
  type HeadlineFacts,
  type ProofFacts,
} from './headline-facts.ts';
export { isFresh, proofAgeMaxMs } from './headline-proof.ts';
export {
  type Enforcement,
  type EnforcementFacts,
  excuses,
  type GroupEnforcement,
  type GroupFacts,
  judgeEnforcement,
  type ListFacts,
  type OutOfScope,
} from './judge.ts';
export { describeEnforcement, todoOf } from './texts.ts';
export {
  isAnswering,
  isAsDecided,
  isInForce,
  LIST_STANDINGS,
  MANDATE_STATES,
  type MandateState,
  NOT_ENFORCING_CAUSES,
  type NotEnforcingCause,
  worstState,
} from './words.ts';
