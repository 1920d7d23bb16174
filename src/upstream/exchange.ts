// What a question to an upstream is, what comes of it, and who watches.
//
// The pipeline sees an Exchange and nothing else of this room; other ways to resolve implement the same interface.
// Callbacks instead of promises: a miss costs no microtask and no promise object.

/** One question to be resolved. */
export interface UpstreamQuestion {
  /** Uncompressed wire name; sent in these letters. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  /** Ask for DNSSEC records (RFC 3225). */
  readonly dnssecOk: boolean;
  /** Ask the upstream not to validate (RFC 4035 section 3.2.2). */
  readonly checkingDisabled: boolean;
}

/** Why a question got no answer. */
export type UpstreamFailure = 'timeout' | 'network' | 'servfail' | 'refused' | 'overload';

/** What became of a question. */
export type UpstreamOutcome =
  | {
      readonly kind: 'answer';
      /** The whole message, OPT included, owned by the receiver. ID, question and records were checked. */
      readonly message: Uint8Array;
      /** `ADDRESS:PORT` of the upstream that answered. */
      readonly endpoint: string;
      readonly rttMs: number;
    }
  | {
      readonly kind: 'failure';
      readonly reason: UpstreamFailure;
      /** The last SERVFAIL or REFUSED answer of an upstream, owned by the receiver; undefined when there was none. */
      readonly message: Uint8Array | undefined;
    };

/** Resolves questions. */
export interface Exchange {
  /** Calls `done` exactly once, possibly before resolve() returns. */
  resolve(question: UpstreamQuestion, done: (outcome: UpstreamOutcome) => void): void;
}

/** How a query travels. */
export type UpstreamTransport = 'udp' | 'tcp';

/** Why one try at one endpoint brought nothing; `unsupported` is FORMERR, NOTIMP or an extended RCODE. */
export type TryFault = 'timeout' | 'network' | 'malformed' | 'servfail' | 'refused' | 'unsupported';

/** What made a message no answer to anything asked; `header` is a query or an opcode other than QUERY. */
export type UnwantedReason = 'short' | 'header' | 'id' | 'question' | 'malformed';

/** Is told what happens at each endpoint, by its index in Forwarding.endpoints. Called per query: must be cheap. */
export interface UpstreamObserver {
  sent(endpointIndex: number, transport: UpstreamTransport): void;
  /** A whole answer came, whatever its RCODE (the extended bits included); a truncated one is followed by sent('tcp'). */
  answered(endpointIndex: number, rttMs: number, rcode: number): void;
  /** A try ended without a usable answer; after answered() when it was the RCODE. */
  failed(endpointIndex: number, fault: TryFault): void;
  /** A message was dropped. */
  unwanted(endpointIndex: number, reason: UnwantedReason): void;
  /** The endpoint's health changed. */
  healthy(endpointIndex: number, isHealthy: boolean): void;
}
