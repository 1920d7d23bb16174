// The terms of a plain exception, which all such rules of the text formats share, and the question for it.
import type { RuleTerms } from '../policy/policy.ts';

/** The terms of a rule that lets names through and says no more. */
export const PASSTHRU: RuleTerms = { action: { kind: 'passthru' } };

/** True for a rule that lets names through. */
export const isPassing = (terms: RuleTerms | undefined): boolean => terms?.action.kind === 'passthru';
