// The table of acts: every act of the control room stands in it, and docs/acts.md says the same.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ACT_RULES, type ActRule } from '../../src/people/admin/act-rules.ts';
import { actsPage } from '../../src/people/admin/acts-page.ts';
import { ALL_OPERATIONS, isAt, needOf } from '../../src/people/admin/admin.ts';
import { root } from './sources.ts';

const acts = ALL_OPERATIONS.filter(([, operation]) => operation.method === 'POST' && isAt(operation, 'room'));

test('docs/acts.md is current', () => {
  expect(readFileSync(join(root, 'docs/acts.md'), 'utf8'), 'run npm run gen').toBe(actsPage());
});

test('every act has a rule, and no rule is of something else', () => {
  expect(Object.keys(ACT_RULES).sort()).toEqual(acts.map(([name]) => name).sort());
});

test('every rule says something for people', () => {
  for (const [name, { alone, second, never }] of Object.entries<ActRule>(ACT_RULES))
    expect([name, [alone, second, never].join('')]).not.toEqual([name, '']);
});

test('nobody does what no rule names', () => {
  const office = { isSole: true, isFirstDay: true };
  const given = { parameters: {}, query: {}, body: {} };
  for (const name of ['somethingNew', 'constructor', '__proto__', 'toString', ''])
    expect(needOf(name, {}, given, office)).toMatchObject({ persons: 'nobody' });
});

/** What reads alone, and what gives nobody anything by its nature: everything else that is a POST has to say why it may be alone. */
test('what gives rights, lets pass or tells who somebody is takes two where there are two', async () => {
  const office = { isSole: false, isFirstDay: false };
  const control = {
    confirmers: () => Promise.resolve(['approver']),
    status: () => Promise.resolve({ mandate: true }),
  };
  const given = { parameters: { list: 'x', person: 'x' }, query: {}, body: { ms: 1 } };
  const needs = await Promise.all(
    acts.map(async ([name]) => [name, (await needOf(name, control, given, office)).persons] as const),
  );
  expect(needs.filter(([, persons]) => persons === 'two').map(([name]) => name)).toEqual([
    'acceptList',
    'rollBackList',
    'reidentify',
    'listPseudonyms',
    'searchQueriesOf',
    'applyConfiguration',
    'addPerson',
    'setRoles',
    'enrolPerson',
    'removePerson',
    'addToken',
    'inviteResolver',
    'removeResolver',
    'setOverlay',
    'rotateFleetKey',
  ]);
  expect(needs.filter(([, persons]) => persons === 'summed').map(([name]) => name)).toEqual([
    'pause',
    'pauseFleet',
  ]);
});
