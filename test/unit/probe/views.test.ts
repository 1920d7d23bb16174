// Who asks for a group: an address that really leads to it, or nobody.
import { expect, test } from 'vitest';
import { formatAddress, type Prefix, parsePrefix } from '../../../src/base/base.ts';
import { chooseAskers, reachListener } from '../../../src/evidence/probe/views.ts';
import { Clients } from '../../../src/policy/access/access.ts';
import { accessTable } from '../../support/clients.ts';

const prefixes = (...texts: string[]): Prefix[] =>
  texts.map((text) => {
    const prefix = parsePrefix(text);
    if (prefix === undefined) throw new TypeError(text);
    return prefix;
  });

const ALLOWED = ['127.0.0.0/8', '10.0.0.0/8', '2001:db8::/32'];

interface Network {
  readonly groups: readonly (readonly string[])[];
  readonly listeners?: readonly (readonly string[])[];
  readonly allow?: readonly string[];
  readonly avoid?: readonly string[];
}

const choose = ({ groups, listeners, allow = ALLOWED, avoid = [] }: Network): string[][] => {
  const access = accessTable({
    allow: prefixes(...allow),
    groups: groups.map((texts) => prefixes(...texts)),
    listeners: listeners ?? groups.map(() => []),
  });
  const names = groups.map((_, index) => `g${index}`);
  const chosen = chooseAskers(access, names, prefixes(...avoid));
  const clients = new Clients(access);
  for (const [index, { askers }] of chosen.entries()) {
    for (const { address, listener } of askers) {
      expect(clients.identify(address, listener)).toMatchObject({ group: index, allowed: true });
    }
  }
  return chosen.map(({ askers }) =>
    askers.map(({ address, listener }) => `${formatAddress(address)}${listener}`),
  );
};

test('a group is asked for from its own prefix, the default group from what is left', () => {
  expect(choose({ groups: [[], ['10.1.0.0/16'], ['10.1.2.0/24']] })).toEqual([
    ['10.0.0.0', '2001:db8::'],
    ['10.1.0.0'],
    ['10.1.2.0'],
  ]);
});

test('one of each family', () => {
  expect(choose({ groups: [[], ['10.1.0.0/16', '2001:db8:1::/48']] })[1]).toEqual([
    '10.1.0.0',
    '2001:db8:1::',
  ]);
});

test('past more specific prefixes of others', () => {
  const groups = [[], ['10.1.0.0/24'], ['10.1.0.0/25', '10.1.0.128/26']];
  expect(choose({ groups })[1]).toEqual(['10.1.0.192']);
  expect(
    choose({ groups: [[], ['10.1.0.0/16'], ['10.1.0.0/17', '10.1.128.0/18'], ['10.1.192.0/19']] })[1],
  ).toEqual(['10.1.224.0']);
});

test('nobody belongs to a group that others cover wholly, or that may not ask', () => {
  expect(choose({ groups: [[], ['10.1.0.0/24'], ['10.1.0.0/25', '10.1.0.128/25']] })[1]).toEqual([]);
  expect(choose({ groups: [[], ['192.0.2.0/24']] })[1]).toEqual([]);
  expect(choose({ groups: [[], ['10.0.0.0/8', '127.0.0.0/8', '2001:db8::/32']] })[0]).toEqual([]);
});

test('a group of which only a part may ask is asked for from that part', () => {
  expect(choose({ groups: [[], ['10.0.0.0/8']], allow: ['10.9.8.0/24'] })[1]).toEqual(['10.9.8.0']);
});

test('a group by listener is asked for at the listener', () => {
  const listeners = [[], ['10.0.0.1:53']];
  expect(choose({ groups: [[], []], listeners })[1]).toEqual(['10.0.0.010.0.0.1:53']);
});

test('the clients of exemptions are left alone where there are others', () => {
  const groups = [[], ['10.1.0.0/16']];
  expect(choose({ groups, avoid: ['10.1.0.0/24'] })[1]).toEqual(['10.1.1.0']);
  expect(choose({ groups, avoid: ['10.0.0.0/8'] })[1]).toEqual(['10.1.0.0']);
});

test('a listener on every address is asked on the loopback', async () => {
  expect(await reachListener({ address: '0.0.0.0', port: 53, family: 4 })).toMatchObject({
    server: { address: '127.0.0.1', port: 53 },
    client: Uint32Array.of(0, 0, 0xffff, 0x7f000001),
  });
});
