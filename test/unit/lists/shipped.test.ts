// The gate of the shipped lists: the checker over lists/, the government names, and the facts they were made from.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/base.ts';
import { nameFrom } from '../../../src/dns/dns.ts';
import {
  checkLists,
  Guards,
  LISTS_DIRECTORY,
  NameRules,
  NEVER_BLOCK_FILE,
  parseCordonList,
  shippedLists,
} from '../../../src/lists/lists.ts';
import { MATCH, type Match } from '../../../src/policy/policy.ts';
import {
  BYTEDANCE_VISITED_HOSTS,
  readGovDelegations,
  readVisitedHosts,
} from '../../support/government-names.ts';

const lists = shippedLists().map(({ id, file }) => {
  const { header, entries } = parseCordonList(readFileSync(file));
  return { id, header, entries, rules: new NameRules(entries) };
});
const listById = new Map(lists.map((list) => [list.id, list]));
const guards = Guards.load(NEVER_BLOCK_FILE);
const guardOf = (match: Match, text: string): string | undefined => {
  const name = nameFrom(text);
  return guards.protects(match, name, name.length);
};
const hosts = readVisitedHosts().map((host) => host.name);
const delegations = readGovDelegations();

describe('shipped lists', () => {
  it('pass the checker, with every government name', () => {
    const names = [...hosts, ...delegations];
    const problems = checkLists(LISTS_DIRECTORY, { nowMs: systemClock(), guards, governmentNames: names });
    const texts = problems.map((problem) => `${problem.file}:${problem.line} ${problem.text}`);
    const own = (text: string) => BYTEDANCE_VISITED_HOSTS.some((host) => text.endsWith(` refuses ${host}`));
    expect(texts.filter((text) => !own(text))).toEqual([]);
    expect(texts.filter(own)).toHaveLength(BYTEDANCE_VISITED_HOSTS.length);
  });

  it('refuse no government name by default', () => {
    const rules = lists.filter((list) => list.header?.default).map((list) => list.rules);
    const passes = (name: string) => rules.every((list) => list.find(name) === undefined);
    const passed = [hosts.filter(passes).length, delegations.filter(passes).length];
    console.log(`government names that pass: ${passed[0]} hosts and ${passed[1]} delegations`);
    expect(passed).toEqual([98_175, 16_536]);
  });

  it('refuse every entry, and below every suffix', () => {
    const names = lists.flatMap(({ rules, entries }) =>
      entries.filter((entry) => entry.match !== MATCH.PREFIX).map((entry) => ({ rules, entry })),
    );
    const refused = names.filter(({ rules, entry }) => {
      const isWide = entry.match !== MATCH.EXACT;
      const below = rules.find(`www.${entry.text}`);
      return (
        (entry.match === MATCH.WILDCARD || rules.find(entry.text) === entry) && (!isWide || below === entry)
      );
    });
    console.log(`entries refused: ${refused.length} of ${names.length} names in ${lists.length} lists`);
    expect(refused).toHaveLength(names.length);
    expect(names.length).toBeGreaterThan(400);
  });

  it('hold a guard for every shared zone that a listed name lives below', () => {
    const entries = listById.get('tiktok')?.entries ?? [];
    const shared = [
      'akadns.net',
      'akamaihd.net',
      'akamaized.net',
      'edgekey.net',
      'edgesuite.net',
      'map.fastly.net',
    ];
    const below = entries.filter((entry) => shared.some((zone) => entry.text.endsWith(`.${zone}`)));
    expect(below.length).toBeGreaterThan(25);
    for (const zone of shared) expect(guardOf(MATCH.SUFFIX, zone)).toBeDefined();
  });
});

const FACTS = new URL('../../../../shared/lists/', import.meta.url);
const hasFacts = existsSync(FACTS);
if (!hasFacts)
  console.log('the folder ../shared/lists is not there: shipped lists are not compared with its facts');

const readFacts = (file: string): string[] =>
  readFileSync(new URL(file, FACTS), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

describe.runIf(hasFacts)('shipped lists against ../shared/lists', () => {
  it.each([
    ['core-tiktok.suffix.txt', 'tiktok', MATCH.SUFFIX],
    ['third-party-cdn.child-suffix.txt', 'tiktok', MATCH.SUFFIX],
    ['third-party-cdn.exact.txt', 'tiktok', MATCH.EXACT],
    ['bytedance-backend.suffix.txt', 'bytedance-backend', MATCH.SUFFIX],
    ['capcut-lemon8.suffix.txt', 'capcut-lemon8', MATCH.SUFFIX],
    ['pangle-adsdk.suffix.txt', 'pangle', MATCH.SUFFIX],
  ])('every name of %s is in %s', (file, id, match) => {
    const listed = listById.get(id)?.entries.filter((entry) => entry.match === match) ?? [];
    const texts = new Set(listed.map((entry) => entry.text));
    expect(readFacts(file).filter((name) => !texts.has(name))).toEqual([]);
  });

  it('every canary and relay name is in its list, but those left out with a reason', () => {
    const texts = ['canary', 'private-relay'].flatMap(
      (id) => listById.get(id)?.entries.map((e) => e.text) ?? [],
    );
    const names = readFacts('canary-and-relay.txt').map((line) => line.split('\t')[0] ?? '');
    expect(names.filter((name) => !texts.includes(name))).toEqual([
      '_dns.resolver.arpa',
      'mask-api.icloud.com',
      'mask-api.fe.apple-dns.net',
    ]);
  });

  it('the prefixes of AS138699 and AS396986 are listed, those of the clouds are not', () => {
    const texts = new Set(listById.get('bytedance-prefixes')?.entries.map((entry) => entry.text));
    const rows = readFacts('bytedance-asn-prefixes.txt').map((line) => line.split(' '));
    const isOwn = (asn = '') => asn === 'AS138699' || asn === 'AS396986';
    expect(rows.filter(([asn, prefix = '']) => isOwn(asn) !== texts.has(prefix))).toEqual([]);
    expect(rows.filter(([asn]) => isOwn(asn)).length).toBeGreaterThan(40);
  });

  it('every guard name is in never-block.txt', () => {
    const names = readFacts('never-block.guard.txt');
    expect(names.filter((name) => guardOf(MATCH.EXACT, name) === undefined)).toEqual([]);
  });

  it('every name with evidence is in some list, but those left out with a reason', () => {
    const texts = new Set(lists.flatMap((list) => list.entries.map((entry) => entry.text)));
    const names = readFacts('evidence.tsv').map((line) => line.split('\t')[0] ?? '');
    expect(names.filter((name) => !texts.has(name))).toEqual(['cjsplatform.com', 'worldfcdn.com']);
  });

  it('every stated family count is that of the facts', () => {
    const counts = new Map(
      readFacts('evidence.tsv').map((line) => /^(\S+)\t(\d+)/.exec(line)?.slice(1) as [string, string]),
    );
    const stated = lists
      .flatMap((list) => list.entries)
      .map(({ text, evidence }) => [text, /^named by (\d+) of 21 list families/.exec(evidence)?.[1]] as const)
      .filter(([, count]) => count !== undefined);
    expect(stated.filter(([text, count]) => counts.get(text) !== count)).toEqual([]);
    expect(stated.length).toBeGreaterThan(390);
  });
});
