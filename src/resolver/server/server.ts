// server: the sockets that clients reach: UDP, TCP, TLS, HTTPS, QUIC.
//
// Invariants: no byte of a client is trusted; nothing that one client does can hold memory or a descriptor without
// a bound; a client never gets bytes meant for another. RFCs 1035 section 4.2,
// 7766, 7858, 8484, 8906, 9112, 9113, 9250.
export { ConnectionBudget, type StreamLimits } from './connection-budget.ts';
export { DohListener } from './doh-listener.ts';
export { DoqListener, quicFault, quicVersion, toDoqLimits } from './doq-listener.ts';
export { createProbeSecret, ProbeGate, type ProbePorts, writeProbeOption } from './probe-gate.ts';
export { Proxies } from './proxies.ts';
export { RateGate } from './rate-gate.ts';
export { StreamListener } from './stream.ts';
export { probeTcp } from './tcp-server.ts';
export { UdpListener } from './udp.ts';
export { type Closable, openUdp } from './wildcard.ts';
