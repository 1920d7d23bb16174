// A route in use: the endpoints for the names of a zone. T is what waits on their sockets.
import type { Question } from '../../wire/dns/dns.ts';
import type { Strategy } from './strategy.ts';
import type { UpstreamEndpoint } from './upstream-endpoint.ts';

/** Never changes; what changes is in the endpoints. */
export interface Route<T> {
  readonly zone: Uint8Array;
  readonly endpoints: readonly UpstreamEndpoint<T>[];
  /** Empty when there is none. */
  readonly fallback: readonly UpstreamEndpoint<T>[];
  readonly strategy: Strategy;
  /** What an encrypted endpoint is asked when nobody waits for the answer. */
  readonly probe: Question;
  /** Nothing to choose from, and nothing to probe. */
  readonly isSingle: boolean;
  /** It is there to see how an endpoint is; nobody waits. */
  readonly isProbe?: boolean;
}
