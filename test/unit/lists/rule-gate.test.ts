import { describe, expect, it } from 'vitest';
import { type FeedOptions, feedRules, Guards, type ListFormat } from '../../../src/policy/lists/lists.ts';
import { RuleLog, readerOf } from './rule-log.ts';

const protection = Guards.parse('gov\n*.gov\ncdn.test\n*.fed.us', 'guards.txt');

const read = (format: ListFormat, text: string, options: FeedOptions) => {
  const log = new RuleLog();
  const { entries, exceptions, diagnostics } = feedRules(format, readerOf(text), log, options);
  const remarks = diagnostics.map(({ line, code }) => `${line} ${code}`);
  return { rules: log.rules, remarks, entries, exceptions: exceptions.count };
};

/** The compiled form of the one pattern of a list. */
const patternOf = (text: string): RegExp => {
  const { rules } = read('regex', text, { guards: protection });
  const [, source = '', flags = ''] = /^1 pattern \/(.*)\/(\w*)$/.exec(rules[0] ?? '') ?? [];
  return new RegExp(source, flags);
};

describe('RuleGate', () => {
  it('keeps guard names out of each format, and lets passthru rules through', () => {
    const text = '||cdn.test^\n@@||cdn.test^\n||a.gov^$important\n@@||a.gov^$important\n||a.cdn.test^\n';
    expect(read('adblock', text, { guards: protection })).toEqual({
      rules: ['2 suffix cdn.test passthru', '4 suffix a.gov passthru important', '5 suffix a.cdn.test'],
      remarks: ['1 guarded', '3 guarded'],
      entries: 1,
      exceptions: 2,
    });
  });

  it.each([
    ['everything', '.*'],
    ['everything with a dot', '\\.'],
    ['a top-level domain', '\\.com$'],
    ['the first label of web sites', '^www\\.'],
    ['a guard name', '^cdn\\.test$'],
    ['what lies below a guarded tree', 'agency\\.(gov|us)'],
    ['one letter', 'e'],
  ])('refuses a pattern that matches %s', (_, text) => {
    const { rules, remarks } = read('regex', text, { guards: protection });
    expect({ rules, remarks }).toEqual({ rules: [], remarks: ['1 guarded-pattern'] });
  });

  it('refuses a pattern that matches ordinary names without any guards as well', () => {
    expect(read('regex', '.*\n^ads\\.', {})).toMatchObject({
      rules: ['2 pattern /^ads\\./u'],
      remarks: ['1 guarded-pattern'],
    });
  });

  it('lets a pattern through that makes exceptions, whatever it matches', () => {
    expect(read('adblock', '@@/.*/', { guards: protection })).toMatchObject({
      remarks: [],
      entries: 0,
      exceptions: 1,
    });
  });

  it('cuts guarded trees out of a pattern', () => {
    const pattern = patternOf('^stats?[0-9]*\\.');
    const matched = ['stats.test', 'stat1.gov.test', 'stats.nogov', 'stats1.notfed.us', 'x.stats.test'];
    expect(matched.filter((name) => pattern.test(name))).toEqual(matched.slice(0, 4));
    expect(
      ['stats.gov', 'stats.tax.gov', 'stats2.fed.us', 'stat.a.fed.us'].some((n) => pattern.test(n)),
    ).toBe(false);
  });
});
