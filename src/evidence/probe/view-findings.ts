// What the last run that asked in a view found there, and since when it is so.
//
// A run of one group says nothing about the others: what was found there stays. Bounded by the views that there are.
import type { ProbeResult } from '../records/records.ts';
import type { UnaskedView } from './listener-views.ts';
import type { ProbeRun } from './run.ts';
import { worstOf } from './tally.ts';

/** Names that stand for all that leaked. */
const EXAMPLES_MAX = 5;

/** What is known of one view. */
export interface ViewFinding {
  readonly outcome: ProbeResult['outcome'];
  /** End of the first run that found this outcome, without another outcome since. */
  readonly sinceMs: number;
  /** End of the last run that found everything enforced; undefined: never since the start. */
  readonly lastSuccessMs: number | undefined;
  /** Names that were answered although they should have been refused. */
  readonly leakedNames: number;
  /** Questions without the answer that they should have had. */
  readonly failed: number;
  /** `www.example A: NOERROR 192.0.2.1`, leaks first. */
  readonly examples: readonly string[];
}

/** The findings of all views. */
export class ViewFindings {
  readonly #found = new Map<string, ViewFinding>();
  #unasked: ReadonlyMap<string, string> = new Map();
  /** Views that were asked since what is in force last changed. */
  readonly #current = new Set<string>();

  /** What was found in a view; undefined: nobody asked there yet. */
  of(view: string): ViewFinding | undefined {
    return this.#found.get(view);
  }

  /** Why nobody can ask in a view; undefined: somebody can. */
  whyUnasked(view: string): string | undefined {
    return this.#unasked.get(view);
  }

  /** What is in force changes: what was found before says nothing of a leak any more, until it is asked again. */
  outdate(): void {
    this.#current.clear();
  }

  /** True once a view was asked since what is in force last changed. */
  isCurrent(view: string): boolean {
    return this.#current.has(view);
  }

  /** The views that leak by what is in force. */
  get leaking(): readonly string[] {
    return [...this.#current].filter((view) => this.#found.get(view)?.outcome === 'leaking');
  }

  /** Takes a run; `isPartly`: it asked in one group only. */
  take(run: ProbeRun, unasked: readonly UnaskedView[], isPartly: boolean): void {
    const asked = Map.groupBy(run.results, ({ view }) => view);
    for (const [view, results] of asked)
      this.#takeView(view, results, run.leakedByView.get(view)?.size ?? 0, run);
    const reasons = unasked.map(({ view, reason }) => [view, reason] as const);
    if (isPartly) {
      const others = [...this.#unasked].filter(([view]) => !asked.has(view));
      this.#unasked = new Map([...others, ...reasons]);
      return;
    }
    this.#unasked = new Map(reasons);
    // A group that the configuration has no longer, or that nobody can ask as any more.
    for (const view of this.#found.keys()) if (!asked.has(view) && !run.isCutShort) this.#forget(view);
  }

  #forget(view: string): void {
    this.#found.delete(view);
    this.#current.delete(view);
  }

  #takeView(view: string, results: readonly ProbeResult[], leaked: number, run: ProbeRun): void {
    const outcome = worstOf(results);
    const before = this.#found.get(view);
    this.#current.add(view);
    const isSuccess = outcome === 'enforced' && !run.exemptedViews.includes(view);
    this.#found.set(view, {
      outcome,
      sinceMs: before?.outcome === outcome ? before.sinceMs : run.endedMs,
      lastSuccessMs: isSuccess ? run.endedMs : before?.lastSuccessMs,
      leakedNames: leaked,
      failed: results.reduce((sum, { failed }) => sum + failed, 0),
      examples: results
        .toSorted((a, b) => b.leaked - a.leaked)
        .flatMap(({ examples }) => examples)
        .slice(0, EXAMPLES_MAX),
    });
  }
}
