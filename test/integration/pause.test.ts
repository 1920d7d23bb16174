// Suspending refusals: bounded, on the record, over by itself, and never beyond the process.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { type RunResult, requireProgram, run, startCordon as startProcess } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const NAME = 'www.tiktok.com. A';
/** Only what hangs waits for so long. */
const POLL = { timeout: 20_000, interval: 200 };

let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
compliance: { pause-max: 5m }
`,
  });
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const commandOf =
  (of: () => Pick<Cordon, 'directory'>) =>
  (...args: string[]): Promise<RunResult> =>
    runCommandHere([...args, '--config', join(of().directory, 'cordon.yaml')]);
const cordonCommand = commandOf(() => cordon);

const rcode = async (of: Pick<Cordon, 'dns'> = cordon): Promise<number> => (await ask(of.dns, NAME)).rcode;

test('a pause lets listed names pass and says so everywhere, resume ends it', async () => {
  expect(await rcode()).toBe(RCODE.NXDOMAIN);
  expect((await cordonCommand('pause')).stdout).toBe('refusals are given\n');
  const paused = await cordonCommand('pause', '5m', '--reason', 'incident 7');
  expect(paused).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^BLOCKING IS SUSPENDED until 20\d\d-.*, by .+: incident 7\n$/),
  });
  expect(await rcode()).toBe(RCODE.NOERROR);
  expect((await cordonCommand('pause')).stdout).toContain('incident 7');
  expect(await readMetric(cordon, 'cordon_policy_enforcing')).toBe(0);
  expect(await readMetric(cordon, 'cordon_would_refuse_total')).toBeGreaterThan(0);
  const ready = await fetch(`http://127.0.0.1:${cordon.admin.port}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ state: 'paused', causes: ['operator-pause'], answering: true });
  expect((await fetch(`http://127.0.0.1:${cordon.admin.port}/answering`)).status).toBe(200);
  const resumed = await cordonCommand('resume', '--reason', 'over', '--json');
  expect(JSON.parse(resumed.stdout)).toMatchObject({ isPaused: false, state: 'enforced' });
  expect(await rcode()).toBe(RCODE.NXDOMAIN);
  expect(await readMetric(cordon, 'cordon_policy_enforcing')).toBe(1);
  expect(
    await readMetric(cordon, 'cordon_not_enforcing_seconds_total', { cause: 'operator-pause' }),
  ).toBeGreaterThan(0);
});

test('with a control room, what one user pauses on the host is summed, over a restart as well', {
  tags: 'night',
}, async () => {
  const config = `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
compliance: { pause-max: 12m }
control-room: { listen: "127.0.0.1:0" }
`;
  const directory = await mkdtemp(join(tmpdir(), 'cordon-pause-'));
  const state = join(directory, 'state');
  const pause = (of: Cordon, ms: string): Promise<RunResult> =>
    runCommandHere(['pause', ms, '--reason', 'x', '--config', join(of.directory, 'cordon.yaml')]);
  const summed = `${config}state: ${state}\n`;
  let other = await startCordon({ config: summed });
  try {
    // The control socket opens when all else is there. What was not done counts for nothing.
    await expect.poll(async () => (await pause(other, '13m')).stderr, POLL).toContain('are allowed');
    expect((await pause(other, '10m')).code).toBe(0);
    const beyond = await pause(other, '6m');
    expect(beyond.code).not.toBe(0);
    expect(beyond.stderr).toContain('more than one person does alone');
    await other.stop();
    other = await startCordon({ config: summed });
    await expect.poll(async () => (await pause(other, '6m')).stderr, POLL).toContain('more than one person');
    expect((await pause(other, '5m')).code).toBe(0);
  } finally {
    await other.stop();
    await rm(directory, { recursive: true });
  }
});

test('a pause ends by itself', async () => {
  expect((await cordonCommand('pause', '1s', '--reason', 'short')).code).toBe(0);
  await expect.poll(() => rcode(), { timeout: 90_000 }).toBe(RCODE.NXDOMAIN);
  await cordon.waitForLog(({ before, by }) => before === 'paused' && by === undefined);
});

test('refusals are given again whatever became of the resolvers of the system', async (context) => {
  requireProgram(context, 'unshare');
  // resolv.conf of the machine stays as it is: the service has one of its own over it.
  const namespace = ['unshare', '--map-root-user', '--mount', '--propagation', 'private'];
  const may = (await run('unshare', [...namespace.slice(1), 'true'])).code === 0;
  if (!may) context.skip('this user may not make a mount namespace');
  const directory = await mkdtemp(join(tmpdir(), 'cordon-resolv-'));
  const resolvers = join(directory, 'resolv.conf');
  // Nobody answers there, which is told at once.
  const text = 'nameserver 127.0.0.153\n';
  await writeFile(resolvers, text);
  const other = await startProcess({
    config: 'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }\nworkers: 1\n',
    through: [...namespace, 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolvers],
  });
  try {
    const command = commandOf(() => other);
    await expect.poll(async () => (await command('pause')).stdout, POLL).toBe('refusals are given\n');
    expect((await command('pause', '5m', '--reason', 'incident 9')).code).toBe(0);
    expect(await rcode(other)).not.toBe(RCODE.NXDOMAIN);
    await writeFile(resolvers, '');
    expect(await command('resume', '--reason', 'over')).toMatchObject({ code: 0, stderr: '' });
    expect(await rcode(other)).toBe(RCODE.NXDOMAIN);
    // Also when nobody resumes them.
    expect((await command('pause', '1s', '--reason', 'short')).code).toBe(0);
    await expect.poll(() => rcode(other), { timeout: 20_000 }).toBe(RCODE.NXDOMAIN);
    await writeFile(resolvers, text);
    expect((await command('resume')).stderr).toContain('they are not suspended');
  } finally {
    await other.stop();
    await rm(directory, { recursive: true });
  }
});

test('a pause survives a reload within its time', async () => {
  await cordonCommand('pause', '5m', '--reason', 'incident 8');
  const from = cordon.logs().length;
  cordon.signal('SIGHUP');
  await cordon.waitForLog(({ msg }) => msg === 'reloaded', from);
  expect(await rcode()).toBe(RCODE.NOERROR);
  await cordonCommand('resume');
  expect(await rcode()).toBe(RCODE.NXDOMAIN);
});

test.each([
  [['pause', '6m', '--reason', 'x'], 1, 'ERR_APP_PAUSE'],
  [['pause', '5m'], 2, '--reason TEXT is needed'],
  [['pause', 'soon', '--reason', 'x'], 2, 'is no duration'],
  [['resume'], 1, 'they are not suspended'],
])('%j is refused in one line', async (args, code, text) => {
  const result = await cordonCommand(...args);
  expect(result.code).toBe(code);
  expect(result.stderr).toContain(text);
  expect(await rcode()).toBe(RCODE.NXDOMAIN);
});
