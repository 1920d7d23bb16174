// probe: what a client is answered, asked by a client's means, and whether that is what is decided.
//
// Invariants: it asks and reads with wire/stub, a DNS implementation that is not ours; it is counted as nobody's; one run at a
// time; what failed is asked again in every run until it is in order. Nothing here is on the way of a client's query.

export type { ProbeRunStatus } from './findings.ts';
export { foreignForms, judgeOutcome, leadsNowhere, type RefusalForm } from './judge.ts';
export { dataForm } from './lists.ts';
export { packMandates } from './pack-mandates.ts';
export { toProbedState } from './probed-state.ts';
export type { Certificate } from './proof-certificate.ts';
export { open as openCertificate, PROOF_BYTES_MAX } from './proof-envelope.ts';
export { readOrMakeKey } from './proof-key.ts';
export { formatProof, makeProof, PROOF_DECOYS, PROOF_QUESTIONS, PROOF_RATE } from './proof-making.ts';
export { findResolver, type Resolver as ProofResolver } from './proof-ways.ts';
export { ProbeScheduler } from './scheduler.ts';
export { probeServer, type ServerProbe } from './server.ts';
export { reachListener } from './views.ts';
