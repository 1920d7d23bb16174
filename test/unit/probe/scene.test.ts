// Which views there are, and over which transports each is asked.
import { expect, test } from 'vitest';
import { parsePrefix } from '../../../src/base/base.ts';
import { ProbeScene } from '../../../src/evidence/probe/scene.ts';
import { accessTable } from '../../support/clients.ts';

const allowed = parsePrefix('10.0.0.0/8');

const transportsOf = async (encrypted?: readonly ('dot' | 'doh')[]): Promise<readonly string[][]> => {
  const scene = await ProbeScene.create({
    groups: [{ name: 'default', lists: 1 }],
    outOfScope: [[]],
    mandates: ['tiktok'],
    access: accessTable({ allow: allowed === undefined ? [] : [allowed], groups: [[]], listeners: [[]] }),
    listen: [],
    ...(encrypted && { encrypted }),
    exemptions: [],
  });
  return scene.views.map(({ transports }) => [...transports]);
};

test('a view is asked over each transport that clients of it may have', async () => {
  expect(await transportsOf()).toEqual([['udp', 'tcp']]);
  expect(await transportsOf(['dot'])).toEqual([['udp', 'tcp', 'dot']]);
  expect(await transportsOf(['dot', 'doh'])).toEqual([['udp', 'tcp', 'dot', 'doh']]);
});

const secureAt = (...transports: readonly ('dot' | 'doh' | 'doq')[]) => ({
  listeners: transports.map((transport) => ({
    transport,
    endpoint: { address: '127.0.0.1', port: 853, family: 4 as const },
    requiresCertificate: false,
  })),
  name: 'dns.example',
  discoveredAt: [],
  path: '/dns-query',
});

const sceneOf = (serverNames: readonly (readonly string[])[], secure: ReturnType<typeof secureAt>) => {
  const loopback = parsePrefix('127.0.0.0/8');
  const groups = serverNames.map((_, index) => ({ name: `g${index}`, lists: 1 }));
  const none = groups.map(() => []);
  const access = accessTable({
    allow: loopback === undefined ? [] : [loopback],
    groups: none,
    listeners: none,
  });
  const rules = { certificates: none, tokens: none, serverNames };
  return ProbeScene.create({
    groups,
    outOfScope: none,
    mandates: ['tiktok'],
    access: { ...access, identities: { rules, revoked: { fingerprints: [], serials: [] } } },
    listen: [],
    secure,
    exemptions: [],
  });
};

const listenersOf = ({ views }: ProbeScene): string[] =>
  views
    .filter(({ kind }) => kind === 'listener')
    .map(({ id, transports }) => `${id} ${transports.join(' ')}`);

test('DNS over TLS and over QUIC at one address are one view with two transports', async () => {
  expect(listenersOf(await sceneOf([[]], secureAt('dot', 'doq')))).toEqual([
    'listener:127.0.0.1:853 dot doq',
  ]);
});

test('listeners are asked by one name of each group, of some of them, and runs name the others', async () => {
  const names = Array.from({ length: 11 }, (_, index) => [`n${index}.example`, `m${index}.example`]);
  const scene = await sceneOf([[], ['dns.example', 'same.example'], ...names], secureAt('doq'));
  expect(listenersOf(scene)).toEqual([
    'listener:127.0.0.1:853 doq',
    ...names.slice(0, 8).map(([name]) => `listener:127.0.0.1:853@${name} doq`),
  ]);
  expect(scene.unasked.filter(({ view }) => view.startsWith('listener:'))).toEqual([
    {
      view: 'listener:127.0.0.1:853',
      reason: 'as g10, g11, g12: no more than 8 names of groups are asked by',
    },
  ]);
});
