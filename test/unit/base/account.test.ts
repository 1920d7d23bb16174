// Accounts and names: what proves two persons, and which spellings are one name.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Account,
  compareIdentities,
  foldPersonName,
  isAccount,
  isSameAccount,
  localAccount,
  type Persons,
  providedAccount,
  systemAccount,
} from '../../../src/base/base.ts';

const ADA: Account = 'oidc:https://id.example 1';
const BOB: Account = 'oidc:https://id.example 2';

describe('compareIdentities()', () => {
  test.each<[string, string, Account | undefined, string, Account | undefined]>([
    ['one', 'Ada', ADA, 'Ada', ADA],
    ['one', 'Ada', ADA, 'Somebody else', ADA],
    ['one', 'alice', 'system:1001@dns1', 'al', 'system:1001@dns2'],
    ['one', 'alice', 'system:1001@dns1', 'al', 'system:1001'],
    ['two', 'alice', 'system:1001@dns1', 'bob', 'system:1002@dns1'],
    ['two', 'Ada', ADA, 'Bob', BOB],
    ['two', 'Ada', ADA, 'Bob', 'oidc:https://id.other 1'],
    ['double', 'Ada Lovelace', ADA, 'ada lovelace', BOB],
    ['double', 'Ada Lovelace', ADA, 'AdaLovelace', 'local:p-000000000001'],
    ['double', 'alice', 'system:1001@dns1', 'Alice', ADA],
    ['unknown', 'Ada', undefined, 'Bob', BOB],
    ['unknown', 'Ada', ADA, 'Bob', undefined],
    ['unknown', 'Ada', undefined, 'Bob', undefined],
  ])('says %s of %s (%s) and %s (%s)', (wanted, name, account, otherName, other) => {
    const [a, b] = [
      { name, account },
      { name: otherName, account: other },
    ];
    expect([compareIdentities(a, b, []), compareIdentities(b, a, [])]).toEqual([wanted, wanted]);
  });

  test('takes nobody for two by what they are called', () => {
    const names = fc.string();
    const accounts = fc.constantFrom<Account | undefined>(
      ADA,
      'system:1@a',
      'local:p-000000000001',
      undefined,
    );
    fc.assert(
      fc.property(names, names, accounts, (name, other, account) => {
        expect(compareIdentities({ name, account }, { name: other, account }, [])).not.toBe('two');
      }),
    );
  });
});

test('accounts that are named as those of one person are linked, and no others', () => {
  const persons: Persons = [
    [ADA, 'system:1001'],
    ['system:1002', BOB],
  ];
  const compare = (a: Account, b: Account) =>
    compareIdentities({ name: 'a', account: a }, { name: 'b', account: b }, persons);
  expect(compare(ADA, 'system:1001@dns2')).toBe('linked');
  expect(compare('system:1001@dns2', ADA)).toBe('linked');
  expect(compare(BOB, 'system:1002@dns1')).toBe('linked');
  expect([compare(ADA, BOB), compare(ADA, 'system:1002')]).toEqual(['two', 'two']);
});

describe('foldPersonName()', () => {
  test.each([
    ['Ada Lovelace', 'adalovelace'],
    [' ada  LOVELACE\t', 'Ada Lovelace'],
    ['Ada\u00a0Lovelace', 'Ada Lovelace'],
    ['Ada\u200bLovelace', 'Ada Lovelace'],
    ['Ada\u00adLovelace', 'Ada Lovelace'],
    ['Ａda Lovelace', 'Ada Lovelace'],
    ['Jose\u0301', 'Jos\u00e9'],
    ['Jose\u00ad\u0301', 'Jos\u00e9'],
    ['Jose \u0301', 'Jos\u00e9'],
  ])('takes %j and %j for one', (a, b) => {
    expect(foldPersonName(a)).toBe(foldPersonName(b));
  });

  test.each([
    ['Ada', 'Bda'],
    ['J. Smith', 'J. Smyth'],
    ['Jose', 'Jos\u00e9'],
    ['Hans Weiss', 'Hans Wei\u00df'],
  ])('takes %j and %j for two', (a, b) => {
    expect(foldPersonName(a)).not.toBe(foldPersonName(b));
  });

  test('gives the same for what it gave', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        expect(foldPersonName(foldPersonName(name))).toBe(foldPersonName(name));
      }),
    );
  });
});

test('what makes accounts makes texts that are accounts', () => {
  for (const account of [
    localAccount('p-0123456789ab'),
    providedAccount('https://id.example/realms/a 24400320'),
    systemAccount(0, 'dns1.agency.example'),
  ])
    expect([account, isAccount(account)]).toEqual([account, true]);
  expect(isSameAccount('oidc:https://id.example a@b', 'oidc:https://id.example a@c')).toBe(false);
});
