// Keeps the self-probe going: a sample every few minutes, a sweep every day, and a run after every change.
//
// One run at a time. What failed is asked again in every run until it is in order, so that a leak that a sweep found does
// not look mended because the next sample asked for other names. Results stand in metrics, records and the log; the last
// runs are kept in memory for who asks. While a change is under way nothing is asked, and what was asked before is
// thrown away: workers change one after the other.
import { setTimeout as sleep } from 'node:timers/promises';
import type { AccessTable } from '../access/access.ts';
import { AppError, type Clock, type Endpoint, isAppError } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { formatName } from '../dns/dns.ts';
import {
  describeEnforcement,
  type Enforcement,
  type MandateState,
  todoOf,
} from '../enforcement/enforcement.ts';
import type { Generation } from '../generation/generation.ts';
import type { Log, ProbeMetrics } from '../observe/observe.ts';
import type { SharedExemption } from '../policy/policy.ts';
import type { ProbeRecord, ProbeResult } from '../records/records.ts';
import type { ProbePorts } from '../server/server.ts';
import { ProbeChannel } from './channel.ts';
import { type ProbeLists, readProbeLists } from './lists.ts';
import { ProbePlan } from './plan.ts';
import type { ProbeQuestion } from './plan-facts.ts';
import { type ProbeRun, runProbe, sumUpViews, toProbeRecord, worstOf } from './run.ts';
import { ProbeScene, type SceneMeans, type UnaskedView } from './scene.ts';

/** How often it is looked whether a run is due. */
const LOOK_MS = 1_000;
/** After a change, before it is looked at: changes come in groups. */
const SETTLE_MS = 2_000;
/** After the start, before the first sweep of lists that the run after the start could not hold. */
const FIRST_SWEEP_MS = 3_600_000;
/** How often it is looked whether a change is over. */
const CHANGE_POLL_MS = 50;

/** Questions of a sample: some seconds at the default rate. */
const SAMPLE_QUESTIONS = 2_000;
/** Questions after a change: the shipped lists for some twenty groups, within a minute. */
const CHANGE_QUESTIONS = 25_000;
/** Questions of a sweep: some seven minutes at the default rate. */
const SWEEP_QUESTIONS = 200_000;

/** Runs that are kept. */
const RUNS_MAX = 20;
/** Runs that are kept with each result; of older ones a line for each view stays. At most some 600 KB each. */
const WHOLE_RUNS_MAX = 3;
/** Sweeps that wait, each for other groups. */
const REQUESTS_MAX = 8;
const SEED_MAX = 0xffff_ffff;

/** What is in force. */
export interface ProbeState {
  /** That the generation was made of. */
  readonly config: Config;
  readonly generation: Generation;
  /** With listeners by the names that they have. */
  readonly access: AccessTable;
  /** Listeners with their ports. */
  readonly listen: readonly Endpoint[];
}

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

/** What the keeper works with. */
export interface ProbeKeeperOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** Shown at the doors of the workers. */
  readonly secret: Uint8Array;
  /** Undefined: nothing is in force, and nothing can be asked. */
  state(): ProbeState | undefined;
  /** Number of workers that should live. */
  workers(): number;
  endpoints(): readonly (ProbePorts & { readonly worker: number })[];
  exemptions(): readonly SharedExemption[];
  /** Whether the prohibition is in force at this moment. */
  enforcement(): Enforcement;
  onRecord(record: ProbeRecord): void;
  /** Told after each run that is not in order, and after the first one that is again. */
  onAlarm(alarm: ProbeAlarm): void;
  /** A port of this host from which a listener is asked. */
  onDirectPort(port: number, isOpen: boolean): void;
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
  /** Whether the prohibition was in force when the run ended, for all groups or for the one that was asked for. */
  readonly enforcement: { readonly state: MandateState; readonly text: string; readonly todo?: string };
}

/** What the probe does and did. */
export interface ProbeStatus {
  readonly running: {
    readonly run: number;
    readonly event: ProbeRecord['event'];
    readonly began: string;
    readonly asked: number;
    /** No less than what will be asked. */
    readonly total: number;
  } | null;
  /** RFC 3339; null when nothing is scheduled. */
  readonly nextSample: string | null;
  readonly nextSweep: string | null;
  /** Numbers of sweeps that wait. */
  readonly waiting: readonly number[];
  /** The latest first, without results; GET /v1/probe/RUN has them. */
  readonly runs: readonly Omit<ProbeRunStatus, 'results' | 'unasked' | 'enforcement'>[];
  readonly last: ProbeRunStatus | null;
}

interface Request {
  readonly run: number;
  readonly group: string | undefined;
}

interface Running {
  readonly run: number;
  readonly event: ProbeRecord['event'];
  readonly group: string | undefined;
  readonly beganMs: number;
  asked: number;
  total: number;
}

/** The self-probe of one program. */
export class ProbeKeeper {
  readonly #options: ProbeKeeperOptions;
  readonly #abort = new AbortController();
  readonly #startedMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** Counts beginnings and ends of changes. */
  #epoch = 0;
  #changing = 0;
  #changedMs: number | undefined;
  #lists: ProbeLists | undefined;
  #lastRunMs: number | undefined;
  #lastSweepMs: number | undefined;
  #runCount = 0;
  #requests: Request[] = [];
  #running: Running | undefined;
  #work: Promise<void> | undefined;
  #runs: ProbeRunStatus[] = [];
  /** What has to be asked again. */
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

  constructor(options: ProbeKeeperOptions) {
    this.#options = options;
    this.#startedMs = options.clock();
  }

  /** Begins to look at what is due. */
  start(): void {
    this.#timer ??= setInterval(() => void this.runDue(), LOOK_MS).unref();
  }

  /** What is in force is about to change: nothing that is asked from here on counts, until changed(). */
  changing(): void {
    this.#epoch++;
    this.#changing++;
  }

  /** A change is over, whether it came to anything or not. Without changing() before, one that took no time. */
  changed(): void {
    this.#epoch++;
    this.#changing = Math.max(0, this.#changing - 1);
    this.#changedMs = this.#options.clock();
  }

  /** Asks for a sweep; throws ERR_APP_PROBE when there is no such group, or too many wait. */
  requestSweep(group: string | undefined): { readonly run: number } {
    const state = this.#options.state();
    if (state === undefined) {
      const enforcement = this.#options.enforcement();
      const text = `asking for a sweep: ${describeEnforcement(enforcement)}`;
      throw new AppError('ERR_APP_PROBE', text, { hint: todoOf(enforcement) ?? 'Look at /readyz.' });
    }
    const groups = state.config.groups.map(({ name }) => name);
    if (group !== undefined && !groups.includes(group)) {
      throw new AppError('ERR_APP_PROBE', `asking for a sweep of the group ${group}: there is none`, {
        hint: `Groups are ${groups.join(', ')}.`,
      });
    }
    const same = this.#requests.find((request) => request.group === group);
    if (same !== undefined) return { run: same.run };
    if (this.#requests.length >= REQUESTS_MAX) {
      throw new AppError('ERR_APP_PROBE', `asking for a sweep: ${REQUESTS_MAX} others wait`);
    }
    const run = ++this.#runCount;
    this.#requests.push({ run, group });
    void this.runDue();
    return { run };
  }

  /** Runs what is due, unless something runs; resolves when that has ended. Never rejects. */
  runDue(): Promise<void> {
    if (this.#abort.signal.aborted) return Promise.resolve();
    this.#work ??= this.#runAll().finally(() => {
      this.#work = undefined;
    });
    return this.#work;
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#abort.abort();
    await this.#work;
  }

  /** What is shown of all runs. */
  status(): ProbeStatus {
    const running = this.#running;
    const [last] = this.#runs;
    return {
      running:
        running === undefined
          ? null
          : {
              run: running.run,
              event: running.event,
              began: toTime(running.beganMs),
              asked: running.asked,
              total: running.total,
            },
      nextSample: this.#timeOf(this.#nextSampleMs()),
      nextSweep: this.#timeOf(this.#nextSweepMs()),
      waiting: this.#requests.map(({ run }) => run),
      runs: this.#runs.map(({ results: _, unasked: __, enforcement: ___, ...run }) => run),
      last: last ?? null,
    };
  }

  /** What is shown of one run; undefined when it is not kept. */
  run(number: number): ProbeRunStatus | undefined {
    return this.#runs.find(({ run }) => run === number);
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
    };
  }

  #timeOf(timeMs: number | undefined): string | null {
    return timeMs === undefined ? null : toTime(timeMs);
  }

  /** Undefined when nothing is scheduled, as below. */
  #nextSampleMs(): number | undefined {
    const intervalMs = this.#options.state()?.config.probe.intervalMs ?? 0;
    return intervalMs === 0 ? undefined : (this.#lastRunMs ?? this.#startedMs) + intervalMs;
  }

  #nextSweepMs(): number | undefined {
    const { intervalMs = 0, sweepMs = 0 } = this.#options.state()?.config.probe ?? {};
    if (intervalMs === 0) return undefined;
    if (this.#lastSweepMs !== undefined) return this.#lastSweepMs + sweepMs;
    return this.#startedMs + Math.min(sweepMs, FIRST_SWEEP_MS);
  }

  /** What is due now; undefined for nothing. */
  #due(nowMs: number): { event: ProbeRecord['event']; request?: Request } | undefined {
    // A clock that was set back would put everything off.
    if (this.#lastRunMs !== undefined && this.#lastRunMs > nowMs) this.#lastRunMs = nowMs;
    if (this.#lastSweepMs !== undefined && this.#lastSweepMs > nowMs) this.#lastSweepMs = nowMs;
    const request = this.#requests.shift();
    if (request !== undefined) return { event: 'sweep', request };
    // Without a mandate there is nothing to prove.
    if (this.#options.state()?.generation.lists.some(({ mandate }) => mandate) !== true) return undefined;
    const sampleMs = this.#nextSampleMs();
    const sweepMs = this.#nextSweepMs();
    if (sampleMs === undefined || sweepMs === undefined) return undefined;
    if (this.#changedMs !== undefined) {
      return Math.abs(nowMs - this.#changedMs) < SETTLE_MS ? undefined : { event: 'change' };
    }
    // A sweep that was cut short is tried again, no sooner than a sample would be.
    if (nowMs < sampleMs) return undefined;
    return { event: nowMs >= sweepMs ? 'sweep' : 'sample' };
  }

  async #runAll(): Promise<void> {
    // A sweep that somebody waits for does not wait for the next look.
    do await this.#runDue();
    while (this.#canRun() && this.#requests.length > 0);
  }

  #canRun(): boolean {
    return !this.#abort.signal.aborted && this.#changing === 0 && this.#options.state() !== undefined;
  }

  async #runDue(): Promise<void> {
    const { clock, log } = this.#options;
    if (!this.#canRun()) return;
    const nowMs = clock();
    const due = this.#due(nowMs);
    if (due === undefined) return;
    const { event, request } = due;
    if (event === 'change') this.#changedMs = undefined;
    this.#lastRunMs = nowMs;
    const { run = ++this.#runCount, group } = request ?? {};
    this.#running = { run, event, group, beganMs: nowMs, asked: 0, total: 0 };
    try {
      await this.#runOne(this.#running);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      log.error({ err: thrown }, 'the self-probe could not run');
    } finally {
      this.#running = undefined;
    }
  }

  async #runOne(running: Running): Promise<void> {
    const { clock, onDirectPort, endpoints, secret, state } = this.#options;
    const channel = new ProbeChannel();
    let scene: ProbeScene | undefined;
    let lists: ProbeLists | undefined;
    let isSweep = false;
    try {
      const found = await runProbe({
        createPlan: async () => {
          const wanted = await this.#settled();
          lists = this.#read(wanted, running.event === 'sweep');
          scene = await this.#createScene(wanted, lists, running.group);
          const plan = this.#createPlan(running.event, wanted, lists, scene);
          isSweep = plan.isSweep;
          return plan.plan;
        },
        ask: (question) => {
          const resolveMs = state()?.config.resolver.timeoutMs ?? 0;
          const means: SceneMeans = { channel, secret, endpoints, onDirectPort, resolveMs };
          return scene?.ask(question, means) ?? Promise.resolve({ kind: 'silence' });
        },
        epoch: () => this.#epoch,
        isExempted: (question, nowMs) => {
          const list = question.rule && lists?.lists[question.rule.list]?.id;
          if (list === undefined) return false;
          return scene?.isExempted(question, list, this.#options.exemptions(), nowMs) ?? false;
        },
        rate: state()?.config.probe.rate ?? 1,
        clock,
        signal: this.#abort.signal,
        onProgress: (asked, total) => {
          running.asked = asked;
          running.total = total;
        },
      });
      if (found === undefined) {
        // A caller that waits for the run has to hear of one.
        if (!this.#abort.signal.aborted) this.#changedMs ??= clock();
        return;
      }
      this.#conclude(running, found, scene?.unasked ?? [], lists, isSweep);
    } finally {
      channel.close();
    }
  }

  /** What is in force when no change is under way; throws ERR_APP_PROBE when nothing is. */
  async #settled(): Promise<ProbeState> {
    while (this.#changing > 0 && !this.#abort.signal.aborted) await sleep(CHANGE_POLL_MS);
    const state = this.#options.state();
    if (state !== undefined) return state;
    throw new AppError('ERR_APP_PROBE', 'asking as clients do: no lists are in force');
  }

  /** The lists of the state: as they were read before, unless others are wanted. */
  #read({ config, generation }: ProbeState, isAnew: boolean): ProbeLists {
    const known = this.#lists?.generation === generation.policy.generation ? this.#lists : undefined;
    if (known !== undefined && known.unreadable.length === 0 && (known.isWhole || !isAnew)) return known;
    const keep = new Set<string>();
    for (const { rule } of this.#failing) if (rule !== undefined && 'name' in rule) keep.add(rule.name);
    const seed = Math.floor(this.#options.random() * SEED_MAX);
    const lists = readProbeLists({ config, generation, seed, keep });
    // A file that was changed and not loaded yet says nothing about what is in force.
    if (known !== undefined && lists.unreadable.length > known.unreadable.length) return known;
    this.#lists = lists;
    return lists;
  }

  #createScene(state: ProbeState, lists: ProbeLists, group: string | undefined): Promise<ProbeScene> {
    const { config, generation, access, listen } = state;
    return ProbeScene.create({
      groups: generation.policy.groups,
      outOfScope: config.groups.map(({ outOfScope }) => [outOfScope, config.compliance.outOfScope]),
      mandates: lists.lists.map(({ id }) => id),
      access,
      listen: config.probe.asksListeners && group === undefined ? listen : [],
      exemptions: this.#options.exemptions(),
      only: group,
    });
  }

  #createPlan(
    event: ProbeRecord['event'],
    { config, generation }: ProbeState,
    { lists, names, prefixes }: ProbeLists,
    { views }: ProbeScene,
  ): { readonly plan: ProbePlan; readonly isSweep: boolean } {
    const facts = {
      generation: generation.policy.generation,
      lists,
      names,
      prefixes,
      views,
      controls: config.probe.controls.map((name) => formatName(name).replace(/\.$/, '')),
      workers: this.#options.workers(),
    };
    const seed = Math.floor(this.#options.random() * SEED_MAX);
    const options = { seed, again: this.#failing };
    if (event !== 'sample') {
      const plan = new ProbePlan(facts, { ...options, questionsMax: SWEEP_QUESTIONS, isSweep: true });
      if (event === 'sweep' || plan.countMax <= CHANGE_QUESTIONS) return { plan, isSweep: true };
    }
    const plan = new ProbePlan(facts, { ...options, questionsMax: SAMPLE_QUESTIONS, isSweep: false });
    return { plan, isSweep: false };
  }

  /** Takes over what a run found. */
  #conclude(
    { run, event, group }: Running,
    found: ProbeRun,
    unaskedViews: readonly UnaskedView[],
    lists: ProbeLists | undefined,
    isSweep: boolean,
  ): void {
    const { onRecord } = this.#options;
    const unreadable = lists?.unreadable ?? [];
    const passing = found.exemptedViews.map((view) => ({
      view,
      reason: 'exemptions let all its names pass',
    }));
    const cut = found.isCutShort
      ? [{ view: '*', reason: 'nothing more was asked after so many failures' }]
      : [];
    const missing = [...unaskedViews, ...passing, ...unreadable, ...cut];
    const unasked = [...missing, ...(lists?.unasked ?? [])];
    // Of a list that cannot be read nobody knows whether it is enforced.
    const outcome = unreadable.length > 0 && found.outcome === 'enforced' ? 'broken' : found.outcome;
    if (isSweep && group === undefined && !found.isCutShort) {
      this.#lastSweepMs = found.beganMs;
      this.#sweepCoverage = found.coverage.share;
    }
    const isPartly = group !== undefined;
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
      enforcement: this.#enforcementOf(group),
    };
    this.#runs = [status, ...this.#runs.slice(0, RUNS_MAX - 1)].map((kept, index) =>
      index < WHOLE_RUNS_MAX ? kept : { ...kept, results: sumUpViews(kept.results) },
    );
    // What a list holds that cannot be asked about changes with the list, not every few minutes.
    onRecord(toProbeRecord(found, event, outcome, event === 'sample' ? missing : unasked));
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

/** Examples in an alarm: enough to begin with, short enough for one line of a log. */
const ALARM_EXAMPLES_MAX = 5;
const ALARM_TEXTS = {
  leaking: 'the self-probe got answers for names that a mandate list refuses',
  broken: 'the self-probe did not get the answers that it should have had',
} as const;

const toTime = (timeMs: number): string => new Date(timeMs).toISOString();
