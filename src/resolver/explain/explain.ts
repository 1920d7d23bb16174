// explain: what a client would be answered, and why, told by the pipeline that answers.
//
// Invariants: nothing here decides. A question goes through a pipeline made of the parts that answer clients, which tells
// its steps; what could not be judged is never said to pass. Nobody's counts, records or shares know of it.
export {
  createExplanation,
  type ExplainedAnswer,
  type Explanation,
  type Outcome,
  type Reason,
  type Setting,
  type Step,
} from './explanation.ts';
export { type Asked, type Means, type Traced, traceQuestions, type Via } from './trace-question.ts';
