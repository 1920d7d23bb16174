// What the main thread and the workers say to each other: plain data, and memory that is shared.
import type { AccessRules } from '../access/access.ts';
import type { Endpoint } from '../base/base.ts';
import type { TtlLimits } from '../cache/cache.ts';
import type { Candidate, CounterBlock, RefusalBlock } from '../observe/observe.ts';
import type { SharedPolicy } from '../policy/policy.ts';
import type { StreamLimits } from '../server/server.ts';

/** Everything about a worker that a reload can change. */
export interface WorkerSettings {
  /** With ports that are known: never 0. */
  readonly listen: readonly Endpoint[];
  /** Undefined: not ready, everything is answered SERVFAIL. */
  readonly policy: SharedPolicy | undefined;
  readonly access: AccessRules;
  readonly ttlLimits: TtlLimits;
  /** The first route is the root's. */
  readonly routes: readonly { readonly zone: Uint8Array; readonly endpoints: readonly Endpoint[] }[];
  readonly timeoutMs: number;
  readonly tryTimeoutMs: number;
  readonly inflightMax: number;
  readonly counters: CounterBlock;
  readonly refusals: RefusalBlock;
}

/** What a worker is started with. */
export interface WorkerStart {
  readonly index: number;
  /** Several workers share the endpoints. */
  readonly shared: boolean;
  readonly cacheBytes: number;
  readonly streamLimits: StreamLimits;
  /** OWN_PORTS_BYTES for each worker. */
  readonly ownPorts: SharedArrayBuffer;
  readonly settings: WorkerSettings;
}

/** From the main thread. Every request is answered by one WorkerReply with its number. */
export type WorkerRequest =
  | { readonly kind: 'apply'; readonly request: number; readonly settings: WorkerSettings }
  | { readonly kind: 'drain' | 'candidates'; readonly request: number };

/** From a worker; request 0 is its start. */
export type WorkerReply =
  | {
      readonly request: number;
      readonly kind: 'done';
      /** What was asked for. */
      readonly candidates?: readonly Candidate[];
    }
  | {
      readonly request: number;
      readonly kind: 'failed';
      readonly code: string;
      readonly text: string;
      readonly hint: string | undefined;
    };
