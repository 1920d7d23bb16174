// The register of exemptions: who asked for what, who granted it, when it was in force, and how it ended.
//
// Append-only: what stands is a fold over the events, and history is never rewritten. An event is on the disk before
// it counts, but for ends: an exemption whose end, or revocation, cannot be written is out of force all the same.
// Ends are final: once written, no step of the clock brings an exemption back. Workers judge beginning and end by the
// clock themselves; the register hands them everything that is granted and not over, and writes down what time did.
import { type Account, AppError, type Clock } from '../../base/base.ts';
import { EXEMPTIONS_MAX, formatExemption, type SharedExemption } from '../../policy/policy.ts';
import type { DecisionRecord, ExemptionRecord, RegisterState } from '../records/records.ts';
import { apartFaults, approvalFaults, completeApproval } from './approval.ts';
import { DueTimes } from './due-times.ts';
import {
  type ExemptionPaper,
  type ExemptionState,
  isGranted,
  isStanding,
  numberOf,
  parseExemptionId,
  requireState,
  toSharedExemption,
} from './paper.ts';
import { PaperSet } from './paper-set.ts';
import { type ExemptionProblem, type Fault, toProblem } from './problem.ts';
import { markOf } from './profile.ts';
import { NO_PROFILE, type RegisterBody, readBody } from './register-body.ts';
import { RegisterFile } from './register-file.ts';
import { dueSteps, grantSteps, nextTimes, paperFrom, type Step, toTime } from './register-steps.ts';
import { REGISTER_NAME, RegisterReading } from './register-witness.ts';
import type { RuleContext, Rules } from './rule-context.ts';
import { repetitionFaults, requestFaults, termsOf } from './rules.ts';
import { type Approval, type Draft, type ExemptionTerms, readRequest } from './terms.ts';

/**
 * Bytes of events after which nothing new is taken; what stands can still end. Some 80,000 events of 3 KB: what
 * EXEMPTIONS_MAX papers leave in two years.
 */
const REQUESTS_BYTES_MAX = 256 << 20;
/** Events after which workers have to know something else. */
const SHARED_EVENTS: ReadonlySet<ExemptionRecord['event']> = new Set(['approved', 'expired', 'revoked']);

/** What happened to an exemption, without its paper. */
export interface ExemptionEvent {
  readonly time: string;
  readonly event: ExemptionRecord['event'];
  readonly by?: string;
  readonly role?: string;
  readonly reason?: string;
}

/** An exemption and everything that happened to it, the latest last. */
export interface ExemptionEntry {
  readonly paper: ExemptionPaper;
  readonly history: readonly ExemptionEvent[];
}

/** What a request or a decision led to: the paper as it stands, or everything that is wrong. */
export type RegisterOutcome =
  | { readonly paper: ExemptionPaper; readonly problems: readonly [] }
  | { readonly paper: undefined; readonly problems: readonly ExemptionProblem[] };

/** Who decides, and why. */
export interface ExemptionAuthor {
  readonly by: string;
  readonly reason: string;
}

/** What a register needs. */
export interface RegisterOptions {
  readonly path: string;
  /** What records call it; by default REGISTER_NAME. */
  readonly name?: string;
  readonly clock: Clock;
  /** Takes each event once it is on the disk. */
  readonly onEvent: (record: ExemptionRecord | DecisionRecord) => void;
}

/** The register while the program runs. */
export class Register {
  /** As it was when it was opened. */
  readonly opened: RegisterState;
  readonly #options: RegisterOptions;
  readonly #entries = new Map<number, { paper: ExemptionPaper; history: ExemptionEvent[] }>();
  /** Those that wait for a decision, and those that are granted and not barred: what rules ask for. */
  readonly #sets = { waiting: new PaperSet(), granted: new PaperSet() };
  /** When advance() has something to do to each that stands. */
  readonly #due = new DueTimes();
  /** Out of force although the register could not be told. */
  readonly #barred = new Set<number>();
  /** Of those, the granted ones that the records do not bear out, and why. */
  readonly #unproven = new Map<string, string>();
  readonly #counts = { requested: 0, approved: 0, active: 0, rejected: 0, expired: 0, revoked: 0 };
  readonly #decisions: DecisionRecord[] = [];
  readonly #file: RegisterFile;
  #rules: Rules | undefined;
  #lastNumber = 0;
  #lastApprovalMs: number | undefined;
  #version = 0;
  #sharedVersion = 0;

  private constructor(options: RegisterOptions) {
    this.#options = options;
    const reading = new RegisterReading(options.name ?? REGISTER_NAME);
    this.#file = RegisterFile.open(options.path, (body, sequence, hash) => {
      this.#take(readBody(body));
      reading.take(body, sequence, hash);
    });
    this.opened = reading.state;
  }

  /** Opens the register. Throws ERR_EXEMPTION_DAMAGED or ERR_EXEMPTION_REGISTER; then nothing is in force. */
  static open(options: RegisterOptions): Register {
    return new Register(options);
  }

  /** By what requests and approvals are judged from now on; undefined: none can be made. */
  setRules(rules: Rules | undefined): void {
    this.#rules = rules;
    this.#version++;
    for (const [number, { paper }] of this.#entries) this.#setDue(number, paper);
  }

  get rules(): Rules | undefined {
    return this.#rules;
  }

  /** Counts up with every change of what stands or of the rules. */
  get version(): number {
    return this.#version;
  }

  /** Counts up when what toShared() gives may have changed by more than time. */
  get sharedVersion(): number {
    return this.#sharedVersion;
  }

  /** How many are in each state. */
  get counts(): Readonly<Record<ExemptionState, number>> {
    return this.#counts;
  }

  /** When one was last approved, milliseconds since the epoch. */
  get lastApprovalMs(): number | undefined {
    return this.#lastApprovalMs;
  }

  /** Events of decisions that lists rest on, the latest last. */
  get decisions(): readonly DecisionRecord[] {
    return this.#decisions;
  }

  /** All of them, in the order of their numbers. */
  entries(): readonly ExemptionEntry[] {
    return [...this.#entries.values()];
  }

  /** Those that wait, are granted, or are in force. */
  standing(): ExemptionPaper[] {
    return this.#papers().filter(isStanding);
  }

  /** Those that are in force by the clock and by their state, schedules aside. */
  activeAt(nowMs: number): ExemptionPaper[] {
    return this.#inForceOrLater(nowMs).filter((paper) => toSharedExemption(paper).fromMs <= nowMs);
  }

  /** What workers have to know: everything that is granted and not over, also what begins later. */
  toShared(nowMs: number): SharedExemption[] {
    return this.#inForceOrLater(nowMs).map(toSharedExemption);
  }

  /** An exemption by its id or number. Throws ERR_EXEMPTION_UNKNOWN. */
  find(id: string): ExemptionEntry {
    const entry = this.#entries.get(parseExemptionId(id) ?? 0);
    if (entry !== undefined) return entry;
    throw new AppError('ERR_EXEMPTION_UNKNOWN', `looking for exemption ${JSON.stringify(id.slice(0, 40))}`, {
      hint: '"cordon exemptions list" shows all of them.',
    });
  }

  /** Takes a request; without the account of who asks, nobody can approve it. Throws ERR_EXEMPTION_STORE. */
  request(raw: unknown, account: Account | undefined): RegisterOutcome {
    const { terms, problems } = this.check(raw);
    if (problems.length > 0) return refused(problems);
    const asked = this.createPaper(terms as ExemptionTerms, { kind: 'command' }, this.#options.clock());
    const paper = account === undefined ? asked : { ...asked, requesterAccount: account };
    this.write([{ event: 'requested', paper, by: paper.requestedBy }]);
    return { paper, problems: [] };
  }

  /** What a request says, as far as it can be read, and everything that is wrong with it. Nothing is kept. */
  check(raw: unknown): { terms: Draft<ExemptionTerms>; problems: readonly ExemptionProblem[] } {
    this.advance();
    const nowMs = this.#options.clock();
    const written = readRequest(raw);
    const context = this.context(nowMs);
    if (context === undefined) return { terms: written.terms, problems: NO_PROFILE };
    const terms = { ...written.terms, fromMs: written.terms.fromMs ?? this.#beginning(written.terms, nowMs) };
    const faults = [
      ...written.faults,
      ...requestFaults(terms, context),
      ...repetitionFaults(terms, this.#sets.waiting),
      ...this.limitFaults(),
    ];
    return { terms, problems: faults.map((fault) => toProblem(fault)) };
  }

  /** Grants a request. Throws ERR_EXEMPTION_UNKNOWN, ERR_EXEMPTION_STATE, ERR_EXEMPTION_STORE. */
  approve(id: string, approval: Draft<Approval>, reason = ''): RegisterOutcome {
    this.advance();
    const nowMs = this.#options.clock();
    const { paper } = this.find(id);
    requireState(paper, ['requested'], 'approving');
    const context = this.context(nowMs);
    if (context === undefined) return refused(NO_PROFILE);
    const whole = completeApproval(approval, context.approvers);
    const faults = [
      ...requestFaults(termsOf(paper), context),
      ...apartFaults(paper, whole, context),
      ...approvalFaults(whole, context, paper.lists),
    ];
    if (faults.length > 0) return refused(faults.map((fault) => toProblem(fault)));
    this.write(grantSteps(paper, whole, nowMs, markOf(context.profile), reason));
    return { paper: this.find(id).paper, problems: [] };
  }

  /** Turns a request away. Throws ERR_EXEMPTION_UNKNOWN, ERR_EXEMPTION_STATE, ERR_EXEMPTION_STORE. */
  reject(id: string, { by, reason }: ExemptionAuthor): ExemptionPaper {
    this.advance();
    const { paper } = this.find(id);
    requireState(paper, ['requested'], 'rejecting');
    const rejected: ExemptionPaper = { ...paper, state: 'rejected', endedAt: this.#now() };
    this.write([{ event: 'rejected', paper: rejected, by, reason }]);
    return rejected;
  }

  /**
   * Ends what was granted before its time. It is out of force even when that cannot be written.
   * Throws ERR_EXEMPTION_UNKNOWN, ERR_EXEMPTION_STATE, ERR_EXEMPTION_ORIGIN, ERR_EXEMPTION_STORE.
   */
  revoke(id: string, author: ExemptionAuthor): ExemptionPaper {
    const { until } = this.find(id).paper;
    if (Date.parse(until) <= this.#options.clock()) this.advance();
    const { paper } = this.find(id);
    requireState(paper, ['approved', 'active'], 'revoking');
    if (paper.origin.kind === 'text') {
      throw new AppError('ERR_EXEMPTION_ORIGIN', `revoking ${paper.id}: it stands in ${paper.origin.file}`, {
        hint: 'Remove it there and reload: a text that stays would say something else than the register.',
      });
    }
    this.write(this.revokeSteps(paper, author));
    return this.find(id).paper;
  }

  /** Takes out of force what the records do not bear out, by its id, until it is revoked. */
  suspend(id: string, why: string): void {
    const { paper } = this.find(id);
    this.#bar(paper);
    this.#unproven.set(id, why);
    this.#setDue(numberOf(paper), paper);
  }

  /** Why granted exemptions are suspended, by id. */
  get unproven(): ReadonlyMap<string, string> {
    return this.#unproven;
  }
  /** How many events there are, and the hash that covers them. */
  get end(): RegisterFile['end'] {
    return this.#file.end;
  }

  /** The steps that end what was granted; it is out of force at once, before they are written. */
  revokeSteps(paper: ExemptionPaper, { by, reason }: Partial<ExemptionAuthor>): Step[] {
    const nowMs = this.#options.clock();
    this.#bar(paper);
    const due = dueSteps(paper, nowMs, []);
    const revoked: ExemptionPaper = {
      ...(due.at(-1)?.paper ?? paper),
      state: 'revoked',
      endedAt: toTime(nowMs),
    };
    return [...due, { event: 'revoked', paper: revoked, by, reason }];
  }

  /**
   * Writes down what time did: beginnings, warnings, ends, and requests that nobody decided on in time. Gives the
   * steps. Throws ERR_EXEMPTION_STORE; what has ended is out of force all the same.
   */
  advance(): readonly Step[] {
    const nowMs = this.#options.clock();
    const steps = this.#due.dueAt(nowMs).flatMap((number) => {
      const paper = this.#entries.get(number)?.paper;
      const due = paper === undefined ? [] : dueSteps(paper, nowMs, this.#warnDays);
      // Nothing begins or goes on that the records do not bear out.
      return paper !== undefined && this.#unproven.has(paper.id) && due.at(-1)?.event !== 'expired'
        ? []
        : due;
    });
    for (const { event, paper } of steps) if (event === 'expired') this.#bar(paper);
    if (steps.length > 0) this.write(steps);
    return steps;
  }

  /** When advance() has something to do next, milliseconds since the epoch; undefined: never. */
  nextChangeMs(): number | undefined {
    return this.#due.firstMs;
  }

  /** What rules see now, without the papers of `leaving`; undefined while there are no rules. */
  context(nowMs: number, leaving: ReadonlySet<string> = new Set()): RuleContext | undefined {
    if (this.#rules === undefined) return undefined;
    return {
      ...this.#rules,
      nowMs,
      granted:
        leaving.size === 0
          ? this.#sets.granted
          : new PaperSet(this.#sets.granted.all().filter(({ id }) => !leaving.has(id))),
      find: (number) => this.#entries.get(number)?.paper,
    };
  }

  /** A paper with the next number, `ahead` of those that are not written yet. Its terms are whole. */
  createPaper(
    terms: ExemptionTerms,
    origin: ExemptionPaper['origin'],
    nowMs: number,
    ahead = 0,
  ): ExemptionPaper {
    if (this.#rules === undefined) throw new RangeError('register: a paper without a profile');
    const id = formatExemption(this.#lastNumber + 1 + ahead);
    return paperFrom(terms, { id, origin, profile: markOf(this.#rules.profile), requestedAt: toTime(nowMs) });
  }

  /** Why one more cannot be taken, with `ahead` of those that are not written yet. */
  limitFaults(ahead = 0): Fault[] {
    const code = 'ERR_EXEMPTION_LIMIT';
    const { requested, approved, active } = this.#counts;
    if (requested + approved + active + ahead >= EXEMPTIONS_MAX) {
      return [{ code, path: [], text: `${EXEMPTIONS_MAX} exemptions wait or are granted: more are a rule` }];
    }
    if (this.#file.sizeBytes < REQUESTS_BYTES_MAX) return [];
    return [
      { code, path: [], text: `the register has ${REQUESTS_BYTES_MAX} bytes, which is all that it may` },
    ];
  }

  /** Writes steps, all or none, and tells of each. Throws ERR_EXEMPTION_STORE. */
  write(steps: readonly Step[]): void {
    const time = this.#now();
    this.#append(
      steps.map(({ event, paper, by, role, reason }) => ({
        kind: 'exemption',
        time,
        event,
        id: paper.id,
        ...(by === undefined ? {} : { by }),
        ...(role === undefined ? {} : { role }),
        ...(reason === undefined || reason === '' ? {} : { reason }),
        paper,
      })),
    );
  }

  /** Writes what happened to the decisions that lists rest on. Throws ERR_EXEMPTION_STORE. */
  writeDecisions(records: readonly DecisionRecord[]): void {
    this.#append(records);
  }

  /** The events behind one, at most `count`, as they were written: JSON of records. */
  eventsAfter(sequence: number, count: number): ReturnType<RegisterFile['bodiesAfter']> {
    return this.#file.bodiesAfter(sequence, count);
  }

  /** Writes a step that another register took, as it is; one that ends a grant holds before it is written. */
  writeForeign(step: ExemptionRecord & { readonly paper: ExemptionPaper }): void {
    if (step.event === 'revoked') this.#bar(step.paper);
    this.#append([step]);
    this.advance();
  }

  /** As RegisterFile.copyTo(). */
  copyTo(path: string): Promise<void> {
    return this.#file.copyTo(path);
  }

  close(): void {
    this.#file.close();
  }

  #append(records: readonly (ExemptionRecord | DecisionRecord)[]): void {
    if (records.length === 0) return;
    this.#file.append(records);
    for (const record of records) {
      this.#take(readBody(record));
      this.#options.onEvent(record);
    }
  }

  /** Adds an event to what stands. */
  #take(record: RegisterBody): void {
    this.#version++;
    if (record.kind === 'decision') {
      this.#decisions.push(record);
      return;
    }
    const { time, event, by, role, reason, paper } = record;
    const number = numberOf(paper);
    const known = this.#entries.get(number);
    const history = known?.history ?? [];
    history.push({
      time,
      event,
      ...(by === undefined ? {} : { by }),
      ...(role === undefined ? {} : { role }),
      ...(reason === undefined ? {} : { reason }),
    });
    this.#entries.set(number, { paper, history });
    if (known !== undefined) this.#counts[known.paper.state]--;
    this.#counts[paper.state]++;
    if (event === 'approved') this.#lastApprovalMs = Date.parse(time);
    if (SHARED_EVENTS.has(event)) this.#sharedVersion++;
    this.#lastNumber = Math.max(this.#lastNumber, number);
    this.#setDue(number, paper);
    if (paper.state === 'requested') this.#sets.waiting.put(paper);
    else this.#sets.waiting.delete(paper.id);
    if (isGranted(paper)) {
      if (!this.#barred.has(number)) this.#sets.granted.put(paper);
      return;
    }
    this.#sets.granted.delete(paper.id);
    this.#barred.delete(number);
    this.#unproven.delete(paper.id);
  }

  get #warnDays(): readonly number[] {
    return this.#rules?.profile['warn-before-days'] ?? [];
  }

  /** What is suspended has nothing due before its end: a timer for what is left out would never rest. */
  #setDue(number: number, paper: ExemptionPaper): void {
    const times = this.#unproven.has(paper.id) ? [Date.parse(paper.until)] : nextTimes(paper, this.#warnDays);
    this.#due.set(number, isStanding(paper) ? Math.min(...times) : undefined);
  }

  #papers(): ExemptionPaper[] {
    return [...this.#entries.values()].map(({ paper }) => paper);
  }

  #inForceOrLater(nowMs: number): ExemptionPaper[] {
    return this.#sets.granted.all().filter((paper) => toSharedExemption(paper).untilMs > nowMs);
  }

  #bar(paper: ExemptionPaper): void {
    this.#barred.add(numberOf(paper));
    this.#sets.granted.delete(paper.id);
    this.#version++;
    this.#sharedVersion++;
  }

  /** A request that does not say when begins now, a renewal when what it renews ends. */
  #beginning({ renews }: Draft<ExemptionTerms>, nowMs: number): number {
    const old = renews === undefined ? undefined : this.#entries.get(renews)?.paper;
    return old !== undefined && isGranted(old) ? Math.max(nowMs, Date.parse(old.until)) : nowMs;
  }

  #now(): string {
    return toTime(this.#options.clock());
  }
}

const refused = (problems: readonly ExemptionProblem[]): RegisterOutcome => ({ paper: undefined, problems });
