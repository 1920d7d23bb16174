// Memory that is easily lost again: a limit of V8 that has to be set before anything is loaded, and libraries that
// only the main thread needs.
import { expect, onTestFinished, test } from 'vitest';
import { run, startCordon } from '../support/process.ts';

/** Both halves at their first size of 1 MiB, and what V8 adds to them; without the bound it is 16 MiB or more. */
const YOUNG_BYTES_MAX = 3 * 1024 * 1024;

test("the main thread's young generation stays as small as it begins", async () => {
  const program = await startCordon({
    config:
      'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }\nupstreams: ["127.0.0.1:9"]\nworkers: 1\n',
  });
  onTestFinished(() => program.stop());
  const page = await (await fetch(`http://127.0.0.1:${program.admin.port}/metrics`)).text();
  const bytes = Number(/^cordon_nodejs_heap_space_size_total_bytes\{space="new"\} (\d+)$/m.exec(page)?.[1]);
  expect(bytes).toBeLessThanOrEqual(YOUNG_BYTES_MAX);
});

test('a thread that only counts loads neither prom-client nor pino', async () => {
  const code = `
    import { createRequire } from 'node:module';
    const { createLog } = await import('./src/observe/observe.ts');
    const require = createRequire(import.meta.url);
    const print = () => console.log(Object.keys(require.cache).filter((path) => /node_modules/.test(path)).length);
    print();
    createLog({ level: 'info' });
    print();`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code]);
  const [before, after] = stdout.trim().split('\n').map(Number);
  expect(before).toBe(0);
  expect(after).toBeGreaterThan(0);
});
