// A policy: groups choose lists, and everything that an answer leads to is judged.

import { describe, expect, test } from 'vitest';
import { createAddress } from '../../../src/base/base.ts';
import { Policy, type PolicyList, type SharedPolicy, Verdict } from '../../../src/policy/policy.ts';
import { questionEnd, type Targets, TRIGGER, TYPE } from '../../../src/wire/dns/dns.ts';
import { buildResponse } from '../../support/records.ts';
import { collectTargets } from '../../support/targets.ts';
import { buildTable, foldedName, formatVerdict, policyList } from './setup.ts';

const GROUPS = 256;

const openPolicy = (lists: readonly (readonly string[])[], groups: SharedPolicy['groups']): Policy =>
  new Policy(
    {
      generation: 7,
      table: buildTable(lists),
      lists: lists.map((_, index) => policyList(`list-${index}`)),
      groups,
    },
    0,
  );

const targetsOf = (question: string, answer: readonly string[]): Targets => {
  const message = buildResponse({ question, answer });
  const qname = foldedName(question.split(' ')[0] ?? '');
  return collectTargets(message, message.length, questionEnd(message, message.length), qname);
};

const judgeQuestion = (policy: Policy, text: string, group: number): Verdict => {
  const verdict = new Verdict();
  const name = foldedName(text);
  policy.judgeQuestion(name, 0, name.length, TYPE.A, createAddress(), group, verdict);
  return verdict;
};

const judgeTargets = (policy: Policy, targets: Targets, group = 0): Verdict => {
  const verdict = new Verdict();
  policy.judgeTargets(targets, group, verdict);
  return verdict;
};

test('a generation counts from 1: 0 is what answers have that were never judged', () => {
  const shared = { table: buildTable([]), lists: [], groups: [] };
  expect(() => new Policy({ ...shared, generation: 0 }, 0)).toThrow(/generation/);
});

describe('groups', () => {
  test('each of 256 groups is refused by the lists that it chose and by no other', () => {
    const lists = Array.from({ length: 32 }, (_, index) => [`l${index}.example`]);
    const groups = Array.from({ length: GROUPS }, (_, index) => ({
      name: `group-${index}`,
      // Bit 31 is set the way that `mask | (1 << 31)` sets it: negative.
      lists: (1 << (index % 32)) | (1 << ((index * 7) % 32)),
    }));
    const policy = openPolicy(lists, groups);
    for (let group = 0; group < GROUPS; group++) {
      for (let list = 0; list < 32; list++) {
        const isChosen = list === group % 32 || list === (group * 7) % 32;
        expect(judgeQuestion(policy, `www.l${list}.example`, group).list, `${group}/${list}`).toBe(
          isChosen ? list : -1,
        );
      }
    }
  });

  test('a group without lists, or one that the policy does not know, is refused nothing', () => {
    const policy = openPolicy([['tiktok.example']], [{ name: 'default', lists: 0 }]);
    expect(judgeQuestion(policy, 'tiktok.example', 0).refused).toBe(false);
    expect(judgeQuestion(policy, 'tiktok.example', 1).refused).toBe(false);
  });
});

describe('judgeQuestion()', () => {
  test('forgets the verdict before and names its generation', () => {
    const policy = openPolicy([['tiktok.example']], [{ name: 'default', lists: 1 }]);
    const verdict = new Verdict();
    const ask = (text: string): string => {
      const name = foldedName(text);
      policy.judgeQuestion(name, 0, name.length, TYPE.A, createAddress(), 0, verdict);
      return formatVerdict(verdict);
    };
    expect(ask('tiktok.example')).toBe('0:1 suffix');
    expect(ask('example.com')).toBe('passes');
    expect(verdict).toMatchObject({ generation: 7, line: 0, rank: 0 });
  });
});

describe('a question for DS', () => {
  const rules = [
    'tiktok.example',
    '=exact.example',
    '*.wild.example',
    '/^pattern\\.example$/',
    'client:192.0.2.0/24',
  ];
  const group = { name: 'default', lists: 1 };
  const judge = (text: string, lists = rules, types: readonly number[] = [TYPE.DS]): string[] => {
    const policy = openPolicy([lists], [group]);
    const verdict = new Verdict();
    const name = foldedName(text);
    return types.map((type) => {
      policy.judgeQuestion(name, 0, name.length, type, createAddress(), 0, verdict);
      return formatVerdict(verdict);
    });
  };

  test.each([
    ['tiktok.example', 'passes'],
    ['exact.example', 'passes'],
    ['wild.example', 'passes'],
    ['www.tiktok.example', '0:1 suffix'],
    ['a.b.tiktok.example', '0:1 suffix'],
    // Its zone may be the listed one.
    ['www.wild.example', '0:3 wildcard'],
    ['pattern.example', '0:4 pattern'],
  ])('of %s is one to the zone above: %s', (name, expected) => {
    expect(judge(name)).toEqual([expected]);
  });

  test('of a name that is listed with a zone above it is refused for that zone', () => {
    expect(judge('www.tiktok.example', ['=www.tiktok.example', 'tiktok.example'])).toEqual(['0:2 suffix']);
    expect(judge('www.tiktok.example', ['=www.tiktok.example'])).toEqual(['passes']);
  });

  test('is the only one: every other type is refused', () => {
    const types = Array.from({ length: 0x1_0000 }, (_, type) => type).filter((type) => type !== TYPE.DS);
    expect(new Set(judge('tiktok.example', rules, types))).toEqual(new Set(['0:1 suffix']));
  });

  test('makes no answer one that no list concerns', () => {
    const policy = openPolicy([rules.slice(0, 1)], [group]);
    const name = foldedName('tiktok.example');
    expect(policy.isUnlisted(name, name.length, targetsOf('tiktok.example. DS', []))).toBe(false);
  });
});

describe('judgeTargets()', () => {
  const policy = openPolicy(
    [['mandate.example'], ['tiktok.example', '192.0.2.0/24', '2001:db8::/32']],
    [
      { name: 'default', lists: 0b11 },
      { name: 'lab', lists: 0b01 },
    ],
  );

  test.each<[string, string[], string, number]>([
    ['alias', ['a.example. 60 IN CNAME www.tiktok.example.'], '1:1 suffix', TRIGGER.CNAME],
    ['address', ['a.example. 60 IN A 192.0.2.9'], '1:2 prefix', TRIGGER.RESPONSE_IP],
    ['mapped address', ['a.example. 60 IN AAAA ::ffff:192.0.2.9'], '1:2 prefix', TRIGGER.RESPONSE_IP],
    ['address behind NAT64', ['a.example. 60 IN AAAA 64:ff9b::c000:209'], '1:2 prefix', TRIGGER.RESPONSE_IP],
    ['IPv6 address', ['a.example. 60 IN AAAA 2001:db8::1'], '1:3 prefix', TRIGGER.RESPONSE_IP],
    ['DNAME', ['example. 60 IN DNAME tiktok.example.'], '1:1 suffix', TRIGGER.DNAME],
    ['service', ['a.example. 60 IN HTTPS 1 www.tiktok.example.'], '1:1 suffix', TRIGGER.SERVICE_TARGET],
    ['hint', ['a.example. 60 IN HTTPS 1 . ipv4hint=192.0.2.9'], '1:2 prefix', TRIGGER.SERVICE_HINT],
    ['owner', ['www.tiktok.example. 60 IN A 198.51.100.1'], '1:1 suffix', TRIGGER.CNAME],
  ])('%s', (_name, answer, expected, trigger) => {
    const verdict = judgeTargets(policy, targetsOf('a.example. A', answer));
    expect(formatVerdict(verdict)).toBe(expected);
    expect(verdict.trigger).toBe(trigger);
    expect(judgeTargets(policy, targetsOf('a.example. A', answer), 1).refused).toBe(false);
  });

  test('the list of lower index prevails over an earlier record', () => {
    const targets = targetsOf('a.example. A', [
      'a.example. 60 IN CNAME www.tiktok.example.',
      'www.tiktok.example. 60 IN CNAME x.mandate.example.',
      'x.mandate.example. 60 IN A 192.0.2.1',
    ]);
    expect(formatVerdict(judgeTargets(policy, targets))).toBe('0:1 suffix');
  });

  test('lets an answer without listed targets pass', () => {
    expect(judgeTargets(policy, targetsOf('a.example. A', [])).refused).toBe(false);
    const targets = targetsOf('a.example. A', [
      'a.example. 60 IN CNAME b.example.',
      'b.example. 60 IN A 198.51.100.1',
    ]);
    expect(judgeTargets(policy, targets).refused).toBe(false);
  });
});

describe('a mandate list that lets pass', () => {
  const judged = (
    lists: readonly (readonly string[])[],
    changes: readonly Partial<PolicyList>[],
    name: string,
  ) => {
    const policy = new Policy(
      {
        generation: 1,
        table: buildTable(lists),
        lists: lists.map((_, index) => policyList(`list-${index}`, changes[index])),
        groups: [{ name: 'default', lists: 0xffff_ffff }],
      },
      0,
    );
    const verdict = new Verdict();
    const watched = new Verdict();
    const qname = foldedName(name);
    policy.judgeQuestion(qname, 0, qname.length, TYPE.A, createAddress(), 0, verdict);
    policy.watchQuestion(qname, qname.length, 0, verdict, watched);
    return { said: formatVerdict(verdict), watched: formatVerdict(watched), verdict };
  };
  const MANDATE = { mandate: true };

  test.each<[string, string[][], Partial<PolicyList>[], string]>([
    ['before another one', [['a.b => passthru'], ['b']], [MANDATE, MANDATE], '1:1 suffix'],
    ['behind another one', [['b'], ['a.b => passthru']], [MANDATE, MANDATE], '0:1 suffix'],
    ['before an ordinary list', [['a.b => passthru'], ['b']], [MANDATE, {}], '1:1 suffix'],
    ['what it refuses itself', [['b', 'a.b => passthru']], [MANDATE], 'passes'],
    [
      'what an ordinary one passes',
      [['a.b => passthru'], ['a.b => passthru'], ['b']],
      [MANDATE, {}, {}],
      'passes',
    ],
    [
      'by two lists',
      [['a.b => passthru'], ['a.b => passthru'], ['b']],
      [MANDATE, MANDATE, MANDATE],
      '2:1 suffix',
    ],
    ['over TCP', [['a.b => tcp-only'], ['b']], [MANDATE, MANDATE], '1:1 suffix'],
    ['over TCP, beside a passthru', [['a.b => tcp-only'], ['a.b => passthru']], [MANDATE, {}], '0:1 suffix'],
    ['with an answer of its own', [['a.b => A 192.0.2.1'], ['b']], [MANDATE, MANDATE], '1:1 suffix'],
    [
      'with the answer of the first',
      [['a.b => A 192.0.2.1'], ['a.b => A 192.0.2.2']],
      [MANDATE, MANDATE],
      '0:1 suffix',
    ],
    ['with a listed address', [['a.b => A 192.0.2.1'], ['192.0.2.0/24']], [MANDATE, MANDATE], '1:1 prefix'],
    [
      'an ordinary one with a listed address',
      [['192.0.2.0/24'], ['a.b => A 192.0.2.1']],
      [MANDATE, {}],
      '0:1 prefix',
    ],
    [
      'a listed address that one passes',
      [['192.0.2.0/24 => passthru'], ['a.b => A 192.0.2.1']],
      [MANDATE, {}],
      '1:1 suffix',
    ],
    [
      'an ordinary one that only an ordinary one lists',
      [['a.b => A 192.0.2.1'], ['192.0.2.0/24']],
      [{}, {}],
      '0:1 suffix',
    ],
  ])('%s', (_, lists, changes, expected) => {
    expect(judged(lists, changes, 'a.b').said).toBe(expected);
  });

  test('ends the say of its own list on the answer, and that of no list that is only watched', () => {
    const lists = [['a.b => passthru'], ['b'], ['c']];
    const { said, watched, verdict } = judged(lists, [MANDATE, { logOnly: true }, MANDATE], 'a.b');
    expect({ said, watched }).toEqual({ said: 'passes', watched: '1:1 suffix' });
    expect(verdict.remaining).toBe(~1);
  });
});
