// policy: which names and addresses are refused for whom. Hot file.
//
// Invariants: a policy is immutable and belongs to one generation; judging reads shared bytes and writes one
// Verdict, it allocates nothing and knows no clock and no I/O; a list of lower index prevails, and mandate lists
// have the lowest; a group that does not choose a list is never refused by it. The words are those of
// Response Policy Zones: a rule is a trigger and an action, its outcome a verdict.
import { createAddress } from '../base/base.ts';
import { TARGET_ADDRESS_WORDS, type Targets, TRIGGER } from '../dns/dns.ts';
import { PolicyTable } from './table.ts';
import type { PolicyList, Verdict } from './verdict.ts';

export { MATCH, MATCH_NAMES, type Match, type RuleSink } from './rule.ts';
export { LIST_COUNT_MAX, PolicyTable, TableBuilder } from './table.ts';
export { type BlockMode, type PolicyList, Verdict } from './verdict.ts';

/** A group of clients and the lists that it chooses. */
export interface PolicyGroup {
  readonly name: string;
  /** Bit n is set when lists[n] is in force for the group. */
  readonly lists: number;
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
  readonly #masks: Uint32Array;
  readonly #address = createAddress();

  constructor(shared: SharedPolicy) {
    this.generation = shared.generation;
    this.lists = shared.lists;
    this.groups = shared.groups;
    this.table = new PolicyTable(shared.table);
    this.#masks = Uint32Array.from(shared.groups, (group) => group.lists);
  }

  /** Judges the folded QNAME of `length` bytes at `offset` for a group; the outcome is in `verdict`. */
  judgeQuestion(qname: Uint8Array, offset: number, length: number, group: number, verdict: Verdict): void {
    verdict.clear(this.generation);
    this.table.matchName(qname, offset, length, this.#masks[group] ?? 0, TRIGGER.QNAME, verdict);
  }

  /** Judges everything that an answer leads to; the outcome is in `verdict`. */
  judgeTargets(targets: Targets, group: number, verdict: Verdict): void {
    verdict.clear(this.generation);
    const lists = this.#masks[group] ?? 0;
    const { names, namesEnd, addresses, addressesEnd } = targets;
    let at = targets.namesStart;
    while (at < namesEnd) {
      const length = names[at + 1] ?? 0;
      this.table.matchName(names, at + 2, length, lists, names[at] ?? 0, verdict);
      at += 2 + length;
    }
    for (let i = targets.addressesStart; i < addressesEnd; i += TARGET_ADDRESS_WORDS) {
      for (let word = 0; word < 4; word++) this.#address[word] = addresses[i + 1 + word] ?? 0;
      this.table.matchAddress(this.#address, lists, addresses[i] ?? 0, verdict);
    }
  }
}
