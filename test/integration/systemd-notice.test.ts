// What systemd is told, as a receiver of its own (Python) reads it from NOTIFY_SOCKET, a path or an abstract name.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { reload } from '../support/client.ts';
import { inTwo } from '../support/night.ts';
import { findProgram, requireProgram, startCordon } from '../support/process.ts';

const WAIT = { timeout: 90_000, interval: 50 };
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind('\\0' + name[1:] if name.startswith('@') else name)
print('open', flush=True)
while True:
    print(repr(s.recv(65536).decode()), flush=True)
`;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Messages as lists of their lines. */
const receive = async (name: string): Promise<{ messages: () => string[][]; child: ChildProcess }> => {
  const child = spawn(findProgram('python3') ?? 'python3', ['-c', RECEIVER, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  closing.push(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  while (!text.startsWith('open\n')) await once(child.stdout, 'data');
  return {
    child,
    messages: () =>
      text
        .split('\n')
        .slice(1, -1)
        .map((line) => line.slice(1, -1).split('\\n').slice(0, -1)),
  };
};

const CONFIG = `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:9"]
lists: [{ id: ban, file: ban.txt, format: domains, mandate: true }]
`;

for (const [options, kinds] of inTwo(['path', 'abstract'] as const, (kind) => kind === 'path'))
  test.for(kinds)('ready, reloads and the end are told to a %s', options, async (kind, context) => {
    requireProgram(context, 'python3');
    const directory = mkdtempSync(join(tmpdir(), 'cordon-notify-'));
    closing.push(() => rmSync(directory, { recursive: true, force: true }));
    const name = kind === 'path' ? join(directory, 'notify') : `@cordon-test-${process.pid}`;
    const { messages } = await receive(name);
    const cordon = await startCordon({
      config: CONFIG,
      files: { 'ban.txt': 'tiktok.example\n' },
      // A watchdog of another process is none of ours.
      env: { NOTIFY_SOCKET: name, WATCHDOG_USEC: '1', WATCHDOG_PID: '1' },
    });
    closing.push(() => cordon.kill());
    await expect.poll(messages, WAIT).not.toEqual([]);
    expect(messages()[0]).toEqual(['READY=1', expect.stringMatching(/^STATUS=\S/)]);

    const before = process.hrtime.bigint() / 1000n;
    expect((await reload(cordon, {})).isRefused).toBe(false);
    await expect.poll(() => messages().length, WAIT).toBeGreaterThan(2);
    const [reloading = [], ready = []] = messages().slice(-2);
    expect(reloading[0]).toBe('RELOADING=1');
    const usec = BigInt(reloading[1]?.replace('MONOTONIC_USEC=', '') ?? 0);
    expect(usec).toBeGreaterThanOrEqual(before);
    expect(usec).toBeLessThan(process.hrtime.bigint() / 1000n);
    expect(ready[0]).toBe('READY=1');

    // A reload that is refused leaves a service that is ready.
    expect((await reload(cordon, { 'ban.txt': '' })).isRefused).toBe(true);
    await expect.poll(() => messages().filter(([line]) => line === 'READY=1').length, WAIT).toBe(3);

    await cordon.stop();
    expect(messages().at(-1)?.[0]).toBe('STOPPING=1');
    expect(messages().flat()).not.toContain('WATCHDOG=1');
    // What has no priority of its own would reach the journal as an error.
    const strays = cordon
      .output()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('{'));
    expect(strays).toEqual([]);
  });

test('a service that answers nothing yet is not ready, and says why; one that lives tells the watchdog', async (context) => {
  requireProgram(context, 'python3');
  const directory = mkdtempSync(join(tmpdir(), 'cordon-notify-'));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  const name = join(directory, 'notify');
  const { messages } = await receive(name);
  const cordon = await startCordon({
    config: CONFIG,
    files: { 'ban.txt': '' },
    env: { NOTIFY_SOCKET: name, WATCHDOG_USEC: '10000000' },
  });
  closing.push(() => cordon.kill());
  await expect
    .poll(() => messages().filter((lines) => lines.includes('WATCHDOG=1')).length, WAIT)
    .toBeGreaterThan(1);
  expect(messages().flat()).not.toContain('READY=1');
  expect(messages()[0]?.[0]).toMatch(/^STATUS=no lists are loaded/);
  expect((await reload(cordon, { 'ban.txt': 'tiktok.example\n' })).isRefused).toBe(false);
  await expect.poll(() => messages().flat().includes('READY=1'), WAIT).toBe(true);
  await cordon.stop();
});

test('a manager that cannot be reached costs one line, and nothing else', { tags: 'night' }, async () => {
  const cordon = await startCordon({
    config: CONFIG,
    files: { 'ban.txt': 'tiktok.example\n' },
    env: { NOTIFY_SOCKET: '/nonexistent/notify', WATCHDOG_USEC: '10000000' },
  });
  closing.push(() => cordon.kill());
  const line = await cordon.waitForLog(({ msg }) => msg.startsWith('the service manager cannot'));
  expect(line).toMatchObject({ level: 'error', cause: 'sendto: ENOENT' });
  expect((await reload(cordon, {})).isRefused).toBe(false);
  expect(cordon.logs().filter(({ msg }) => msg === line.msg)).toHaveLength(1);
  await cordon.stop();
});
