// exemptions: who may reach what is prohibited, by whose word, and until when.
//
// Invariants: no exemption without a paper that the rules of a jurisdiction allow, asked for by one person and granted
// by another; a damaged register exempts nobody; no date of a decision ends a refusal. Nothing here is on the way of a
// client's query: the resolver gets exemptions as plain data of policy.

export { DECISION_LINE_MAX, type Decision, type DecisionStatus, decisionSchema, toDay } from './decision.ts';
export { approverIssues, exemptionIssues } from './exemption-issues.ts';
export { ExemptionKeeping } from './exemption-keeping.ts';
export {
  type Duties,
  type Duty,
  type DutyDay,
  type DutyDone,
  dutyDays,
  isDayOver,
  isOverdue,
  TOLD_BEFORE_MS,
} from './mandate-days.ts';
export { EXEMPTION_STATES, type ExemptionPaper, paperSchema } from './paper.ts';
export { type ExemptionProblem, formatExemptionProblem } from './problem.ts';
export { type Profile, profileSchema, readProfile } from './profile.ts';
export { SHIPPED_PROFILES } from './profile-shipped.ts';
export type { ExemptionEvent, RegisterOutcome } from './register.ts';
export { marksOfStep } from './register-body.ts';
export type { ExemptionFacts, ExemptionReport } from './register-facts.ts';
export { checkTexts } from './register-texts.ts';
export { REGISTER_NAME, registerWitnesses } from './register-witness.ts';
export type { Rules } from './rule-context.ts';
export type { Network } from './scope.ts';
export { ExemptionService, type ExemptionServiceOptions, type ExemptionSettings } from './service.ts';
export type { Draft, ExemptionTerms } from './terms.ts';
export { readExemptionTexts, readRequestFile } from './texts.ts';
