// A state directory that cannot be examined for a while is neither lost nor the end of the program.
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Log } from '../../../src/telemetry/observe/observe.ts';

test('what cannot be examined is trouble until it can be, and nothing is made anew for it', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  // All looks of a process go by one timer, which other tests of it may have begun.
  vi.resetModules();
  const { StateWatch } = await import('../../../src/host/app/state-watch.ts');
  const directory = mkdtempSync(join(tmpdir(), 'cordon-watch-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const [path, aside] = [join(directory, 'register'), join(directory, 'aside')];
  writeFileSync(path, 'x');
  const logged: string[] = [];
  const log = (_: object, text: string): void => void logged.push(text);
  let restored = 0;
  const watch = new StateWatch({
    ...{ directory, parts: new Map([['register', undefined]]) },
    log: { error: log, warn: log } as unknown as Log,
    onRestored: () => {
      restored++;
    },
  });
  watch.open();
  onTestFinished(() => watch.close());
  const look = async (): Promise<void> => {
    vi.advanceTimersByTime(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  renameSync(path, aside);
  symlinkSync('register', path);
  await look();
  await look();
  expect(watch.trouble).toMatch(/^the state directory cannot be examined: ELOOP/);
  expect(logged).toEqual(['the state directory cannot be examined']);
  renameSync(aside, path);
  await look();
  expect([watch.trouble, restored]).toEqual([undefined, 0]);
});
