// Which views there are, and over which transports each is asked.
import { expect, test } from 'vitest';
import { parsePrefix } from '../../../src/base/base.ts';
import { ProbeScene } from '../../../src/probe/scene.ts';
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
