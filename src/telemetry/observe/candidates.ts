// Names that a list may be missing: they were asked for, no list has them, and what they led to is on a mandate list.
//
// Such answers are refused already, so nothing leaks while a person looks at the names; none is ever added to a list
// by itself. Bounded: the names not seen for longest make room for new ones.
import { LRUCache } from 'lru-cache';

/** Names that are remembered, per worker. */
const CANDIDATES_MAX = 1000;

/** What led a name to a listed one: the rule, in words that travel between threads. */
export interface CandidateEvidence {
  /** Identifier of the list. */
  readonly list: string;
  /** Line of the rule in it. */
  readonly line: number;
  /** `cname`, `response-ip`, …: a word of the metrics. */
  readonly trigger: string;
}

/** A name that a list may be missing. */
export interface Candidate extends CandidateEvidence {
  /** Presentation form, folded, without the last dot. */
  readonly name: string;
  /** Queries that were refused. */
  readonly count: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

/** Remembers candidates. */
export class CandidateLog {
  readonly #entries = new LRUCache<string, Candidate>({ max: CANDIDATES_MAX });

  /** Notes a query for a name, with the evidence of the latest one. */
  note(name: string, evidence: CandidateEvidence, nowMs: number): void {
    const before = this.#entries.get(name);
    this.#entries.set(name, {
      ...evidence,
      name,
      count: (before?.count ?? 0) + 1,
      firstSeenMs: before?.firstSeenMs ?? nowMs,
      lastSeenMs: nowMs,
    });
  }

  /** Number of names. */
  get size(): number {
    return this.#entries.size;
  }

  /** All names, the one seen last first. */
  entries(): Candidate[] {
    return [...this.#entries.values()];
  }
}

/** The candidates of several workers as one, the most frequent first. */
export const mergeCandidates = (logs: readonly (readonly Candidate[])[]): Candidate[] => {
  const merged = new Map<string, Candidate>();
  for (const candidate of logs.flat()) {
    const other = merged.get(candidate.name);
    if (other === undefined) {
      merged.set(candidate.name, candidate);
      continue;
    }
    const latest = other.lastSeenMs > candidate.lastSeenMs ? other : candidate;
    merged.set(candidate.name, {
      ...latest,
      count: other.count + candidate.count,
      firstSeenMs: Math.min(other.firstSeenMs, candidate.firstSeenMs),
    });
  }
  return [...merged.values()].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
};
