// Steps that the register of a fleet's authority took, taken into the register of a node.
//
// A node decides nothing, and trusts nobody: a grant is judged by the rules of its own configuration, as one that stands. What
// has ended here stays so, and an end is taken whatever else is wrong.
import { z } from 'zod';
import { AppError, type Clock } from '../../base/base.ts';
import { isStanding } from './paper.ts';
import { type ExemptionProblem, toProblem } from './problem.ts';
import type { ExemptionEntry, Register } from './register.ts';
import { NO_PROFILE, type RegisterBody, readBody } from './register-body.ts';
import { standingFaults } from './rules.ts';

/**
 * Takes a step; one that is known already changes nothing. What the rules here say against a grant is given, and then it does not
 * hold here. Throws ERR_EXEMPTION_FOREIGN for a step of another form or about another paper of this number, and
 * ERR_EXEMPTION_STORE.
 */
export const adoptStep = (register: Register, event: unknown, clock: Clock): readonly ExemptionProblem[] => {
  const step = readForeign(register, event);
  if (step.kind === 'decision') return [];
  const { paper } = step;
  const known = findKnown(register, paper.id);
  if (known !== undefined && known.paper.requestedAt !== paper.requestedAt)
    throw foreign(`${paper.id} is another paper here`);
  if (known?.history.some(({ time, event: name }) => time === step.time && name === step.event) === true)
    return [];
  if (known !== undefined && !isStanding(known.paper)) return [];
  if (step.event === 'approved') {
    const context = register.context(clock());
    if (context === undefined) return NO_PROFILE;
    const faults = standingFaults(paper, context);
    if (faults.length > 0) return faults.map((fault) => toProblem(fault));
  }
  register.writeForeign(step);
  return [];
};

const findKnown = (register: Register, id: string): ExemptionEntry | undefined => {
  try {
    return register.find(id);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'ERR_EXEMPTION_UNKNOWN') return undefined;
    throw thrown;
  }
};

const readForeign = (register: Register, event: unknown): RegisterBody => {
  try {
    return readBody(event);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    const end = readEnd(register, event);
    if (end !== undefined) return end;
    throw foreign(thrown.message);
  }
};

/** What of an end has to be understood, whatever a later version says beside it. */
const endSchema = z.looseObject({
  kind: z.literal('exemption'),
  time: z.iso.datetime(),
  event: z.enum(['revoked', 'rejected']),
  id: z.string(),
  by: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  paper: z.looseObject({ requestedAt: z.string() }),
});

/** An end in the words of a later version, of a paper that is known here. */
const readEnd = (register: Register, event: unknown): RegisterBody | undefined => {
  const read = endSchema.safeParse(event);
  const known = read.success ? findKnown(register, read.data.id) : undefined;
  if (!read.success || known?.paper.requestedAt !== read.data.paper.requestedAt) return undefined;
  const { kind, time, event: state, id, by, reason } = read.data;
  const said = { ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }) };
  return { kind, time, event: state, id, ...said, paper: { ...known.paper, state, endedAt: time } };
};

const foreign = (text: string): AppError =>
  new AppError('ERR_EXEMPTION_FOREIGN', `taking an event of the fleet's register: ${text}`);
