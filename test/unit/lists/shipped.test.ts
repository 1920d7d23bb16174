// The gate of the shipped lists: the checker over lists/, the government names, and the facts they were made from.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { matchesPrefix, type Prefix, parsePrefix, systemClock } from '../../../src/base/base.ts';
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
const guardNames = readFileSync(NEVER_BLOCK_FILE, 'utf8')
  .split('\n')
  .map((line) => line.replace(/#.*/, '').trim().replace(/^\*\./, ''))
  .filter((name) => name !== '');
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

  it('refuse no guard name and no parent of one', () => {
    const harmed = guardNames.flatMap((guard) =>
      zonesOf(guard).flatMap((zone) =>
        lists
          .filter(({ rules }) => rules.find(zone) !== undefined)
          .map(({ id }) => `${id} refuses ${zone} (guard ${guard})`),
      ),
    );
    console.log(`guard names that no list refuses: ${guardNames.length} with their parents`);
    expect(harmed).toEqual([]);
    expect(guardNames.length).toBeGreaterThan(80);
  });

  it('leave a guard on every zone between a shared one and a listed name', () => {
    const names = lists.flatMap(({ entries }) => entries).filter(({ match }) => match !== MATCH.PREFIX);
    const open = names.flatMap(({ text }) => {
      const parents = zonesOf(text).slice(1);
      const shared = parents.findLastIndex((zone) => guardNames.includes(zone) && zone.includes('.'));
      const between = parents.slice(0, Math.max(0, shared));
      return between.filter((zone) => !guardNames.includes(zone) && !isOwnZone(zone));
    });
    expect([...new Set(open)]).toEqual([]);
  });

  it('hold only prefixes of AS138699 and AS396986', () => {
    const networks = readNetworks();
    const own = networks.filter(({ asn }) => OWN_NETWORKS.includes(asn)).map(({ prefix }) => prefix);
    const others = networks.filter(({ asn }) => !OWN_NETWORKS.includes(asn)).map(({ prefix }) => prefix);
    const listed = lists.flatMap(({ entries }) =>
      entries.filter(({ match }) => match === MATCH.PREFIX).map(({ text }) => text),
    );
    const outside = listed.filter((text) => {
      const prefix = prefixFrom(text);
      return !own.some((range) => range.bits <= prefix.bits && overlaps(range, prefix));
    });
    const foreign = listed.filter((text) => others.some((range) => overlaps(range, prefixFrom(text))));
    console.log(`prefixes: ${listed.length} inside ${own.length} ranges of ${OWN_NETWORKS.join(' and ')}`);
    expect(outside).toEqual([]);
    expect(foreign).toEqual([]);
    expect(listed.length).toBeGreaterThan(40);
  });

  it('state owner, evidence and a review of the last 12 months', () => {
    const oldest = new Date(REVIEW_DATE);
    oldest.setUTCFullYear(oldest.getUTCFullYear() - 1);
    const faults = lists.flatMap(({ id, header, entries }) =>
      entries.flatMap(({ text, owner, evidence, reviewed }) => {
        const found: string[] = [];
        if (owner.trim() === '' || evidence.trim() === '') found.push('no owner or evidence');
        if (reviewed > REVIEW_DATE) found.push(`reviewed after ${REVIEW_DATE}`);
        if (Date.parse(reviewed) < oldest.getTime()) found.push('reviewed over 12 months ago');
        if (header?.default && owner === 'not established') found.push('in force without a known owner');
        if (header?.default && isOneSign(evidence)) found.push('in force on one sign');
        return found.map((fault) => `${id}: ${text}: ${fault}`);
      }),
    );
    expect(faults).toEqual([]);
  });

  it('hold each name in one switch, and below a name of another one where that is meant', () => {
    const places = new Map<string, string[]>();
    for (const { id, entries } of lists) {
      for (const { text } of entries) places.set(text, [...(places.get(text) ?? []), id]);
    }
    expect([...places].filter(([text, ids]) => ids.length > 1 && !IN_TWO_SWITCHES.includes(text))).toEqual(
      [],
    );
    const covering = lists.flatMap(({ id, entries }) =>
      entries
        .filter(({ match }) => match !== MATCH.PREFIX)
        .flatMap(({ text }) =>
          lists
            .flatMap((other) => (other.id === id ? [] : (other.rules.find(text) ?? [])))
            .map((e) => e.text),
        ),
    );
    expect([...new Set(covering)].sort()).toEqual(COVERING_OTHER_SWITCHES);
  });
});

/** The day of the last review of all lists. It moves with a review, so that an old list cannot ship unseen. */
const REVIEW_DATE = '2026-11-24';

/** Names that stand in two switches on purpose. */
const IN_TWO_SWITCHES: readonly string[] = [];

/**
 * Zones that cover names of another switch on purpose: with their own switch off, the TikTok names below them stay
 * refused.
 */
const COVERING_OTHER_SWITCHES = [
  'bytefcdn-oversea.com',
  'bytefcdn-ttpeu.com',
  'bytetcdn.com',
  'ttdns2.com',
  'ttdns3.com',
  'ttdns4.com',
  'worldfcdn2.com',
];

/** The tables of the app hold names that serve nothing: alone they are too little to refuse a name by default. */
const isOneSign = (evidence: string): boolean =>
  evidence.includes('nothing else found') ||
  (evidence.includes('own web domains of the TikTok app') && !evidence.includes(';'));

const OWN_NETWORKS = ['AS138699', 'AS396986'];

/** Zones inside shared ones that ByteDance has for itself. */
const isOwnZone = (zone: string): boolean =>
  /(?:^|\.)(?:byte(?:wlb|geo|dance)\.akadns\.net|bytedance\.map\.fastly\.net)$/.test(zone);

/** The name and its parents, the longest first. */
const zonesOf = (name: string): string[] => {
  const labels = name.split('.');
  return labels.map((_, index) => labels.slice(index).join('.'));
};

const prefixFrom = (text: string): Prefix => {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new TypeError(`"${text}" is not a prefix`);
  return prefix;
};

const overlaps = (a: Prefix, b: Prefix): boolean => matchesPrefix(a.words, b.words, Math.min(a.bits, b.bits));

/** What four networks announce, from test/data. */
const readNetworks = (): { asn: string; prefix: Prefix }[] =>
  readFileSync(new URL('../../data/network-prefixes.tsv', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [asn = '', text = ''] = line.split('\t');
      return { asn, prefix: prefixFrom(text) };
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

  it('the copies in test/data say the same', () => {
    const copy = (file: string) =>
      readFileSync(new URL(`../../data/${file}`, import.meta.url), 'utf8').trim();
    expect(readFacts('evidence.tsv').sort()).toEqual(copy('name-evidence.tsv').split('\n').sort());
    const rows = copy('network-prefixes.tsv')
      .split('\n')
      .map((row) => row.replace('\t', ' '));
    const facts = readFacts('bytedance-asn-prefixes.txt').map((line) => line.replace(/ #.*/, ''));
    expect(facts.filter((fact) => !rows.includes(fact))).toEqual([]);
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
