// compliance: evidence that the prohibition holds: who is exempt by whose word, what a client sees, what a report says.
//
// Invariants: no exemption without a paper that the rules of a jurisdiction allow, asked for by one and granted by
// another; no date of a decision ends a refusal; the self-probe asks and reads with dns2, a DNS implementation that is
// not ours; a report is a function of the records. Nothing here is on the way of a client's query. Imports records,
// policy, dns and base only.
export { type Decision, type DecisionStatus, toDay } from './decision.ts';
export { type Inquiry, inquire, inquireOrSilence, type Reading, type ReadRecord } from './dns2-client.ts';
export { ExemptionKeeper, type ExemptionKeeperOptions, type ExemptionSettings } from './exemption-keeper.ts';
export {
  EXEMPTION_STATES,
  type ExemptionPaper,
  type ExemptionState,
} from './exemption-paper.ts';
export { type ExemptionProblem, formatExemptionProblem } from './exemption-problem.ts';
export type { Rules } from './exemption-rules.ts';
export type { Network } from './exemption-scope.ts';
export { readExemptionTexts, readRequestFile } from './exemption-texts.ts';

export { type ProbeRun, runProbe, sumUpViews, toProbeRecord, worstOf } from './probe.ts';
export { ProbeChannel } from './probe-channel.ts';
export { isExemptedBy } from './probe-exemption.ts';
export {
  NULL_ADDRESSES,
  type Outcome,
  type RefusalForm,
} from './probe-judge.ts';
export {
  createRandom,
  describeQuestion,
  type ListedName,
  type ListedPrefix,
  PROBE_ZONE,
  type ProbeList,
  ProbePlan,
  type ProbeQuestion,
  type ProbeTransport,
  type ProbeView,
} from './probe-plan.ts';
export { type Profile, readProfile } from './profile.ts';
export { SHIPPED_PROFILES } from './profile-shipped.ts';

export type { ExemptionEvent, RegisterOutcome } from './register.ts';
export type { ExemptionFacts, ExemptionReport } from './register-facts.ts';
export { checkTexts } from './register-texts.ts';
export { REGISTER_NAME, registerWitnesses } from './register-witness.ts';
export {
  REPORT_FORMATS,
  REPORT_TABLES,
  type ReportFormat,
  type ReportStep,
} from './report/forms.ts';
export { readPeriod } from './report/period.ts';
export { createReport } from './report/report.ts';
export { SIGNATURE_ENDING, signReport, verifyReport } from './report/signature.ts';
