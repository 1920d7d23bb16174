// Questions that could not be resolved just now: they are not asked again at once (RFC 9520).
//
// Without it, every client that repeats a question whose servers are down costs a full round of tries. Bounded by
// number; a server that is not in it is asked. One second is what the RFC demands at least, and short enough that nobody
// notices after the servers are back; answers that are wrong rather than missing may be remembered for longer.
import { LRUCache } from 'lru-cache';

/** Questions that are remembered. */
const FAILURES_MAX = 10_000;
/** How long a failure is remembered that says nothing else, milliseconds (RFC 9520 section 3.2). */
const FAILURE_MS = 1000;

/**
 * How long a failure is remembered while clients get a stale answer. Nobody waits meanwhile, so that there is no
 * hurry: RFC 8767 section 5 advises 30 s, unbound takes 5 s. Milliseconds.
 */
export const STALE_RECHECK_MS = 5000;

interface Entry<Failure> {
  readonly failure: Failure;
  readonly atMs: number;
  readonly lifetimeMs: number;
}

/** Failures by the text of their key. */
export class FailureCache<Failure extends object> {
  /** It takes its memory for all at once: made by the first failure. */
  #entries: LRUCache<string, Entry<Failure>> | undefined;

  /** What a question failed with, while that is remembered; `nowMs` is the time of the clock that stored it. */
  get(key: string, nowMs: number): Failure | undefined {
    const entry = this.#entries?.get(key);
    if (entry === undefined) return undefined;
    const ageMs = nowMs - entry.atMs;
    if (ageMs >= 0 && ageMs < entry.lifetimeMs) return entry.failure;
    this.#entries?.delete(key);
    return undefined;
  }

  /** Remembers a failure, for a second unless told. */
  set(key: string, failure: Failure, nowMs: number, lifetimeMs = FAILURE_MS): void {
    this.#entries ??= new LRUCache({ max: FAILURES_MAX });
    this.#entries.set(key, { failure, atMs: nowMs, lifetimeMs });
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries?.clear();
  }

  /** Number of questions, expired ones included. */
  get size(): number {
    return this.#entries?.size ?? 0;
  }
}
