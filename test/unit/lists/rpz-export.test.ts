import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExportRule } from '../../../src/policy/lists/export-formats.ts';
import {
  digestRules,
  EXPORT_FORMATS,
  type ExportFormat,
  exportRules,
} from '../../../src/policy/lists/export-rules.ts';
import { MATCH } from '../../../src/policy/policy.ts';
import { EXPORT_RULES } from './rpz-export-rules.ts';
import { readZone } from './rpz-rules.ts';

const { UPDATE_GOLDEN } = process.env;
const GOLDEN = join(import.meta.dirname, '../../golden/lists-rpz');

const exportText = (rules: Iterable<ExportRule>, format: ExportFormat, changes = {}): string => {
  const options = { title: 'Names for tests', serial: 2024120101, origin: 'policy.example' };
  return [...exportRules(rules, format, { ...options, sha256: digestRules(rules), ...changes })].join('');
};

/** The lines of an export that are no comment. */
const linesOf = (text: string): string[] => text.split('\n').filter((line) => !/^(?:[;#!]|$)/.test(line));

const exact = (text: string): ExportRule => ({ match: MATCH.EXACT, text, action: 'list' });
const suffix = (text: string): ExportRule => ({ match: MATCH.SUFFIX, text, action: 'list' });

describe('exportRules()', () => {
  it.each(EXPORT_FORMATS)('writes %s as before', (format) => {
    const actual = exportText(EXPORT_RULES, format);
    const path = join(GOLDEN, `export-${format}.out`);
    if (UPDATE_GOLDEN === '1') writeFileSync(path, actual);
    expect(actual).toBe(readFileSync(path, 'utf8'));
  });

  it('writes a zone that is read back as the same rules, and the records that keep them whole', () => {
    const { rules, remarks, facts } = readZone(exportText(EXPORT_RULES, 'rpz'));
    expect(remarks).toEqual([]);
    expect(facts).toEqual({ origin: 'policy.example.', serial: 2024120101 });
    expect(rules.map((rule) => rule.replace(/^\d+ /, '')).sort()).toEqual(
      [
        ...['exact block.example nxdomain', 'wildcard block.example nxdomain'],
        ...['exact under.block.example nxdomain', 'wildcard under.block.example nxdomain'],
        ...['exact good.block.example passthru', 'wildcard good.block.example passthru'],
        'exact one.example nxdomain',
        'wildcard wild.example nxdomain',
        ...['exact deep.example nxdomain', 'wildcard deep.example nxdomain'],
        ...['exact b.deep.example nxdomain', 'wildcard b.deep.example nxdomain'],
        ...['exact ok.b.deep.example passthru', 'wildcard ok.b.deep.example nxdomain'],
        ...['prefix 198.51.100.0/24 nxdomain', 'prefix 198.51.100.7/32 passthru'],
        'prefix 2001:db8:bad::/48 nxdomain',
      ].sort(),
    );
  });

  it('writes names of any bytes into a zone, and says which ones other formats leave out', () => {
    const odd = ['a\\.b.example', '\\000\\255.example', '\\@.example', '$ttl.example', 'a\\;b.example'];
    const rules = odd.map(exact);
    const read = readZone(exportText(rules, 'rpz')).rules.map((rule) => rule.replace(/^\d+ exact /, ''));
    expect(read).toEqual(
      ['a\\.b', '\\000\\255', '\\@', '\\$ttl', 'a\\;b'].map((label) => `${label}.example nxdomain`),
    );
    for (const format of ['adblock', 'hosts', 'pihole', 'unbound'] as const) {
      const text = exportText(rules, format);
      expect(linesOf(text).filter((line) => line !== 'server:')).toEqual([]);
      expect(text).toContain('5 rules left out: a name with characters that the format cannot hold\n');
    }
  });

  it.each([
    ['an asterisk', exact('*.example'), 'a name with an asterisk is a wildcard in a zone'],
    ['a word of RPZ', exact('a.rpz-ip'), 'a name that a response policy zone gives a meaning'],
    ['a broken name', exact('a..b'), 'not a domain name'],
    ['the root', suffix('.'), 'not a domain name'],
    ['a name that leaves no room', exact(`${'a.'.repeat(120)}b`), 'too long below the origin of the zone'],
    ['a broken prefix', { ...exact('192.0.2.1/24'), match: MATCH.PREFIX }, 'not an address prefix'],
  ])('leaves %s out of a zone and says so', (_, rule, why) => {
    const text = exportText([rule], 'rpz');
    expect(readZone(text)).toMatchObject({ rules: [], remarks: [] });
    expect(text).toContain(`; 1 rule left out: ${why}\n`);
  });

  it('gives each owner of a zone one record, whatever rules overlap', () => {
    const rules = [
      suffix('a.example'),
      exact('a.example'),
      { ...suffix('a.example'), action: 'passthru' as const },
    ];
    expect(linesOf(exportText(rules, 'rpz')).slice(4)).toEqual(['*.a.example CNAME .', 'a.example CNAME .']);
  });

  it('keeps a title on its line', () => {
    const text = exportText([exact('a.example')], 'hosts', { title: 'one\n0.0.0.0 evil.example\u2028' });
    expect(text).toMatch(/^# Title: one 0\.0\.0\.0 evil\.example $/m);
    expect(linesOf(text)).toEqual(['0.0.0.0 a.example', ':: a.example']);
  });

  it('takes rules from a generator', () => {
    function* generate() {
      yield exact('a.example');
    }
    expect(linesOf(exportText([...generate()], 'pihole'))).toEqual(['a.example']);
    const options = { title: '', serial: 1, origin: 'p.example', sha256: '' };
    expect(linesOf([...exportRules(generate(), 'pihole', options)].join(''))).toEqual(['a.example']);
  });

  it.each([{ serial: -1 }, { serial: 2 ** 32 }, { origin: 'a..b' }])('throws for %o', (changes) => {
    expect(() => exportText([exact('a.example')], 'rpz', changes)).toThrow(TypeError);
  });
});

it('digestRules() depends on the set alone', () => {
  const [first, ...rest] = EXPORT_RULES;
  expect(first).toBeDefined();
  expect(digestRules([...rest, ...EXPORT_RULES])).toBe(digestRules(EXPORT_RULES));
  expect(digestRules(rest)).not.toBe(digestRules(EXPORT_RULES));
});
