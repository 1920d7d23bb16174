// What the self-probe saw: for each view what its last run found, until the next run or until the program ended.

import type { ChangeRecord, ProbeRecord, ProbeResult } from '../records/records.ts';
import type { PlacedChange } from './evidence.ts';
import type { EnforcementInterval, ProbeInterval, ProbeSection, ProbeView } from './model.ts';
import { toNote } from './notes.ts';
import { type Span, SpanLine } from './spans.ts';
import { timeText } from './time-text.ts';

type Outcome = ProbeInterval['outcome'];
type Finding = ProbeView['findings'][number];

/** The worst of a run decides. */
const RANK: Readonly<Record<ProbeResult['outcome'], number>> = { enforced: 0, broken: 1, leaking: 2 };
const EXAMPLES_MAX = 5;
/** Of one view; a view that changes more often than this is told by its intervals. */
const FINDINGS_MAX = 100;

const PAUSE = 'operator-pause';

/** A time in which a view leaked. */
export interface LeakTime {
  readonly view: string;
  /** When it was found first. */
  readonly from: string;
}

class ViewHistory {
  /** A span for each run that found a leak: whether one was in a pause is asked of each. */
  readonly line = new SpanLine<Outcome>('no-evidence', (a, b) => a === b && a !== 'leaking');
  readonly findings: Finding[] = [];
  runs = 0;
  questions = 0;
  lastSuccessMs: number | undefined;
  lastRunMs: number | undefined;
  /** The longest time without a success that has ended. */
  longestGapMs = 0;
}

/** Follows the chain of changes for one period. */
export class ProbeHistory {
  readonly #views = new Map<string, ViewHistory>();
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #isWanted: (view: string) => boolean;
  #runs = 0;
  #sequence = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(fromMs: number, untilMs: number, isWanted: (view: string) => boolean) {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
    this.#isWanted = isWanted;
  }

  add({ sequence, record }: PlacedChange): void {
    const atMs = Date.parse(record.time);
    // Records are missing before this one: a run that found something else may be among them.
    if (this.#sequence > 0 && sequence !== this.#sequence + 1) this.#endAll(Math.min(this.#lastMs, atMs));
    this.#sequence = sequence;
    this.#lastMs = atMs;
    if (record.kind === 'probe') this.#take(record);
    const endMs = endOfService(record);
    if (endMs !== undefined) this.#endAll(endMs);
  }

  #endAll(atMs: number): void {
    for (const { line } of this.#views.values()) line.set(atMs, 'no-evidence');
  }

  section(evidenceEndMs: number): ProbeSection {
    const views = [...this.#views].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      runs: this.#runs,
      views: views.map(([view, history]) => this.#view(view, history, evidenceEndMs)),
      longestGapMs: views.length === 0 ? null : Math.max(...views.map(([, one]) => this.#gapOf(one))),
      notes: [toNote('between-runs')],
    };
  }

  /**
   * Times in which a view leaked, and not only in runs that fell into a pause; after section(). What a pause leaves open leaks as
   * well, and a leak that outlives it is one from the first run behind it on.
   */
  leaks(intervals: readonly EnforcementInterval[]): LeakTime[] {
    const pauses = intervals.filter(({ cause }) => cause?.split(', ').includes(PAUSE) === true);
    const isPaused = (atMs: number): boolean =>
      pauses.some(({ from, until }) => Date.parse(from) <= atMs && atMs < Date.parse(until));
    const views = [...this.#views].sort(([a], [b]) => (a < b ? -1 : 1));
    return views.flatMap(([view, { line }]) => {
      const found: LeakTime[] = [];
      let isLeaking = false;
      for (const { fromMs, value } of line.within(this.#fromMs, this.#untilMs)) {
        const isLeak: boolean = value === 'leaking' && (isLeaking || !isPaused(fromMs));
        if (isLeak && !isLeaking) found.push({ view, from: timeText(fromMs) });
        isLeaking = isLeak;
      }
      return found;
    });
  }

  #gapOf({ longestGapMs, lastSuccessMs = this.#fromMs }: ViewHistory): number {
    return Math.max(longestGapMs, this.#untilMs - lastSuccessMs);
  }

  #take(record: ProbeRecord): void {
    const atMs = Date.parse(record.time);
    const isWithin = atMs >= this.#fromMs && atMs < this.#untilMs;
    const views = Map.groupBy(record.results, ({ view }) => view);
    // A run that proves nothing as a whole, of a list that it could not read or without a listed name, proves nothing of any view.
    const isUnproven = record.results.every(({ outcome }) => outcome === 'enforced');
    const least = isUnproven ? record.outcome : 'enforced';
    let isCounted = false;
    for (const [view, results] of views) {
      if (!this.#isWanted(view)) continue;
      const history = this.#historyOf(view);
      const outcome = worst([{ outcome: least }, ...results]);
      const before = history.line.current;
      history.line.set(atMs, outcome);
      if (!isWithin) continue;
      isCounted = true;
      history.runs++;
      history.lastRunMs = atMs;
      history.questions += results.reduce((sum, { asked }) => sum + asked, 0);
      if (outcome === 'enforced') {
        const sinceMs = atMs - (history.lastSuccessMs ?? this.#fromMs);
        history.longestGapMs = Math.max(history.longestGapMs, sinceMs);
        history.lastSuccessMs = atMs;
      }
      if (outcome !== 'enforced' && outcome !== before && history.findings.length < FINDINGS_MAX)
        history.findings.push({ time: record.time, outcome, examples: examplesOf(results) });
    }
    if (isCounted) this.#runs++;
  }

  #historyOf(view: string): ViewHistory {
    let history = this.#views.get(view);
    if (history === undefined) {
      history = new ViewHistory();
      this.#views.set(view, history);
    }
    return history;
  }

  #view(view: string, history: ViewHistory, evidenceEndMs: number): ProbeView {
    if (evidenceEndMs < this.#untilMs) history.line.set(evidenceEndMs, 'no-evidence');
    const ms = { enforced: 0, leaking: 0, broken: 0, 'no-evidence': 0 };
    const intervals = merged(history.line.within(this.#fromMs, this.#untilMs)).map((span): ProbeInterval => {
      ms[span.value] += span.untilMs - span.fromMs;
      return {
        from: timeText(span.fromMs),
        until: timeText(span.untilMs),
        ms: span.untilMs - span.fromMs,
        outcome: span.value,
      };
    });
    return {
      view,
      runs: history.runs,
      questions: history.questions,
      ms,
      lastSuccess: history.lastSuccessMs === undefined ? null : timeText(history.lastSuccessMs),
      lastRun: history.lastRunMs === undefined ? null : timeText(history.lastRunMs),
      intervals,
      findings: history.findings,
    };
  }
}

/** One span of what follows each other with the same outcome. */
const merged = (spans: readonly Span<Outcome>[]): Span<Outcome>[] => {
  const found: Span<Outcome>[] = [];
  for (const span of spans) {
    const last = found.at(-1);
    if (last?.value === span.value) found[found.length - 1] = { ...last, untilMs: span.untilMs };
    else found.push(span);
  }
  return found;
};

const worst = (results: readonly Pick<ProbeResult, 'outcome'>[]): ProbeResult['outcome'] =>
  results.reduce<ProbeResult['outcome']>(
    (found, { outcome }) => (RANK[outcome] > RANK[found] ? outcome : found),
    'enforced',
  );

const examplesOf = (results: readonly ProbeResult[]): string[] =>
  results
    .filter(({ outcome }) => outcome !== 'enforced')
    .flatMap(({ examples }) => examples)
    .slice(0, EXAMPLES_MAX);

/** When the program stopped answering; undefined for what is no end. */
const endOfService = (record: ChangeRecord): number | undefined => {
  if (record.kind !== 'service') return undefined;
  if (record.event === 'stop') return Date.parse(record.time);
  // Written by the start after it, before anything was asked.
  return record.event === 'unclean-end' ? Date.parse(record.lastWritten ?? record.time) : undefined;
};
