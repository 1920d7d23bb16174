// A grant whose record was lost with the last second: what the fleet's authority signed is ground enough, and nothing else is.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { adoptStep } from '../../../src/evidence/exemptions/register-adoption.ts';
import { ExemptionService } from '../../../src/evidence/exemptions/service.ts';
import { NO_END, signEntry } from '../../../src/fleet/entry.ts';
import { createKeyFile, formatPublicKey, type SigningKey } from '../../../src/fleet/key.ts';
import { KINDS } from '../../../src/fleet/kinds.ts';
import { PolicyLog } from '../../../src/fleet/policy-log.ts';
import { readRecorded } from '../../../src/host/app/recorded-register.ts';
import { startRun } from '../exemptions/run.ts';
import { createDirectory, HEAD, NOW, REQUEST, REQUESTER } from '../exemptions/setup.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

type Run = Awaited<ReturnType<typeof startRun>>;

/** Asks for ex-000002 and grants it; gives the steps that the register has of it. */
const grantSecond = async ({ keeper }: Run): Promise<Record<string, unknown>[]> => {
  const clients = ['192.0.2.128/29'];
  await keeper.change((to) => to.request({ ...REQUEST, clients }, REQUESTER));
  await keeper.change((to) => to.approve('ex-000002', HEAD));
  return keeper.register
    .eventsAfter(0, 100)
    .map(({ body }) => JSON.parse(body) as Record<string, unknown>)
    .filter(({ id }) => id === 'ex-000002');
};

/** A machine loses its power in the second in which ex-000002 was granted there; gives the steps. */
const lost = async (): Promise<{ state: string; steps: Record<string, unknown>[] }> => {
  const state = createDirectory();
  const run = await startRun(state, NOW);
  await run.grant();
  const steps = await grantSecond(run);
  run.crash();
  return { state, steps };
};

/** The same of a node, which was told by its authority. */
const lostNode = async (): Promise<{ state: string; steps: Record<string, unknown>[] }> => {
  const authority = await startRun(createDirectory(), NOW);
  await authority.grant();
  const steps = await grantSecond(authority);
  const state = createDirectory();
  const run = await startRun(state, NOW);
  await run.grant();
  for (const step of steps) {
    const told = KINDS.exemption.parse(step);
    await run.keeper.change((to) => adoptStep(to, told, () => NOW));
  }
  run.crash();
  return { state, steps };
};

/** What is suspended at the next start, with that log of policy and the authority that is trusted. */
const suspended = async (
  state: string,
  steps: readonly object[],
  by?: (key: SigningKey) => SigningKey,
): Promise<string[]> => {
  const authority = createKeyFile(join(state, 'authority.pem'));
  mkdirSync(join(state, 'fleet'));
  const { log } = PolicyLog.open(join(state, 'fleet/policy.sqlite'), NOW);
  for (const step of steps) {
    const about = { time: '2026-11-26T08:00:00.000Z', kind: 'exemption', must: true };
    const end = log.end.number === 0 ? NO_END : log.end;
    log.append(signEntry(end, { ...about, body: JSON.stringify(step) }, by?.(authority) ?? authority));
  }
  log.close();
  const keeper = ExemptionService.open({
    ...{ path: join(state, 'register.sqlite'), clock: () => NOW + 60_000, log: quiet },
    ...{ onEvent: () => undefined, onChange: () => Promise.resolve() },
  });
  try {
    const fleet = { trust: [formatPublicKey(authority.publicKey)] } as unknown as NonNullable<
      Config['fleet']
    >;
    keeper.judge(await readRecorded(keeper, { stateDirectory: state, fleet }, quiet));
    return [...keeper.register.unproven.keys()];
  } finally {
    keeper.close();
  }
};

test('without the word of an authority it is suspended', async () => {
  const { state } = await lost();
  expect(await suspended(state, [])).toEqual(['ex-000002']);
});

test('what the authority signed holds', async () => {
  const { state, steps } = await lost();
  expect(await suspended(state, steps)).toEqual([]);
});

test('what the authority signed holds on a node, which keeps it in its own words', async () => {
  const { state, steps } = await lostNode();
  expect(await suspended(state, steps)).toEqual([]);
  const other = await lostNode();
  expect(await suspended(other.state, [])).toEqual(['ex-000002']);
});

test('what another key signed, another paper, and what the authority has ended do not', async () => {
  const one = await lost();
  const other = createKeyFile(join(one.state, 'other.pem'));
  expect(await suspended(one.state, one.steps, () => other)).toEqual(['ex-000002']);
  const two = await lost();
  const wider = two.steps.map((step) => ({
    ...step,
    paper: { ...(step['paper'] as object), clients: ['0.0.0.0/0'] },
  }));
  expect(await suspended(two.state, wider)).toEqual(['ex-000002']);
  const three = await lost();
  const revoked = { ...three.steps.at(-1), event: 'revoked', time: new Date(NOW + 1_000).toISOString() };
  expect(await suspended(three.state, [...three.steps, revoked])).toEqual(['ex-000002']);
});
