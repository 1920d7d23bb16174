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

  it('takes rules with conditions up to a bound for each name, and tells of the others', () => {
    const client = (i: number): string => `$client=10.0.${i >> 8}.${i & 255}`;
    const rules = Array.from({ length: 1700 }, (_, i) => `||a.test^${client(i)}\n`).join('');
    const whole = `||c.test^$client=${Array.from({ length: 4000 }, (_, i) => client(i).slice(8)).join('|')}\n`;
    const log = new RuleLog();
    const text = `${rules}||a.test^$important\n||b.test^$dnstype=A\n${whole}`;
    const { entries, rejected, reasons, diagnostics } = feedRules('adblock', readerOf(text), log);
    // A rule with an address is five steps of 8,192; one line of addresses, and what has no condition, is always taken.
    expect({ entries, rejected, reasons }).toEqual({
      entries: 1638 + 3,
      rejected: 62,
      reasons: { 'condition-cost': 62 },
    });
    expect(diagnostics[0]).toMatchObject({ line: 1639, text: expect.stringContaining('a.test') as string });
  });

  it('takes expressions with conditions up to a bound for all of them', () => {
    const addresses = Array.from({ length: 3000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`).join('|');
    const text = ['a', 'b', 'c'].map((letter) => `/^${letter}\\.ads\\./$client=${addresses}\n`).join('');
    const { remarks, entries } = read('adblock', `${text}/^d\\.ads\\./\n`, {});
    expect({ remarks, entries }).toEqual({ remarks: ['3 condition-cost'], entries: 3 });
  });
});
