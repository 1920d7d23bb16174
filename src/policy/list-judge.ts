// What a set of lists says of one question, and of where its answer leads. Hot file.
//
// The list of lowest index that has a rule decides. Where that is a mandate list that lets pass, sends to TCP or answers
// itself, the lists that may refuse are asked again: one list's word ends that list's say and no other's. Judging reads
// shared bytes, writes one Verdict and allocates nothing for plain rules.
import { createAddress } from '../base/base.ts';
import { TARGET_ADDRESS_WORDS, type Targets, TRIGGER } from '../wire/dns/dns.ts';
import { ACTION } from './rule.ts';
import type { PolicyTable } from './table.ts';
import { ALL_LISTS, Verdict } from './verdict.ts';

/** Judges for one policy in one thread. */
export class ListJudge {
  readonly #generation: number;
  readonly #table: PolicyTable;
  /** Masks: lists whose precedence is `action`, and mandate lists. */
  readonly #byAction: number;
  readonly #mandates: number;
  readonly #address = createAddress();
  readonly #single = new Verdict();
  /** What a list that gives way said. */
  readonly #yielding = new Verdict();
  /** What lists say of the data of a rule. */
  readonly #data = new Verdict();

  constructor(generation: number, table: PolicyTable, byAction: number, mandates: number) {
    this.#generation = generation;
    this.#table = table;
    this.#byAction = byAction;
    this.#mandates = mandates;
  }

  /** True when some rule of any list is about one of the targets, whether it applies or not. */
  concernsTargets(targets: Targets, verdict: Verdict): boolean {
    this.#single.wasExcused = false;
    this.judgeTargets(targets, ALL_LISTS, verdict);
    return verdict.list >= 0 || this.#single.wasExcused;
  }

  /** Judges a folded name of `length` bytes at `offset` and the client of the verdict, by the lists in the mask. */
  judgeQuestion(qname: Uint8Array, offset: number, length: number, lists: number, verdict: Verdict): void {
    this.#matchQuestion(qname, offset, length, lists, verdict);
    if (verdict.list < 0) return;
    verdict.remaining = (1 << verdict.list) - 1;
    if ((GIVING_WAY & (1 << verdict.action)) === 0) return;
    this.#giveWay(qname, offset, length, undefined, lists, verdict);
  }

  /** Judges everything that an answer leads to. */
  judgeTargets(targets: Targets, lists: number, verdict: Verdict): void {
    this.#matchTargets(targets, lists, verdict);
    if (verdict.list < 0) return;
    verdict.remaining = (1 << verdict.list) - 1;
    if ((GIVING_WAY & (1 << verdict.action)) === 0) return;
    this.#giveWay(NO_NAME, 0, 0, targets, lists, verdict);
  }

  /**
   * What a mandate list lets pass, sends to TCP or answers itself is looked at again by the lists that may refuse it: by
   * all others where it lets pass or sends to TCP, by the other mandate lists where it has data. Each round takes a list
   * out, so that there are at most as many as lists; a question that no such rule is about never comes here.
   */
  #giveWay(
    qname: Uint8Array,
    offset: number,
    length: number,
    targets: Targets | undefined,
    lists: number,
    verdict: Verdict,
  ): void {
    const held = this.#yielding;
    held.clear(this.#generation);
    let left = lists;
    let ended = 0;
    while (
      verdict.list >= 0 &&
      (this.#mandates & (1 << verdict.list)) !== 0 &&
      (GIVING_WAY & (1 << verdict.action)) !== 0
    ) {
      // Data goes before TCP, and that before letting pass.
      if (held.list < 0 || rightOf(verdict.action) > rightOf(held.action)) held.take(verdict);
      ended |= 1 << verdict.list;
      left &= ~ended;
      if (verdict.action === ACTION.DATA) left &= this.#mandates;
      verdict.clear(this.#generation);
      if (targets === undefined) this.#matchQuestion(qname, offset, length, left, verdict);
      else this.#matchTargets(targets, left, verdict);
    }
    const remaining = ~ended & (verdict.list < 0 ? ALL_LISTS : (1 << verdict.list) - 1);
    if (held.list >= 0 && (verdict.list < 0 || (held.action !== ACTION.PASSTHRU && !verdict.refused))) {
      verdict.take(held);
    }
    verdict.remaining = remaining;
    if (verdict.action === ACTION.DATA) this.#judgeData(lists, verdict);
  }

  /** Data of a rule that leads where another mandate list refuses is refused by that one. */
  #judgeData(lists: number, verdict: Verdict): void {
    const others = lists & this.#mandates & ~(1 << verdict.list);
    const { leads } = verdict.data;
    if (others === 0 || (leads.namesEnd === 0 && leads.addressesEnd === 0)) return;
    const found = this.#data;
    let left = others;
    do {
      found.clear(this.#generation);
      found.qtype = verdict.qtype;
      found.client = verdict.client;
      this.#matchTargets(leads, left, found);
      left &= ~(1 << found.list);
    } while (found.list >= 0 && (PASSING & (1 << found.action)) !== 0);
    if (found.list < 0) return;
    // The trigger stays what it was: nobody can see the data that the rule is about.
    const { trigger, targetStart, targetLength } = verdict;
    verdict.take(found);
    verdict.trigger = trigger;
    verdict.targetStart = targetStart;
    verdict.targetLength = targetLength;
    if (verdict.action === ACTION.DATA) verdict.action = ACTION.LIST;
  }

  #matchQuestion(qname: Uint8Array, offset: number, length: number, lists: number, verdict: Verdict): void {
    const table = this.#table;
    if (table.hasClientRules) table.matchClient(verdict.client, lists, verdict);
    table.matchName(qname, offset, length, lists, TRIGGER.QNAME, verdict);
    if (table.hasPatterns) table.matchPatterns(qname, offset, length, lists, TRIGGER.QNAME, verdict);
  }

  #matchTargets(targets: Targets, lists: number, verdict: Verdict): void {
    const { names, namesEnd, addresses, addressesEnd } = targets;
    const table = this.#table;
    const single = this.#single;
    single.qtype = verdict.qtype;
    single.client = verdict.client;
    let at = targets.namesStart;
    while (at < namesEnd) {
      const trigger = names[at] ?? 0;
      const length = names[at + 1] ?? 0;
      table.matchName(names, at + 2, length, lists, trigger, single);
      if (table.hasPatterns) table.matchPatterns(names, at + 2, length, lists, trigger, single);
      if (single.list >= 0) {
        single.targetStart = at + 2;
        single.targetLength = length;
        this.#merge(targets, verdict, single);
      }
      at += 2 + length;
    }
    single.targetLength = 0;
    for (let i = targets.addressesStart; i < addressesEnd; i += TARGET_ADDRESS_WORDS) {
      for (let word = 0; word < 4; word++) this.#address[word] = addresses[i + 1 + word] ?? 0;
      table.matchAddress(this.#address, lists, addresses[i] ?? 0, single);
      if (single.list < 0) continue;
      single.targetStart = i;
      this.#merge(targets, verdict, single);
    }
  }

  /** Adds the verdict on one target to that on the answer, and forgets it. */
  #merge(targets: Targets, verdict: Verdict, single: Verdict): void {
    const isFirst = verdict.list < 0 || single.list < verdict.list;
    const isSame = single.list === verdict.list;
    // Of the targets of an answer the first one decides (RPZ); a list that weighs actions refuses if any is refused.
    const isByAction = (this.#byAction & (1 << single.list)) !== 0;
    const overrules = isSame && isByAction && single.refused && !verdict.refused;
    // Records of one RRset come in any order, and upstreams rotate them: of addresses, and of names of services, the rule that
    // says most goes first, and of equal ones that for the smallest address (as in BIND) or name.
    const prevails =
      isSame &&
      isUnordered(single.trigger, verdict.trigger) &&
      (!isByAction || single.refused === verdict.refused) &&
      (single.rank > verdict.rank || (single.rank === verdict.rank && isSmaller(targets, single, verdict)));
    if (isFirst || overrules || prevails) verdict.take(single);
    single.clear(this.#generation);
  }
}

/** Actions that a mandate list may not have the last word with, as bits; data of any other list is looked at as well. */
const GIVING_WAY = (1 << ACTION.PASSTHRU) | (1 << ACTION.TCP_ONLY) | (1 << ACTION.DATA);
/** Actions after which the question may go on. */
const PASSING = (1 << ACTION.PASSTHRU) | (1 << ACTION.TCP_ONLY);
const NO_NAME = new Uint8Array(0);

/** Of actions that give way, the one that goes before the others. */
const rightOf = (action: number): number => (action === ACTION.DATA ? 2 : action === ACTION.TCP_ONLY ? 1 : 0);

const isAddressTrigger = (trigger: number): boolean =>
  trigger === TRIGGER.RESPONSE_IP || trigger === TRIGGER.SERVICE_HINT;

/** True when what led to both targets has no order in an answer. Aliases have one. */
const isUnordered = (a: number, b: number): boolean =>
  isAddressTrigger(a) ? isAddressTrigger(b) : a === TRIGGER.SERVICE_TARGET && b === a;

/** True when the target of a verdict is the smaller one; both are addresses, or both names. */
const isSmaller = ({ names, addresses }: Targets, a: Verdict, b: Verdict): boolean => {
  if (a.targetLength > 0) return isSmallerName(names, a, b);
  for (let word = 1; word < TARGET_ADDRESS_WORDS; word++) {
    const difference = (addresses[a.targetStart + word] ?? 0) - (addresses[b.targetStart + word] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return a.trigger < b.trigger;
};

const isSmallerName = (names: Uint8Array, a: Verdict, b: Verdict): boolean => {
  // No name is the beginning of another one: each ends in the root.
  for (let i = 0; i < a.targetLength; i++) {
    const difference = (names[a.targetStart + i] ?? 0) - (names[b.targetStart + i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
};
