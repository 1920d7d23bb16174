// Who is told the steps of one question's way, to explain it.
//
// Ordinary questions have nobody who listens, so that a step costs a look at a field that is undefined. The rooms on
// the way know this and not what becomes of it.

/** Takes the steps of one question in the order in which they happen. Must not throw. */
export interface Trace {
  /** `stage` is what did something, `outcome` what in a few words for people. */
  step(stage: string, outcome: string): void;
}
