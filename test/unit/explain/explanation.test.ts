// What an explanation says of exemptions: which rules do not count for whom, and what decides then.
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/base.ts';
import { Clients } from '../../../src/policy/access/access.ts';
import { buildGeneration } from '../../../src/policy/generation/build.ts';
import { compileExemptions, Policy, type SharedExemption } from '../../../src/policy/policy.ts';
import { AnswerCache } from '../../../src/resolver/cache/cache.ts';
import { type Asked, traceQuestions } from '../../../src/resolver/explain/explain.ts';
import { explainTraced } from '../../../src/resolver/inquiry/explain.ts';
import type { Explanation } from '../../../src/resolver/inquiry/inquiry.ts';
import { LocalZones } from '../../../src/resolver/local/local.ts';
import { nameFrom, TYPE } from '../../../src/wire/dns/dns.ts';
import { configOf } from '../app/setup.ts';
import { prefixes } from '../pipeline/setup.ts';

const FILES = { 'mandate.txt': 'tiktok.example\n', 'feed.txt': 'ads.example\nwww.tiktok.example\n' };
const CONFIG = `
lists:
  - { id: mandate, file: mandate.txt, format: domains, mandate: true }
  - { id: feed, file: feed.txt, format: domains }
groups:
  - { name: default, lists: [mandate, feed] }
access: { allow: ["192.0.2.0/24"] }
`;

const exemption = (changes: Partial<SharedExemption>): SharedExemption => ({
  number: 3,
  fromMs: 0,
  untilMs: Date.now() + 3_600_000,
  groups: [],
  clients: prefixes('192.0.2.1/32'),
  ...changes,
});

const ask = async (name: string, client: string, ...exemptions: SharedExemption[]): Promise<Explanation> => {
  const config = configOf(CONFIG, FILES);
  const generation = buildGeneration(config, 1, systemClock());
  const asked: Asked = {
    name: nameFrom(name),
    types: [TYPE.A, TYPE.AAAA],
    client,
    listener: '',
    follows: false,
  };
  const traced = await traceQuestions(
    {
      rules: {
        policy: new Policy(generation.policy, systemClock()),
        clients: new Clients(generation.access),
        localZones: new LocalZones([]),
        ttlLimits: { minSec: 0, maxSec: 60, negativeMaxSec: 60 },
      },
      resolver: { resolve: () => expect.unreachable('asked upstream') },
      isInForce: () => true,
      cache: new AnswerCache({ sizeBytes: 1 << 16, observer: { cacheEvicted: () => {} } }),
      clock: systemClock,
      exemptions: compileExemptions(exemptions),
    },
    asked,
  );
  return explainTraced(asked, traced, { config, generation, listen: config.listen.dns, encrypted: [] });
};

test('a rule that an exemption takes out is named once, with the exemption, and the question passes', async () => {
  const found = await ask('tiktok.example', '192.0.2.1', exemption({}));
  expect(found).toMatchObject({
    outcome: 'passes',
    reason: undefined,
    exempted: [{ exemption: 'ex-000003', reason: { list: 'mandate', line: 1, trigger: 'qname' } }],
  });
  expect(found.exempted).toHaveLength(1);
  expect(found.answers[0]?.outcome).toBe('passes by exemption ex-000003');
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
  ['one that has ended', '192.0.2.1', { untilMs: 1 }],
])('%s is refused', async (_name, client, changes) => {
  expect(await ask('tiktok.example', client, exemption(changes))).toMatchObject({
    outcome: 'refused',
    reason: { list: 'mandate' },
    exempted: [],
  });
});
