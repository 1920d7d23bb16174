// The register of exemptions is a cache of the signed chain: what the chain does not bear out is suspended, and what time or
// a disk took from the chain costs no valid exemption.
import { cpSync, readdirSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { registerWitnesses } from '../../../src/evidence/exemptions/register-witness.ts';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import { verifyRecords } from '../../../src/evidence/records/verify.ts';
import { forgeRegister, type RegisterRow } from '../../support/register-forgery.ts';
import { adminRecord, Bench } from '../records/setup.ts';
import { startRun } from './run.ts';
import { createDirectory, DAY_MS, day, HEAD, NOW, REQUEST, REQUESTER } from './setup.ts';

const findingsOf = async (state: string): Promise<string[]> => {
  const { findings } = await verifyRecords(join(state, 'records'), { witnesses: registerWitnesses(state) });
  return findings.map(({ code, text }) => `${code}: ${text}`);
};
const registerOf = (state: string): string => join(state, 'register.sqlite');
/** One exemption that is granted, and one that was revoked. */
const lived = async (): Promise<{ state: string; nowMs: number }> => {
  const state = createDirectory();
  const run = await startRun(state, NOW);
  await run.grant();
  await run.grant();
  await run.revoke('ex-000002');
  expect(run.inForce()).toEqual([1]);
  const nowMs = (await run.stop()) + 60_000;
  expect(await findingsOf(state)).toEqual([]);
  return { state, nowMs };
};

test('a restart, and one after a kill, leave in force what is granted', async () => {
  const { state, nowMs } = await lived();
  const run = await startRun(state, nowMs);
  expect(run.inForce()).toEqual([1]);
  expect(run.errors).toEqual([]);
  await run.grant();
  const after = await startRun(state, run.crash() + 5_000);
  expect(after.inForce()).toEqual([1, 3]);
  expect(after.errors).toEqual([]);
  await after.stop();
  expect(await findingsOf(state)).toEqual([]);
});

test('what was granted or ended a moment ago is no finding of a program that runs', async () => {
  const { state, nowMs } = await lived();
  const run = await startRun(state, nowMs);
  const verify = async () => {
    const witnesses = registerWitnesses(state);
    const options = { witnesses, nowMs: run.bench.nowMs + 1_000 };
    const { findings, young } = await verifyRecords(join(state, 'records'), options);
    return { findings, young };
  };
  const clients = ['192.0.2.128/29'];
  await run.keeper.change((to) => to.request({ ...REQUEST, clients }, REQUESTER));
  await run.keeper.change((to) => to.approve('ex-000003', HEAD));
  // That it is not compared yet is told.
  expect(await verify()).toEqual({ findings: [], young: 1 });
  run.bench.advance(1_500);
  run.bench.advance(60_000);
  expect(await verify()).toEqual({ findings: [], young: 0 });
  await run.keeper.change((to) => to.revoke('ex-000003', { by: 'A. Head', reason: 'over' }));
  expect(await verify()).toEqual({ findings: [], young: 1 });
});

test('a grant that was put in a moment ago under a program that runs is told as too young, and is a finding then', async () => {
  const { state, nowMs } = await lived();
  const { bench } = await startRun(state, nowMs);
  const time = new Date(bench.nowMs).toISOString();
  const copy = createDirectory();
  cpSync(state, copy, { recursive: true });
  forgeRegister(registerOf(copy), (rows) => [
    ...rows,
    ...rows
      .filter(({ id, event }) => id === 'ex-000001' && event === 'approved')
      .map((row) => ({
        ...row,
        id: 'ex-000009',
        time,
        paper: { ...row.paper, id: 'ex-000009', requestedAt: time },
      })),
  ]);
  const verify = async (ms: number) => {
    const options = { witnesses: registerWitnesses(copy), nowMs: bench.nowMs + ms };
    const { findings, young } = await verifyRecords(join(copy, 'records'), options);
    return { codes: findings.map(({ code }) => code), young };
  };
  expect(await verify(1_000)).toEqual({ codes: [], young: 1 });
  expect(await verify(11_000)).toEqual({ codes: ['register-differs'], young: 0 });
});

const FORGERIES: readonly [
  name: string,
  change: (rows: RegisterRow[]) => RegisterRow[],
  bad: number,
  told: RegExp,
][] = [
  ['the revocation is gone', (rows) => rows.slice(0, -1), 2, /revoked/],
  [
    'the revocation is gone, and was never asked of another',
    (rows) => rows.filter(({ event }) => event !== 'revoked'),
    2,
    /revoked/,
  ],
  [
    'an exemption that nobody asked for',
    (rows) => [
      ...rows,
      ...rows
        .filter(({ id }) => id === 'ex-000001')
        .map((row) => ({ ...row, id: 'ex-000003', paper: { ...row.paper, id: 'ex-000003' } })),
    ],
    3,
    /no signed record/,
  ],
  [
    'one that is said to be from before the records',
    (rows) => [
      ...rows
        .filter(({ id }) => id === 'ex-000001')
        .map((row) => ({
          ...{ ...row, id: 'ex-000003', time: day(-900) },
          paper: { ...row.paper, id: 'ex-000003', requestedAt: day(-900) },
        })),
      ...rows,
    ],
    3,
    /no signed record/,
  ],
  [
    'for more clients than were granted',
    (rows) =>
      rows.map((row) =>
        row['id'] === 'ex-000001' ? { ...row, paper: { ...row.paper, clients: ['10.0.0.0/8'] } } : row,
      ),
    1,
    /no signed record/,
  ],
  [
    'for longer than was granted, from the last step on',
    (rows) =>
      rows.map((row) =>
        row['id'] === 'ex-000001' && row['event'] === 'active'
          ? { ...row, paper: { ...row.paper, until: day(900) } }
          : row,
      ),
    1,
    /not the one that was approved/,
  ],
];

test.each(FORGERIES)('%s: it is out of force, told, and found', async (_, change, bad, told) => {
  const { state, nowMs } = await lived();
  forgeRegister(registerOf(state), change);
  expect((await findingsOf(state)).join('\n')).toMatch(/register-differs: /);
  let run = await startRun(state, nowMs);
  const good = [1, 2, 3].filter((number) => number === 1 && number !== bad);
  expect(run.inForce()).toEqual(good);
  expect(run.unproven().join('\n')).toMatch(told);
  expect(run.errors.join('\n')).toMatch(told);
  // Not after the next start either, whose records the one before has signed.
  run.bench.advance(90_000);
  run = await startRun(state, run.crash() + 5_000);
  expect(run.inForce()).toEqual(good);
  run.keeper.advance();
  expect(run.inForce()).toEqual(good);
  // A person ends it.
  await run.revoke(`ex-00000${bad}`);
  expect(run.unproven()).toEqual([]);
  const last = await startRun(state, (await run.stop()) + 5_000);
  expect(last.inForce()).toEqual(good);
  expect(last.errors).toEqual([]);
});

test('a record put in beside the row of the register grants nothing, now and later', async () => {
  const { state, nowMs } = await lived();
  let forged: RegisterRow[] = [];
  forgeRegister(registerOf(state), (rows) => {
    forged = rows
      .filter(({ id }) => id === 'ex-000001')
      .map((row) => ({ ...row, id: 'ex-000003', paper: { ...row.paper, id: 'ex-000003' } }));
    return [...rows, ...forged];
  });
  // As somebody would who has the program, and not the key.
  const key = join(state, 'key.pem');
  renameSync(join(state, 'records/signing-key.pem'), key);
  const writer = new Bench({ directory: join(state, 'records'), start: new Date(nowMs).toISOString() });
  for (const row of forged) writer.recording.write(row as unknown as ChangeRecord);
  writer.advance(1_000);
  writer.crash();
  renameSync(key, join(state, 'records/signing-key.pem'));
  let run = await startRun(state, nowMs + 60_000);
  expect(run.inForce()).toEqual([1]);
  run.bench.advance(90_000);
  run = await startRun(state, run.crash() + 5_000);
  expect(run.inForce()).toEqual([1]);
});

describe('what the chain does not reach any more costs nothing', () => {
  test('records that begin after the exemption', async () => {
    const { state, nowMs } = await lived();
    rmSync(join(state, 'records'), { recursive: true });
    let run = await startRun(state, nowMs);
    expect(run.inForce()).toEqual([1]);
    run = await startRun(state, (await run.stop()) + 5_000);
    expect(run.inForce()).toEqual([1]);
    expect(run.errors).toEqual([]);
    await run.stop();
    expect(await findingsOf(state)).toEqual([]);
  });

  test('days that were deleted when their time was over', async () => {
    const { state, nowMs } = await lived();
    let run = await startRun(state, nowMs);
    for (let days = 0; days < 3; days++) {
      run.bench.advance(DAY_MS);
      run.keeper.advance();
      run.bench.recording.write(adminRecord(days, new Date(run.bench.nowMs).toISOString()));
      run.bench.advance(2_000);
    }
    await run.stop();
    const changes = join(state, 'records/changes');
    const [first = ''] = readdirSync(changes).sort();
    rmSync(join(changes, first));
    run = await startRun(state, nowMs + 3 * DAY_MS + 60_000);
    expect(run.inForce()).toEqual([1]);
    expect(run.errors).toEqual([]);
  });

  test('a day that was damaged and set aside', async () => {
    const { state, nowMs } = await lived();
    const changes = join(state, 'records/changes');
    const [first = ''] = readdirSync(changes).sort();
    truncateSync(join(changes, first), 8_192);
    let run = await startRun(state, nowMs);
    expect(run.inForce()).toEqual([1]);
    await run.grant();
    run = await startRun(state, (await run.stop()) + 5_000);
    expect(run.inForce()).toEqual([1, 3]);
    expect(run.errors).toEqual([]);
  });

  test('a state that was put back as it was', async () => {
    const { state, nowMs } = await lived();
    const older = createDirectory();
    cpSync(state, older, { recursive: true });
    const run = await startRun(older, nowMs + DAY_MS);
    expect(run.inForce()).toEqual([1]);
    expect(run.errors).toEqual([]);
  });
});

test('queries that pass under an exemption that is over are a finding', async () => {
  const state = createDirectory();
  const run = await startRun(state, NOW);
  await run.grant();
  run.bench.record(2, { kind: 2, exemption: 1 });
  await run.revoke('ex-000001');
  run.bench.record(1, { kind: 2, exemption: 1 });
  await run.stop();
  expect(await findingsOf(state)).toEqual([]);
  const after = await startRun(state, run.bench.nowMs + 120_000);
  after.bench.record(3, { kind: 2, exemption: 1 });
  await after.stop();
  expect((await findingsOf(state)).join('\n')).toMatch(/exemption-over: 3 queries passed under ex-000001/);
});
