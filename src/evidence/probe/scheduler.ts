// Keeps the self-probe going: a sample every few minutes, a sweep every day, and a run after every change.
//
// One run at a time. What failed is asked again in every run until it is in order, so that a leak that a sweep found does
// not look mended because the next sample asked for other names. Results stand in metrics, records and the log; the last
// runs are kept in memory for who asks. While a change is under way nothing is asked, and what was asked before is
// thrown away: workers change one after the other.
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, type Clock, type Endpoint, every, isAppError } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { AccessTable } from '../../policy/access/access.ts';
import type { Generation } from '../../policy/generation/generation.ts';
import type { SharedExemption } from '../../policy/policy.ts';
import type { ProbePorts } from '../../resolver/server/server.ts';
import { describeEnforcement, todoOf } from '../../telemetry/enforcement/enforcement.ts';
import type { ProbeMetrics } from '../../telemetry/observe/observe.ts';
import { formatName } from '../../wire/dns/dns.ts';
import type { ProbeRecord } from '../records/records.ts';
import { PLAIN_WAYS, ProbeChannel } from './channel.ts';
import { type FindingsOptions, ProbeFindings, type ProbeRunStatus } from './findings.ts';
import { showingOf } from './identified.ts';
import type { SecureFacts, UnservedListener } from './listener-views.ts';
import { type ProbeLists, readProbeLists } from './lists.ts';

import { ProbePlan } from './plan.ts';
import { runProbe } from './run.ts';
import { ProbeScene, type SceneMeans } from './scene.ts';
import { type DueRun, ProbeSchedule, REQUESTS_MAX } from './schedule.ts';
import type { ViewFinding } from './view-findings.ts';

/** How often it is looked whether a run is due. */
const LOOK_MS = 1_000;
/** How often it is looked whether a change is over. */
const CHANGE_POLL_MS = 50;

/** Questions of a sample: some seconds at the default rate. */
const SAMPLE_QUESTIONS = 2_000;
/** Questions after a change: the shipped lists for some twenty groups, within a minute. */
const CHANGE_QUESTIONS = 25_000;
/** Questions of a sweep: some seven minutes at the default rate. */
const SWEEP_QUESTIONS = 200_000;

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
  /** The encrypted ones; undefined: there are none, or nobody can be told of them. */
  readonly secure: SecureFacts | undefined;
  /** Listeners of the configuration that are not there. */
  readonly unserved: readonly UnservedListener[];
}

/** What the keeper works with. */
export interface ProbeSchedulerOptions extends FindingsOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Waits while a run is ahead of its rate, and before it asks again; setTimeout unless a test has another. */
  readonly pause?: (ms: number) => Promise<unknown>;
  /** Shown at the doors of the workers. */
  readonly secret: Uint8Array;
  /** Undefined: nothing is in force, and nothing can be asked. */
  state(): ProbeState | undefined;
  /** Number of workers that should live. */
  workers(): number;
  endpoints(): readonly (ProbePorts & { readonly worker: number })[];
  exemptions(): readonly SharedExemption[];
  /** A port of this host from which a listener is asked. */
  onDirectPort(port: number, isOpen: boolean): void;
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
  readonly runs: readonly Omit<ProbeRunStatus, 'results' | 'unasked' | 'certificates' | 'enforcement'>[];
  readonly last: ProbeRunStatus | null;
}

interface Running extends DueRun {
  readonly beganMs: number;
  asked: number;
  total: number;
}

/** The self-probe of one program. */
export class ProbeScheduler {
  readonly #options: ProbeSchedulerOptions;
  readonly #abort = new AbortController();
  readonly #schedule: ProbeSchedule;
  readonly #findings: ProbeFindings;
  #end: (() => void) | undefined;
  /** Counts beginnings and ends of changes. */
  #epoch = 0;
  #changing = 0;
  #lists: ProbeLists | undefined;
  #running: Running | undefined;
  #work: Promise<void> | undefined;

  constructor(options: ProbeSchedulerOptions) {
    this.#options = options;
    this.#schedule = new ProbeSchedule(options.clock);
    this.#findings = new ProbeFindings(options);
  }

  /** Begins to look at what is due. */
  start(): void {
    this.#end ??= every(LOOK_MS, () => void this.runDue());
  }

  /** What is in force is about to change: nothing that is asked from here on counts, until changed(). */
  changing(): void {
    this.#epoch++;
    this.#changing++;
    this.#findings.views.outdate();
  }

  /** A change is over, whether it came to anything or not. Without changing() before, one that took no time. */
  changed(): void {
    this.#epoch++;
    this.#changing = Math.max(0, this.#changing - 1);
    this.#findings.views.outdate();
    this.#schedule.changed();
  }

  /** What is in force is about to change, and has. */
  async whileChanging<Result>(change: () => Promise<Result>): Promise<Result> {
    this.changing();
    try {
      return await change();
    } finally {
      this.changed();
    }
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
    const run = this.#schedule.request(group);
    if (run === undefined)
      throw new AppError('ERR_APP_PROBE', `asking for a sweep: ${REQUESTS_MAX} others wait`);
    void this.runDue();
    return { run };
  }

  /** Runs a sweep of everything and gives what it found. Rejects with ERR_APP_PROBE when it cannot run. */
  async sweep(): Promise<ProbeRunStatus> {
    const { run } = this.requestSweep(undefined);
    for (;;) {
      await this.runDue();
      const found = this.run(run);
      if (found !== undefined) return found;
      const isComing = this.#running?.run === run || this.#schedule.waiting.includes(run);
      if (!isComing || this.#abort.signal.aborted)
        throw new AppError('ERR_APP_PROBE', `asking for a sweep: run ${run} came to nothing`);
      await sleep(LOOK_MS);
    }
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
    this.#end?.();
    this.#abort.abort();
    await this.#work;
  }

  /** What is shown of all runs. */
  status(): ProbeStatus {
    const running = this.#running;
    const config = this.#options.state()?.config;
    const { runs } = this.#findings;
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
      nextSample: toTimeOrNull(this.#schedule.nextSampleMs(config)),
      nextSweep: toTimeOrNull(this.#schedule.nextSweepMs(config)),
      waiting: this.#schedule.waiting,
      runs: runs.map(({ results: _, unasked: __, enforcement: ___, certificates: ____, ...run }) => run),
      last: runs[0] ?? null,
    };
  }

  /** What is shown of one run; undefined when it is not kept. */
  run(number: number): ProbeRunStatus | undefined {
    return this.#findings.runs.find(({ run }) => run === number);
  }

  /** What was found in a group, and why nobody can ask as it; undefined each: not known. */
  proofOf(group: string): {
    readonly found: ViewFinding | undefined;
    readonly unasked: string | undefined;
    /** False: what was found, was found of what was in force before. */
    readonly isCurrent: boolean;
  } {
    const { views } = this.#findings;
    const view = `${GROUP}${group}`;
    return { found: views.of(view), unasked: views.whyUnasked(view), isCurrent: views.isCurrent(view) };
  }

  /**
   * The groups as which a name of a mandate list was answered since what is in force last changed; `undefined` among them
   * for a listener, whose clients may be of any group.
   */
  leakingGroups(): ReadonlySet<string | undefined> {
    const views = this.#findings.views.leaking;
    return new Set(views.map((view) => (view.startsWith(GROUP) ? view.slice(GROUP.length) : undefined)));
  }

  /** What metrics tell; undefined before the first run. */
  metrics(): ProbeMetrics | undefined {
    return this.#findings.metrics();
  }

  async #runAll(): Promise<void> {
    // A sweep that somebody waits for does not wait for the next look.
    do await this.#runDue();
    while (this.#canRun() && this.#schedule.waiting.length > 0);
  }

  #canRun(): boolean {
    return !this.#abort.signal.aborted && this.#changing === 0 && this.#options.state() !== undefined;
  }

  async #runDue(): Promise<void> {
    const { clock, log, state } = this.#options;
    const { config, generation } = state() ?? {};
    if (!this.#canRun() || config === undefined) return;
    const nowMs = clock();
    const hasMandate = generation?.lists.some(({ mandate }) => mandate) === true;
    const due = this.#schedule.begin(nowMs, config, hasMandate);
    if (due === undefined) return;
    this.#running = { ...due, beganMs: nowMs, asked: 0, total: 0 };
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
    const channel = new ProbeChannel(PLAIN_WAYS);
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
        rate: () => state()?.config.probe.rate ?? 1,
        clock,
        signal: this.#abort.signal,
        ...(this.#options.pause === undefined ? {} : { pause: this.#options.pause }),
        onProgress: (asked, total) => {
          running.asked = asked;
          running.total = total;
        },
      });
      if (found === undefined) {
        // A caller that waits for the run has to hear of one.
        if (!this.#abort.signal.aborted) this.#schedule.repeat();
        return;
      }
      if (isSweep && running.group === undefined && !found.isCutShort) this.#schedule.swept(found.beganMs);
      const certificates = (await scene?.lookAtCertificates({ onDirectPort }, clock())) ?? [];
      this.#findings.conclude(running, found, {
        unasked: scene?.unasked ?? [],
        lists,
        isSweep,
        certificates,
      });
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
    for (const { rule } of this.#findings.failing)
      if (rule !== undefined && 'name' in rule) keep.add(rule.name);
    const seed = Math.floor(this.#options.random() * SEED_MAX);
    const lists = readProbeLists({ config, generation, seed, keep });
    // A file that was changed and not loaded yet says nothing about what is in force.
    if (known !== undefined && lists.unreadable.length > known.unreadable.length) return known;
    this.#lists = lists;
    return lists;
  }

  #createScene(state: ProbeState, lists: ProbeLists, group: string | undefined): Promise<ProbeScene> {
    const { config, generation, access, listen, secure, unserved } = state;
    const { dot, doh, dohPlain, doq } = config.listen;
    const asksListeners = config.probe.asksListeners && group === undefined;
    return ProbeScene.create({
      groups: generation.policy.groups,
      outOfScope: config.groups.map(({ outOfScope }) => [outOfScope, config.compliance.outOfScope]),
      mandates: lists.lists.map(({ id }) => id),
      access,
      listen: asksListeners ? listen : [],
      secure: asksListeners ? secure : undefined,
      unserved: asksListeners ? unserved : [],
      structuredCode: config.structuredErrors?.optionCode,
      proxies: config.proxies.from,
      // What a proxy deciphers is asked over HTTPS, too.
      encrypted: (['dot', 'doh', 'doq'] as const).filter(
        (kind) => ({ dot, doh: [...doh, ...dohPlain], doq })[kind].length > 0,
      ),
      showing: showingOf(config.listen),
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
      asksStructured: config.structuredErrors !== undefined,
    };
    const seed = Math.floor(this.#options.random() * SEED_MAX);
    const options = { seed, again: this.#findings.failing };
    if (event !== 'sample') {
      const plan = new ProbePlan(facts, { ...options, questionsMax: SWEEP_QUESTIONS, isSweep: true });
      if (event === 'sweep' || plan.countMax <= CHANGE_QUESTIONS) return { plan, isSweep: true };
    }
    const plan = new ProbePlan(facts, { ...options, questionsMax: SAMPLE_QUESTIONS, isSweep: false });
    return { plan, isSweep: false };
  }
}

/** Begins the name of a group's view. */
const GROUP = 'group:';

const toTime = (timeMs: number): string => new Date(timeMs).toISOString();

const toTimeOrNull = (timeMs: number | undefined): string | null =>
  timeMs === undefined ? null : toTime(timeMs);
