// server: the sockets that clients reach.
//
// Invariants: no byte of a client is trusted; nothing that one client does can hold memory or a descriptor without
// a bound; a client never gets bytes meant for another. RFCs 1035 section 4.2, 7766, 8906.
export { ConnectionBudget, type StreamLimits, type StreamObserver } from './connection-budget.ts';
export {
  createProbeSecret,
  type ProbeClient,
  ProbeGate,
  type ProbePorts,
  writeProbeOption,
} from './probe-gate.ts';
export { RateGate } from './rate-gate.ts';
export { StreamListener } from './stream.ts';
export { UdpListener, type UdpObserver } from './udp.ts';
export { type Closable, openUdp } from './wildcard.ts';
