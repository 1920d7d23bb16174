// One run of the self-probe: asks the questions of a plan, judges the answers, adds up what they show.
//
// Results are of one state of the program. When what is in force changes in the middle, everything found so far is
// thrown away and a new plan is asked: mixed expectations would call a leak what is none, or the other way round. A
// question without the answer that it should have is asked once more before it counts as broken, because one lost
// datagram is no finding; a leak is a finding at once. Rate, questions under way, and what is kept of failures have
// bounds.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../base/base.ts';
import { formatType } from '../../wire/dns/dns.ts';
import type { ProbeRecord, ProbeResult } from '../records/records.ts';
import { type Judgement, judgeOutcome, type Outcome } from './judge.ts';
import type { ProbePlan } from './plan.ts';
import type { Coverage, ProbeQuestion } from './plan-facts.ts';
import { type LeakedByView, type ProbeFailure, ProbeTally, worstOf } from './tally.ts';

/** Questions under way: with answers within a millisecond a few suffice; silence for seconds holds up only so many. */
const UNDER_WAY_MAX = 64;
/** Pauses are not shorter, milliseconds: a timer for each question would cost more than the question. */
const PAUSE_MS_MIN = 5;
/** Before a question is asked again, milliseconds: a worker that died is back by then. */
const RETRY_MS = 500;
/** Runs that a change cut short, one after the other, before this one gives up: another follows the last change. */
const RESTARTS_MAX = 20;
/** Questions without the answer that they should have, after which no more are asked: silence costs seconds each. */
const FAILED_MAX = 1_000;
/** As many when nothing was answered at all: nobody is there. */
const SILENT_MAX = UNDER_WAY_MAX;
/** Workers and the main thread need not see an exemption begin or end in the same moment. */
const EXEMPTION_SLACK_MS = 2_000;

/** Asks a question once. Never rejects. */
export type AskProbe = (question: ProbeQuestion) => Promise<Outcome>;

/** What is asked: a plan, or the questions of several. */
export type Questions = Pick<ProbePlan, 'generation' | 'coverage' | 'countMax' | 'questions'>;

/** What a run needs. */
export interface ProbeRunOptions {
  /** Makes the plan for what is in force; called again after a change. Rejects when that is not known. */
  createPlan(): Promise<Questions>;
  readonly ask: AskProbe;
  /** Another number than before: what is in force has changed, or is about to. */
  epoch(): number;
  /** Whether an exemption lets the question's name pass in its view at a time. */
  isExempted(question: ProbeQuestion, nowMs: number): boolean;
  /** Questions a second, as what is in force says it: asked for with each plan. */
  rate(): number;
  readonly clock: Clock;
  /** Milliseconds that nobody sets back, for the rate; performance.now() unless a test has another. */
  readonly stopwatch?: () => number;
  readonly signal: AbortSignal;
  /** Waits; setTimeout unless a test has another. */
  readonly pause?: (ms: number) => Promise<unknown>;
  /** Told now and then; `total` is no less than what will be asked. */
  readonly onProgress?: (asked: number, total: number) => void;
}

/** What a run found. */
export interface ProbeRun {
  readonly generation: number;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly outcome: ProbeResult['outcome'];
  /** By view, transport and type. */
  readonly results: readonly ProbeResult[];
  /** As many as ProbeTally keeps. */
  readonly failures: readonly ProbeFailure[];
  /** Listed names and prefixes with an answer that was not what it should be, each counted once. */
  readonly failingNames: number;
  /** Those of them that leaked. */
  readonly leakedNames: number;
  /** What leaked in each view; each view without a leak is missing. */
  readonly leakedByView: LeakedByView;
  readonly asked: number;
  /** Questions that were left out because an exemption lets the name pass. */
  readonly exempted: number;
  /** Views for which exemptions let everything pass that would have been asked for. */
  readonly exemptedViews: readonly string[];
  readonly coverage: Coverage;
  /** True when no question got any answer. */
  readonly isSilent: boolean;
  /** True when it ended before all was asked, because so much was broken; coverage then is of what was asked. */
  readonly isCutShort: boolean;
}

/** Runs; undefined when it was aborted, or changes never let it end. Rejects only as createPlan() does. */
export const runProbe = async (options: ProbeRunOptions): Promise<ProbeRun | undefined> => {
  for (let attempt = 0; attempt < RESTARTS_MAX && !options.signal.aborted; attempt++) {
    const epoch = options.epoch();
    const plan = await options.createPlan();
    const isValid = (): boolean => options.epoch() === epoch && !options.signal.aborted;
    if (!isValid()) continue;
    const run = await new Running(plan, options, isValid).run();
    if (run !== undefined) return run;
  }
  return undefined;
};

/** One attempt. */
class Running {
  readonly #plan: Questions;
  readonly #options: ProbeRunOptions;
  readonly #isValid: () => boolean;
  readonly #pause: (ms: number) => Promise<unknown>;
  readonly #beganMs: number;
  readonly #tally = new ProbeTally();
  /** Views with a question about a listed name that was left out, and with one that was not. */
  readonly #viewsExempted = new Set<string>();
  readonly #viewsAsked = new Set<string>();
  #underWay = 0;
  #freed = Promise.withResolvers<undefined>();
  #asked = 0;
  #answered = 0;
  #exempted = 0;
  #isCutShort = false;
  /** Names that were asked. */
  readonly #names = new Set<unknown>();

  constructor(plan: Questions, options: ProbeRunOptions, isValid: () => boolean) {
    this.#plan = plan;
    this.#options = options;
    this.#isValid = isValid;
    this.#pause = options.pause ?? sleep;
    this.#beganMs = options.clock();
  }

  /** Undefined: what is in force has changed, or the run was aborted. */
  async run(): Promise<ProbeRun | undefined> {
    const { clock, onProgress, stopwatch = () => performance.now() } = this.#options;
    const rate = this.#options.rate();
    const startMs = stopwatch();
    const total = this.#plan.countMax;
    for (const question of this.#plan.questions()) {
      while (this.#underWay >= UNDER_WAY_MAX) await this.#freed.promise;
      const aheadMs = startMs + (this.#asked * 1000) / rate - stopwatch();
      if (aheadMs >= PAUSE_MS_MIN) {
        onProgress?.(this.#asked, total);
        await this.#pause(aheadMs);
      }
      if (!this.#isValid()) break;
      if (this.#tally.failed >= (this.#answered === 0 ? SILENT_MAX : FAILED_MAX)) {
        this.#isCutShort = true;
        break;
      }
      if (this.#isExempted(question)) {
        this.#exempted++;
        this.#viewsExempted.add(question.view);
        continue;
      }
      if (question.rule !== undefined) this.#viewsAsked.add(question.view);
      if (question.rule !== undefined && 'name' in question.rule) this.#names.add(question.rule);
      this.#asked++;
      this.#underWay++;
      void this.#handle(question).then(() => {
        this.#underWay--;
        this.#freed.resolve(undefined);
        this.#freed = Promise.withResolvers();
      });
    }
    while (this.#underWay > 0) await this.#freed.promise;
    if (!this.#isValid()) return undefined;
    onProgress?.(total, total);
    const results = this.#tally.results();
    return {
      generation: this.#plan.generation,
      beganMs: this.#beganMs,
      endedMs: clock(),
      // Control names alone prove nothing about a mandate.
      outcome: this.#viewsAsked.size + this.#viewsExempted.size === 0 ? worstOf([]) : worstOf(results),
      results,
      failures: this.#tally.failures,
      failingNames: this.#tally.failing.size,
      leakedNames: this.#tally.leaking.size,
      leakedByView: this.#tally.leakedByView,
      asked: this.#asked,
      exempted: this.#exempted,
      exemptedViews: [...this.#viewsExempted].filter((view) => !this.#viewsAsked.has(view)),
      coverage: this.#isCutShort ? this.#coverageSoFar(total) : this.#plan.coverage,
      isSilent: this.#asked > 0 && this.#answered === 0,
      isCutShort: this.#isCutShort,
    };
  }

  #coverageSoFar(total: number): Coverage {
    const { names, share } = this.#plan.coverage;
    return { names, asked: this.#names.size, share: (share * this.#asked) / total };
  }

  /** Asks, and once more if there was no finding; never rejects. */
  async #handle(question: ProbeQuestion): Promise<void> {
    let judgement = await this.#judge(question);
    if (judgement.verdict === 'failed' && this.#isValid()) {
      await this.#pause(RETRY_MS);
      judgement = await this.#judge(question);
    }
    if (!this.#isValid()) return;
    const isFound = judgement.verdict !== 'passed';
    if (isFound && this.#isExempted(question)) {
      this.#exempted++;
      return;
    }
    this.#tally.count(question, judgement);
  }

  async #judge(question: ProbeQuestion): Promise<Judgement> {
    const judged = { ...question, type: formatType(question.type) };
    const outcome = await this.#options.ask(question);
    if (outcome.kind === 'answer') this.#answered++;
    // A client that gets TC asks over TCP: what it learns there is what counts.
    if (outcome.kind === 'answer' && outcome.reading.flags.includes('tc') && question.transport === 'udp') {
      return judgeOutcome(judged, await this.#options.ask({ ...question, transport: 'tcp' }));
    }
    return judgeOutcome(judged, outcome);
  }

  #isExempted(question: ProbeQuestion): boolean {
    const nowMs = this.#options.clock();
    return [nowMs, nowMs - EXEMPTION_SLACK_MS, nowMs + EXEMPTION_SLACK_MS].some((timeMs) =>
      this.#options.isExempted(question, timeMs),
    );
  }
}

/** The transport and type of a result that sums up a whole view. */
export const EVERY = '*';

/**
 * The results with one line for each view in which everything is in order: what is recorded of runs that come every few
 * minutes.
 */
export const sumUpViews = (results: readonly ProbeResult[]): readonly ProbeResult[] =>
  [...Map.groupBy(results, ({ view }) => view)].flatMap(([view, of]) => {
    if (worstOf(of) !== 'enforced') return of;
    const asked = of.reduce((sum, result) => sum + result.asked, 0);
    return [
      {
        view,
        transport: EVERY,
        qtype: EVERY,
        outcome: 'enforced',
        asked,
        leaked: 0,
        failed: 0,
        examples: [],
      },
    ];
  });

/** The record of a run. Samples in which a view is in order have one result for it, with EVERY. */
export const toProbeRecord = (
  run: ProbeRun,
  event: ProbeRecord['event'],
  outcome: ProbeRecord['outcome'],
  unasked: NonNullable<ProbeRecord['unasked']>,
  certificates: NonNullable<ProbeRecord['certificates']>,
): ProbeRecord => ({
  kind: 'probe',
  time: new Date(run.endedMs).toISOString(),
  event,
  generation: run.generation,
  began: new Date(run.beganMs).toISOString(),
  outcome,
  results: event === 'sample' ? sumUpViews(run.results) : run.results,
  coverage: run.coverage,
  ...(unasked.length === 0 ? {} : { unasked }),
  ...(certificates.length === 0 ? {} : { certificates }),
});
