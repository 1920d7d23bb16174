// Signals that come in numbers, and the one that Node.js has a use of its own for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask, readMetric } from '../support/client.ts';
import { ownClock } from '../support/fake-time.ts';
import { NIGHT } from '../support/night.ts';
import { startCordon } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';

const SIGNALS = 1000;
const CONFIG = `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:9"]
lists: [{ id: tiktok, file: tiktok.txt, mandate: true }]
`;
const root = fileURLToPath(new URL('../..', import.meta.url));

test('a thousand SIGHUPs are a few reloads, and the last has what the file says by then', async () => {
  const cordon = await startCordon({ config: CONFIG, files: { 'tiktok.txt': 'tiktok.example\n' } });
  onTestFinished(() => cordon.kill());
  const file = join(cordon.directory, 'tiktok.txt');
  for (let i = 0; i < SIGNALS; i++) {
    if (i === SIGNALS - 1) writeFileSync(file, 'tiktok.example\nlast.example\n');
    cordon.signal('SIGHUP');
    // Signals that are pending together are one: let each arrive.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect
    .poll(async () => (await ask(cordon.dns, 'last.example. A')).rcode, { timeout: 90_000 })
    .toBe(RCODE.NXDOMAIN);
  const reloads = () => readMetric(cordon, 'cordon_config_reloads_total', { result: 'success' });
  const count = await reloads();
  // None is behind it: another one is the next and the only one.
  cordon.signal('SIGHUP');
  await expect.poll(reloads).toBeGreaterThan(count);
  expect(cordon.logs().filter(({ msg }) => msg === 'reloaded').length).toBeLessThan(SIGNALS / 5);
  await cordon.stop();
});

test('who starts it as root is told that it stays root, and of a stop that is asked for nothing above info', async () => {
  const cordon = await startCordon({ config: CONFIG, files: { 'tiktok.txt': 'tiktok.example\n' } });
  onTestFinished(() => cordon.kill());
  const lines = cordon.logs().filter(({ msg }) => msg.startsWith('runs as root'));
  const asRoot = { level: 'warn', hint: expect.stringContaining('CAP_NET_BIND_SERVICE') as string };
  expect(lines).toMatchObject(process.geteuid?.() === 0 ? [asRoot] : []);
  await cordon.stop();
  const end = cordon.logs().slice(cordon.logs().findIndex(({ msg }) => msg === 'draining'));
  expect(end.map(({ msg }) => msg).at(-1)).toBe('stopped');
  expect(end.filter(({ level }) => level !== 'info')).toEqual([]);
});

const debugs = async (command: readonly string[]): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-signals-'));
  writeFileSync(join(directory, 'cordon.yaml'), CONFIG);
  writeFileSync(join(directory, 'tiktok.txt'), 'tiktok.example\n');
  const child = spawn(process.execPath, [...command, 'serve', '--config', join(directory, 'cordon.yaml')], {
    cwd: directory,
    env: {
      PATH: process.env['PATH'],
      HOME: directory,
      ...ownClock(),
      CORDON_DNSSEC_MODE: 'off',
      CORDON_PROBE_INTERVAL: '0s',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await closed;
    rmSync(directory, { recursive: true, force: true });
  });
  let output = '';
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  await expect.poll(() => output, { timeout: 90_000 }).toContain('"msg":"ready"');
  child.kill('SIGUSR1');
  // Whatever SIGUSR1 does, it has done when the signal after it was answered.
  child.kill('SIGHUP');
  await expect.poll(() => output, { timeout: 90_000 }).toContain('"msg":"reloaded"');
  expect(output).not.toMatch(/debugger|inspector/i);
};

test('SIGUSR1 opens no debugger in the launcher', () => debugs([join(root, 'src/launch.mjs'), PROGRAM]));
test('SIGUSR1 opens no debugger in the program itself', NIGHT, () => debugs([join(root, 'src/main.ts')]));
