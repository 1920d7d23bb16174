// compliance: evidence that the prohibition holds, seen from outside.
//
// In this version: asking a resolver as a client would, with a DNS implementation that is not ours. Nothing here is
// on the path of a client's query. Imports dns, base and policy only.

export { type Decision, type DecisionStatus, toDay } from './decision.ts';
export { type Inquiry, inquire, inquireOrSilence, type Reading, type ReadRecord } from './dns2-client.ts';
export { ExemptionKeeper, type ExemptionKeeperOptions, type ExemptionSettings } from './exemption-keeper.ts';
export {
  EXEMPTION_STATES,
  type ExemptionPaper,
  type ExemptionState,
  isGranted,
  toSharedExemption,
} from './exemption-paper.ts';
export { type ExemptionProblem, formatExemptionProblem } from './exemption-problem.ts';
export type { Rules } from './exemption-rules.ts';
export type { Network } from './exemption-scope.ts';
export { readExemptionTexts, readRequestFile } from './exemption-texts.ts';

export { type ProbeRun, runProbe, sumUpViews, toProbeRecord, worstOf } from './probe.ts';
export { ProbeChannel } from './probe-channel.ts';
export { isExemptedBy } from './probe-exemption.ts';
export {
  describeReading,
  judgeOutcome,
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
export {
  REPORT_FORMATS,
  REPORT_TABLES,
  type ReportFormat,
  type ReportStep,
} from './report/forms.ts';
export { readPeriod } from './report/period.ts';
export { createReport } from './report/report.ts';
export { SIGNATURE_ENDING, signReport, verifyReport } from './report/signature.ts';
