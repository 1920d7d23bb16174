// A state directory that is deleted underneath comes back, or readiness says so.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readAdmin } from '../support/client.ts';
import { runCommandHere, runProgram } from '../support/command.ts';
import { startCordon } from '../support/process.ts';

const WAIT_MS = 60_000;

test('a state directory that is deleted underneath comes back, and what cannot is said', async () => {
  const cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: state
upstreams: ["127.0.0.1:9"]
lists: [{ id: order, file: order.txt, mandate: true }]
`,
    files: { 'order.txt': 'order.example\n' },
  });
  onTestFinished(() => cordon.kill());
  const config = ['--config', join(cordon.directory, 'cordon.yaml')];
  await cordon.waitForLog(({ msg }) => msg === 'generation saved');
  // The socket takes connections before the parts behind it are open; whoever is answered comes after them.
  await readAdmin(cordon, '/readyz');
  const from = cordon.logs().length;
  rmSync(join(cordon.directory, 'state'), { recursive: true });
  await cordon.waitForLog(({ msg }) => msg === 'the state directory was deleted underneath', from);
  await cordon.waitForLog(({ msg }) => msg === 'the state directory is back', from);
  for (const name of ['control.sock', 'records', 'mandates.json']) {
    await expect
      .poll(() => existsSync(join(cordon.directory, 'state', name)), { timeout: WAIT_MS })
      .toBe(true);
  }
  expect((await runCommandHere(['pause', ...config])).stdout).toBe('refusals are given\n');
  await expect
    .poll(async () => (await runProgram(['records', 'export', '--kind', 'enforcement', ...config])).stdout, {
      timeout: WAIT_MS,
    })
    .toContain('"state":"enforced"');
  // Papers that were granted since the start are lost with the register.
  const ready = await readAdmin(cordon, '/readyz');
  expect([ready.status, JSON.parse(ready.body)]).toEqual([
    503,
    expect.objectContaining({ state: 'enforced', causes: ['state-directory'] }),
  ]);
  expect(ready.body).toContain('register.sqlite was deleted while the program ran: restart it');
});
