import { describe, expect, it } from 'vitest';
import { feedRules } from '../../../src/policy/lists/lists.ts';
import type { RuleSink, RuleTerms } from '../../../src/policy/policy.ts';
import { RuleLog, readerOf } from './rule-log.ts';

const read = (text: string) => {
  const log = new RuleLog();
  const { diagnostics } = feedRules('adblock', readerOf(text), log);
  return {
    rules: log.rules,
    remarks: diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`),
  };
};

describe('feedRules() of the adblock format', () => {
  it('lets a $badfilter concern lines that stand far before it and behind it', () => {
    const names = Array.from({ length: 40_000 }, (_, index) => `||name-${index}.tiktok.test^\n`);
    const badfilters = '||name-7.tiktok.test^$badfilter\n||name-39999.tiktok.test^$badfilter\n';
    const lines = [...names.slice(0, 20_000), badfilters, ...names.slice(20_000)];
    const { rules, remarks } = read(lines.join(''));
    expect(remarks).toEqual([]);
    expect(rules).toHaveLength(39_998);
    expect(rules.filter((rule) => / name-(?:7|39999)\./.test(rule))).toEqual([]);
    expect(rules.at(-1)).toBe('40001 suffix name-39998.tiktok.test');
  });

  it('counts a line that is no rule once, though it reads the list twice', () => {
    const long = 'a'.repeat(64 * 1024 + 1);
    expect(read(`<html>\n${long}\n||a.test^$badfilter\n||b.test^`)).toEqual({
      rules: ['4 suffix b.test'],
      remarks: ['1:1 markup', '2:1 line-too-long'],
    });
  });

  it('bounds the rules that $badfilter switches off', () => {
    const lines = Array.from({ length: 10_001 }, (_, index) => `||a${index}.test^$badfilter\n`);
    expect(read(`${lines.join('')}||a0.test^\n||a10000.test^`)).toEqual({
      rules: ['10003 suffix a10000.test'],
      remarks: ['10001:1 badfilter-count'],
    });
  });

  it('gives rules with the same modifiers the same terms', () => {
    const terms = new Set<RuleTerms | undefined>();
    const sink: RuleSink = {
      addName: (_match, _name, _length, _line, added) => void terms.add(added),
      addPrefix: () => undefined,
      addClientPrefix: () => undefined,
      addPattern: () => undefined,
    };
    feedRules(
      'adblock',
      readerOf('||a.test^$important\n||b.test^$important\n@@||c.test^\n@@||d.test^\n'),
      sink,
    );
    expect(terms.size).toBe(2);
  });
});
