// Children of shared CDNs: derived from the table for each zone of a list that says so, held against the guards, and
// told apart from what somebody wrote.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  derivationText,
  Guards,
  LISTS_DIRECTORY,
  type ListFormat,
  lineOf,
  loadList,
  NameRules,
  NEVER_BLOCK_FILE,
  parseCordonList,
  readCdnSuffixes,
  readListFile,
  shippedLists,
} from '../../../src/policy/lists/lists.ts';
import { MATCH } from '../../../src/policy/policy.ts';
import { nameFrom } from '../../../src/wire/dns/dns.ts';
import { readTsv } from '../../support/families.ts';
import { RuleLog } from './rule-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-cdn-'));
afterAll(() => rmSync(directory, { recursive: true }));

const suffixes = readCdnSuffixes();
const guards = Guards.load(NEVER_BLOCK_FILE);
/** Whose zones steer the names of others of ByteDance's. */
const OWN_LISTS = new Set(['bytedance-backend', 'bytedance-corporate', 'lark', 'tiktok-unconfirmed']);

const write = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

const load = (format: ListFormat, text: string, cdnChildren?: boolean, held = guards) => {
  const log = new RuleLog();
  const path = write(`list.${format}`, text);
  const list = loadList({ kind: 'file', path, format }, log, { cdnChildren, guards: held });
  return { list, rules: log.rules };
};

const CORDON = `id: own
title: Own
category: own
mandate: false
default: false
cdn-children: true
entries:
  - { suffix: zone.test, service: a, owner: b, evidence: c, reviewed: 2026-11-29 }
  - { suffix: child.test.edgesuite.net, service: a, owner: b, evidence: c, reviewed: 2026-11-29 }
  - { wildcard: below.test, service: a, owner: b, evidence: c, reviewed: 2026-11-29 }
  - { exact: host.test, service: a, owner: b, evidence: c, reviewed: 2026-11-29 }
  - { prefix: 198.51.100.0/24, service: a, owner: b, evidence: c, reviewed: 2026-11-29 }
`;

describe('children of CDNs', () => {
  it('are rules of the zone they carry, at its line, and are counted apart', () => {
    const { list, rules } = load('cordon', CORDON);
    expect(rules).toContain('8 suffix zone.test.edgesuite.net');
    expect(rules).toContain('10 wildcard below.test.akamaized.net');
    expect(list).toMatchObject({ entries: 5, derived: 2 * suffixes.length, rejected: 0 });
    expect(rules).toHaveLength(5 + 2 * suffixes.length);
  });

  it('come of zones only: not of a child, a host or a prefix', () => {
    const { rules } = load('cordon', CORDON);
    const others = rules.filter((rule) => /child\.test\.edgesuite\.net\.|host\.test\.|198.*\./.test(rule));
    expect(others.map((rule) => rule.replace(/^\d+ /, ''))).toEqual(['prefix 198.51.100.0/24']);
  });

  it.each<[ListFormat, string]>([
    ['domains', 'zone.test\n'],
    ['adblock', '||zone.test^\n'],
    ['wildcard', '*.zone.test\n'],
    ['unbound', 'local-zone: "zone.test" always_nxdomain\n'],
  ])('come of a %s list where the configuration says so', (format, text) => {
    const children = (isOn?: boolean) =>
      load(format, text, isOn).rules.filter((rule) => rule.includes('zone.test.edgekey.net'));
    expect(children()).toEqual([]);
    expect(children(false)).toEqual([]);
    expect(children(true)).toHaveLength(1);
  });

  it('are left out of a list that has them, where the configuration says so', () => {
    expect(load('cordon', CORDON, false).list).toMatchObject({ entries: 5, derived: 0 });
  });

  it('give way to a guard without a word, and go with an exception', () => {
    const held = Guards.parse('zone.test.edgesuite.net\n*.gov.edgekey.net\n', 'guards.txt');
    const { list, rules } = load('domains', 'zone.test\nagency.gov\n', true, held);
    expect(list).toMatchObject({ rejected: 0, guarded: 0, derived: 2 * suffixes.length - 2 });
    expect(rules).not.toContain('1 suffix zone.test.edgesuite.net');
    const passing = load('adblock', '||zone.test^\n@@||ads.zone.test^\n', true).rules;
    expect(passing.filter((rule) => rule.includes('ads.zone.test.edgekey.net'))).toHaveLength(1);
  });

  it('are not made where the name would be too long', () => {
    const zone = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(50)}.test`;
    const { list } = load('domains', `${zone}\n`, true);
    const fitting = suffixes.filter(({ text }) => nameFrom(zone).length + text.length + 1 <= 255);
    expect(list.derived).toBe(fitting.length);
    expect(fitting.length).toBeLessThan(suffixes.length);
  });

  it('have a bound for each list, which is told', () => {
    const path = write('many.txt', Array.from({ length: 30_000 }, (_, i) => `z${i}.test\n`).join(''));
    let rules = 0;
    const sink = {
      addName: () => rules++,
      addPrefix: () => undefined,
      addClientPrefix: () => undefined,
      addPattern: () => undefined,
    };
    const { derived, entries, notes } = loadList({ kind: 'file', path, format: 'domains' }, sink, {
      cdnChildren: true,
    });
    expect(rules).toBe(entries + derived);
    expect(derived).toBeLessThanOrEqual(1_000_000);
    const childless = 30_000 - derived / suffixes.length;
    expect(notes).toEqual([
      {
        code: 'cdn-children',
        text: `${childless} zones: without children at CDNs; a list derives at most 1,000,000`,
      },
    ]);
  });

  it('are traced to their zone for people, in every format', () => {
    const of = (format: ListFormat, text: string, line: number, name: string) => {
      const { list } = load(format, text, true);
      const entry = lineOf(list, line);
      return entry && derivationText(list, name, entry);
    };
    const words =
      /^derived from zone\.test: Akamai carries it below edgesuite\.net \(lists\/cdn-suffixes\.tsv:\d+: /;
    expect(of('cordon', CORDON, 8, 'www.zone.test.edgesuite.net')).toMatch(words);
    expect(of('domains', 'zone.test\n', 1, 'zone.test.edgesuite.net')).toMatch(words);
    expect(of('adblock', '||zone.test^\n', 1, 'a.b.zone.test.edgesuite.net')).toMatch(words);
    expect(of('domains', 'zone.test\n', 1, 'www.zone.test')).toBeUndefined();
    // The line is about the child itself.
    const own = 'zone.test.edgesuite.net\n';
    expect(of('domains', `other.test\n${own}`, 2, 'www.zone.test.edgesuite.net')).toBeUndefined();
    expect(of('cordon', CORDON, 9, 'child.test.edgesuite.net')).toBeUndefined();
  });
});

describe('the table', () => {
  it('is sorted, has a sentence for each suffix, and none without a guard that is not ByteDance’s own', () => {
    const texts = suffixes.map(({ text }) => text);
    expect(texts).toEqual([...texts].sort());
    expect(suffixes.filter(({ evidence }) => evidence.length < 30)).toEqual([]);
    const own = suffixes.filter(({ cdn }) => cdn === 'ByteDance' || cdn === 'ByteDance at Akamai');
    const rules = shippedLists()
      .filter(({ id }) => OWN_LISTS.has(id))
      .map(({ file }) => new NameRules(parseCordonList(readListFile(file)).entries));
    expect(own.filter(({ text }) => rules.every((list) => list.find(text) === undefined))).toEqual([]);
    const open = suffixes.filter(
      ({ text, wire }) =>
        !own.some((one) => one.text === text) &&
        guards.protects(MATCH.SUFFIX, wire, wire.length) === undefined,
    );
    expect(open.map(({ text }) => text)).toEqual(['xi.zwtianshangm.com']);
  });

  it.each([
    ['a single label', 'edgesuite\tAkamai\tseen\t2026-11-29\n'],
    ['a capital', 'Edgesuite.net\tAkamai\tseen\t2026-11-29\n'],
    ['a missing cell', 'edgesuite.net\tAkamai\t2026-11-29\n'],
    ['an empty cell', 'edgesuite.net\t\tseen\t2026-11-29\n'],
    ['a repeat', 'a.test\tA\tseen\t2026-11-29\na.test\tA\tseen\t2026-11-29\n'],
    ['no name', 'a..test\tA\tseen\t2026-11-29\n'],
    ['too many', Array.from({ length: 129 }, (_, i) => `s${i}.test\tA\tseen\t2026-11-29\n`).join('')],
  ])('is refused with %s', (_, text) => {
    expect(() => readCdnSuffixes(write('bad.tsv', text))).toThrow(
      expect.objectContaining({ code: 'ERR_LIST_PARSE' }),
    );
  });

  it('leaves no child in a list that it derives', () => {
    const written = shippedLists().flatMap(({ id, file }) => {
      const { header, entries } = parseCordonList(readListFile(file));
      if (header?.cdnChildren !== true) return [];
      const rules = NameRules.of({ header, entries });
      return entries.flatMap((entry) => {
        const wider = rules.findWider(entry);
        return wider === undefined || wider.operator !== entry.operator ? [] : [`${id}: ${entry.text}`];
      });
    });
    expect(written).toEqual([]);
  });
});

it('what has demand and holds a TikTok zone is refused, in a switch that is off, or left out with a reason', () => {
  const lists = shippedLists().map(({ file }) => NameRules.of(parseCordonList(readListFile(file))));
  const left = new Set(readTsv(join(LISTS_DIRECTORY, 'not-listed.tsv')).map(([subject]) => subject));
  const open = RANKED.filter(
    (name) => lists.every((rules) => rules.find(name) === undefined) && !left.has(name),
  );
  expect(open).toEqual([]);
});

/** Of the top 100,000 of Cisco Umbrella of 2026-07-24: what nothing refused on 2026-11-29, of 1,606 such names. */
const RANKED = [
  'tiktokpangle.us.edgesuite.net',
  'api16-access-ttp.tiktokpangle.us.edgesuite.net',
  'tiktok.adsmeasurement.com',
  'tiktokpangle-cdn-us.com.edgesuite.net',
  'tiktokpangle-b.us.edgesuite.net',
  'lf-static.tiktokpangle-cdn-us.com.edgesuite.net',
  'api16-access-ttp.tiktokpangle-b.us.edgesuite.net',
  'ttcdn-us.com.edgesuite.net',
  'p16-oec-general-useast8.ttcdn-us.com.edgesuite.net',
  'ttwstatic.com.edgesuite.net',
  'neutral.ttwstatic.com.edgesuite.net',
  'sf16-website-login.neutral.ttwstatic.com.edgesuite.net',
  'tiktokglobalshopv.com.edgesuite.net',
  'tiktokcdn-eu.com.rocket-cdn-eu.com',
  'oec-im-tt-sg.tiktokglobalshopv.com.edgesuite.net',
  'pull-flv-f60-tt04.tiktokcdn-eu.com.rocket-cdn-eu.com',
  'api16-access-ttp-b.tiktokpangle.us.edgesuite.net',
  'tiktokcdn.com.spbycdn.com',
  'tiktok-minis.us.edgesuite.net',
  'wildcard.tiktok-minis.us.edgesuite.net',
];
