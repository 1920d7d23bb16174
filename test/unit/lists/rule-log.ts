// A RuleSink that writes down what it is given, one text a rule: "3 suffix example.com", with the terms of a rule that
// has some behind it; and bytes as lists read them.
import { formatPrefix, type Prefix } from '../../../src/base/base.ts';
import type { ListBytes } from '../../../src/policy/lists/lists.ts';
import { MATCH_NAMES, type Match, type RuleSink, type RuleTerms } from '../../../src/policy/policy.ts';
import { formatName, formatType } from '../../../src/wire/dns/dns.ts';

/** Rules as text, in the order of arrival. */
export class RuleLog implements RuleSink {
  readonly rules: string[] = [];

  addName(match: Match, name: Uint8Array, length: number, line: number, terms?: RuleTerms): void {
    this.#add(line, MATCH_NAMES[match], textOf(name.slice(0, length)), terms);
  }

  addPrefix(prefix: Prefix, line: number, terms?: RuleTerms): void {
    this.#add(line, 'prefix', formatPrefix(prefix), terms);
  }

  addClientPrefix(prefix: Prefix, line: number, terms?: RuleTerms): void {
    this.#add(line, 'client-prefix', formatPrefix(prefix), terms);
  }

  addPattern(pattern: RegExp, line: number, terms?: RuleTerms): void {
    this.#add(line, 'pattern', String(pattern), terms);
  }

  #add(line: number, trigger: string, subject: string, terms: RuleTerms | undefined): void {
    this.rules.push([`${line} ${trigger} ${subject}`, ...termTexts(terms)].join(' '));
  }
}

const termTexts = (terms: RuleTerms | undefined): readonly string[] => {
  if (terms === undefined) return [];
  const { action, isImportant, types, clients, exceptBelow } = terms;
  const sign = (isExcluding: boolean) => (isExcluding ? '!=' : '=');
  return [
    ...(action.kind === 'list' ? [] : [action.kind]),
    ...(isImportant === true ? ['important'] : []),
    ...(types === undefined
      ? []
      : [`types${sign(types.isExcluding)}${types.types.map(formatType).join(',')}`]),
    ...(clients === undefined
      ? []
      : [`clients${sign(clients.isExcluding)}${clients.prefixes.map(formatPrefix).join(',')}`]),
    ...(exceptBelow === undefined ? [] : [`except=${exceptBelow.map(textOf).join(',')}`]),
  ];
};

const textOf = (name: Uint8Array): string => formatName(name).slice(0, -1);

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
