// The register and the decisions of lists in a running program: one timer, one place that tells who has to know.
//
// A register that cannot be used costs the exemptions and nothing else: none is in force, everything stays refused,
// and the log says so until somebody looks. A change that concerns workers is over when they have it, so that the
// person who decided hears the truth; a change that time made is the workers' own to see, by their clocks.
import { type AppError, type Clock, isAppError } from '../../base/base.ts';
import type { SharedExemption } from '../../policy/policy.ts';
import {
  compareRegister,
  type DecisionRecord,
  type ExemptionRecord,
  type RecordedMarks,
  type RecordsRecord,
} from '../records/records.ts';
import { type Decision, type DecisionStatus, DecisionWatch } from './decision.ts';
import type { ExemptionPaper } from './paper.ts';
import { type ExemptionProblem, formatExemptionProblem } from './problem.ts';
import { Register } from './register.ts';
import {
  ExemptionCounts,
  type ExemptionFacts,
  type ExemptionReport,
  reportExemptions,
} from './register-facts.ts';
import { type Step, toTime } from './register-steps.ts';
import { reconcileTexts } from './register-texts.ts';
import { REGISTER_NAME } from './register-witness.ts';
import type { Rules } from './rule-context.ts';
import { readExemptionTexts } from './texts.ts';

/** The longest sleep: clocks step, and setTimeout() measures by another one. */
const SLEEP_MS_MAX = 10_000;
/** A date that passed is looked at once more a moment later, not in a circle. */
const SLEEP_MS_MIN = 10;

/** Takes what operators have to know. */
export interface ExemptionLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** What a keeper needs. */
export interface ExemptionServiceOptions {
  /** The file of the register, and what records call it: by default REGISTER_NAME. */
  readonly path: string;
  readonly name?: string;
  readonly clock: Clock;
  readonly log: ExemptionLog;
  /** Takes each event once it is on the disk. */
  readonly onEvent: (record: ExemptionRecord | DecisionRecord) => void;
  /** Takes what the records have to say of the register itself. */
  readonly onRegister?: (record: RecordsRecord) => void;
  /** What toShared() gives has changed; resolves when all workers have it. */
  readonly onChange: () => Promise<void>;
}

/** What a configuration says. */
export interface ExemptionSettings {
  /** Undefined: none is granted. */
  readonly rules: Rules | undefined;
  /** File or directory of texts; undefined: none. */
  readonly textsPath: string | undefined;
  /** What texts say waits: papers of the fleet may be missing here, whose numbers new ones would get. */
  readonly areTextsHeld?: boolean;
  /** By list. */
  readonly decisions: ReadonlyMap<string, Decision>;
}

/** Exemptions and decisions while the program runs. */
export class ExemptionService {
  readonly #options: ExemptionServiceOptions;
  readonly #register: Register | undefined;
  readonly #failure: AppError | undefined;
  readonly #counts: ExemptionCounts | undefined;
  readonly #watch: DecisionWatch;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  /** Told once, not at each try. */
  #isStoreFailing = false;
  /** Day on which the records were last told what the register holds; undefined: they are not. */
  #statedDay: string | undefined;

  private constructor(options: ExemptionServiceOptions) {
    this.#options = options;
    try {
      this.#register = Register.open(options);
      this.#counts = new ExemptionCounts(this.#register);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      this.#failure = thrown;
      options.log.error(
        { err: thrown },
        'the register of exemptions cannot be used: no exemption is in force',
      );
    }
    // Without a register, decisions are told again after each start: rather twice than not at all.
    this.#watch = new DecisionWatch(
      this.#register ?? {
        decisions: [],
        writeDecisions: (records) => {
          for (const record of records) options.onEvent(record);
        },
      },
    );
  }

  /** Opens the register. Never throws for what is on the disk. */
  static open(options: ExemptionServiceOptions): ExemptionService {
    return new ExemptionService(options);
  }

  /** False while the register cannot be used. */
  get isUsable(): boolean {
    return this.#register !== undefined;
  }

  /** The register. Throws why there is none: ERR_EXEMPTION_DAMAGED, ERR_EXEMPTION_REGISTER. */
  get register(): Register {
    if (this.#register !== undefined) return this.#register;
    throw this.#failure ?? new RangeError('keeper: neither a register nor a reason');
  }

  /**
   * Keeps to a configuration from now on: rules, texts, decisions. Gives what is wrong with texts, which is logged as
   * well and changes nothing that is in force. Is done when workers have what stands; rejects as onChange does.
   */
  async follow({
    rules,
    textsPath,
    areTextsHeld = false,
    decisions,
  }: ExemptionSettings): Promise<readonly ExemptionProblem[]> {
    const { clock, log, onChange } = this.#options;
    this.#tryStore(() => {
      this.#tell(this.#watch.compare(decisions, clock()));
    });
    const register = this.#register;
    if (register === undefined) return [];
    register.setRules(rules);
    let problems: readonly ExemptionProblem[] = [];
    this.#tryStore(() => {
      if (areTextsHeld) return;
      const tree = textsPath === undefined ? undefined : readExemptionTexts(textsPath);
      const outcome = reconcileTexts(register, tree, clock());
      problems = outcome.problems;
      const { added, revoked } = outcome;
      if (added.length > 0 || revoked.length > 0) log.info({ added, revoked }, 'exemptions from text files');
    });
    for (const problem of problems) {
      log.error({ problem: formatExemptionProblem(problem), code: problem.code }, 'a text file is not taken');
    }
    this.#arm();
    await onChange();
    return problems;
  }

  /**
   * Holds the register against what the records say, before anybody is exempt: what they do not bear out is suspended. Without
   * records nothing is known; a register of which nothing is wrong is told to those that begin.
   */
  judge(recorded: RecordedMarks | undefined): void {
    const register = this.#register;
    if (register === undefined) return;
    const { log, clock } = this.#options;
    const differences = recorded === undefined ? [] : compareRegister(register.opened, recorded);
    for (const { id, text, isGranted } of differences) {
      const cause = id === undefined ? text : `${id} is granted, and ${text}`;
      if (id !== undefined && isGranted) register.suspend(id, text);
      log.error({ exemption: id, cause }, 'the register of exemptions is not what the records say');
      this.#record(toTime(clock()), { event: 'damaged', text: cause });
    }
    this.#state();
  }

  /** Tells the records what the register holds; not while something of it is suspended, which would bear it out. */
  #state(): void {
    const register = this.#register;
    if (register === undefined || register.unproven.size > 0) return;
    const time = toTime(this.#options.clock());
    const { count, hash } = register.end;
    this.#record(time, { event: 'register', count, text: hash });
    this.#statedDay = time.slice(0, 10);
  }

  #record(time: string, what: Pick<RecordsRecord, 'event' | 'count' | 'text'>): void {
    const { name = REGISTER_NAME, onRegister } = this.#options;
    onRegister?.({ time, kind: 'records', file: name, ...what });
  }

  /** What workers have to know. */
  toShared(): SharedExemption[] {
    return this.#register?.toShared(this.#options.clock()) ?? [];
  }

  /** Numbers for metrics; undefined without a register. */
  facts(): ExemptionFacts | undefined {
    return this.#counts?.at(this.#options.clock());
  }

  /** Ids of granted exemptions that the rules as they now are would refuse. */
  incomplete(): ReadonlySet<string> {
    return this.#counts?.incomplete(this.#options.clock()) ?? new Set();
  }

  /** Whether a paper is granted and the rules as they now are would refuse it. */
  isIncomplete(paper: ExemptionPaper): boolean {
    return this.#counts?.isIncomplete(paper, this.#options.clock()) ?? false;
  }

  /** The whole register as one document. */
  report(): ExemptionReport {
    return reportExemptions(this.register, this.#options.clock());
  }

  /** Dates of the decisions of the lists, for metrics. */
  decisionDates(): ReturnType<DecisionWatch['dates']> {
    return this.#watch.dates();
  }

  /** The decisions of the lists. */
  decisions(): DecisionStatus[] {
    return this.#watch.statuses(this.#options.clock());
  }

  /** Does something to the register, and is done when workers have what came of it, even when it failed halfway. */
  async change<Result>(act: (register: Register) => Result): Promise<Result> {
    const { register } = this;
    const before = register.sharedVersion;
    try {
      return act(register);
    } finally {
      if (register.sharedVersion !== before) await this.#options.onChange();
      this.#arm();
    }
  }

  /** Writes down what time did, and tells of it. */
  advance(): void {
    const { clock, onChange, log } = this.#options;
    const register = this.#register;
    this.#tryStore(() => {
      const steps = register?.advance() ?? [];
      this.#tell(this.#watch.advance(clock()));
      for (const step of steps) this.#logStep(step);
      if (this.#statedDay !== undefined && this.#statedDay !== toTime(clock()).slice(0, 10)) this.#state();
      if (!steps.some(({ event }) => event === 'expired')) return;
      // Workers have ended them already; this lets them forget.
      onChange().catch((thrown: unknown) => {
        log.error({ err: thrown }, 'workers were not told of exemptions that ended');
      });
    });
  }

  /** Lets time do its work. */
  start(): void {
    this.#isRunning = true;
    this.advance();
    this.#arm();
  }

  /** Ends the timer and closes the register. */
  close(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    this.#register?.close();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (!this.#isRunning) return;
    const nowMs = this.#options.clock();
    const times = [this.#register?.nextChangeMs(), this.#watch.nextChangeMs(nowMs)];
    const dueMs = Math.min(...times.map((ms) => (ms ?? Number.POSITIVE_INFINITY) - nowMs));
    const sleepMs = this.#isStoreFailing
      ? SLEEP_MS_MAX
      : Math.max(SLEEP_MS_MIN, Math.min(dueMs, SLEEP_MS_MAX));
    this.#timer = setTimeout(() => {
      this.advance();
      this.#arm();
    }, sleepMs);
    this.#timer.unref();
  }

  /** A full disk is reported once; what has ended is out of force whether it could be written or not. */
  #tryStore(act: () => void): void {
    try {
      act();
      this.#isStoreFailing = false;
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      if (!this.#isStoreFailing) this.#options.log.error({ err: thrown }, 'the register cannot be written');
      this.#isStoreFailing = true;
    }
  }

  #logStep({ event, paper: { id, until, grounds }, reason }: Step): void {
    const { log } = this.#options;
    if (event === 'warned') log.warn({ exemption: id, until, grounds, reason }, 'an exemption ends soon');
    else log.info({ exemption: id, event, until, grounds }, 'an exemption changed with time');
  }

  #tell(records: readonly DecisionRecord[]): void {
    for (const { event, list, decision } of records) {
      const fields = { list, event, decision };
      if (event === 'set' || event === 'changed' || event === 'removed') {
        this.#options.log.info(fields, 'the decision of a list changed');
      } else this.#options.log.warn(fields, 'a date of the decision of a list; the list stays in force');
    }
  }
}
