// upstream: the servers that are asked. Forwarding over UDP and TCP to configured endpoints, by zone.
//
// Invariants: nothing but a configured endpoint is ever asked; an answer counts only with the socket, ID and question
// of a query under way, and with records that parse; every question ends, by its deadline at the latest, and calls
// back once; questions in flight, sockets, IDs per socket and TCP connections are bounded. Imports datagram, dns and base.
// RFCs: 1035, 3225, 5452 (ports, IDs, question), 6891 (EDNS and its absence), 7766 (TCP).
export type {
  Exchange,
  TryFault,
  UnwantedReason,
  UpstreamFailure,
  UpstreamObserver,
  UpstreamOutcome,
  UpstreamQuestion,
  UpstreamTransport,
} from './exchange.ts';
export { Forwarding, type ForwardingOptions } from './forwarding.ts';
export { OWN_PORTS_BYTES, OwnPorts } from './own-ports.ts';
export type { ForwardingRoute, UpstreamErrorCode } from './route-table.ts';
export { RESOLV_CONF, readSystemResolvers } from './system-resolvers.ts';
