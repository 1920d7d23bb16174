// The terms of a plain exception, which all such rules of the text formats share, and the questions for what a rule does.
import type { RuleTerms } from '../policy.ts';

/** The terms of a rule that lets names through and says no more. */
export const PASSTHRU: RuleTerms = { action: { kind: 'passthru' } };

/** True for a rule that lets names through. */
export const isPassing = (terms: RuleTerms | undefined): boolean => terms?.action.kind === 'passthru';

/** True for an exception: a rule that lets names through, or lets through who asks over TCP. All others refuse. */
export const isException = (terms: RuleTerms | undefined): boolean =>
  isPassing(terms) || terms?.action.kind === 'tcp-only';

/** True for a rule that concerns some questions or clients only, or leaves out names. */
export const isConditional = ({ types, clients, exceptBelow }: RuleTerms): boolean =>
  types !== undefined || clients !== undefined || exceptBelow !== undefined;
