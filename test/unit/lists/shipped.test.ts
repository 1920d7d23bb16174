// The gate of the shipped lists: the checker over lists/, the government names, and the facts they were made from.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/base.ts';
import {
  checkLists,
  Guards,
  LISTS_DIRECTORY,
  NameRules,
  NEVER_BLOCK_FILE,
  parseCordonList,
  shippedLists,
} from '../../../src/policy/lists/lists.ts';
import { MATCH, type Match } from '../../../src/policy/policy.ts';
import { nameFrom } from '../../../src/wire/dns/dns.ts';
import {
  LISTED_VISITED_HOSTS,
  OWN_POPULAR_NAMES,
  readGovDelegations,
  readPopularNames,
  readVisitedHosts,
} from '../../support/government-names.ts';
import { dayOfLists } from '../../support/list-ages.ts';

const lists = shippedLists().map(({ id, file }) => {
  const { header, entries } = parseCordonList(readFileSync(file));
  return { id, header, entries, rules: NameRules.of({ header, entries }) };
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
    const problems = checkLists(LISTS_DIRECTORY, { nowMs: dayOfLists(), guards, governmentNames: names });
    const texts = problems.map((problem) => `${problem.file}:${problem.line} ${problem.text}`);
    const own = (text: string) => LISTED_VISITED_HOSTS.some((host) => text.endsWith(` refuses ${host}`));
    expect(texts.filter((text) => !own(text))).toEqual([]);
    expect(texts.filter(own)).toHaveLength(LISTED_VISITED_HOSTS.length);
  });

  it('refuse no government name by default', () => {
    const rules = lists.filter((list) => list.header?.default).map((list) => list.rules);
    const passes = (name: string) => rules.every((list) => list.find(name) === undefined);
    const passed = [hosts.filter(passes).length, delegations.filter(passes).length];
    console.log(`government names that pass: ${passed[0]} hosts and ${passed[1]} delegations`);
    expect(passed).toEqual([98_175, 16_536]);
  });

  it('refuse no popular name but TikTok itself, with every switch on', () => {
    const names = readPopularNames();
    const refused = names.filter((name) => lists.some(({ rules }) => rules.find(name) !== undefined));
    console.log(`popular names refused: ${refused.length} of ${names.length}: ${refused.join(', ')}`);
    expect(names).toHaveLength(500);
    expect(refused).toEqual(OWN_POPULAR_NAMES);
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

  it('state owner, operator, evidence and a review of the 12 months before the last', () => {
    const nowMs = dayOfLists();
    const oldest = new Date(nowMs);
    oldest.setUTCFullYear(oldest.getUTCFullYear() - 1);
    const faults = lists.flatMap(({ id, header, entries }) =>
      entries.flatMap(({ text, owner, operator, evidence, reviewed }) => {
        const found: string[] = [];
        for (const [role, name] of [
          ['owner', owner],
          ['operator', operator],
        ]) {
          if (name !== NOT_ESTABLISHED && !partyRoles.has(`${name} ${role}`)) {
            found.push(`${name} has no row as ${role} in parties.tsv`);
          }
        }
        if (owner.trim() === '' || evidence.trim() === '') found.push('no owner or evidence');
        if (Date.parse(reviewed) > systemClock()) found.push('reviewed in the future');
        if (Date.parse(reviewed) < oldest.getTime()) found.push('reviewed over 12 months ago');
        if (header?.default && owner === NOT_ESTABLISHED) found.push('in force without a known owner');
        if (header?.default && isOneSign(evidence)) found.push('in force on one sign');
        return found.map((fault) => `${id}: ${text}: ${fault}`);
      }),
    );
    expect(faults).toEqual([]);
  });

  it('state the operator of every shipped entry, and name no company of Singapore for the US service', () => {
    const lines = shippedLists().flatMap(({ file }) => readFileSync(file, 'utf8').split('\n'));
    const entries = lines.filter((line) => line.startsWith('  - {'));
    expect(entries.filter((line) => !line.includes(', operator: '))).toEqual([]);
    const spelledUs = lists
      .flatMap((list) => list.entries)
      .filter(({ match, text }) => match !== MATCH.PREFIX && SPELLED_US.test(text));
    console.log(`entries spelled US: ${spelledUs.length}`);
    expect(spelledUs.filter(({ owner }) => owner === 'TikTok Pte. Ltd.')).toEqual([]);
    expect(spelledUs.length).toBeGreaterThan(22);
  });

  it('have parties with a source and a date, each of them used', () => {
    expect(
      parties.filter(
        ({ role, since, seen, source }) =>
          !['owner', 'operator'].includes(role) ||
          !/^(?:-|\d{4}-\d{2}-\d{2})$/.test(since) ||
          !(Date.parse(seen) <= systemClock()) ||
          source.length < 20,
      ),
    ).toEqual([]);
    const used = new Set(
      lists.flatMap(({ entries }) =>
        entries.flatMap(({ owner, operator }) => [`${owner} owner`, `${operator} operator`]),
      ),
    );
    expect([...partyRoles].filter((row) => !used.has(row))).toEqual([]);
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

const NOT_ESTABLISHED = 'not established';

/** Names of the US service, by their spelling. */
const SPELLED_US = /(?:-us\.(?:com|net)|\.us)(?:\.|$)|^tiktok-us|ttoverseaus|^tiktokus|\bus\.bytedance\.map/;

/** Who owns and who runs what, from lists/parties.tsv. */
const parties = readFileSync(new URL('../../../lists/parties.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [party = '', role = '', since = '', seen = '', source = ''] = line.split('\t');
    return { party, role, since, seen, source };
  });
const partyRoles = new Set(parties.map(({ party, role }) => `${party} ${role}`));

/** Names that stand in two switches on purpose. */
const IN_TWO_SWITCHES: readonly string[] = [];

/**
 * Zones that cover names of another switch on purpose: with their own switch off, the TikTok names below them stay
 * refused.
 */
const COVERING_OTHER_SWITCHES = [
  'bytedance.akadns.net',
  'bytegeo.akadns.net',
  'bytetcdn.com',
  'bytewlb.akadns.net',
];

/** The tables of the app hold names that serve nothing: alone they are too little to refuse a name by default. */
const isOneSign = (evidence: string): boolean =>
  evidence.includes('nothing else found') ||
  (evidence.includes('own web domains of the TikTok app') && !evidence.includes(';'));

/** Zones inside shared ones that ByteDance has for itself. */
const isOwnZone = (zone: string): boolean =>
  /(?:^|\.)(?:byte(?:wlb|geo|dance)\.akadns\.net|bytedance\.map\.fastly\.net)$/.test(zone);

/** The name and its parents, the longest first. */
const zonesOf = (name: string): string[] => {
  const labels = name.split('.');
  return labels.map((_, index) => labels.slice(index).join('.'));
};

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
    const isDerived = (name: string): boolean => listById.get(id)?.rules.find(name) !== undefined;
    expect(readFacts(file).filter((name) => !texts.has(name) && !isDerived(name))).toEqual([]);
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

  it('every guard name is in never-block.txt', () => {
    const names = readFacts('never-block.guard.txt');
    expect(names.filter((name) => guardOf(MATCH.EXACT, name) === undefined)).toEqual([]);
  });

  it('the counts of evidence.tsv are those of the facts', () => {
    const rows = readFileSync(new URL('../../../lists/evidence.tsv', import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split('\t').slice(0, 3))
      .filter(([, count]) => count !== '-')
      .map((row) => row.join('\t'));
    expect(rows.sort()).toEqual(readFacts('evidence.tsv').sort());
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
