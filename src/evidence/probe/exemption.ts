// Which questions of the probe an exemption lets pass: a plain reading of the papers.
//
// Written apart from the table that workers ask, as the whole probe is: what it expects has to come from the papers
// themselves, or a defect of the table would be expected too.
import { type AddressWords, matchesPrefix } from '../../base/base.ts';
import { isInForce, type SharedExemption } from '../../policy/policy.ts';
import { formatName } from '../../wire/dns/dns.ts';

/** Who asks what, as exemptions see it. */
export interface ExemptibleQuestion {
  /** The name that is asked, presentation form without the final dot, in any letters. */
  readonly qname: string;
  /** Id of the list whose rule would refuse. */
  readonly list: string;
  readonly group: string;
  readonly client: AddressWords;
}

/** True when one of the exemptions takes the list out of the judging of the question at a time. */
export const isExemptedBy = (
  exemptions: readonly SharedExemption[],
  question: ExemptibleQuestion,
  nowMs: number,
): boolean => exemptions.some((exemption) => covers(exemption, question, nowMs));

const covers = (exemption: SharedExemption, question: ExemptibleQuestion, nowMs: number): boolean => {
  const { fromMs, untilMs, groups, clients, lists, names, schedule } = exemption;
  if (nowMs < fromMs || nowMs >= untilMs) return false;
  if (schedule !== undefined && !isInForce(schedule, nowMs)) return false;
  if (lists !== undefined && !lists.includes(question.list)) return false;
  const isNamed = groups.includes(question.group);
  if (!isNamed && !clients.some(({ words, bits }) => matchesPrefix(question.client, words, bits))) {
    return false;
  }
  if (names === undefined) return true;
  const qname = `${question.qname.toLowerCase()}.`;
  return names.some((name) => {
    const zone = formatName(name).toLowerCase();
    return zone === '.' || qname === zone || qname.endsWith(`.${zone}`);
  });
};
