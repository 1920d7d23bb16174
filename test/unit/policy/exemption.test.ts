// Exemptions take lists out of the judging of one client's question: which, when, and what still decides.

import { describe, expect, test } from 'vitest';
import { AppError, createAddress, parseAddress } from '../../../src/base/base.ts';
import {
  compileExemptions,
  EXEMPTIONS_MAX,
  formatExemption,
  Policy,
  type PolicyList,
  type SharedExemption,
  Verdict,
} from '../../../src/policy/policy.ts';
import { questionEnd, type Targets, TYPE } from '../../../src/wire/dns/dns.ts';
import { buildResponse } from '../../support/records.ts';
import { collectTargets } from '../../support/targets.ts';
import { prefixes } from '../pipeline/setup.ts';
import { buildTable, foldedName, formatVerdict, policyList } from './setup.ts';

const CLIENT = '192.0.2.9';
const FROM_MS = 1_000_000;
const UNTIL_MS = 2_000_000;
const NOW_MS = 1_500_000;

/** `mandate` before `allow` before `feed` before `other`. */
const LISTS: readonly (readonly string[])[] = [
  ['tiktok.example', '203.0.113.0/28'],
  ['www.tiktok.example => passthru', 'vital.example => passthru'],
  ['tiktok.example', 'ads.example', '203.0.113.0/24'],
  ['deep.tiktok.example'],
];
const IDS = ['mandate', 'allow', 'feed', 'other'];
const GROUPS = ['default', 'lab'];

const exemption = (changes: Partial<SharedExemption> = {}): SharedExemption => ({
  number: 1,
  fromMs: FROM_MS,
  untilMs: UNTIL_MS,
  groups: [],
  clients: prefixes('192.0.2.8/29'),
  ...changes,
});

interface Setting {
  readonly exemptions: readonly SharedExemption[];
  readonly nowMs?: number;
  readonly listChanges?: readonly Partial<PolicyList>[];
}

const openPolicy = ({ exemptions, nowMs = NOW_MS, listChanges = [] }: Setting) => {
  const policy = new Policy(
    {
      generation: 1,
      table: buildTable(LISTS),
      lists: IDS.map((id, index) => policyList(id, listChanges[index])),
      groups: GROUPS.map((name) => ({ name, lists: 0b1111 })),
    },
    nowMs,
  );
  const clock = { nowMs };
  const told: string[] = [];
  policy.setExemptions(compileExemptions(exemptions), () => clock.nowMs);
  const ask = (name: string, asking: { client?: string; group?: number; qtype?: number } = {}): Verdict => {
    const { client = CLIENT, group = 0, qtype = TYPE.A } = asking;
    const verdict = new Verdict();
    verdict.exempted.observer = {
      exempted: (targets, index, number) =>
        void told.push(
          `${index}:${number} ${verdict.list}:${verdict.line} ${verdict.trigger}${targets === undefined ? '' : ' targets'}`,
        ),
    };
    const qname = foldedName(name);
    const words = createAddress();
    if (!parseAddress(client, words)) throw new TypeError(client);
    policy.judgeQuestion(qname, 0, qname.length, qtype, words, group, verdict);
    return verdict;
  };
  return { policy, clock, told, ask };
};

const targetsOf = (question: string, ...answer: string[]): Targets => {
  const message = buildResponse({ question, answer });
  const qname = foldedName(question.split(' ')[0] ?? '');
  return collectTargets(message, message.length, questionEnd(message, message.length), qname);
};

describe('whose question an exemption is about', () => {
  test.each<[string, Partial<SharedExemption>, { client?: string; group?: number }, boolean]>([
    ['an address of a prefix', {}, {}, true],
    ['an address of no prefix', {}, { client: '192.0.2.16' }, false],
    ['a client of a group', { clients: [], groups: ['lab'] }, { group: 1 }, true],
    ['a client of another group', { clients: [], groups: ['lab'] }, { group: 0 }, false],
    ['a group that does not exist', { clients: [], groups: ['gone'] }, { group: 0 }, false],
    ['either suffices: the address', { groups: ['lab'] }, { group: 0 }, true],
    ['either suffices: the group', { groups: ['lab'] }, { group: 1, client: '198.51.100.1' }, true],
    ['nobody', { clients: [] }, {}, false],
    ['IPv6', { clients: prefixes('2001:db8::/32') }, { client: '2001:db8:5::1' }, true],
  ])('%s', (_name, changes, asking, passes) => {
    const { ask } = openPolicy({ exemptions: [exemption(changes)] });
    expect(ask('tiktok.example', asking).refused).toBe(!passes);
  });
});

describe('what an exemption is about', () => {
  test.each<[string, Partial<SharedExemption>, string, string]>([
    ['every list', {}, 'deep.tiktok.example', 'passes'],
    [
      'one list: one that goes after it still refuses',
      { lists: ['mandate'] },
      'tiktok.example',
      '2:1 suffix',
    ],
    ['the list that goes after: the one before refuses', { lists: ['feed'] }, 'tiktok.example', '0:1 suffix'],
    ['two lists', { lists: ['feed', 'mandate'] }, 'tiktok.example', 'passes'],
    ['two lists of three', { lists: ['feed', 'mandate'] }, 'deep.tiktok.example', '3:1 suffix'],
    [
      'a mandate, and a local allow speaks before the feeds',
      { lists: ['mandate'] },
      'www.tiktok.example',
      'passes',
    ],
    ['a list that is not there', { lists: ['gone'] }, 'tiktok.example', '0:1 suffix'],
    ['the name itself', { names: [foldedName('tiktok.example')] }, 'tiktok.example', 'passes'],
    ['names below', { names: [foldedName('tiktok.example')] }, 'a.b.tiktok.example', 'passes'],
    ['no name above', { names: [foldedName('www.tiktok.example')] }, 'tiktok.example', '0:1 suffix'],
    ['no name beside', { names: [foldedName('tok.example')] }, 'tiktok.example', '0:1 suffix'],
    ['the root, which is all names', { names: [foldedName('.')] }, 'tiktok.example', 'passes'],
  ])('%s', (_name, changes, name, expected) => {
    const { ask } = openPolicy({ exemptions: [exemption(changes)] });
    expect(formatVerdict(ask(name))).toBe(expected);
  });

  test('nothing that is refused by nobody: then it is not even noted', () => {
    const { ask, told } = openPolicy({ exemptions: [exemption()] });
    expect(ask('www.example')).toMatchObject({ refused: false, exempted: { number: 0, mask: 0 } });
    expect(ask('vital.example')).toMatchObject({ refused: false, exempted: { number: 0 } });
    expect(told).toEqual([]);
  });

  test('lists that are only watched do not concern it', () => {
    const { ask, told } = openPolicy({ exemptions: [exemption()], listChanges: [{ logOnly: true }] });
    expect(formatVerdict(ask('ads.example'))).toBe('passes');
    expect(told).toEqual(['0:1 2:2 0']);
  });
});

describe('when an exemption counts', () => {
  test.each<[number, boolean]>([
    [FROM_MS - 1, false],
    [FROM_MS, true],
    [UNTIL_MS - 1, true],
    [UNTIL_MS, false],
  ])('at %i: %s', (nowMs, passes) => {
    const { clock, ask } = openPolicy({ exemptions: [exemption()] });
    clock.nowMs = nowMs;
    expect(ask('ads.example').refused).toBe(!passes);
  });

  test('at the hours of its schedule, which setTime() looks at', () => {
    const schedule = { hours: { fromMin: 8 * 60, untilMin: 18 * 60 }, timeZone: 'UTC' };
    const hour = (value: number): number => Date.UTC(2026, 10, 25, value);
    const { policy, clock, ask } = openPolicy({
      exemptions: [exemption({ fromMs: 0, untilMs: hour(24), schedule })],
      nowMs: hour(9),
    });
    expect(policy.isScheduled).toBe(true);
    expect(ask('ads.example').refused).toBe(false);
    clock.nowMs = hour(18);
    policy.setTime(clock.nowMs);
    expect(ask('ads.example').refused).toBe(true);
  });

  test('until it is taken back', () => {
    const { policy, ask } = openPolicy({ exemptions: [exemption()] });
    expect(ask('ads.example').refused).toBe(false);
    policy.setExemptions(undefined, () => NOW_MS);
    expect(ask('ads.example')).toMatchObject({ refused: true, exempted: { number: 0 } });
  });
});

describe('what is noted', () => {
  test('the first of several exemptions, in the order in which they came', () => {
    const { ask, told } = openPolicy({
      exemptions: [
        exemption({ number: 4, untilMs: NOW_MS }),
        exemption({ number: 5, clients: [], groups: ['default'] }),
        exemption({ number: 6, clients: prefixes('192.0.2.9/32') }),
        exemption({ number: 7 }),
      ],
    });
    expect(ask('ads.example').exempted.number).toBe(5);
    expect(ask('ads.example', { group: 1 }).exempted.number).toBe(6);
    expect(ask('ads.example', { group: 1, client: '192.0.2.10' }).exempted.number).toBe(7);
    expect(told).toEqual(['1:5 2:2 0', '2:6 2:2 0', '3:7 2:2 0']);
  });

  test('each list that does not count, with the rule; the shortest TTL and the first end', () => {
    const { ask, told } = openPolicy({
      exemptions: [
        exemption({ number: 1, lists: ['mandate'], untilMs: UNTIL_MS + 1 }),
        exemption({ number: 2, lists: ['feed'] }),
      ],
      listChanges: [{ ttlSec: 30 }, {}, { ttlSec: 10 }],
    });
    const verdict = ask('tiktok.example');
    expect(told).toEqual(['0:1 0:1 0', '1:2 2:1 0']);
    expect(verdict).toMatchObject({
      refused: false,
      exempted: { number: 1, mask: 0b101, untilMs: UNTIL_MS, ttlSec: 10 },
    });
  });

  test('nothing of the question before', () => {
    const { policy, ask } = openPolicy({ exemptions: [exemption()] });
    const verdict = ask('ads.example');
    const qname = foldedName('www.example');
    policy.judgeQuestion(qname, 0, qname.length, TYPE.A, createAddress(), 0, verdict);
    expect(verdict).toMatchObject({ exempted: { number: 0, mask: 0 } });
  });
});

describe('where an answer leads', () => {
  const ANSWER = ['a.example. 60 IN CNAME cdn.tiktok.example.', 'cdn.tiktok.example. 60 IN A 203.0.113.1'];

  const judge = (exemptions: readonly SharedExemption[], question: string, answer: readonly string[]) => {
    const { policy, told, ask } = openPolicy({ exemptions });
    const verdict = ask(question.split(' ')[0] ?? '');
    if (!verdict.refused) policy.judgeTargets(targetsOf(question, ...answer), 0, verdict);
    return { outcome: formatVerdict(verdict), told };
  };

  test('is excused with a question that is in scope, addresses as well', () => {
    const answer = ['tiktok.example. 60 IN CNAME cdn.ads.example.', 'cdn.ads.example. 60 IN A 203.0.113.1'];
    expect(
      judge([exemption({ names: [foldedName('tiktok.example')] })], 'tiktok.example. A', answer).outcome,
    ).toBe('passes');
  });

  test('is not excused because it is in scope itself', () => {
    const { outcome, told } = judge(
      [exemption({ names: [foldedName('tiktok.example')] })],
      'a.example. A',
      ANSWER,
    );
    expect(outcome).toBe('0:1 suffix');
    expect(told).toEqual([]);
  });

  test('is judged by the lists that are left', () => {
    expect(judge([exemption({ lists: ['mandate'] })], 'a.example. A', ANSWER).outcome).toBe('2:1 suffix');
    expect(judge([exemption({ lists: ['mandate', 'feed'] })], 'a.example. A', ANSWER).outcome).toBe('passes');
  });

  test('is noted with the target, and a list that did not count for the question is not noted again', () => {
    expect(judge([exemption()], 'a.example. A', ANSWER).told).toEqual([
      '0:1 0:1 1 targets',
      '0:1 2:1 1 targets',
    ]);
    expect(judge([exemption()], 'tiktok.example. A', ['tiktok.example. 60 IN A 203.0.113.1']).told).toEqual([
      '0:1 0:1 0',
      '0:1 2:1 0',
    ]);
  });

  test('is excused where another rule leads the question', () => {
    const { policy, ask, told } = openPolicy({ exemptions: [exemption({ lists: ['mandate'] })] });
    const verdict = ask('ads.example');
    expect(formatVerdict(verdict)).toBe('2:2 suffix');
    policy.judgeAlias(foldedName('tiktok.example'), 0, verdict);
    expect(verdict).toMatchObject({ refused: false, list: 2, exempted: { number: 1 } });
    expect(told).toEqual(['0:1 0:1 0']);
  });

  test('stays to be judged: what exemptions excuse is not what no rule concerns', () => {
    const { policy } = openPolicy({ exemptions: [exemption()] });
    const name = foldedName('ads.example');
    expect(policy.isUnlisted(name, name.length, targetsOf('ads.example. A'))).toBe(false);
  });
});

describe('compileExemptions()', () => {
  test.each<[string, SharedExemption[]]>([
    ['too many exemptions', Array.from({ length: EXEMPTIONS_MAX + 1 }, () => exemption())],
    ['too many groups', [exemption({ groups: Array.from({ length: 300 }, (_, index) => `g${index}`) })]],
    ['too many names', [exemption({ names: Array.from({ length: 300 }, () => foldedName('a.example')) })]],
  ])('refuses %s', (_name, exemptions) => {
    expect(() => compileExemptions(exemptions)).toThrow(AppError);
    expect(() => compileExemptions(exemptions)).toThrow(expect.objectContaining({ code: 'ERR_POLICY_SIZE' }));
  });

  test('takes as many as may be', () => {
    const exemptions = Array.from({ length: EXEMPTIONS_MAX }, (_, index) =>
      exemption({
        number: index + 1,
        clients: prefixes('192.0.2.0/24'),
        lists: index < EXEMPTIONS_MAX - 1 ? ['gone'] : ['feed'],
      }),
    );
    expect(openPolicy({ exemptions }).ask('ads.example')).toMatchObject({
      refused: false,
      exempted: { number: EXEMPTIONS_MAX },
    });
  });
});

test('formatExemption() writes the number as people know it', () => {
  expect([formatExemption(1), formatExemption(1_234_567)]).toEqual(['ex-000001', 'ex-1234567']);
});
