// workers: the threads that resolve, as the main thread starts, feeds and replaces them.
//
// Each worker is a whole resolver with its own sockets, cache and event loop; several share an endpoint by SO_REUSEPORT, and
// endpoints are claimed once before, so that a second Cordon cannot join in silently. Invariants: messages between threads are
// plain data (start, apply, drain); a worker's death costs its own queries only: it is started again after 100 ms, doubling to
// 10 s, and a minute of life forgets it; one that gives no sign of life for a second, or whose heap is nearly full, is ended
// and replaced; every socket's own port is known, so that a query that Cordon itself sent is not answered. ADR 0011, 0038, 0123.
export { claimEncrypted, claimEndpoint } from './claim.ts';
export {
  affordableWorkers,
  budgetDescriptors,
  type DescriptorBudget,
  readDescriptorLimit,
  tellDescriptors,
} from './descriptors.ts';
export { ENCRYPTED_KINDS, type EncryptedEndpoint } from './encrypted-listeners.ts';
export type { WorkerExemptions, WorkerSettings } from './messages.ts';
export { collectBeside, RetiredMemory, settleAfterStart } from './retired-memory.ts';
export { type ExemptionsFor, Supervisor } from './supervisor.ts';
export { readAuthorities } from './upstream-authorities.ts';
export { buildRoutes, plainEndpoints, upstreamHostNames } from './upstream-routes.ts';
export { createForwarding, toRules } from './worker-parts.ts';
export {
  announcedOf,
  isRequiredAt,
  namedListeners,
  type State,
  toIdentities,
  toSettings,
  withPause,
} from './worker-settings.ts';
