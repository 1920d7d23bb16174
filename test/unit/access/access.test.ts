// Who a client is: the group of the most specific prefix, and whether it is answered at all.
import { describe, expect, test } from 'vitest';
import { type Prefix, parsePrefix } from '../../../src/base/base.ts';
import { clientsOf } from '../../support/clients.ts';

/** More addresses than identities are remembered. */
const MANY_ADDRESSES = 40_000;

const prefixes = (...texts: string[]): Prefix[] =>
  texts.map((text) => {
    const prefix = parsePrefix(text);
    if (prefix === undefined) throw new TypeError(`"${text}" is not a prefix`);
    return prefix;
  });

const RULES = {
  allow: prefixes('192.0.2.0/24', '2001:db8::/32', 'fe80::/10', '::1/128'),
  groups: [
    [],
    prefixes('192.0.2.0/25', '2001:db8:1::/48'),
    prefixes('192.0.2.64/26', '192.0.2.7', 'fe80::/64'),
    prefixes('192.0.2.65', '198.51.100.0/24'),
  ],
  listeners: [[], [], ['inner'], ['outer', 'last']],
};

describe('identify()', () => {
  const clients = clientsOf(RULES);

  test.each([
    ['192.0.2.1', 1, true],
    ['192.0.2.7', 2, true],
    ['192.0.2.64', 2, true],
    ['192.0.2.65', 3, true],
    ['192.0.2.127', 2, true],
    ['192.0.2.128', 0, true],
    ['192.0.2.255', 0, true],
    ['192.0.3.0', 0, false],
    ['198.51.100.1', 3, false],
    ['::ffff:192.0.2.65', 3, true],
    ['::ffff:203.0.113.1', 0, false],
    ['2001:db8::1', 0, true],
    ['2001:db8:1::1', 1, true],
    ['2001:DB8:1:0:0:0:0:1', 1, true],
    ['2001:db9::1', 0, false],
    ['fe80::1%eth0', 2, true],
    ['fe80::1%2', 2, true],
    ['fe80:0:0:1::1%eth0', 0, true],
    ['::1', 0, true],
    ['::', 0, false],
  ])('%s is of group %i, answered: %s', (address, group, allowed) => {
    for (let again = 0; again < 2; again++)
      expect(clients.identifyText(address)).toEqual({ group, allowed, readsCache: false, view: 0 });
  });

  test('who may ask without RD is told for each prefix, whatever the group', () => {
    const some = clientsOf({ ...RULES, readCache: prefixes('192.0.2.64/31', '198.51.100.1') });
    const readers = ['192.0.2.64', '192.0.2.65', '192.0.2.66', '198.51.100.1', '::1'];
    expect(readers.map((address) => some.identifyText(address))).toMatchObject([
      { group: 2, allowed: true, readsCache: true },
      { group: 3, allowed: true, readsCache: true },
      { group: 2, allowed: true, readsCache: false },
      { group: 3, allowed: false, readsCache: true },
      { group: 0, allowed: true, readsCache: false },
    ]);
    expect(some.identifyText('192.0.2.64', 'inner')).toMatchObject({ group: 2, readsCache: true });
  });

  test.each(['', 'localhost', '192.0.2', '192.0.2.01', '192.0.2.1:53', '1.2.3.4.5', '2001:db8:::1'])(
    'what is no address is not answered: "%s"',
    (text) => {
      expect(clients.identifyText(text)).toEqual({ group: 0, allowed: false, readsCache: false, view: 0 });
    },
  );

  test('allows nobody without prefixes', () => {
    const nobody = clientsOf({ allow: [], groups: [[]], listeners: [] });
    expect(nobody.identifyText('127.0.0.1')).toEqual({
      group: 0,
      allowed: false,
      readsCache: false,
      view: 0,
    });
  });

  test('allows everybody by the two prefixes of length 0', () => {
    const everybody = clientsOf({ allow: prefixes('0.0.0.0/0', '::/0'), groups: [[]], listeners: [] });
    for (const address of ['203.0.113.1', '2001:db8::1'])
      expect(everybody.identifyText(address).allowed).toBe(true);
  });

  test('an IPv4 prefix of length 0 holds no IPv6 address', () => {
    const ipv4 = clientsOf({ allow: prefixes('0.0.0.0/0'), groups: [[]], listeners: [] });
    expect(ipv4.identifyText('203.0.113.1').allowed).toBe(true);
    expect(ipv4.identifyText('2001:db8::1').allowed).toBe(false);
  });

  test.each([
    ['192.0.2.1', '', 1, true],
    ['192.0.2.1', 'other', 1, true],
    ['192.0.2.1', 'inner', 2, true],
    ['192.0.2.200', 'inner', 2, true],
    ['192.0.2.65', 'inner', 2, true],
    ['192.0.2.1', 'last', 3, true],
    ['203.0.113.1', 'last', 3, false],
  ])('%s asking the listener "%s" is of group %i, answered: %s', (address, listener, group, allowed) => {
    for (let again = 0; again < 2; again++) {
      expect(clients.identifyText(address, listener)).toEqual({ group, allowed, readsCache: false, view: 0 });
    }
  });

  test('256 groups', () => {
    const groups = Array.from({ length: 256 }, (_, index) =>
      index === 0 ? [] : prefixes(`192.0.2.${index}`),
    );
    const many = clientsOf({ allow: RULES.allow, groups, listeners: [] });
    for (let index = 0; index < 256; index++) expect(many.identifyText(`192.0.2.${index}`).group).toBe(index);
  });
});

describe('the table of known addresses', () => {
  test('makes no object per query', () => {
    const clients = clientsOf(RULES);
    expect(clients.identifyText('192.0.2.1')).toBe(clients.identifyText('192.0.2.1'));
  });

  test('answers right whoever took the place of whom', () => {
    const clients = clientsOf(RULES);
    const first = clients.identifyText('192.0.2.65');
    for (let index = 0; index < MANY_ADDRESSES; index++)
      expect(clients.identifyText(`203.0.${index >> 8}.${index & 0xff}`).allowed).toBe(false);
    expect(clients.identifyText('192.0.2.65')).toEqual(first);
  });
});
