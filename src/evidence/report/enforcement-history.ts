// In force or not, to the millisecond, as the records of service, enforcement and probe tell it.
//
// The prohibition counts as in force only where a record says that it was: from a record of the state `enforced`, from
// the end of a gap, or from a probe that found it so, until the next thing that says otherwise. What nobody recorded is no evidence, however likely. A crash is
// known afterwards: from the last record that was written until the next start it counts as not in force, which is the
// most that it can have been.

import { describeEnforcement, isInForce } from '../../telemetry/enforcement/enforcement.ts';
import type {
  ChangeRecord,
  EnforcementGapRecord,
  EnforcementStateRecord,
  ProbeRecord,
} from '../records/records.ts';
import type { PlacedChange } from './evidence.ts';
import type { CauseTotal, EnforcementInterval, EnforcementSection, EnforcementState, Note } from './model.ts';
import { toNote } from './notes.ts';
import { SpanLine } from './spans.ts';
import { timeText } from './time-text.ts';

interface Standing {
  readonly state: EnforcementState;
  readonly cause: string | null;
  readonly isUncertain: boolean;
  readonly by: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly groups: readonly string[] | null;
}

const IN_FORCE: Standing = {
  state: 'in-force',
  cause: null,
  isUncertain: false,
  by: null,
  reason: null,
  detail: null,
  groups: null,
};
const unknown = (cause: string): Standing => ({ ...IN_FORCE, state: 'no-evidence', cause });
const gap = (cause: string): Standing => ({ ...IN_FORCE, state: 'not-in-force', cause });

const isSame = (a: Standing, b: Standing): boolean =>
  a.state === b.state &&
  a.cause === b.cause &&
  a.by === b.by &&
  a.reason === b.reason &&
  a.detail === b.detail &&
  a.groups?.join(' ') === b.groups?.join(' ');

/** Records from the end of a run that nobody announced to the start behind it: the end, and the gap that it left. */
const BEGINNING_MAX = 3;

/** Follows the chain of changes. */
export class EnforcementHistory {
  readonly #group: string | null;
  readonly #line = new SpanLine<Standing>(unknown('before-records'), isSame);
  /** Gaps that began and have not ended, by cause. */
  readonly #gaps = new Map<string, { readonly standing: Standing; readonly beganMs: number }>();
  /** What the last record of a state in this run of the program says. */
  #told: { readonly standing: Standing; readonly beganMs: number } | undefined;
  #isRunning = false;
  #startMs = Number.NEGATIVE_INFINITY;
  #sequence = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** The latest time that any record has. */
  #highMs = Number.NEGATIVE_INFINITY;
  /** The latest one of this run: the first records of the next one may stand before it says that it began. */
  #runMs = Number.NEGATIVE_INFINITY;
  /** Last record that began a run: a start and the end of the run before, one of them after the other. */
  #begun: { readonly sequence: number; readonly atMs: number } | undefined;
  /**
   * A run began under a clock that was behind what had been recorded: what was told of the time from there on, and until when.
   * It is told again from where that run ends, else its end would seem to last until then.
   */
  #ahead: { readonly line: SpanLine<Standing>; readonly untilMs: number } | undefined;
  readonly #steps: { readonly atMs: number; readonly ms: number }[] = [];

  /** `group` is the name of the one that it is about; null: the whole service, which is as bad as its worst group. */
  constructor(group: string | null = null) {
    this.#group = group;
  }

  /** Takes the next record of the chain. */
  add({ sequence, record }: PlacedChange): void {
    const atMs = Date.parse(record.time);
    if (this.#sequence > 0 && sequence !== this.#sequence + 1) this.#miss(atMs);
    this.#sequence = sequence;
    this.#lookAtClock(record, atMs);
    this.#read(record, atMs);
    this.#lastMs = atMs;
    this.#highMs = Math.max(this.#highMs, atMs);
    this.#runMs = Math.max(this.#runMs, atMs);
  }

  /** What is known of a period; nothing is known after `evidenceEndMs`. */
  section(
    fromMs: number,
    untilMs: number,
    evidenceEndMs: number,
    aliveMs = Number.NEGATIVE_INFINITY,
  ): EnforcementSection {
    const endMs = this.endOf(evidenceEndMs, aliveMs);
    if (endMs < evidenceEndMs) this.#comeBack(endMs, unknown('after-records'));
    if (evidenceEndMs < untilMs) this.#line.set(evidenceEndMs, unknown('after-records'));
    const spans = this.#line.within(fromMs, untilMs);
    const intervals = spans.map(
      ({ fromMs: start, untilMs: end, value }): EnforcementInterval => ({
        from: timeText(start),
        until: timeText(end),
        ms: end - start,
        ...value,
      }),
    );
    const ms = { 'in-force': 0, 'not-in-force': 0, 'no-evidence': 0 };
    for (const interval of intervals) ms[interval.state] += interval.ms;
    return {
      ...this.#since(untilMs),
      ms,
      causes: totalCauses(intervals),
      intervals,
      notes: this.#notes(intervals, fromMs, untilMs),
    };
  }

  /**
   * Until when the last run tells something: `evidenceEndMs`, unless its clock is behind what was recorded before it. Then until
   * its last record or sign of life, `aliveMs`.
   */
  endOf(evidenceEndMs: number, aliveMs = Number.NEGATIVE_INFINITY): number {
    const ahead = this.#ahead;
    if (ahead === undefined) return evidenceEndMs;
    const lastMs = aliveMs < ahead.untilMs ? Math.max(this.#lastMs, aliveMs) : this.#lastMs;
    return lastMs < ahead.untilMs ? lastMs : evidenceEndMs;
  }

  /** When it was in force first, and since when without a gap at the end of a period. */
  #since(untilMs: number): Pick<EnforcementSection, 'firstInForce' | 'inForceSince'> {
    const spans = this.#line.within(Number.NEGATIVE_INFINITY, untilMs);
    const first = spans.find(({ value }) => value.state === 'in-force');
    const last = spans.at(-1);
    return {
      firstInForce: first === undefined ? null : timeText(first.fromMs),
      inForceSince: last?.value.state === 'in-force' ? timeText(last.fromMs) : null,
    };
  }

  #read(record: ChangeRecord, atMs: number): void {
    switch (record.kind) {
      case 'service':
        if (record.event === 'start') this.#start(atMs);
        if (record.event === 'stop') this.#stop(atMs, gap('stopped'));
        if (record.event === 'unclean-end') this.#crash(atMs, record.lastWritten);
        break;
      case 'enforcement':
        if (record.event === 'state') this.#tell(record, atMs);
        else if (record.event === 'gap-begin') this.#begin(record, atMs);
        else this.#end(record, atMs);
        this.#isRunning = true;
        this.#line.set(atMs, this.#standing());
        break;
      case 'probe':
        // Proof where nothing else is: the records begin in the middle of a run, or some are missing.
        if (this.#line.current.state === 'no-evidence' && isProof(record)) {
          this.#isRunning = true;
          this.#line.set(atMs, this.#standing());
        }
        break;
      case 'records':
        if (record.event === 'clock-step') this.#step(atMs, record.ms ?? 0);
        break;
      default:
    }
  }

  #tell(record: EnforcementStateRecord, atMs: number): void {
    const before = this.#told;
    // The state before was as long as the monotonic clock says: the wall clock may have gone back meanwhile, and a start
    // is recorded only once there is a recorder.
    if (before !== undefined && (before.standing.cause === 'startup' || before.beganMs > atMs))
      this.#line.set(Math.min(before.beganMs, atMs - (record.ms ?? 0)), before.standing);
    this.#gaps.clear();
    this.#told = { standing: standingOf(record, this.#group), beganMs: atMs };
  }

  #begin({ cause, by, reason }: EnforcementGapRecord, atMs: number): void {
    // What begins while the start is under way says itself why.
    this.#gaps.delete('');
    const isUncertain = cause === 'crash';
    const standing = { ...gap(cause), isUncertain, by: by ?? null, reason: reason ?? null };
    this.#gaps.set(cause, { standing, beganMs: atMs });
  }

  #end({ cause, ms = 0 }: EnforcementGapRecord, atMs: number): void {
    const isStartup = cause === 'startup' && !this.#gaps.has(cause);
    const ended = this.#gaps.get(isStartup ? '' : cause);
    // The gap was as long as the monotonic clock says: the wall clock may have gone back meanwhile, and a start is
    // recorded only once there is a recorder.
    if (ended !== undefined && (isStartup || ended.beganMs > atMs))
      this.#line.set(Math.min(ended.beganMs, atMs - ms), ended.standing);
    this.#gaps.delete('');
    this.#gaps.delete(cause);
  }

  #start(atMs: number): void {
    this.#isRunning = true;
    this.#startMs = atMs;
    this.#runMs = atMs;
    this.#told = undefined;
    this.#gaps.clear();
    // Until a record says that a policy is in force.
    this.#gaps.set('', { standing: gap('startup'), beganMs: atMs });
    this.#line.set(atMs, this.#standing());
  }

  #stop(atMs: number, standing: Standing): void {
    this.#isRunning = false;
    this.#told = undefined;
    this.#gaps.clear();
    this.#line.set(atMs, standing);
    this.#comeBack(atMs, standing);
  }

  /** A run begins, maybe under a clock that is behind what was recorded before. */
  #lookAtClock(record: ChangeRecord, atMs: number): void {
    if (record.kind !== 'service' || (record.event !== 'start' && record.event !== 'unclean-end')) return;
    const begun = this.#begun;
    const isSecond =
      begun !== undefined && this.#sequence <= begun.sequence + BEGINNING_MAX && atMs >= begun.atMs;
    this.#begun = isSecond ? undefined : { sequence: this.#sequence, atMs };
    if (!isSecond && atMs < this.#highMs) this.#fallBack();
  }

  /** The clock is behind the last record: the run before ended by its own clock, whatever this one says of it. */
  #fallBack(): void {
    const crash: Standing = { ...gap('crash'), isUncertain: true };
    if (this.#isRunning) this.#stop(this.#runMs, crash);
    this.#ahead = { line: this.#line.copy(), untilMs: this.#highMs };
  }

  /** A run whose clock was behind has ended: of the time after it holds what was told before, and then its end. */
  #comeBack(atMs: number, standing: Standing): void {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead === undefined || atMs >= ahead.untilMs) return;
    this.#line.resume(ahead.line, atMs);
    this.#line.set(ahead.untilMs, standing);
  }

  #step(atMs: number, ms: number): void {
    this.#steps.push({ atMs, ms });
    if (ms <= 0 || this.#ahead === undefined) return;
    // The clock is right again: the run had lived until then under the wrong one, and goes on from here.
    this.#comeBack(atMs - ms, this.#ahead.line.current);
    this.#line.set(atMs, this.#standing());
  }

  #crash(atMs: number, lastWritten: string | undefined): void {
    // Told already: it ended by its own clock.
    if (this.#ahead?.line.current.cause === 'crash' && !this.#isRunning) return;
    const endedMs = Math.min(atMs, lastWritten === undefined ? atMs : Date.parse(lastWritten));
    const crash: Standing = { ...gap('crash'), isUncertain: true };
    const isOfThisRun = this.#isRunning && this.#startMs >= endedMs;
    const startMs = this.#startMs;
    const standing = this.#standing();
    if (!isOfThisRun) {
      this.#stop(endedMs, crash);
      return;
    }
    // The record of the start came first: what it says stays.
    this.#line.set(endedMs, crash);
    this.#line.set(startMs, standing);
  }

  /** Records are missing before this one: what held may have changed meanwhile. */
  #miss(atMs: number): void {
    this.#gaps.clear();
    this.#told = undefined;
    this.#isRunning = false;
    this.#comeBack(Math.min(this.#lastMs, atMs), unknown('records-missing'));
    this.#line.set(Math.min(this.#lastMs, atMs), unknown('records-missing'));
  }

  #standing(): Standing {
    if (!this.#isRunning) return this.#line.current;
    const gaps = [...this.#gaps.values()].map(({ standing }) => standing);
    const [first] = gaps;
    if (first === undefined) return this.#told?.standing ?? IN_FORCE;
    return { ...first, cause: gaps.map(({ cause }) => cause).join(', ') };
  }

  #notes(intervals: readonly EnforcementInterval[], fromMs: number, untilMs: number): Note[] {
    const notes: Note[] = [];
    const uncertainMs = intervals.reduce((sum, { ms, isUncertain }) => sum + (isUncertain ? ms : 0), 0);
    if (uncertainMs > 0) notes.push(toNote('after-crash'));
    if (intervals.some(({ state }) => state === 'no-evidence')) notes.push(toNote('no-evidence'));
    for (const { atMs, ms } of this.#steps)
      if (Math.max(atMs, atMs - ms) >= fromMs && Math.min(atMs, atMs - ms) < untilMs)
        notes.push(toNote(ms < 0 ? 'clock-back' : 'clock-forward', Math.abs(ms), timeText(atMs)));
    return notes;
  }
}

/** What a record of a state says of the group, or of the whole service. */
const standingOf = (record: EnforcementStateRecord, group: string | null): Standing => {
  const { groups, by = null, reason = null } = record;
  const own = group === null ? record : groups.find((one) => one.group === group);
  // Before a policy is in force there are no groups: what is said of all is said of each.
  if (own === undefined && groups.length > 0) return unknown('no-such-group');
  const { state, cause = state } = own ?? record;
  if (isInForce(state)) return IN_FORCE;
  const told = groups.filter((one) => group === null || one.group === group);
  const out = groups.filter((one) => !isInForce(one.state)).map((one) => one.group);
  return {
    ...gap(cause),
    by,
    reason,
    groups: group === null && out.length > 0 && out.length < groups.length ? out : null,
    detail: describeEnforcement({ state, cause: record.cause, groups: told }),
  };
};

/** A probe that asked for no mandate name proves nothing. */
const isProof = ({ outcome, coverage }: ProbeRecord): boolean =>
  outcome === 'enforced' && (coverage === undefined || coverage.asked > 0);

const totalCauses = (intervals: readonly EnforcementInterval[]): CauseTotal[] => {
  const totals = new Map<string, CauseTotal>();
  for (const { state, cause, ms } of intervals) {
    if (cause === null) continue;
    const key = `${state} ${cause}`;
    const before = totals.get(key);
    totals.set(key, { state, cause, ms: (before?.ms ?? 0) + ms, count: (before?.count ?? 0) + 1 });
  }
  return [...totals.values()].sort((a, b) => b.ms - a.ms || (a.cause < b.cause ? -1 : 1));
};
