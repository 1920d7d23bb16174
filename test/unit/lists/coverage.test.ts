// Coverage: what independent public lists agree on is refused by a switch, or left out with a written reason.
//
// lists/evidence.tsv ships with the lists: how many of 21 families named each name in 2026, and which of the families of
// lists/families.tsv do at their commits. Two are enough to ask for a decision; one alone is an opinion, so that those
// names are counted only. lists/not-listed.tsv holds the reasons.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { matchesPrefix, type Prefix, parsePrefix } from '../../../src/base/base.ts';
import {
  Guards,
  LISTS_DIRECTORY,
  NameRules,
  NEVER_BLOCK_FILE,
  parseCordonList,
  shippedLists,
} from '../../../src/policy/lists/lists.ts';
import { MATCH } from '../../../src/policy/policy.ts';
import { nameFrom } from '../../../src/wire/dns/dns.ts';

/** From how many families on a name needs a decision. */
const FAMILIES_MIN = 2;

/** For each category of the evidence, the switches that may refuse its names. */
const SWITCHES: Readonly<Record<string, readonly string[]>> = {
  'ai-products': ['ai-products'],
  'bytedance-corporate': ['bytedance-corporate'],
  'byteplus/volcengine-cloud': ['volcengine-byteplus'],
  capcut: ['capcut-lemon8'],
  '-': [],
  'core-tiktok': ['tiktok', 'bytedance-backend', 'tiktok-unconfirmed'],
  // Children of zwtianshangm.com carry zones of China; whose it is, is not confirmed.
  'douyin/toutiao-china': ['bytedance-china', 'tiktok-unconfirmed'],
  games: ['games'],
  // Children of ttdns2.com carry Lark as well.
  'lark/feishu': ['lark', 'tiktok-unconfirmed'],
  lemon8: ['capcut-lemon8'],
  pangle: ['pangle'],
  'tiktok-ads/analytics/sdk': ['tiktok', 'bytedance-backend', 'bytedance-sdk'],
  'tiktok-cdn': ['tiktok', 'bytedance-backend', 'tiktok-unconfirmed'],
};

/** The codes that the head of not-listed.tsv explains. */
const REASON_CODES = [
  'government',
  'lookalike',
  'misspelling',
  'no-service',
  'one-opinion',
  'other-owner',
  'other-service',
  'other-tenants',
  'recycled-host',
  'search-suffix',
  'shared-zone',
  'token-service',
];
/** Reasons for which the gate has to hold the name against every list, also an operator's. */
const GUARDED_CODES = ['government', 'other-owner', 'shared-zone'];

const readRows = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'));

/** Families that were read at a commit. */
const families = readRows(readFileSync(join(LISTS_DIRECTORY, 'families.tsv'), 'utf8')).map(
  ([id = '', repository = '', path = '', commit = '', date = '', licence = '', zones = '', beyond = '']) => ({
    ...{ id, repository, path, commit, date, licence },
    zones: Number(zones),
    beyond: Number(beyond),
  }),
);
/** Those whose zones stand in evidence.tsv; of the others it is known which file at which commit was measured. */
const takenApart = families.filter(({ zones }) => !Number.isNaN(zones));
/** `families` is the larger of both counts: the families read are not the 21 that were counted. */
const evidence = readRows(readFileSync(join(LISTS_DIRECTORY, 'evidence.tsv'), 'utf8')).map(
  ([name = '', count = '', category = '', read = '']) => {
    const readBy = read === '-' ? [] : read.split(',');
    const counted = count === '-' ? undefined : Number(count);
    return { name, counted, category, readBy, families: Math.max(counted ?? 0, readBy.length) };
  },
);
const notListed = readRows(readFileSync(join(LISTS_DIRECTORY, 'not-listed.tsv'), 'utf8')).map(
  ([subject = '', code = '', reason = '', ...rest]) => ({ subject, code, reason, rest }),
);
const reasons = new Map(notListed.map(({ subject, code }) => [subject, code]));

const lists = shippedLists().map(({ id, file }) => {
  const { header, entries } = parseCordonList(readFileSync(file));
  return { id, isDefault: header?.default === true, entries, rules: NameRules.of({ header, entries }) };
});
const refusingLists = (name: string) => lists.filter(({ rules }) => rules.find(name) !== undefined);

type Outcome =
  | 'refused by default'
  | 'refused by a switch that is off'
  | 'left out with a reason'
  | 'neither';

const outcomeOf = (name: string): Outcome => {
  const refusing = refusingLists(name);
  if (refusing.some((list) => list.isDefault)) return 'refused by default';
  if (refusing.length > 0) return 'refused by a switch that is off';
  return reasons.has(name) ? 'left out with a reason' : 'neither';
};

const countOutcomes = (names: readonly { name: string }[]): Record<Outcome, number> => {
  const counts = {
    'refused by default': 0,
    'refused by a switch that is off': 0,
    'left out with a reason': 0,
    neither: 0,
  };
  for (const { name } of names) counts[outcomeOf(name)]++;
  return counts;
};

const inWords = (counts: Record<Outcome, number>): string =>
  Object.entries(counts)
    .map(([outcome, count]) => `${outcome}: ${count}`)
    .join('; ');

describe('coverage of public lists', () => {
  const agreed = evidence.filter(({ families }) => families >= FAMILIES_MIN);

  it('refuses every name that two families agree on, or says why not', () => {
    console.log(`names by families >= ${FAMILIES_MIN}: ${agreed.length}; ${inWords(countOutcomes(agreed))}`);
    expect(agreed.map(({ name }) => name).filter((name) => outcomeOf(name) === 'neither')).toEqual([]);
    expect(agreed.length).toBeGreaterThan(300);
  });

  it('counts the names of a single family', () => {
    const single = evidence.filter(({ families }) => families < FAMILIES_MIN);
    console.log(`names by one family or none: ${single.length}; ${inWords(countOutcomes(single))}`);
    expect(single.length + agreed.length).toBe(evidence.length);
    expect(evidence.filter(({ counted }) => counted !== undefined)).toHaveLength(396);
  });

  it('can be followed family by family, and prints what is refused of each', () => {
    const rows = takenApart.map(({ id, zones, beyond }) => {
      const counts = countOutcomes(evidence.filter(({ readBy }) => readBy.includes(id)));
      counts.neither += beyond;
      const sum = Object.values(counts).reduce((total, count) => total + count, 0);
      expect([id, sum]).toEqual([id, zones]);
      return `${id} ${zones}: ${inWords(counts)}`;
    });
    console.log(['families and their zones', ...rows].join('\n  '));
    const unknown = evidence.flatMap(({ readBy }) =>
      readBy.filter((id) => !takenApart.some((family) => family.id === id)),
    );
    expect(unknown).toEqual([]);
    for (const { repository, commit, licence } of families) {
      expect(repository).toMatch(/^[\w.-]+\/[\w.-]+$/);
      expect(commit).toMatch(/^[0-9a-f]{40}(?:, [0-9a-f]{40})*$/);
      expect(licence).not.toBe('');
    }
  });

  it('gives every counted name its count in the entry, and no other', () => {
    const counts = new Map(evidence.map(({ name, counted }) => [name, counted]));
    const stated = lists.flatMap(({ entries }) =>
      entries.flatMap(({ text, evidence: why }) => {
        const count = /^named by (\d+) of 21 list families/.exec(why)?.[1];
        return count === undefined ? [] : [[text, Number(count)] as const];
      }),
    );
    expect(stated.filter(([text, count]) => counts.get(text) !== count)).toEqual([]);
    expect(stated.length).toBeGreaterThan(390);
  });

  it('argues for each default that rests on one family', () => {
    const single = lists
      .filter(({ isDefault }) => isDefault)
      .flatMap(({ entries }) => entries)
      .filter(({ text }) =>
        evidence.some(({ name, families: count }) => name === text && count < FAMILIES_MIN),
      )
      .filter(({ evidence: why }) => /^named by [01] of 21/.test(why));
    console.log(`defaults of one family: ${single.map(({ text }) => text).join(', ')}`);
    expect(single.filter(({ evidence: why }) => !why.includes(';')).map(({ text }) => text)).toEqual([]);
  });

  it('has names in lists that no family names', () => {
    const named = new Set(evidence.map(({ name }) => name));
    const beyond = lists.map(({ id, entries }) => {
      const own = entries.filter(({ match, text }) => match !== MATCH.PREFIX && !named.has(text));
      return `${id} ${own.length}`;
    });
    console.log(`names beyond the counted ones: ${beyond.join(', ')}`);
    const count = (id: string) => Number(beyond.find((line) => line.startsWith(`${id} `))?.split(' ')[1]);
    expect(count('tiktok')).toBeGreaterThan(40);
  });

  it('refuses each name by a switch of its category only', () => {
    const misplaced = evidence.flatMap(({ name, category }) =>
      refusingLists(name)
        .filter(({ id }) => !(SWITCHES[category] ?? []).includes(id))
        .map(({ id }) => `${name} (${category}) is in ${id}`),
    );
    expect(misplaced).toEqual([]);
    const known = new Set(lists.map(({ id }) => id));
    expect(Object.values(SWITCHES).flatMap((ids) => ids.filter((id) => !known.has(id)))).toEqual([]);
  });
});

describe('names left out', () => {
  it('have one row each, sorted, with a known code and a sentence', () => {
    const bad = notListed.filter(
      ({ code, reason, rest }) => !REASON_CODES.includes(code) || reason.length < 10 || rest.length > 0,
    );
    expect(bad).toEqual([]);
    const subjects = notListed.map(({ subject }) => subject);
    expect(subjects).toEqual([...new Set(subjects)].sort());
    expect(new Set(reasons.values())).toEqual(new Set(REASON_CODES));
  });

  it('are in no list', () => {
    const refused = notListed.flatMap(({ subject }) =>
      refusingLists(subject).map(({ id }) => `${subject} is refused by ${id}`),
    );
    expect(refused).toEqual([]);
    const texts = new Set(lists.flatMap(({ entries }) => entries.map(({ text }) => text)));
    expect(notListed.filter(({ subject }) => texts.has(subject))).toEqual([]);
    // What is left out was somebody's opinion of TikTok; resolvers of others may well have an address there.
    const ofByteDance = lists.filter(({ id }) => id !== 'encrypted-resolvers');
    const listed = ofByteDance.flatMap(({ entries }) =>
      entries.flatMap(({ text }) => parsePrefix(text) ?? []),
    );
    const touched = notListed.filter(({ subject }) => {
      const prefix = parsePrefix(subject);
      return prefix !== undefined && listed.some((other) => overlaps(other, prefix));
    });
    expect(touched).toEqual([]);
  });

  it('are guarded where any list that names them is wrong', () => {
    const guards = Guards.load(NEVER_BLOCK_FILE);
    const open = notListed.filter(({ subject, code }) => {
      if (!GUARDED_CODES.includes(code) || parsePrefix(subject) !== undefined) return false;
      const name = nameFrom(subject);
      return guards.protects(MATCH.SUFFIX, name, name.length) === undefined;
    });
    expect(open).toEqual([]);
  });
});

const overlaps = (a: Prefix, b: Prefix): boolean => matchesPrefix(a.words, b.words, Math.min(a.bits, b.bits));
