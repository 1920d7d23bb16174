// Rules with actions and conditions: which of several decides, within a list and between lists.

import { describe, expect, test } from 'vitest';
import { createAddress, parseAddress } from '../../../src/base/base.ts';
import { ACTION, Policy, type PolicyList, Verdict } from '../../../src/policy/policy.ts';
import { parseType, questionEnd } from '../../../src/wire/dns/dns.ts';
import { buildResponse } from '../../support/records.ts';
import { collectTargets } from '../../support/targets.ts';
import { buildTable, foldedName, policyList } from './setup.ts';

const WORDS = Object.fromEntries(
  Object.entries(ACTION).map(([word, number]) => [number, word.toLowerCase()]),
);

const openPolicy = (
  lists: readonly (readonly string[])[],
  changes: readonly Partial<PolicyList>[] = [],
): Policy =>
  new Policy(
    {
      generation: 1,
      table: buildTable(lists),
      lists: lists.map((_, index) => policyList(`list-${index}`, changes[index])),
      groups: [{ name: 'default', lists: 0xffff_ffff }],
    },
    0,
  );

const addressOf = (text: string): Uint32Array => {
  const words = createAddress();
  parseAddress(text, words);
  return words;
};

/** `list:line action`, or `passes`. */
const format = ({ list, line, action }: Verdict): string =>
  list < 0 ? 'passes' : `${list}:${line} ${WORDS[action]}`;

const judge = (policy: Policy, question: string, client = '192.0.2.1'): Verdict => {
  const [name = '', type = 'A'] = question.split(' ');
  const verdict = new Verdict();
  const wire = foldedName(name);
  policy.judgeQuestion(wire, 0, wire.length, parseType(type) ?? 0, addressOf(client), 0, verdict);
  return verdict;
};

const ask = (rules: readonly string[], question: string, client?: string): string =>
  format(judge(openPolicy([rules]), question, client));

/** The verdict on an answer to `a.example. A`. */
const inspect = (policy: Policy, ...answer: string[]): string => {
  const verdict = judge(policy, 'a.example');
  const message = buildResponse({ question: 'a.example. A', answer });
  const targets = collectTargets(
    message,
    message.length,
    questionEnd(message, message.length),
    foldedName('a.example'),
  );
  policy.judgeTargets(targets, 0, verdict);
  return format(verdict);
};

describe('actions', () => {
  test.each([
    ['x.example => passthru', 'passthru'],
    ['x.example => nxdomain', 'nxdomain'],
    ['x.example => nodata', 'nodata'],
    ['x.example => drop', 'drop'],
    ['x.example => tcp-only', 'tcp_only'],
    ['x.example => A 192.0.2.7', 'data'],
    ['x.example', 'list'],
  ])('%s', (rule, word) => {
    expect(ask([rule], 'www.x.example')).toBe(`0:1 ${word}`);
  });

  test('local data travels with the table', () => {
    const verdict = judge(openPolicy([['x.example => A 192.0.2.7']]), 'x.example');
    expect(verdict.records.map(({ type, ttlSec, rdata }) => [type, ttlSec, [...rdata]])).toEqual([
      [1, 5, [192, 0, 2, 7]],
    ]);
  });
});

describe('conditions', () => {
  test.each([
    ['x.example; types A AAAA', 'x.example AAAA', '0:1 list'],
    ['x.example; types A AAAA', 'x.example HTTPS', 'passes'],
    ['x.example; not-types A', 'x.example A', 'passes'],
    ['x.example; not-types A', 'x.example HTTPS', '0:1 list'],
    ['x.example; except ok.x.example', 'ok.x.example A', 'passes'],
    ['x.example; except ok.x.example', 'www.ok.x.example A', 'passes'],
    ['x.example; except ok.x.example', 'nok.x.example A', '0:1 list'],
    ['x.example; except ok.x.example', 'x.example A', '0:1 list'],
  ])('%s for %s: %s', (rule, question, expected) => {
    expect(ask([rule], question)).toBe(expected);
  });

  test.each([
    ['x.example; clients 192.0.2.0/28', '192.0.2.1', '0:1 list'],
    ['x.example; clients 192.0.2.0/28', '192.0.2.99', 'passes'],
    ['x.example; not-clients 192.0.2.0/28', '192.0.2.1', 'passes'],
    ['x.example; not-clients 192.0.2.0/28', '2001:db8::1', '0:1 list'],
    ['client:192.0.2.0/28 => drop', '192.0.2.1', '0:1 drop'],
    ['client:192.0.2.0/28 => drop', '192.0.2.99', 'passes'],
  ])('%s for %s: %s', (rule, client, expected) => {
    expect(ask([rule], 'x.example', client)).toBe(expected);
  });

  test('a rule that does not apply hides no other one of the same name', () => {
    expect(ask(['x.example; types TXT', 'x.example => nodata'], 'x.example A')).toBe('0:2 nodata');
  });
});

describe('patterns', () => {
  test.each([
    ['/^ads[0-9]+\\.example$/', 'ads17.example', '0:1 list'],
    ['/^ads[0-9]+\\.example$/', 'ads.example', 'passes'],
    ['/tiktok/', 'aaatiktok.example', '0:1 list'],
    ['/tiktok/; not-types A', 'aaatiktok.example', 'passes'],
  ])('%s for %s: %s', (rule, name, expected) => {
    expect(ask([rule], name)).toBe(expected);
  });

  test('a name goes before a pattern of the same list, a list before the next', () => {
    expect(ask(['/x/', 'x.example => passthru'], 'x.example')).toBe('0:2 passthru');
    expect(format(judge(openPolicy([['/x/'], ['x.example => passthru']]), 'x.example'))).toBe('0:1 list');
  });

  test('are held against the targets of an answer, too', () => {
    expect(inspect(openPolicy([['/^b[0-9]/']]), 'a.example. 60 IN CNAME b7.example.')).toBe('0:1 list');
  });
});

describe('precedence by specificity', () => {
  test.each([
    [['*.example', 'x.example => passthru'], 'x.example', '0:2 passthru'],
    [['x.example => passthru', '=x.example'], 'x.example', '0:2 list'],
    [['x.example => passthru', '=x.example'], 'www.x.example', '0:1 passthru'],
    [['x.example => nodata', 'x.example => drop'], 'x.example', '0:1 nodata'],
    [['=www.x.example => passthru', 'client:192.0.2.0/24'], 'www.x.example', '0:2 list'],
  ])('%j for %s: %s', (rules, name, expected) => {
    expect(ask(rules, name)).toBe(expected);
  });

  test('the first target of an answer that has a rule decides', () => {
    const policy = openPolicy([['b.example => passthru', 'c.example']]);
    const chain = ['a.example. 60 IN CNAME b.example.', 'b.example. 60 IN CNAME c.example.'];
    expect(inspect(policy, ...chain)).toBe('0:1 passthru');
  });

  test('of several addresses the one with the longest prefix decides', () => {
    const policy = openPolicy([['192.0.2.0/24 => nodata', '192.0.2.7/32 => drop']]);
    const addresses = ['a.example. 60 IN A 192.0.2.1', 'a.example. 60 IN A 192.0.2.7'];
    expect(inspect(policy, ...addresses)).toBe('0:2 drop');
    expect(inspect(policy, ...addresses.reverse())).toBe('0:2 drop');
  });
});

test('of equal prefixes the first one decides', () => {
  const policy = openPolicy([['192.0.2.0/24 => nodata', '192.0.2.0/24 => drop']]);
  expect(inspect(policy, 'a.example. 60 IN A 192.0.2.1')).toBe('0:1 nodata');
});

describe('precedence by action', () => {
  const byAction = (rules: readonly string[], name: string): string =>
    format(judge(openPolicy([rules], [{ precedence: 'action' }]), name));

  test.each([
    [['=www.x.example', 'example => passthru'], '0:2 passthru'],
    [['example; important', 'www.x.example => passthru'], '0:1 list'],
    [['example; important', 'example => passthru; important'], '0:2 passthru'],
    [['x.example', 'www.x.example'], '0:2 list'],
  ])('%j: %s', (rules, expected) => {
    expect(byAction(rules, 'www.x.example')).toBe(expected);
  });

  test('an address that passes excuses no other one', () => {
    const rules = ['192.0.2.0/24', '192.0.2.7/32 => passthru'];
    const policy = openPolicy([rules], [{ precedence: 'action' }]);
    const addresses = ['a.example. 60 IN A 192.0.2.1', 'a.example. 60 IN A 192.0.2.7'];
    expect(inspect(policy, ...addresses)).toBe('0:1 list');
    expect(inspect(policy, ...addresses.reverse())).toBe('0:1 list');
  });

  test('one refused target refuses the answer', () => {
    const policy = openPolicy([['b.example => passthru', 'c.example']], [{ precedence: 'action' }]);
    const chain = ['a.example. 60 IN CNAME b.example.', 'b.example. 60 IN CNAME c.example.'];
    expect(inspect(policy, ...chain)).toBe('0:2 list');
  });
});

describe('between lists', () => {
  test('a passthru says nothing against a list before its own', () => {
    const lists = [['x.example'], ['x.example => passthru'], ['x.example => drop']];
    expect(format(judge(openPolicy(lists), 'x.example'))).toBe('0:1 list');
    expect(format(judge(openPolicy(lists.slice(1)), 'x.example'))).toBe('0:1 passthru');
  });

  test('a passthru on the question lets only the lists before its own judge the answer', () => {
    const lists = [['b.example'], ['a.example => passthru'], ['c.example', '192.0.2.0/24']];
    const policy = openPolicy(lists);
    expect(inspect(policy, 'a.example. 60 IN CNAME c.example.', 'c.example. 60 IN A 192.0.2.1')).toBe(
      'passes',
    );
    expect(inspect(policy, 'a.example. 60 IN CNAME b.example.')).toBe('0:1 list');
  });

  test('what a rule leads to is judged by the lists before its own', () => {
    const policy = openPolicy([['bad.example'], ['x.example => CNAME any.example.'], ['any.example']]);
    const verdict = judge(policy, 'x.example');
    policy.judgeAlias(foldedName('any.example'), 0, verdict);
    expect(verdict.refused).toBe(false);
    judge(policy, 'x.example');
    const again = judge(policy, 'x.example');
    policy.judgeAlias(foldedName('www.bad.example'), 0, again);
    expect(format(again)).toBe('0:1 list');
  });
});

describe('isUnlisted()', () => {
  const isUnlisted = (rules: readonly string[], changes: Partial<PolicyList> = {}): boolean => {
    const message = buildResponse({
      question: 'a.example. A',
      answer: ['a.example. 60 IN CNAME b.example.', 'b.example. 60 IN A 192.0.2.1'],
    });
    const name = foldedName('a.example');
    const end = questionEnd(message, message.length);
    return openPolicy([['other.example'], rules], [{}, changes]).isUnlisted(
      name,
      name.length,
      collectTargets(message, message.length, end, name),
    );
  };

  test.each([
    ['no rule for it', ['c.example', '=www.a.example', '*.b.example', '198.51.100.0/24', '/^c/'], true],
    ['the question', ['a.example'], false],
    ['a target', ['b.example'], false],
    ['an address', ['192.0.2.0/24'], false],
    ['a pattern', ['/^b/'], false],
    ['a passthru', ['a.example => passthru'], false],
    ['a rule for another type', ['a.example; types TXT'], false],
    ['a rule for another client', ['b.example; clients 198.51.100.1/32'], false],
    ['a rule with an exception', ['example; except a.example b.example'], false],
    ['a rule for another client and an address', ['192.0.2.1/32; clients 198.51.100.1/32'], false],
    ['a rule for clients', ['client:198.51.100.1/32'], false],
  ])('%s', (_name, rules, expected) => {
    expect(isUnlisted(rules)).toBe(expected);
  });

  test('a list that is only watched counts', () => {
    expect(isUnlisted(['b.example'], { logOnly: true })).toBe(false);
  });

  test('is not misled by what was judged before', () => {
    const policy = openPolicy([['b.example; types TXT']]);
    inspect(policy, 'a.example. 60 IN CNAME b.example.');
    const name = foldedName('c.example');
    const message = buildResponse({ question: 'c.example. A', answer: ['c.example. 60 IN A 192.0.2.1'] });
    const end = questionEnd(message, message.length);
    expect(policy.isUnlisted(name, name.length, collectTargets(message, message.length, end, name))).toBe(
      true,
    );
  });
});

describe('lists that are only watched', () => {
  test('refuse nothing, and say what they would', () => {
    const policy = openPolicy([['x.example'], ['y.example']], [{ logOnly: true }]);
    expect(policy.isWatching).toBe(true);
    expect(format(judge(policy, 'x.example'))).toBe('passes');
    expect(format(judge(policy, 'y.example'))).toBe('1:1 list');
    const verdict = new Verdict();
    const name = foldedName('x.example');
    policy.watchQuestion(name, name.length, 0, judge(policy, 'x.example'), verdict);
    expect(format(verdict)).toBe('0:1 list');
  });

  test('a policy without one watches nothing', () => {
    expect(openPolicy([['x.example']]).isWatching).toBe(false);
  });
});

test('a list is in force for a group at the times of its schedule', () => {
  const noonUtc = Date.UTC(2026, 10, 24, 12);
  const policy = new Policy(
    {
      generation: 1,
      table: buildTable([['x.example'], ['y.example']]),
      lists: [policyList('a'), policyList('b')],
      groups: [
        {
          name: 'default',
          lists: 3,
          scheduled: [
            { list: 1, schedule: { hours: { fromMin: 480, untilMin: 720 }, timeZone: 'America/New_York' } },
          ],
        },
      ],
    },
    noonUtc,
  );
  expect(policy.isScheduled).toBe(true);
  // Seven in the morning in New York.
  expect(format(judge(policy, 'y.example'))).toBe('passes');
  expect(format(judge(policy, 'x.example'))).toBe('0:1 list');
  policy.setTime(noonUtc + 3600_000);
  expect(format(judge(policy, 'y.example'))).toBe('1:1 list');
  policy.setTime(noonUtc + 5 * 3600_000);
  expect(format(judge(policy, 'y.example'))).toBe('passes');
});

test('a list with several schedules is in force at the times of any of them', () => {
  const hours = (fromMin: number) => ({ hours: { fromMin, untilMin: fromMin + 60 }, timeZone: 'UTC' });
  const policy = new Policy(
    {
      generation: 1,
      table: buildTable([['x.example']]),
      lists: [policyList('a')],
      groups: [
        {
          name: 'default',
          lists: 1,
          scheduled: [480, 720].map((fromMin) => ({ list: 0, schedule: hours(fromMin) })),
        },
      ],
    },
    0,
  );
  const at = (hour: number): string => {
    policy.setTime(hour * 3600_000);
    return format(judge(policy, 'x.example'));
  };
  expect([7, 8, 9, 12, 13].map(at)).toEqual(['passes', '0:1 list', 'passes', '0:1 list', 'passes']);
});
