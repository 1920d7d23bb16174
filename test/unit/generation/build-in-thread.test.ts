// A generation that another thread builds is the one that would have been built here, and nobody waits for ever.
import { expect, test } from 'vitest';
import { buildGeneration } from '../../../src/policy/generation/build.ts';
import { buildInThread } from '../../../src/policy/generation/build-in-thread.ts';
import { lineOf } from '../../../src/policy/lists/lists.ts';
import type { LocalRecord } from '../../../src/policy/policy.ts';
import { HEADER_WORDS, layOut, readExtras, readSizes, WORD_BYTES } from '../../../src/policy/table-layout.ts';
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

/**
 * A number of this size in an object of the shape of a record has V8 keep that number of all of them in another form from here
 * on, and write it so into the table: what a process did before is seen in the bytes, and means nothing.
 */
const manyYears: LocalRecord = { type: 1, ttlSec: 2 ** 32 - 1, rdata: new Uint8Array(4) };

/** A table without the bytes of what few rules have, and these as what they say. */
const partsOf = (table: SharedArrayBuffer): unknown => {
  const whole = readSizes(table);
  if (whole === undefined) throw new TypeError('no table');
  const { extras, records } = layOut(whole);
  const { extraBytes, ...sizes } = whole;
  const bytes = Buffer.from(table);
  const rest = Buffer.concat([bytes.subarray(HEADER_WORDS * WORD_BYTES, extras), bytes.subarray(records)]);
  return { sizes, rest, extras: readExtras(bytes.subarray(extras, extras + extraBytes)) };
};

test('buildAside() gives what buildGeneration() gives', async () => {
  expect(manyYears.ttlSec).toBeGreaterThan(2 ** 31);
  const config = configOf(CONFIG, FILES);
  const here = buildGeneration(config, 3, 1234);
  const aside = await buildInThread(config, 3, 1234, () => undefined);
  expect({ ...aside, policy: { ...aside.policy, table: undefined } }).toEqual({
    ...here,
    policy: { ...here.policy, table: undefined },
  });
  expect(partsOf(aside.policy.table)).toEqual(partsOf(here.policy.table));
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
