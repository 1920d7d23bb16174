// A worker that hangs is ended and replaced, and so is one whose heap fills up; one that the kernel does not let go ends the
// program, to be started again.
import { spawnSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ask, readMetric } from '../support/client.ts';
import { NIGHT } from '../support/night.ts';
import { type Cordon, startCordon } from '../support/process.ts';

const WAIT_MS = 60_000;
const HANG = pathToFileURL(fileURLToPath(new URL('../support/hang.mjs', import.meta.url))).href;

const CONFIG = `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 2
upstreams: ["127.0.0.1:9"]
lists: [{ id: tiktok, file: tiktok.txt, mandate: true }]
`;

const start = async (): Promise<Cordon> => {
  const cordon = await startCordon({
    config: CONFIG,
    files: { 'tiktok.txt': 'tiktok.example\n' },
    env: { NODE_OPTIONS: `--import=${HANG}` },
  });
  onTestFinished(() => cordon.kill());
  return cordon;
};

/** Whole at once: the worker looks for it all the time. */
const hang = (cordon: Cordon, worker: number, how: 'spin' | 'block' | 'leak' | 'heap'): void => {
  writeFileSync(join(cordon.directory, 'next'), how);
  renameSync(join(cordon.directory, 'next'), join(cordon.directory, `hang-${worker}`));
};

/** Asks from so many ports that the kernel gives both workers some; each is asked once and has to answer. */
const askAll = (cordon: Cordon): Promise<unknown> =>
  Promise.all(Array.from({ length: 32 }, () => ask(cordon.dns, 'www.tiktok.example. A')));

test(
  'a worker that spins is replaced, and everybody is answered again',
  async () => {
    const cordon = await start();
    await askAll(cordon);
    hang(cordon, 1, 'spin');
    const line = await cordon.waitForLog(({ msg }) => msg === 'worker hangs: it is ended and replaced');
    expect(line['worker']).toBe(1);
    await vi.waitFor(
      async () => {
        expect(await readMetric(cordon, 'cordon_worker_hangs_total')).toBe(1);
        expect(await readMetric(cordon, 'cordon_worker_restarts_total')).toBe(1);
        expect(await readMetric(cordon, 'cordon_workers')).toBe(2);
      },
      { timeout: WAIT_MS, interval: 50 },
    );
    // The new one has its sockets when it has answered a request, which a reload waits for.
    cordon.signal('SIGHUP');
    await cordon.waitForLog(({ msg }) => msg === 'reloaded');
    await askAll(cordon);
    await cordon.stop();
  },
  2 * WAIT_MS,
);

test.each([
  ['over many turns of its loop', 'leak'],
  ['in one turn', 'heap'],
] as const)(
  'a worker whose heap fills up %s is replaced, and the program goes on',
  { ...NIGHT, timeout: 2 * WAIT_MS },
  async (_, how) => {
    const cordon = await start();
    await askAll(cordon);
    hang(cordon, 1, how);
    const line = await cordon.waitForLog(({ msg }) => msg === 'worker is started again');
    expect(line['worker']).toBe(1);
    await vi.waitFor(async () => expect(await readMetric(cordon, 'cordon_workers')).toBe(2), {
      timeout: WAIT_MS,
      interval: 50,
    });
    cordon.signal('SIGHUP');
    await cordon.waitForLog(({ msg }) => msg === 'reloaded');
    await askAll(cordon);
    expect(cordon.logs().filter(({ msg }) => msg.startsWith('hung worker cannot be ended'))).toEqual([]);
    await cordon.stop();
  },
);

test('a worker that the kernel holds in a call ends the program by a signal, so that it is started again', {
  ...NIGHT,
  timeout: 2 * WAIT_MS,
}, async () => {
  const cordon = await start();
  expect(spawnSync('mkfifo', [join(cordon.directory, 'fifo')]).status).toBe(0);
  hang(cordon, 0, 'block');
  await cordon.waitForLog(({ msg }) => msg.startsWith('hung worker cannot be ended'));
  expect(await cordon.exited).toEqual({ code: null, signal: 'SIGKILL' });
});
