// admin: HTTP for operators and their tools: metrics, health, readiness.
//
// Invariants: read-only, no state changes by any request; who may ask is decided by the connection's address
// (loopback unless configured otherwise), never by a header; connections, headers and times are bounded; the query
// path cannot reach this room. It knows the program only through the Control that it declares. Imports base only.
// RFCs: 9110 (HTTP semantics), 9457 (problem documents).
export type { AdminLog, Control } from './control.ts';
export { type Admin, type AdminErrorCode, type AdminOptions, startAdmin } from './listener.ts';
