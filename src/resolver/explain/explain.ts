// explain: what a client would be answered, and why, told by the pipeline that answers.
//
// Invariants: nothing here decides. A question goes through a pipeline made of the parts that answer clients, which tells
// its steps; what could not be judged is never said to pass. Nobody's counts, records or shares know of it.
// Workers ask here; what was found is put into words by who asked them (inquiry), so that they read no lists.
export { type Asked, type Traced, type TracedAnswer, traceQuestions, type Via } from './trace-question.ts';
export type { RuleHit, TracedStep } from './tracing.ts';
