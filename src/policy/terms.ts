// What some rules say beyond their trigger, ready to be asked: few rules have terms, and these are looked at only
// after the trigger has matched.
import { type AddressWords, matchesPrefix } from '../base/base.ts';
import { dataTargets, NO_DATA, type RuleData } from './data-targets.ts';
import { ACTION, ACTION_OF, type RuleTerms, weightOf } from './rule.ts';

/** The terms of rules, as judged. */
export class Terms {
  /** ACTION. */
  readonly action: number;
  /** Of ACTION.DATA. */
  readonly data: RuleData;
  /** See weightOf(). */
  readonly weight: number;
  readonly #terms: RuleTerms;

  constructor(terms: RuleTerms) {
    const { action } = terms;
    this.data =
      action.kind === 'data' ? { records: action.records, leads: dataTargets(action.records) } : NO_DATA;
    // Data that nobody could judge is not given: the list refuses as it does elsewhere.
    this.action = this.data.leads.overflow ? ACTION.LIST : ACTION_OF[action.kind];
    this.weight = weightOf(terms);
    this.#terms = terms;
  }

  /** True when the rule concerns a question of this type by this client. */
  concerns(qtype: number, client: AddressWords): boolean {
    const { types, clients } = this.#terms;
    if (types?.types.includes(qtype) === types?.isExcluding && types !== undefined) return false;
    if (clients === undefined) return true;
    const isNamed = clients.prefixes.some((prefix) => matchesPrefix(client, prefix.words, prefix.bits));
    return isNamed !== clients.isExcluding;
  }

  /** True when the folded wire name of `length` bytes at `start` is none that the rule leaves out. */
  covers(name: Uint8Array, start: number, length: number): boolean {
    const { exceptBelow } = this.#terms;
    return exceptBelow === undefined || !exceptBelow.some((zone) => endsWith(name, start, length, zone));
  }
}

/** True when the name of `length` bytes at `start` is the zone or below it; both folded. */
export const endsWith = (name: Uint8Array, start: number, length: number, zone: Uint8Array): boolean => {
  const end = start + length - zone.length;
  let at = start;
  while (at < end) at += (name[at] ?? 0) + 1;
  if (at !== end) return false;
  for (let i = 0; i < zone.length; i++) if (name[at + i] !== zone[i]) return false;
  return true;
};
