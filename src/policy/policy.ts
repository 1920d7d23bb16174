// policy: which names and addresses are refused for whom. Hot file.
//
// Invariants: a policy is immutable but for the hour of its schedules and its exemptions, and belongs to one
// generation; judging reads shared bytes and writes one Verdict, it allocates nothing for plain rules and knows no I/O
// and no clock but the one that exemptions come with; a list of lower index prevails, mandate lists have the lowest,
// and a passthru says nothing against a list before its own; a rule of a mandate list that lets pass says nothing against
// any other list, and no data of a rule leads where another mandate list refuses: only an exemption opens what a mandate
// list refuses, for its clients and its time; a group that does not choose a list is never refused by it. The words are
// those of Response Policy Zones: a rule is a trigger and an action, its outcome a verdict.
import type { AddressWords, Clock } from '../base/base.ts';
import type { Targets } from '../wire/dns/dns.ts';
import { ExemptionTable } from './exemption.ts';
import type { ExemptionIndex } from './exemption-index.ts';
import { ListJudge } from './list-judge.ts';
import { ACTION } from './rule.ts';
import { isInForce, type Schedule } from './schedule.ts';
import { PolicyTable } from './table.ts';
import { ALL_LISTS, type PolicyList, Verdict } from './verdict.ts';

export { compileExemptions, EXEMPTIONS_MAX } from './exemption-compile.ts';
export { type ExemptionIndex, formatExemption, type SharedExemption } from './exemption-index.ts';
export {
  ACTION,
  type LocalRecord,
  MATCH,
  MATCH_NAMES,
  type Match,
  RPZ_WORDS,
  type RuleAction,
  type RuleClients,
  type RuleSink,
  type RuleTerms,
  type RuleTypes,
} from './rule.ts';
export { isInForce, type Schedule } from './schedule.ts';
export { PolicyTable } from './table.ts';
export { TableBuilder } from './table-builder.ts';
export { LIST_COUNT_MAX } from './table-layout.ts';
export {
  type BlockMode,
  type ExemptionObserver,
  type PolicyList,
  type Precedence,
  Verdict,
} from './verdict.ts';

/** A group of clients and the lists that it chooses. */
export interface PolicyGroup {
  readonly name: string;
  /** Bit n is set when lists[n] is in force for the group. */
  readonly lists: number;
  /** Those of them that are in force at times only: at those of any of their schedules. */
  readonly scheduled?: readonly { readonly list: number; readonly schedule: Schedule }[];
}

/** A policy as it travels between threads: shared bytes and plain data. */
export interface SharedPolicy {
  /** Counts up from 1 in the life of a process. */
  readonly generation: number;
  readonly table: SharedArrayBuffer;
  /** In order of precedence. */
  readonly lists: readonly PolicyList[];
  /** The first one is the default. */
  readonly groups: readonly PolicyGroup[];
}

/** One generation of policy, opened in a thread. */
export class Policy {
  readonly generation: number;
  readonly lists: readonly PolicyList[];
  readonly groups: readonly PolicyGroup[];
  readonly table: PolicyTable;
  /** True when some list is only watched: then the watch methods have something to tell. */
  readonly isWatching: boolean;
  readonly #hasSchedules: boolean;
  /** Undefined: there are none. */
  #exemptions: ExemptionTable | undefined;
  /** By group: the lists that refuse. */
  readonly #enforced: Uint32Array;
  /** By group: the lists that would. */
  readonly #watched: Uint32Array;
  readonly #logOnly: number;
  readonly #mandates: number;
  readonly #judge: ListJudge;
  readonly #whole = new Verdict();

  /** `nowMs` is the time for schedules; keep it current with setTime(). */
  constructor(shared: SharedPolicy, nowMs: number) {
    // 0 is the mark of an answer that was never judged (see Answer.unlistedGeneration).
    if (shared.generation < 1) throw new RangeError(`opening a policy: generation ${shared.generation}`);
    this.generation = shared.generation;
    this.lists = shared.lists;
    this.groups = shared.groups;
    this.#logOnly = maskOf(shared.lists, ({ logOnly }) => logOnly);
    const byAction = maskOf(shared.lists, ({ precedence }) => precedence === 'action');
    this.#mandates = maskOf(shared.lists, ({ mandate }) => mandate);
    const byEncloser = maskOf(shared.lists, ({ precedence }) => precedence === 'closest-encloser');
    this.table = new PolicyTable(shared.table, byAction, byEncloser);
    this.#judge = new ListJudge(shared.generation, this.table, byAction, this.#mandates);
    this.isWatching = this.#logOnly !== 0;
    this.#hasSchedules = shared.groups.some(({ scheduled = [] }) => scheduled.length > 0);
    this.#enforced = new Uint32Array(shared.groups.length);
    this.#watched = new Uint32Array(shared.groups.length);
    this.setTime(nowMs);
  }

  /** True when setTime() changes anything. */
  get isScheduled(): boolean {
    return this.#hasSchedules || this.#exemptions?.isScheduled === true;
  }

  /**
   * Puts other exemptions in force from the next question on; `clock` tells when they begin and end. Once per change.
   */
  setExemptions(index: ExemptionIndex | undefined, clock: Clock): void {
    this.#exemptions =
      index === undefined || index.count === 0
        ? undefined
        : new ExemptionTable(index, this.lists, this.groups, clock);
  }

  /** Puts in force what the schedules say for a time. */
  setTime(nowMs: number): void {
    this.#exemptions?.setTime(nowMs);
    for (const [index, group] of this.groups.entries()) {
      let scheduled = 0;
      let inForce = 0;
      for (const { list, schedule } of group.scheduled ?? []) {
        scheduled |= 1 << list;
        if (isInForce(schedule, nowMs)) inForce |= 1 << list;
      }
      const lists = group.lists & (~scheduled | inForce);
      this.#enforced[index] = lists & ~this.#logOnly;
      this.#watched[index] = lists & this.#logOnly;
    }
  }

  /**
   * Judges the folded QNAME of `length` bytes at `offset` and the client; the outcome is in `verdict`, which is asked
   * about this question from here on. A question for DS is one to the zone above (RFC 4035 section 3.1.4.1): rules at QNAME
   * itself do not count, those above it and regular expressions do.
   */
  judgeQuestion(
    qname: Uint8Array,
    offset: number,
    length: number,
    qtype: number,
    client: AddressWords,
    group: number,
    verdict: Verdict,
  ): void {
    verdict.clear(this.generation);
    verdict.exempted.begin();
    verdict.qtype = qtype;
    verdict.client = client;
    const lists = this.#enforced[group] ?? 0;
    this.#judge.judgeQuestion(qname, offset, length, lists, verdict);
    if (this.#exemptions === undefined) return;
    verdict.exempted.keepQname(qname, offset, length);
    // Each round takes a list out, so that there are at most as many as lists.
    while (verdict.refused && this.#exempt(this.#exemptions, group, undefined, verdict)) {
      verdict.clear(this.generation);
      this.#judge.judgeQuestion(qname, offset, length, lists & ~verdict.exempted.mask, verdict);
    }
  }

  /**
   * Judges the folded name that a rule leads the question to: by the lists before that of the rule, and where that is a
   * mandate list, by all other mandate lists.
   */
  judgeAlias(target: Uint8Array, group: number, verdict: Verdict): void {
    const { list } = verdict;
    const own = 1 << list;
    const others = (this.#mandates & own) === 0 ? own - 1 : this.#mandates & ~own;
    const lists = (this.#enforced[group] ?? 0) & others;
    verdict.clear(this.generation);
    this.#judge.judgeQuestion(target, 0, target.length, lists & ~verdict.exempted.mask, verdict);
    if (this.#exemptions !== undefined) {
      while (verdict.refused && this.#exempt(this.#exemptions, group, undefined, verdict)) {
        verdict.clear(this.generation);
        this.#judge.judgeQuestion(target, 0, target.length, lists & ~verdict.exempted.mask, verdict);
      }
    }
    verdict.remaining &= others;
    if (verdict.list < 0) {
      verdict.list = list;
      verdict.action = ACTION.PASSTHRU;
    }
  }

  /** Judges everything that an answer leads to, after judgeQuestion() for the same question has not refused it. */
  judgeTargets(targets: Targets, group: number, verdict: Verdict): void {
    const lists = (this.#enforced[group] ?? 0) & verdict.remaining;
    verdict.clear(this.generation);
    this.#judge.judgeTargets(targets, lists & ~verdict.exempted.mask, verdict);
    if (this.#exemptions === undefined) return;
    while (verdict.refused && this.#exempt(this.#exemptions, group, targets, verdict)) {
      verdict.clear(this.generation);
      this.#judge.judgeTargets(targets, lists & ~verdict.exempted.mask, verdict);
    }
  }

  /**
   * True when no rule of any list, for whatever client at whatever time, concerns the folded name or the targets: then
   * all judging of this question and this answer may be left out as long as this generation is in force.
   */
  isUnlisted(name: Uint8Array, length: number, targets: Targets): boolean {
    if (this.table.hasClientRules) return false;
    const verdict = this.#whole;
    verdict.clear(this.generation);
    this.#judge.judgeQuestion(name, 0, length, ALL_LISTS, verdict);
    if (verdict.list >= 0 || verdict.wasExcused) return false;
    return !this.#judge.concernsTargets(targets, verdict);
  }

  /**
   * What the lists that are only watched would say of the question that `judged` is the verdict on: those that still have
   * a say after it.
   */
  watchQuestion(qname: Uint8Array, length: number, group: number, judged: Verdict, verdict: Verdict): void {
    verdict.clear(this.generation);
    verdict.qtype = judged.qtype;
    verdict.client = judged.client;
    const lists = (this.#watched[group] ?? 0) & judged.remaining;
    this.#judge.judgeQuestion(qname, 0, length, lists, verdict);
  }

  /** What the lists in the mask `before` would say of the answer that `judged` is the verdict on. */
  watchTargets(targets: Targets, group: number, before: number, judged: Verdict, verdict: Verdict): void {
    const lists = (this.#watched[group] ?? 0) & before & judged.remaining & verdict.remaining;
    verdict.clear(this.generation);
    this.#judge.judgeTargets(targets, lists, verdict);
  }

  /** True when the list that refuses does not count for this client, this QNAME and this time. */
  #exempt(table: ExemptionTable, group: number, targets: Targets | undefined, verdict: Verdict): boolean {
    const { list, client, exempted } = verdict;
    const { device, qname, qnameLength } = exempted;
    if (exempted.barred) return false;
    let index = table.find(list, client, group, qname, qnameLength);
    if (index < 0 && device !== undefined) index = table.find(list, device, -1, qname, qnameLength);
    if (index < 0) return false;
    const number = table.numberOf(index);
    exempted.add(list, number, table.untilMsOf(index), this.lists[list]?.ttlSec ?? 0);
    exempted.observer?.exempted(targets, index, number);
    return true;
  }
}

/** Once per policy. @cold */
const maskOf = (lists: readonly PolicyList[], has: (list: PolicyList) => boolean): number =>
  lists.reduce((mask, list, bit) => (has(list) ? mask | (1 << bit) : mask), 0);
