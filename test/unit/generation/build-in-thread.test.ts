// A generation that another thread builds is the one that would have been built here, and nobody waits for ever.
import { expect, test } from 'vitest';
import { buildGeneration } from '../../../src/policy/generation/build.ts';
import { buildInThread } from '../../../src/policy/generation/build-in-thread.ts';
import { lineOf } from '../../../src/policy/lists/lists.ts';
import { configOf, refusing } from '../app/setup.ts';

const CONFIG = `
lists:
  - { id: local, file: local.txt, format: domains }
  - { id: zone, file: zone.rpz, format: rpz }
  - { id: tiktok, shipped: tiktok }
groups:
  - { name: default, lists: [local, zone, tiktok] }
  - { name: lab, clients: ["192.0.2.0/24"], lists: [] }
`;
const FILES = {
  'local.txt': 'listed.example\nbad..name\n',
  'zone.rpz': '$TTL 60\n@ SOA a. b. 7 1 1 1 1\n@ NS a.\nx.example CNAME .\nz.example A 192.0.2.1\n',
};

test('buildAside() gives what buildGeneration() gives', async () => {
  const config = configOf(CONFIG, FILES);
  const here = buildGeneration(config, 3, 1234);
  const aside = await buildInThread(config, 3, 1234, () => undefined);
  expect({ ...aside, policy: { ...aside.policy, table: undefined } }).toEqual({
    ...here,
    policy: { ...here.policy, table: undefined },
  });
  expect(Buffer.from(aside.policy.table).equals(Buffer.from(here.policy.table))).toBe(true);
  for (const name of ['listed.example', 'x.example', 'www.tiktok.com']) {
    expect(refusing(aside, name)).toBe(refusing(here, name));
  }
  const { loaded } = aside.lists.find(({ id }) => id === 'local') ?? {};
  expect(loaded && lineOf(loaded, 1)?.text).toBe('listed.example');
});

test('buildAside() rejects with what is wrong with a list, and after its time', async () => {
  const broken = configOf(CONFIG, { ...FILES, 'local.txt': 'com\n' });
  await expect(buildInThread(broken, 1, 0, () => undefined)).rejects.toMatchObject({
    code: 'ERR_LIST_EMPTY',
  });
  const config = configOf(CONFIG, FILES);
  await expect(buildInThread(config, 1, 0, () => undefined, 0)).rejects.toMatchObject({
    code: 'ERR_LIST_READ',
    message: expect.stringContaining('not done within') as string,
  });
});
