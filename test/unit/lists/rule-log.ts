// A RuleSink that writes down what it is given, one text a rule: "3 suffix example.com"; and bytes as lists read them.
import { formatPrefix, type Prefix } from '../../../src/base/base.ts';
import { formatName } from '../../../src/dns/dns.ts';
import type { ListBytes } from '../../../src/lists/lists.ts';
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

/** Reads a text or bytes in memory. */
export const readerOf = (content: string | Uint8Array): ListBytes => {
  const bytes = Buffer.from(content);
  let at = 0;
  return (into) => {
    const count = bytes.copy(into, 0, at);
    at += count;
    return count;
  };
};
