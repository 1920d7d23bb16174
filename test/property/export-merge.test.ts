// Lists merged for an export, read by the longest name as other programs do, against the lists as Cordon judges them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAddress } from '../../src/base/base.ts';
import { ExportMerge, type MergedRules } from '../../src/policy/lists/lists.ts';
import {
  MATCH,
  Policy,
  type Precedence,
  type RuleTerms,
  TableBuilder,
  Verdict,
} from '../../src/policy/policy.ts';
import { nameFrom, TYPE } from '../../src/wire/dns/dns.ts';
import { runsInTwo } from '../support/night.ts';
import { foldedName, policyList } from '../unit/policy/setup.ts';

const RUNS = 250;
const PASSTHRU: RuleTerms = { action: { kind: 'passthru' } };

/** Few names, so that several rules have the same one; a dot may be part of a label. */
const few = fc.constantFrom('a', 'b.a', 'a.b.a');
const any = fc.array(fc.constantFrom('a', 'b', 'ab', 'a\\.b'), { minLength: 1, maxLength: 3 });
const name = fc.oneof(
  { weight: 3, arbitrary: few },
  any.map((labels) => labels.join('.')),
);
const rule = fc.record({
  match: fc.constantFrom(MATCH.SUFFIX, MATCH.EXACT, MATCH.WILDCARD),
  name,
  isPass: fc.boolean(),
  isImportant: fc.boolean(),
});
const list = fc.record({
  precedence: fc.constantFrom<Precedence>('specificity', 'action'),
  isAllow: fc.boolean(),
  rules: fc.array(rule, { maxLength: 6 }),
});
type List = typeof list extends fc.Arbitrary<infer Item> ? Item : never;

const feed = ({ rules }: List, sink: ReturnType<TableBuilder['sinkFor']>, isAllow: boolean): void => {
  for (const [index, item] of rules.entries()) {
    const wire = nameFrom(item.name);
    const action = item.isPass || isAllow ? PASSTHRU.action : ({ kind: 'list' } as const);
    sink.addName(item.match, wire, wire.length, index + 1, { action, isImportant: item.isImportant });
  }
};

const open = (builder: TableBuilder, precedences: readonly Precedence[], mandates = 0): Policy =>
  new Policy(
    {
      generation: 1,
      table: builder.build(),
      lists: precedences.map((precedence, index) =>
        policyList(`list-${index}`, { precedence, mandate: index < mandates }),
      ),
      groups: [{ name: 'default', lists: 0xffff_ffff }],
    },
    0,
  );

/** The lists one after the other, as they are in force. */
const openLists = (lists: readonly List[], mandates = 0): Policy => {
  const builder = new TableBuilder();
  for (const [index, item] of lists.entries()) feed(item, builder.sinkFor(index), item.isAllow);
  return open(
    builder,
    lists.map(({ precedence }) => precedence),
    mandates,
  );
};

/** The merged rules as another program has them: one list, each trigger once. */
const openMerged = ({ rules }: MergedRules, precedence: Precedence): Policy => {
  const builder = new TableBuilder();
  const seen = new Set<string>();
  for (const { match, text, action } of rules) {
    if (seen.has(`${match} ${text}`)) continue;
    seen.add(`${match} ${text}`);
    const wire = nameFrom(text);
    builder.sinkFor(0).addName(match, wire, wire.length, 1, action === 'list' ? undefined : PASSTHRU);
  }
  return open(builder, [precedence]);
};

const verdict = new Verdict();
const refuses = (policy: Policy, asked: string): boolean => {
  const wire = foldedName(asked);
  policy.judgeQuestion(wire, 0, wire.length, TYPE.A, createAddress(), 0, verdict);
  return verdict.refused;
};

const merge = (lists: readonly List[], isPassingFirst: boolean, mandates = 0): MergedRules => {
  const merged = new ExportMerge();
  for (const item of lists) feed(item, merged.addList(item.precedence, item.isAllow), false);
  return merged.merge([...lists.keys()], isPassingFirst, new Set([...lists.keys()].slice(0, mandates)));
};

const lists = fc.array(list, { minLength: 1, maxLength: 4 });
const asked = fc.array(name, { minLength: 1, maxLength: 12 });

for (const [options, runs] of runsInTwo(RUNS, 8)) {
  test(`a merged set refuses exactly what its lists refuse: ${runs} sets`, options, () => {
    fc.assert(
      fc.property(lists, asked, (items, names) => {
        const policy = openLists(items);
        const merged = openMerged(merge(items, false), 'specificity');
        const wanted = items.flatMap(({ rules }) => rules.flatMap((item) => [item.name, `b.${item.name}`]));
        const differ = [...names, ...wanted].filter((one) => refuses(merged, one) !== refuses(policy, one));
        expect(differ).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  test(
    `where exceptions go first, a merged set frees nothing that its lists refuse: ${runs} sets`,
    options,
    () => {
      fc.assert(
        fc.property(lists, asked, (items, names) => {
          const policy = openLists(items);
          const merged = openMerged(merge(items, true), 'action');
          const wanted = items.flatMap(({ rules }) => rules.map((item) => item.name));
          const freed = [...names, ...wanted].filter((one) => refuses(policy, one) && !refuses(merged, one));
          expect(freed).toEqual([]);
        }),
        { numRuns: runs },
      );
    },
  );

  test.each([false, true])(
    `a merged set frees nothing that a mandate list refuses, whatever another one lets pass (exceptions first: %s): ${runs} sets`,
    options,
    (isPassingFirst) => {
      fc.assert(
        fc.property(lists, asked, fc.nat(4), (items, names, mandates) => {
          const own = items.map((item, index) => (index < mandates ? { ...item, isAllow: false } : item));
          const policy = openLists(own, mandates);
          const merged = openMerged(
            merge(own, isPassingFirst, mandates),
            isPassingFirst ? 'action' : 'specificity',
          );
          const wanted = own.flatMap(({ rules }) => rules.flatMap((item) => [item.name, `b.${item.name}`]));
          const freed = [...names, ...wanted].filter((one) => refuses(policy, one) && !refuses(merged, one));
          expect(freed).toEqual([]);
        }),
        { numRuns: runs },
      );
    },
  );
}
