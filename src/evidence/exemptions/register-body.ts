// An event of the register as it is read back, and the refusal of everything while no profile is configured.
import { type DecisionRecord, type ExemptionMark, type ExemptionRecord, markOf } from '../records/records.ts';
import { readDecisionRecord } from './decision.ts';
import { type ExemptionPaper, paperSchema, toSharedExemption } from './paper.ts';
import { type ExemptionProblem, toProblem } from './problem.ts';

/** What is wrong with any paper then. */
export const NO_PROFILE: readonly ExemptionProblem[] = [
  toProblem({
    code: 'ERR_EXEMPTION_PROFILE',
    path: [],
    text: 'no mandate and no profile of a jurisdiction is configured: nothing can be granted',
    hint: 'set mandates, or compliance.profile',
  }),
];

/** An event with its paper read. */
export type RegisterBody =
  | (Omit<ExemptionRecord, 'paper'> & { readonly paper: ExemptionPaper })
  | DecisionRecord;

/** An event as it was written; throws a RangeError for anything else. */
export const readBody = (body: unknown): RegisterBody => {
  const { kind, paper } = (body ?? {}) as { kind?: unknown; paper?: unknown };
  if (kind === 'decision') return readDecisionRecord(body);
  const read = paperSchema.safeParse(paper);
  if (kind !== 'exemption' || !read.success) throw new RangeError('an event has another form');
  // What threads will get has to be readable, or nothing of the register is used.
  toSharedExemption(read.data);
  return { ...(body as ExemptionRecord), paper: read.data };
};

/** The marks of a step that came of a fleet: as its authority wrote it, and as a node keeps it. */
export const marksOfStep = (step: unknown): ExemptionMark[] => {
  try {
    const marks = [step, readBody(step)].map((body) => markOf(body as object));
    return marks.filter((mark) => mark !== undefined);
  } catch (thrown) {
    // Such as one of a later version.
    if (!(thrown instanceof RangeError)) throw thrown;
    return [];
  }
};
