// What `explain` says of exemptions: which rules do not count for whom, and what decides then.
import { expect, test } from 'vitest';
import { explain } from '../../../src/app/explain.ts';
import { nameFrom } from '../../../src/dns/dns.ts';
import type { SharedExemption } from '../../../src/policy/policy.ts';
import { prefixes } from '../pipeline/setup.ts';
import { configOf } from './setup.ts';

const FILES = { 'mandate.txt': 'tiktok.example\n', 'feed.txt': 'ads.example\nwww.tiktok.example\n' };
const CONFIG = `
lists:
  - { id: mandate, file: mandate.txt, format: domains, mandate: true }
  - { id: feed, file: feed.txt, format: domains }
groups:
  - { name: default, lists: [mandate, feed] }
`;

const exemption = (changes: Partial<SharedExemption>): SharedExemption => ({
  number: 3,
  fromMs: 0,
  untilMs: Date.now() + 3_600_000,
  groups: [],
  clients: prefixes('192.0.2.1/32'),
  ...changes,
});

const ask = (name: string, client: string, ...exemptions: SharedExemption[]) =>
  explain(configOf(CONFIG, FILES), nameFrom(name), client, false, undefined, '', exemptions);

test('a rule that an exemption takes out is named once, with the exemption, and the question passes', async () => {
  expect(await ask('tiktok.example', '192.0.2.1', exemption({}))).toMatchObject({
    outcome: 'passes',
    reason: undefined,
    exempted: [{ exemption: 'ex-000003', reason: { list: 'mandate', line: 1, trigger: 'qname' } }],
  });
});

test('a list that still counts refuses, beside the rule that does not', async () => {
  expect(await ask('www.tiktok.example', '192.0.2.1', exemption({ lists: ['mandate'] }))).toMatchObject({
    outcome: 'refused',
    reason: { list: 'feed', line: 2 },
    exempted: [{ exemption: 'ex-000003', reason: { list: 'mandate' } }],
  });
});

test.each([
  ['another client', '192.0.2.2', {}],
  ['another name', '192.0.2.1', { names: [nameFrom('portal.example')] }],
  ['one that is over', '192.0.2.1', { untilMs: 1 }],
])('%s is refused', async (_name, client, changes) => {
  expect(await ask('tiktok.example', client, exemption(changes))).toMatchObject({
    outcome: 'refused',
    reason: { list: 'mandate' },
    exempted: [],
  });
});
