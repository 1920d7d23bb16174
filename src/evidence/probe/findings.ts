// What runs of the self-probe found: the last of them for who asks, what metrics tell, what has to be asked again, and the
// alarm.
//
// What failed is asked again in every run until it is in order, so that a leak that a sweep found does not look mended
// because the next sample asked for other names.
import { reasonText } from '../../base/words/words.ts';
import {
  describeEnforcement,
  type Enforcement,
  type MandateState,
  todoOf,
} from '../../telemetry/enforcement/enforcement.ts';
import type { Log, ProbeMetrics } from '../../telemetry/observe/observe.ts';
import type { ProbedCertificate, ProbeRecord, ProbeResult } from '../records/records.ts';
import type { UnaskedView } from './listener-views.ts';
import type { ProbeLists } from './lists.ts';
import type { ProbeQuestion } from './plan-facts.ts';
import { type ProbeRun, sumUpViews, toProbeRecord } from './run.ts';
import type { DueRun } from './schedule.ts';
import { worstOf } from './tally.ts';
import { ViewFindings } from './view-findings.ts';

/** Runs that are kept. */
const RUNS_MAX = 20;
/** Runs that are kept with each result; of older ones a line for each view stays. At most some 600 KB each. */
const WHOLE_RUNS_MAX = 3;
/** Examples in an alarm: enough to begin with, short enough for one line of a log. */
const ALARM_EXAMPLES_MAX = 5;
const ALARM_TEXTS = {
  leaking: 'the self-probe got answers for names that a mandate list refuses',
  broken: 'the self-probe did not get the answers that it should have had',
} as const;

/** A view, or all of them, went wrong, or are in order again. */
export interface ProbeAlarm {
  readonly outcome: ProbeRecord['outcome'];
  /** False: the run before had the same outcome. */
  readonly isNew: boolean;
  readonly leakedNames: number;
  readonly failingNames: number;
  /** Views that are not in order. */
  readonly views: readonly string[];
  readonly examples: readonly string[];
}

/** One run, as it is shown. */
export interface ProbeRunStatus {
  readonly run: number;
  readonly event: ProbeRecord['event'];
  /** Undefined: all groups. */
  readonly group?: string;
  readonly began: string;
  readonly ended: string;
  readonly generation: number;
  readonly outcome: ProbeRecord['outcome'];
  readonly asked: number;
  readonly exempted: number;
  readonly leakedNames: number;
  readonly failingNames: number;
  readonly coverage: ProbeRun['coverage'];
  readonly results: readonly ProbeResult[];
  readonly unasked: readonly UnaskedView[];
  /** What the encrypted listeners proved with. */
  readonly certificates: readonly ProbedCertificate[];
  /** Whether the prohibition was in force when the run ended, for all groups or for the one that was asked for. */
  readonly enforcement: { readonly state: MandateState; readonly text: string; readonly todo?: string };
}

/** Beside what a run found. */
export interface RunCircumstances {
  readonly unasked: readonly UnaskedView[];
  readonly lists: ProbeLists | undefined;
  readonly isSweep: boolean;
  readonly certificates: readonly ProbedCertificate[];
}

/** Who is told of findings. */
export interface FindingsOptions {
  readonly log: Log;
  /** Whether the prohibition is in force at this moment. */
  enforcement(): Enforcement;
  /** Told of each run before its record. */
  onFound(): void;
  onRecord(record: ProbeRecord): void;
  /** Told after each run that is not in order, and after the first one that is again. */
  onAlarm(alarm: ProbeAlarm): void;
}

/** The findings of one program. */
export class ProbeFindings {
  /** By view, of all runs. */
  readonly views = new ViewFindings();
  readonly #options: FindingsOptions;
  #runs: ProbeRunStatus[] = [];
  #failing: readonly ProbeQuestion[] = [];
  #outcome: ProbeRecord['outcome'] = 'enforced';
  // What metrics tell.
  #results: readonly ProbeResult[] = [];
  readonly #lastSuccessMs = new Map<string, number>();
  readonly #outcomes = new Map<string, number>([
    ['enforced', 0],
    ['leaking', 0],
    ['broken', 0],
  ]);
  #lastEndMs: number | undefined;
  #sweepCoverage: number | undefined;
  #leakedNames = 0;
  #certificates: readonly ProbedCertificate[] = [];

  constructor(options: FindingsOptions) {
    this.#options = options;
  }

  /** The runs that are kept, the latest first. */
  get runs(): readonly ProbeRunStatus[] {
    return this.#runs;
  }

  /** What has to be asked again. */
  get failing(): readonly ProbeQuestion[] {
    return this.#failing;
  }

  /** What metrics tell; undefined before the first run. */
  metrics(): ProbeMetrics | undefined {
    if (this.#lastEndMs === undefined) return undefined;
    return {
      results: this.#results.map(({ view, transport, qtype, outcome }) => ({
        view,
        transport,
        qtype,
        isEnforced: outcome === 'enforced',
      })),
      lastSuccessMs: this.#lastSuccessMs,
      leakedNames: this.#leakedNames,
      failed: this.#results.reduce((sum, { failed }) => sum + failed, 0),
      lastRunMs: this.#lastEndMs,
      coverage: this.#sweepCoverage,
      runs: this.#outcomes,
      certificates: this.#certificates.map(({ view, transport, faults }) => ({
        view,
        transport,
        isValid: faults.length === 0,
      })),
    };
  }

  /** Takes over what a run found. */
  conclude(
    { run, event, group }: DueRun,
    told: ProbeRun,
    { unasked: unaskedViews, lists, isSweep, certificates }: RunCircumstances,
  ): void {
    const { onRecord } = this.#options;
    const unreadable = lists?.unreadable ?? [];
    const found = unproven(told, unreadable);
    const { outcome } = found;
    const passing = found.exemptedViews.map((view) => ({
      view,
      reason: reasonText('all-exempt'),
    }));
    const cut = found.isCutShort ? [{ view: '*', reason: reasonText('cut-short') }] : [];
    const missing = [...unaskedViews, ...passing, ...unreadable, ...cut];
    const unasked = [...missing, ...(lists?.unasked ?? [])];
    if (isSweep && group === undefined && !found.isCutShort) this.#sweepCoverage = found.coverage.share;
    const isPartly = group !== undefined;
    this.views.take(found, unaskedViews, isPartly);
    // Whether the prohibition is in force is told with the run.
    this.#options.onFound();
    this.#keepMetrics(found, unaskedViews, isPartly);
    this.#keepFailing(found, isPartly);
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    const { generation, asked, exempted, leakedNames, failingNames, coverage, results } = found;
    const status: ProbeRunStatus = {
      run,
      event,
      ...(group === undefined ? {} : { group }),
      began: toTime(found.beganMs),
      ended: toTime(found.endedMs),
      generation,
      outcome,
      asked,
      exempted,
      leakedNames,
      failingNames,
      coverage,
      results,
      unasked,
      certificates,
      enforcement: this.#enforcementOf(group),
    };
    this.#runs = [status, ...this.#runs.slice(0, RUNS_MAX - 1)].map((kept, index) =>
      index < WHOLE_RUNS_MAX ? kept : { ...kept, results: sumUpViews(kept.results) },
    );
    // What a list holds that cannot be asked about changes with the list, not every few minutes.
    const recorded = certificates.filter(({ faults }) => event !== 'sample' || faults.length > 0);
    onRecord(toProbeRecord(found, event, outcome, event === 'sample' ? missing : unasked, recorded));
    if (!isPartly) this.#keepCertificates(certificates);
    if (!isPartly || outcome !== 'enforced') this.#alarm(outcome, found);
  }

  #enforcementOf(name: string | undefined): ProbeRunStatus['enforcement'] {
    const all = this.#options.enforcement();
    const group = all.groups.find((one) => one.group === name);
    const judged = group === undefined ? all : { ...group, groups: [group] };
    const todo = todoOf(judged);
    const text = describeEnforcement(judged);
    return { state: judged.state, text, ...(todo === undefined ? {} : { todo }) };
  }

  /** Tells of what a client would refuse, once, and when that is mended. */
  #keepCertificates(certificates: readonly ProbedCertificate[]): void {
    const { log } = this.#options;
    const before = faultsOf(this.#certificates);
    const now = faultsOf(certificates);
    this.#certificates = certificates;
    if (now.length > 0 && now.join() !== before.join())
      log.error({ faults: now }, 'clients cannot believe an encrypted listener');
    if (now.length === 0 && before.length > 0)
      log.info({}, 'clients can believe the encrypted listeners again');
  }

  #keepMetrics(found: ProbeRun, unasked: readonly UnaskedView[], isPartly: boolean): void {
    this.#lastEndMs = found.endedMs;
    this.#leakedNames = found.leakedNames;
    const views = new Set(found.results.map(({ view }) => view));
    // A run of one group says nothing about the others.
    const others = isPartly ? this.#results.filter(({ view }) => !views.has(view)) : [];
    this.#results = [...others, ...found.results];
    for (const [view, results] of Map.groupBy(found.results, ({ view: name }) => name)) {
      if (worstOf(results) !== 'enforced' || found.exemptedViews.includes(view)) continue;
      this.#lastSuccessMs.set(view, found.endedMs);
    }
    if (isPartly) return;
    for (const view of this.#lastSuccessMs.keys()) {
      const isKnown = views.has(view) || unasked.some((other) => other.view === view);
      if (!isKnown) this.#lastSuccessMs.delete(view);
    }
  }

  #keepFailing({ failures, results }: ProbeRun, isPartly: boolean): void {
    const views = new Set(results.map(({ view }) => view));
    const others = isPartly ? this.#failing.filter(({ view }) => !views.has(view)) : [];
    this.#failing = [
      ...others,
      ...failures.filter(({ question }) => question.rule !== undefined).map(({ question }) => question),
    ];
  }

  #alarm(outcome: ProbeRecord['outcome'], { results, leakedNames, failingNames }: ProbeRun): void {
    const { log, onAlarm } = this.#options;
    const isNew = outcome !== this.#outcome;
    this.#outcome = outcome;
    if (outcome === 'enforced' && !isNew) return;
    const wrong = results.filter((result) => result.outcome !== 'enforced');
    const views = [...new Set(wrong.map(({ view }) => view))];
    const examples = wrong.flatMap((result) => result.examples).slice(0, ALARM_EXAMPLES_MAX);
    onAlarm({ outcome, isNew, leakedNames, failingNames, views, examples });
    if (outcome === 'enforced') log.info({}, 'the self-probe finds everything enforced again');
    else log.error({ outcome, leakedNames, failingNames, views, examples }, ALARM_TEXTS[outcome]);
  }
}

/**
 * Of a list that cannot be read nobody knows in which view it is enforced, and controls alone prove nothing: then no view of the run
 * is.
 */
const unproven = (run: ProbeRun, unreadable: ProbeLists['unreadable']): ProbeRun => {
  const isWithoutFault = run.results.every(({ outcome }) => outcome === 'enforced');
  if (unreadable.length === 0 && !(isWithoutFault && run.outcome !== 'enforced')) return run;
  const examples = unreadable.map(({ view, reason }) => `${view}: ${reason}`).slice(0, ALARM_EXAMPLES_MAX);
  return {
    ...run,
    outcome: run.outcome === 'enforced' ? 'broken' : run.outcome,
    results: run.results.map((result) =>
      result.outcome === 'enforced' ? { ...result, outcome: 'broken', examples } : result,
    ),
  };
};

const faultsOf = (certificates: readonly ProbedCertificate[]): string[] =>
  certificates.flatMap(({ view, transport, faults }) =>
    faults.map((fault) => `${view} ${transport}: ${fault}`),
  );

const toTime = (timeMs: number): string => new Date(timeMs).toISOString();
