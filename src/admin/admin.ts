// admin: HTTP for operators and their tools: metrics, health and readiness on TCP, decisions on a Unix socket.
//
// Invariants: on TCP nothing changes any state, and who may ask is decided by the connection's address (loopback
// unless configured otherwise), never by a header; what changes something is a POST on the control socket, which only
// the user of the service can open; connections, headers, bodies and times are bounded; the query path cannot reach
// this room. It knows the program only through Control, ListControl and the like, which it declares. Imports base only.
// RFCs: 9110 (HTTP semantics), 9457 (problem documents).
export type { AdminLog, Control, Readiness } from './control.ts';
export {
  type ControlRoute,
  type ControlSocket,
  type ControlSocketOptions,
  openControlSocket,
} from './control-socket.ts';
export {
  type ExemptionApprover,
  type ExemptionControl,
  type ExemptionDecider,
  type ExemptionRefusal,
  exemptionRoutes,
} from './exemption-routes.ts';
export { type ExplainAsked, type ExplainControl, explainRoutes } from './explain-routes.ts';
export { type ListAuthor, type ListControl, listRoutes } from './list-routes.ts';
export { type Admin, type AdminErrorCode, type AdminOptions, startAdmin } from './listener.ts';
export { type PauseControl, type PauseStatus, pauseRoutes } from './pause-routes.ts';
export { type ProbeControl, probeRoutes } from './probe-routes.ts';
export { type RecordControl, recordRoutes } from './record-routes.ts';
