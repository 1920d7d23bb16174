// compliance: what a client sees, asked by a client's means.
//
// Invariants: the self-probe asks and reads with dns2, a DNS implementation that is not ours. Nothing here is on the way
// of a client's query.
export { type Inquiry, inquire, inquireOrSilence, type Reading, type ReadRecord } from './dns2-client.ts';

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
