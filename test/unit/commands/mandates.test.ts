// cordon mandates and what check says of mandates.
import { expect, test } from 'vitest';
import { shippedMandates } from '../../../src/config/config.ts';
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
