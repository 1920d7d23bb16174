// upstream: the servers that are asked. Forwarding over UDP, TCP, TLS and HTTPS to configured servers, by view and zone,
// and around it the follower that asks for the end of aliases.
//
// Invariants: nothing but a configured server is ever asked, and an encrypted one never in plaintext; an answer over
// UDP counts only with the socket, ID and question of a query under way, and any answer only with records that parse;
// every question ends, by its deadline at the latest, and calls back once; questions in flight, queries at each server,
// sockets, IDs per socket, connections, hedges and aliases that are followed are bounded. Imports datagram, dns and base.
// RFCs: 1034 and 6604 (aliases), 1035, 3225, 5452 (ports, IDs, question), 6891 (EDNS and its absence), 7766 (TCP), 7830
// and 8467 (padding), 7858 and 8310 (TLS), 7873 and 9018 (cookies), 8484 (HTTPS).
export { AliasFollower } from './alias-follower.ts';
export type { TlsSettings } from './connection.ts';
export {
  type Exchange,
  type TryFault,
  UNOBSERVED,
  type UntrustedReason,
  type UpstreamObserver,
  type UpstreamOutcome,
  type UpstreamTransport,
  VIEW_DEFAULT,
} from './exchange.ts';
export { Forwarding, type ForwardingOptions } from './forwarding.ts';
export { OWN_PORTS_BYTES, OwnPorts, PortSet } from './own-ports.ts';
export { type ForwardingRoute, upstreamTexts } from './route-table.ts';
export type { Strategy } from './strategy.ts';
export { RESOLV_CONF, readSystemResolvers } from './system-resolvers.ts';
export type { UpstreamServer } from './upstream-server.ts';
