// The compiled table of rules with actions and conditions, opened as a policy, against a plain reading of the rules.
//
// The plain reading tries every rule of every list for the question and then for each target of the answer, and sorts
// what matches by the order that docs/blocking.md states. It shares no code with the table but addresses.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAddress, matchesPrefix, parseAddress, parsePrefix } from '../../src/base/base.ts';
import { ACTION, Policy, type Precedence, Verdict } from '../../src/policy/policy.ts';
import { formatName, parseType, questionEnd, TARGET_ADDRESS_WORDS } from '../../src/wire/dns/dns.ts';
import { buildResponse } from '../support/records.ts';
import { collectTargets } from '../support/targets.ts';
import { buildTable, foldedName, policyList } from '../unit/policy/setup.ts';

const RUNS = 600;

/** A rule as the generator makes it; `text` is what setup.ts reads. */
interface Rule {
  readonly kind: 'suffix' | 'exact' | 'wildcard' | 'prefix' | 'client' | 'pattern';
  /** Name, prefix or expression. */
  readonly subject: string;
  readonly action: 'list' | 'passthru' | 'nxdomain' | 'drop';
  readonly isImportant: boolean;
  readonly types: Condition | undefined;
  readonly clients: Condition | undefined;
  readonly except: string | undefined;
}

interface Condition {
  readonly values: readonly string[];
  readonly isExcluding: boolean;
}

interface List {
  readonly precedence: Precedence;
  readonly rules: readonly Rule[];
}

interface Question {
  readonly name: string;
  readonly type: string;
  readonly client: string;
}

/** A rule that matches, with its place. */
interface Match {
  readonly list: number;
  readonly line: number;
  readonly rule: Rule;
  readonly precedence: Precedence;
}

const label = fc.constantFrom('a', 'b', 'ab');
const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
const client = fc.constantFrom('192.0.2.1', '192.0.2.9', '198.51.100.1', '2001:db8::1');
const clientPrefix = fc.constantFrom('192.0.2.0/29', '192.0.2.0/24', '198.51.100.1/32', '2001:db8::/32');
const address = fc.constantFrom('203.0.113.1', '203.0.113.7', '203.0.113.130');
const addressPrefix = fc.constantFrom(
  '203.0.113.0/24',
  '203.0.113.0/28',
  '203.0.113.7/32',
  '203.0.113.128/25',
);
const type = fc.constantFrom('A', 'AAAA', 'HTTPS');

const condition = (value: fc.Arbitrary<string>): fc.Arbitrary<Condition> =>
  fc.record({ values: fc.uniqueArray(value, { minLength: 1, maxLength: 2 }), isExcluding: fc.boolean() });

const trigger = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('suffix', 'exact', 'wildcard'), name) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('prefix'), addressPrefix) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('client'), clientPrefix) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('pattern'), fc.constantFrom('^a', 'b$', 'ab', 'b\\.a')) },
) as fc.Arbitrary<[Rule['kind'], string]>; // constantFrom() widens the words to string

const rule: fc.Arbitrary<Rule> = fc
  .record({
    trigger,
    action: fc.constantFrom('list', 'passthru', 'nxdomain', 'drop') as fc.Arbitrary<Rule['action']>,
    isImportant: fc.boolean(),
    types: fc.option(condition(type), { nil: undefined, freq: 3 }),
    clients: fc.option(condition(clientPrefix), { nil: undefined, freq: 3 }),
    except: fc.option(name, { nil: undefined, freq: 3 }),
  })
  .map(({ trigger: [kind, subject], ...terms }) => ({ kind, subject, ...terms }));

/** Formats whose lists weigh actions first have no triggers on addresses. */
const byAction = rule.filter(({ kind }) => kind !== 'prefix' && kind !== 'client');
/** The mark has a meaning only where actions are weighed. */
const bySpecificity = rule.map((item) => ({ ...item, isImportant: false }));
const rules = (item: fc.Arbitrary<Rule>): fc.Arbitrary<Rule[]> =>
  fc.uniqueArray(item, {
    maxLength: 6,
    // Which of two rules for the same prefix decides is left open.
    comparator: (a, b) =>
      (a.kind === 'prefix' || a.kind === 'client') && a.kind === b.kind && a.subject === b.subject,
  });
const list: fc.Arbitrary<List> = fc.oneof(
  fc.record({ precedence: fc.constant<Precedence>('specificity'), rules: rules(bySpecificity) }),
  fc.record({ precedence: fc.constant<Precedence>('action'), rules: rules(byAction) }),
);

const SIGNS: Readonly<Record<Rule['kind'], readonly [string, string]>> = {
  suffix: ['', ''],
  exact: ['=', ''],
  wildcard: ['*.', ''],
  prefix: ['', ''],
  client: ['client:', ''],
  pattern: ['/', '/'],
};

const textOf = ({ kind, subject, action, isImportant, types, clients, except }: Rule): string => {
  const [before, behind] = SIGNS[kind];
  const conditionText = (word: string, found: Condition | undefined): string =>
    found === undefined ? '' : `; ${found.isExcluding ? 'not-' : ''}${word} ${found.values.join(' ')}`;
  return [
    `${before}${subject}${behind} => ${action}`,
    isImportant ? '; important' : '',
    conditionText('types', types),
    conditionText('clients', clients),
    except === undefined ? '' : `; except ${except}`,
  ].join('');
};

const isWithin = (asked: string, zone: string): boolean => asked === zone || asked.endsWith(`.${zone}`);

const isInside = (text: string, prefixText: string): boolean => {
  const words = createAddress();
  const prefix = parsePrefix(prefixText);
  return parseAddress(text, words) && prefix !== undefined && matchesPrefix(words, prefix.words, prefix.bits);
};

const meets = (found: Condition | undefined, isValue: (value: string) => boolean): boolean =>
  found === undefined || found.values.some(isValue) !== found.isExcluding;

/** Whether a rule concerns a question at all; `asked` is the name that its exception is held against. */
const concerns = (item: Rule, question: Question, asked: string | undefined): boolean =>
  meets(item.types, (value) => value === question.type) &&
  meets(item.clients, (value) => isInside(question.client, value)) &&
  (asked === undefined || item.except === undefined || !isWithin(asked, item.except));

const matchesName = ({ kind, subject }: Rule, asked: string): boolean => {
  if (kind === 'suffix') return isWithin(asked, subject);
  if (kind === 'exact') return asked === subject;
  if (kind === 'wildcard') return asked !== subject && isWithin(asked, subject);
  return kind === 'pattern' && new RegExp(subject).test(asked);
};

const weightOf = ({ precedence, rule: item }: Match): number =>
  precedence === 'action' ? (item.isImportant ? 2 : 0) + (item.action === 'passthru' ? 1 : 0) : 0;

const lengthOf = ({ kind, subject }: Rule): number => {
  if (kind === 'pattern') return 0;
  return kind === 'prefix' || kind === 'client' ? (parsePrefix(subject)?.bits ?? 0) : subject.length;
};

/** The order of precedence: list, client, weight, specificity, line. */
const compare = (a: Match, b: Match): number =>
  a.list - b.list ||
  Number(b.rule.kind === 'client') - Number(a.rule.kind === 'client') ||
  weightOf(b) - weightOf(a) ||
  lengthOf(b.rule) - lengthOf(a.rule) ||
  Number(b.rule.kind === 'exact') - Number(a.rule.kind === 'exact') ||
  a.line - b.line;

const candidates = (lists: readonly List[], before: number, isMatch: (item: Rule) => boolean): Match[] =>
  lists
    .slice(0, before)
    .flatMap(({ precedence, rules }, index) =>
      rules.flatMap((item, at) =>
        isMatch(item) ? [{ list: index, line: at + 1, rule: item, precedence }] : [],
      ),
    )
    .sort(compare);

const judgeQuestionNaively = (lists: readonly List[], question: Question): Match | undefined =>
  candidates(lists, lists.length, (item) =>
    item.kind === 'client'
      ? isInside(question.client, item.subject) && concerns(item, question, undefined)
      : matchesName(item, question.name) && concerns(item, question, question.name),
  )[0];

/** `targets` are names, then addresses. */
const judgeTargetsNaively = (
  lists: readonly List[],
  before: number,
  question: Question,
  names: readonly string[],
  addresses: readonly string[],
): Match | undefined => {
  const byName = names.flatMap((asked) =>
    candidates(lists, before, (item) => matchesName(item, asked) && concerns(item, question, asked)).slice(
      0,
      1,
    ),
  );
  // One address after the other, as if each were a target; the longest prefix of all of them is the one that counts.
  const byAddress = addresses
    .flatMap((asked) =>
      candidates(
        lists,
        before,
        (item) =>
          item.kind === 'prefix' && isInside(asked, item.subject) && concerns(item, question, undefined),
      ).slice(0, 1),
    )
    .sort((a, b) => a.list - b.list || lengthOf(b.rule) - lengthOf(a.rule));
  const all = [...byName, ...byAddress];
  const first = Math.min(...all.map((match) => match.list));
  const own = all.filter((match) => match.list === first);
  const refused = own.find(({ rule: item }) => item.action !== 'passthru');
  return own[0]?.precedence === 'action' ? (refused ?? own[0]) : own[0];
};

const ACTIONS = {
  list: ACTION.LIST,
  passthru: ACTION.PASSTHRU,
  nxdomain: ACTION.NXDOMAIN,
  drop: ACTION.DROP,
};

/** What decides about a verdict; which of equal rules it was does not. */
const format = (found: Match | undefined): string =>
  found === undefined ? 'passes' : `${found.list}:${found.line} ${ACTIONS[found.rule.action]}`;

const formatVerdict = ({ list: index, line, action }: Verdict): string =>
  index < 0 ? 'passes' : `${index}:${line} ${action}`;

const answer = fc.record({
  aliases: fc.array(name, { maxLength: 3 }),
  addresses: fc.array(address, { maxLength: 3 }),
});

test('question and answer are judged as a plain reading of rules with terms judges them', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(list, { minLength: 1, maxLength: 4 }),
      fc.record({ name, type, client }),
      answer,
      (lists, question, { aliases, addresses }) => {
        const policy = new Policy(
          {
            generation: 1,
            table: buildTable(lists.map(({ rules }) => rules.map(textOf))),
            lists: lists.map(({ precedence }, index) => policyList(`list-${index}`, { precedence })),
            groups: [{ name: 'default', lists: 0xffff_ffff }],
          },
          0,
        );
        const verdict = new Verdict();
        const wire = foldedName(question.name);
        const asker = createAddress();
        parseAddress(question.client, asker);
        const qtype = parseType(question.type) ?? 0;
        policy.judgeQuestion(wire, 0, wire.length, qtype, asker, 0, verdict);
        const expected = judgeQuestionNaively(lists, question);
        expect(formatVerdict(verdict)).toBe(format(expected));
        seen.add(expected === undefined ? 'passes' : `${expected.precedence} ${expected.rule.kind}`);
        if (verdict.refused) return;

        const owners = [question.name, ...aliases];
        const message = buildResponse({
          question: `${question.name}. A`,
          answer: [
            ...aliases.map((alias, index) => `${owners[index]}. 60 IN CNAME ${alias}.`),
            ...addresses.map((text) => `${owners.at(-1)}. 60 IN A ${text}`),
          ],
        });
        const end = questionEnd(message, message.length);
        const targets = collectTargets(message, message.length, end, wire);
        const names: string[] = [];
        for (let at = targets.namesStart; at < targets.namesEnd; at += 2 + (targets.names[at + 1] ?? 0)) {
          const length = targets.names[at + 1] ?? 0;
          names.push(formatName(targets.names.slice(at + 2, at + 2 + length)).slice(0, -1));
        }
        expect((targets.addressesEnd - targets.addressesStart) / TARGET_ADDRESS_WORDS).toBe(addresses.length);
        policy.judgeTargets(targets, 0, verdict);
        const before = expected?.list ?? lists.length;
        const found = judgeTargetsNaively(lists, before, question, names, addresses);
        expect(formatVerdict(verdict)).toBe(format(found));
        if (found !== undefined) seen.add(`target ${found.precedence} ${found.rule.kind}`);
      },
    ),
    { numRuns: RUNS },
  );
  // Every kind of rule decided at least once, or the runs show nothing about it.
  for (const kind of ['suffix', 'exact', 'wildcard', 'pattern']) {
    for (const precedence of ['specificity', 'action']) {
      expect(seen).toContain(`${precedence} ${kind}`);
      expect(seen).toContain(`target ${precedence} ${kind}`);
    }
  }
  for (const kind of ['specificity client', 'target specificity prefix', 'passes'])
    expect(seen).toContain(kind);
});
