// The outcome of policy for one query: which list and line refuse it, or that none does.
//
// One Verdict object serves all queries of a thread and is overwritten by each; nobody keeps it. It names the
// generation that gave it, so that a verdict can never be mistaken for one of another list state.
import { MATCH, type Match } from './rule.ts';

/** The verdict on the query in hand. */
export class Verdict {
  /** Generation of the policy that judged; 0 before any did. */
  generation = 0;
  /** Index into Policy.lists, or -1: no list refuses. */
  list = -1;
  /** Line of the rule in its list's source, from 1. */
  line = 0;
  match: Match = MATCH.SUFFIX;
  /** TRIGGER of dns: what led to the listed name or address. */
  trigger = 0;
  /** Length of the matching name, or bits of the matching prefix: the longer one is more specific. */
  specificity = 0;

  /** True when a list refuses. */
  get refused(): boolean {
    return this.list >= 0;
  }

  /** Forgets the last query. */
  clear(generation: number): void {
    this.generation = generation;
    this.list = -1;
    this.line = 0;
    this.specificity = 0;
  }
}

/** How a refusal is answered. */
export type BlockMode =
  | { readonly kind: 'nxdomain' | 'nodata' | 'null-ip' | 'refused' }
  | {
      readonly kind: 'address';
      /** Addresses of 4 bytes each. */
      readonly ipv4: readonly Uint8Array[];
      /** Addresses of 16 bytes each. */
      readonly ipv6: readonly Uint8Array[];
    };

/** What policy and the answer need to know of a list. */
export interface PolicyList {
  readonly id: string;
  /** Metric label, kebab-case. */
  readonly category: string;
  /** A mandate list is beaten only by a recorded exemption. */
  readonly mandate: boolean;
  readonly mode: BlockMode;
  /** TTL of the answer and of its SOA, seconds. */
  readonly ttlSec: number;
  /** The data of the EDE option for refusals by this list (RFC 8914). */
  readonly ede: Uint8Array;
}
