// admin: HTTP for operators and their tools: metrics, health and readiness on TCP, decisions on a Unix socket.
//
// One table of operations (operations.ts) says what there is: where, for whom, what goes in and what comes out. Invariants:
// on TCP nothing changes any state, and who may ask is decided by the connection's address (loopback unless configured
// otherwise), never by a header; what changes something is a POST on the control socket, which only the user of the
// service can open; connections, headers, bodies and times are bounded; the query path cannot reach this room. It knows
// the program only through the controls that it declares.
// RFCs: 9110 (HTTP semantics), 9457 (problem documents).

export type { ActControl, ActShown } from './act-operations.ts';
export { BUDGETS, type Budget, type Need, needOf, type Office, type Spend, SUMS } from './act-rules.ts';
export { actsPage } from './acts-page.ts';
export type {
  ConfigurationApplied,
  ConfigurationAsked,
  ConfigurationChecked,
  ConfigurationControl,
  ConfigurationShown,
} from './configuration-operations.ts';
export { ConnectionGate } from './connection-gate.ts';
export { CONTROL_SOCKET_NAME, type ControlSocket, openControlSocket } from './control-socket.ts';
export { type AnyGiven, isAt, mayUse, notForRoles, perform } from './dispatch.ts';
export type { RecorderStatus, RecordsChecked } from './evidence-operations.ts';
export type { ExemptionControl, ExemptionEffect, ExemptionRefusal } from './exemption-operations.ts';
export { isOwnHost } from './host-check.ts';
export type {
  ListAsked,
  ListAuthor,
  ListControl,
  ListOutcome,
  ListRulesAsked,
} from './list-operations.ts';
export { type Admin, startAdmin } from './listener.ts';
export { openApiText } from './openapi.ts';
export {
  type Actor,
  namesOf,
  type Operation,
  type Outcome,
  ROLES,
  type Role,
  type Sent,
} from './operation.ts';
export { ALL_OPERATIONS, type Controls, OPERATIONS } from './operations.ts';
export type {
  DeviceShown,
  OverviewControl,
  RecordsFound,
  RecordsWanted,
  RefusalFigures,
  RefusalFiguresWanted,
  RefusalShown,
  RefusalsWanted,
} from './overview-operations.ts';
export type { NetworkNow, NetworkShown, StateShown } from './overview-state.ts';
export type {
  LinkShown,
  OpenSession,
  PeopleControl,
  PersonShown,
  TokenShown,
} from './people-operations.ts';
export type { PauseControl, PauseStatus, ProgramControl, Readiness } from './program-operations.ts';
export type { NewQueries, QueriesFound, QueriesWanted, QueryControl } from './query-operations.ts';
export { type Reply, toProblem } from './reply.ts';
export type { KeptReport, ReportAsked, ReportControl } from './report-operations.ts';
export type {
  RegisterCopy,
  ServiceControl,
  ServiceFigures,
  ServiceHistoryShown,
  ServiceStatus,
} from './service-operations.ts';
export type {
  Assertion,
  Attestation,
  Enrolment,
  OwnKeysShown,
  PasskeyAsked,
  SessionControl,
  SessionShown,
} from './session-operations.ts';
export { SocketUsers } from './socket-users.ts';
export type { ChangeTried } from './tried.ts';
