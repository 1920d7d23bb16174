// Whose request it is and who grants it, as the register and the registers of nodes judge it: by accounts, never by names.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Account } from '../../../src/base/base.ts';
import { adoptStep } from '../../../src/evidence/exemptions/register-adoption.ts';
import { ExemptionCounts } from '../../../src/evidence/exemptions/register-facts.ts';
import { reconcileTexts } from '../../../src/evidence/exemptions/register-texts.ts';
import { readExemptionTexts } from '../../../src/evidence/exemptions/texts.ts';
import {
  createDirectory,
  day,
  HEAD,
  NOW,
  openRegister,
  outcomeOf,
  REQUEST,
  REQUESTER,
  type TestRegister,
  US_RULES,
} from './setup.ts';

const SELF = ['ERR_EXEMPTION_SELF_APPROVAL approved-by'];

/** The events of a grant, as another register takes them, with other accounts. */
const granted = (requesterAccount: Account | undefined, approverAccount: Account | undefined): object[] => {
  const { register, events } = openRegister();
  register.request(REQUEST, REQUESTER);
  register.approve('1', HEAD);
  return (structuredClone(events) as { paper: object }[]).map((event) => {
    const { requesterAccount: _, approverAccount: __, ...paper } = event.paper as Record<string, unknown>;
    const accounts = {
      ...(requesterAccount === undefined ? {} : { requesterAccount }),
      ...('approvedBy' in paper && approverAccount !== undefined ? { approverAccount } : {}),
    };
    return { ...event, paper: { ...paper, ...accounts } };
  });
};

const adopt = ({ register }: TestRegister, events: readonly object[]): string[] =>
  events
    .flatMap((event) => adoptStep(register, event, () => NOW))
    .map(({ code, field }) => `${code} ${field}`);

describe('a request', () => {
  test('has the account of who asked, whatever it says itself', () => {
    const { register } = openRegister();
    expect(register.request(REQUEST, REQUESTER).paper).toMatchObject({ requesterAccount: REQUESTER });
    const raw = { ...REQUEST, clients: ['192.0.2.1'], requesterAccount: HEAD.account };
    expect(outcomeOf(register.request(raw, REQUESTER))).toEqual(['ERR_EXEMPTION_FIELD requesterAccount']);
  });

  test('of an account that is not known is granted by nobody, and can be turned away', () => {
    const { register } = openRegister();
    register.request(REQUEST, undefined);
    expect(outcomeOf(register.approve('1', HEAD))).toEqual(SELF);
    expect(register.reject('1', { by: 'A. Head', reason: 'ask anew' }).state).toBe('rejected');
  });

  test('is granted by another user of the system, and not by the same one on another host', () => {
    const { register } = openRegister();
    register.request(REQUEST, 'system:1001@dns1');
    expect(outcomeOf(register.approve('1', { ...HEAD, account: 'system:1001@dns2' }))).toEqual(SELF);
    expect(outcomeOf(register.approve('1', { ...HEAD, account: 'system:1002@dns1' }))).toBe('active');
    expect(register.find('1').paper).toMatchObject({ approverAccount: 'system:1002@dns1' });
  });
});

describe('an approver of the configuration', () => {
  const approvers = [
    { name: 'D. Signee', account: 'system:1002', role: 'agency-head', delegation: undefined },
  ] as const;

  test('is an account, whatever it is called', () => {
    const { register } = openRegister({ ...US_RULES, approvers });
    register.request(REQUEST, REQUESTER);
    expect(outcomeOf(register.approve('1', { ...HEAD, by: 'D. Signee' }))).toEqual([
      'ERR_EXEMPTION_APPROVER approved-by',
    ]);
    expect(outcomeOf(register.approve('1', { by: 'd.s', account: 'system:1002@dns1' }))).toBe('active');
    expect(new ExemptionCounts(register).incomplete(NOW).size).toBe(0);
  });

  test('is known to a text by the name, which is all that a text has', () => {
    const { register } = openRegister({ ...US_RULES, approvers });
    const path = join(createDirectory(), 'a.yaml');
    const text = { ...REQUEST, from: day(0), 'approved-by': 'D. Signee' };
    writeFileSync(path, stringify(text));
    expect(reconcileTexts(register, readExemptionTexts(path), NOW)).toMatchObject({
      ...{ problems: [], added: ['ex-000001'] },
    });
    expect(new ExemptionCounts(register).incomplete(NOW).size).toBe(0);
    writeFileSync(path, stringify({ ...text, 'approved-by': 'E. Lse' }));
    expect(reconcileTexts(register, readExemptionTexts(path), NOW).problems).toMatchObject([
      { code: 'ERR_EXEMPTION_APPROVER' },
    ]);
  });

  test('is known by the name to what was granted before accounts were kept', () => {
    const held = openRegister({ ...US_RULES, approvers: [{ ...approvers[0], name: 'A. Head' }] });
    expect(adopt(held, granted(undefined, undefined))).toEqual([]);
    expect(new ExemptionCounts(held.register).incomplete(NOW).size).toBe(0);
  });

  test('that is an account is not known by a name without one', () => {
    const { register } = openRegister({ ...US_RULES, approvers });
    register.request(REQUEST, REQUESTER);
    expect(outcomeOf(register.approve('1', { ...HEAD, by: 'D. Signee', account: undefined }))).toEqual([
      ...SELF,
      'ERR_EXEMPTION_APPROVER approved-by',
    ]);
  });
});

describe('accounts that the configuration names as one person', () => {
  const persons: readonly (readonly Account[])[] = [[REQUESTER, 'system:1002', 'oidc:https://id.example 7']];

  test.each<Account>(['system:1002@dns1', 'system:1002', 'oidc:https://id.example 7'])(
    'are no second person: %s',
    (account) => {
      const { register } = openRegister({ ...US_RULES, persons });
      register.request(REQUEST, REQUESTER);
      expect(outcomeOf(register.approve('1', { ...HEAD, account }))).toEqual(SELF);
      expect(outcomeOf(register.approve('1', HEAD))).toBe('active');
    },
  );

  test('approve for others, each by what names it', () => {
    const approvers = [
      { name: 'D. Signee', account: 'system:1002', role: 'agency-head', delegation: undefined },
    ] as const;
    const { register } = openRegister({ ...US_RULES, approvers, persons });
    register.request(REQUEST, 'system:1003@dns1');
    expect(outcomeOf(register.approve('1', { ...HEAD, account: REQUESTER }))).toEqual([
      'ERR_EXEMPTION_APPROVER approved-by',
    ]);
    expect(outcomeOf(register.approve('1', { ...HEAD, account: 'system:1002@dns1' }))).toBe('active');
  });

  test('are looked at again in what was granted before they were named', () => {
    const { register } = openRegister();
    register.request(REQUEST, REQUESTER);
    expect(outcomeOf(register.approve('1', { ...HEAD, account: 'system:1002@dns1' }))).toBe('active');
    register.setRules({ ...US_RULES, persons });
    expect([...new ExemptionCounts(register).incomplete(NOW)]).toEqual(['ex-000001']);
  });

  test('grant nothing to another register', () => {
    const held = openRegister({ ...US_RULES, persons });
    expect(adopt(held, granted(REQUESTER, 'system:1002@dns1').slice(0, 2))).toEqual(SELF);
  });
});

describe('what another register granted', () => {
  test.each<[string, Account | undefined, Account | undefined, string[]]>([
    ['two accounts', REQUESTER, HEAD.account, []],
    ['names alone, as an earlier version wrote it', undefined, undefined, []],
    ['one account', REQUESTER, REQUESTER, SELF],
    ['an account and a name', REQUESTER, undefined, SELF],
    ['a name and an account', undefined, HEAD.account, SELF],
  ])('by %s is taken or not', (_, requester, approver, wanted) => {
    const held = openRegister();
    expect(adopt(held, granted(requester, approver).slice(0, 2))).toEqual(wanted);
    expect(held.register.toShared(NOW)).toHaveLength(wanted.length === 0 ? 1 : 0);
  });

  test('by names stays, and is not incomplete by that, also after a start', () => {
    const held = openRegister();
    adopt(held, granted(undefined, undefined));
    const { register } = held.reopen();
    expect(register.toShared(NOW)).toHaveLength(1);
    expect(new ExemptionCounts(register).incomplete(NOW).size).toBe(0);
  });
});
