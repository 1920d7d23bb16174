// What the main thread and the workers say to each other: plain data, and memory that is shared.

import type { Endpoint, Prefix } from '../../base/base.ts';
import type { AccessTable, RateRules } from '../../policy/access/access.ts';
import type { ExemptionIndex, SharedPolicy } from '../../policy/policy.ts';
import type { QueryLogShare } from '../../telemetry/events/events.ts';
import type {
  Candidate,
  CheckAsked,
  CounterBlock,
  ExemptionBlock,
  RefusalBlock,
} from '../../telemetry/observe/observe.ts';
import type { TtlLimits } from '../cache/cache.ts';
import type { Asked, Traced } from '../explain/explain.ts';
import type { DeviceCheckSetting } from '../local/local.ts';
import type { StaleRules, StructuredErrors } from '../pipeline/pipeline.ts';
import type { ResolutionSettings } from '../resolve/resolve.ts';
import type { ProbePorts, StreamLimits } from '../server/server.ts';
import type { ForwardingRoute } from '../upstream/upstream.ts';
import type { EncryptedSettings } from './encrypted-listeners.ts';

/** Everything about a worker that a reload can change. */
export interface WorkerSettings {
  /** With ports that are known: never 0. */
  readonly listen: readonly Endpoint[];
  /** Who may say whose queries they hand on. */
  readonly proxies: readonly Prefix[];
  /** Undefined: no listener is encrypted. */
  readonly encrypted: EncryptedSettings | undefined;
  /** Undefined: not ready, everything is answered SERVFAIL. */
  readonly policy: SharedPolicy | undefined;
  readonly access: AccessTable;
  readonly ttlLimits: TtlLimits;
  /** The first route is the root's. */
  readonly routes: readonly ForwardingRoute[];
  readonly timeoutMs: number;
  readonly tryTimeoutMs: number;
  readonly inflightMax: number;
  readonly inflightPerServerMax: number;
  readonly cookies: boolean;
  readonly mixedCase: boolean;
  readonly resolution: ResolutionSettings;
  /** Undefined: stale answers are not given. */
  readonly stale: StaleRules | undefined;
  /** How long answers are kept after they expire, milliseconds. */
  readonly staleMs: number;
  readonly prefetch: boolean;
  /** Share of `inflightMax` that one client may have when it is scarce. */
  readonly clientShareMax: number;
  readonly zoneShareMax: number;
  /** Zones that may lead to private addresses; undefined: all. */
  readonly rebindingAllowed: readonly Uint8Array[] | undefined;
  /** Undefined: nobody is limited. */
  readonly rateLimit: RateRules | undefined;
  /** RDATA of the records that lead clients to the encrypted listeners (RFC 9462); none where nobody could believe them. */
  readonly designated: readonly Uint8Array[];
  /** Undefined: there is no page that checks a device. */
  readonly check?: DeviceCheckSetting | undefined;
  /** Undefined: nobody is told any. */
  readonly structured: StructuredErrors | undefined;
  readonly counters: CounterBlock;
  readonly refusals: RefusalBlock;
  /** The worker's own ring of events (createEventRing); undefined: nobody keeps records. */
  readonly events?: SharedArrayBuffer | undefined;
  /** The worker's own ring of queries; undefined: no query log is kept. */
  readonly queryLog?: QueryLogShare | undefined;
}

/** Exemptions as a worker is given them. */
export interface WorkerExemptions {
  readonly exemptions: ExemptionIndex;
  /** The worker's own, with an id for each of them. */
  readonly block: ExemptionBlock;
}

/** What a worker is started with. */
export interface WorkerStart {
  readonly index: number;
  /** Several workers share the endpoints. */
  readonly shared: boolean;
  readonly cacheBytes: number;
  readonly streamLimits: StreamLimits;
  /** Of encrypted listeners; undefined: none was configured at the start. */
  readonly encryptedLimits?: StreamLimits | undefined;
  /** OWN_PORTS_BYTES for each worker. */
  readonly ownPorts: SharedArrayBuffer;
  /** OWN_PORTS_BYTES: ports from which the self-probe asks the listeners. */
  readonly probePorts: SharedArrayBuffer;
  /** What addresses asked (createRateMemory). */
  readonly rates: SharedArrayBuffer;
  /** How many handshakes addresses made (createRateMemory). */
  readonly handshakeRates: SharedArrayBuffer;
  /** Where each worker gives signs of life (createHeartbeats). */
  readonly heartbeats: SharedArrayBuffer;
  /** Of the cookies that clients get; the same in all workers. */
  readonly cookieSecret: Uint8Array;
  /** What the self-probe shows at the worker's own door; undefined: there is no door. The same in all workers. */
  readonly probeSecret?: Uint8Array | undefined;
  /** Undefined: none. */
  readonly exemptions?: WorkerExemptions | undefined;
  readonly settings: WorkerSettings;
}

/** From the main thread. Every request is answered by one WorkerReply with its number. */
export type WorkerRequest =
  | { readonly kind: 'apply'; readonly request: number; readonly settings: WorkerSettings }
  | ({ readonly kind: 'exemptions'; readonly request: number } & WorkerExemptions)
  | { readonly kind: 'trace'; readonly request: number; readonly asked: Asked }
  | { readonly kind: 'check'; readonly request: number; readonly code: string; readonly begunMs: number }
  | { readonly kind: 'drain' | 'candidates'; readonly request: number };

/** From a worker; request 0 is its start. */
export type WorkerReply =
  | {
      readonly request: number;
      readonly kind: 'done';
      /** What was asked for. */
      readonly candidates?: readonly Candidate[];
      readonly check?: CheckAsked | 'forgotten' | undefined;
      readonly traced?: Traced;
      /** With the reply to its start: the worker's door for the self-probe, if it has one. */
      readonly probe?: ProbePorts | undefined;
    }
  | {
      readonly request: number;
      readonly kind: 'failed';
      readonly code: string;
      readonly text: string;
      readonly hint: string | undefined;
    };
