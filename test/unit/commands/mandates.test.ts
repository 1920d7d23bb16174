// cordon mandates and what check says of mandates.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readPacks } from '../../../proof/packs.ts';
import { shippedMandateFile, shippedMandates } from '../../../src/config/config.ts';
import { cordon } from './setup.ts';

const CONFIG = `state: state
mandates: [us-federal-tiktok, us-texas]
groups:
  - { name: default, lists: [] }
  - { name: press, clients: [192.0.2.0/28], lists: [], out-of-scope: [wechat] }
mandate-decisions: [{ mandate: us-federal-tiktok, of: repealed, outcome: keep, authority: CIO, reference: Memo 7, reason: so, from: "2026-12-01", decided-by: A, confirmed-by: B }]
`;

test('list shows what ships, what binds here, how it stands, and whom it reaches', async () => {
  const { stdout, code } = await cordon(['mandates', 'list'], { 'cordon.yaml': CONFIG });
  expect(code).toBe(0);
  for (const id of shippedMandates()) expect(stdout).toContain(`${id} `);
  expect(stdout).toMatch(/us-federal-tiktok +yes +disputed +keep +4\/6 second-hand/);
  expect(stdout).toMatch(/us-texas +whole +part \(out of scope: wechat\)/);
});

test('show names source and certainty of each sentence, and refuses what is none', async () => {
  const { stdout } = await cordon(['mandates', 'show', 'us-federal-tiktok'], {});
  expect(stdout).toContain('STANDING: disputed since 2026-07');
  // Each reading of the dispute says that it is known at second hand.
  expect(stdout.match(/^ {2}- (?:It|The guidance|Contracts) .*second-hand\]$/gm)).toHaveLength(4);
  expect((await cordon(['mandates', 'show', 'nowhere'], {})).stderr).toContain('these do: au-pspf');
});

test('export writes what cordon-proof takes: an agency’s own pack with the names that are refused here', async () => {
  const pack = readFileSync(shippedMandateFile('be-federal-tiktok'), 'utf8')
    .replace('id: be-federal-tiktok', 'id: agency-rule')
    .replace('lists: [tiktok, bytedance-backend, bytedance-prefixes]', 'lists: [ours]');
  const lifted =
    'mandate-decisions: [{ mandate: uk-tiktok, of: in-force, outcome: lift, authority: CIO, reference: Memo 7, reason: so, from: "2026-12-01", decided-by: A, confirmed-by: B }]';
  const { stdout, stderr, code } = await cordon(['mandates', 'export'], {
    'cordon.yaml': `state: state\nmandates: [agency.yaml, us-texas, uk-tiktok]\nextra-lists: [{ id: ours, file: ours.txt, format: adblock }]\n${lifted}\n`,
    'agency.yaml': pack,
    'ours.txt': '||banned.example^\n|only.example^\n/^ads[0-9]/\n@@||open.banned.example^\n',
  });
  expect(code).toBe(0);
  const { mandates, lists } = readPacks(stdout);
  expect(mandates.map(({ id }) => id)).toEqual(['agency-rule', 'us-texas']);
  expect(mandates[0]).toMatchObject({
    lists: ['ours'],
    sha256: createHash('sha256').update(pack).digest('hex'),
    standing: 'in-force',
  });
  expect(mandates[1]?.notHeld).toContain('texas-domains: the list is not here');
  expect(lists.find(({ id }) => id === 'ours')?.names).toContainEqual(['banned.example', 'suffix']);
  // What is asked beside a mandate, from the lists that are in force here.
  expect(lists.map(({ id }) => id)).toContain('canary');
  expect(stderr).toMatch(
    /^mandate agency-rule: ours\nmandate us-texas: tiktok, [\s\S]*^not asked for: .*ours/m,
  );
});

test('check tells every gap', async () => {
  const { stdout, code } = await cordon(['check'], { 'cordon.yaml': CONFIG });
  expect(code).toBe(0);
  for (const gap of [
    'it is disputed since 2026-07',
    'it was decided about (keep) when it was repealed, and is disputed now',
    'known at second hand only: act, far-2026, olc, m-26-17',
    'no list "texas-domains" is here',
    'no list ships for Tencent, Alipay',
    'no list is complete for PDD and Temu',
  ])
    expect(stdout).toContain(`#   gap: ${gap}`);
  const old = await cordon(['check'], {
    'cordon.yaml': 'state: state\ncompliance: { profile: be-federal }\n',
  });
  expect(old.stdout).toContain('is read for this release only; write mandates: [be-federal-tiktok]');
});
