// A RuleSink that writes down what it is given, one text a rule: "3 suffix example.com".
import { formatPrefix, type Prefix } from '../../../src/base/base.ts';
import { formatName } from '../../../src/dns/dns.ts';
import { MATCH_NAMES, type Match, type RuleSink } from '../../../src/policy/policy.ts';

/** Rules as text, in the order of arrival. */
export class RuleLog implements RuleSink {
  readonly rules: string[] = [];

  addName(match: Match, name: Uint8Array, length: number, line: number): void {
    const text = formatName(name.slice(0, length)).slice(0, -1);
    this.rules.push(`${line} ${MATCH_NAMES[match]} ${text}`);
  }

  addPrefix(prefix: Prefix, line: number): void {
    this.rules.push(`${line} prefix ${formatPrefix(prefix)}`);
  }
}
