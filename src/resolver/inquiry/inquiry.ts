// inquiry: a question asked of a resolver made of a configuration, or of the one that runs, for explanations and commands.
//
// Invariants: it is the pipeline that clients ask, with the settings of the workers, and nothing else decides (ADR 0032); it is
// counted as nobody's; what could not be judged is never said to pass.

export { type ExplainedBy, explainByConfig } from './explain.ts';
export { explainLive } from './explain-live.ts';
export type { ExplainedAnswer, Explanation, Reason, Step } from './explanation.ts';
export { resolveNames } from './name-addresses.ts';
export {
  concernsNobody,
  Replay,
  type Replayed,
  type ReplayedRecord,
  type ReplayVerdict,
  toReplayedAnswer,
} from './replay.ts';
