// Memory that is easily lost again: a limit of V8 that has to be set before anything is loaded, libraries that only the main
// thread or only a room needs, and tables that are out of force.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
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
    const { createLog } = await import('./src/telemetry/observe/observe.ts');
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

test('what only a control room, a fleet and mail need is not loaded by a resolver without them', async () => {
  const code = `
    import { createRequire } from 'node:module';
    await import('./src/host/app/app.ts');
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(JSON.stringify([...new Set(loaded.map((path) => /node_modules\\/((?:@[^/]*\\/)?[^/]*)/.exec(path)?.[1]))]));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code]);
  const loaded = JSON.parse(stdout.trim()) as string[];
  expect(loaded).toContain('yaml');
  expect(loaded.filter((name) => /fastify|nodemailer|nats|webauthn|openid|pdfkit/.test(name))).toEqual([]);
});

const HEAPS = pathToFileURL(fileURLToPath(new URL('../support/heaps.mjs', import.meta.url))).href;
/** What starting left in a thread is 2.4 to 4 MiB, and 1 afterwards. */
const KEPT_BYTES_MAX = 1.75 * 1024 * 1024;
/** Two seconds, in which every thread has started. */
const STARTED_LINES = 8;

test('a thread that has started and rests gives back what starting took', async () => {
  const config =
    'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }\nupstreams: ["127.0.0.1:1"]\nworkers: 2\n';
  const program = await startCordon({ config, env: { NODE_OPTIONS: `--import=${HEAPS}` } });
  onTestFinished(() => program.kill());
  await vi.waitFor(
    () => {
      for (const thread of ['main', '0', '1', 'recorder']) {
        const lines = readFileSync(join(program.directory, `heap-${thread}`), 'utf8')
          .trim()
          .split('\n');
        const kept = Math.min(...lines.slice(STARTED_LINES).map(Number));
        expect(kept, `bytes that thread ${thread} keeps`).toBeLessThan(KEPT_BYTES_MAX);
      }
    },
    { timeout: 90_000, interval: 250 },
  );
});

/** Names of a list whose table is the largest piece of memory of the program. */
const NAMES = 500_000;
/** Below it are arenas of the allocator and heaps, kilobytes. */
const TABLE_KIB_MIN = 16 * 1024;

/** Kilobytes that are resident in large anonymous mappings: tables, and nothing else of that size. */
const readTableKib = (pid: number): number => {
  let resident = 0;
  for (const mapping of readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const isAnonymous = /^\S+ rw-p \S+ \S+ 0\s*\n/.test(mapping);
    const kib = Number(/^Rss:\s+(\d+) kB$/m.exec(mapping)?.[1]);
    if (isAnonymous && kib > TABLE_KIB_MIN) resident += kib;
  }
  return resident;
};

test('a table that is out of force is given back', { tags: 'night' }, async () => {
  const names = Array.from(
    { length: NAMES },
    (_, index) => `host${index}.site${index % 5_000}.blocked.example`,
  );
  const program = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
upstreams: ["127.0.0.1:9"]
workers: 1
lists: [{ id: large, file: large.txt, format: domains }]
`,
    files: { 'large.txt': names.join('\n') },
  });
  onTestFinished(() => program.stop());
  const oneKib = readTableKib(program.pid);
  expect(oneKib).toBeGreaterThan(TABLE_KIB_MIN);
  for (const generation of [2, 3]) {
    program.signal('SIGHUP');
    await program.waitForLog(({ msg, generation: number }) => msg === 'reloaded' && number === generation);
  }
  // The newest generation and no other: half a table more is another one.
  await vi.waitFor(() => expect(readTableKib(program.pid)).toBeLessThan(1.5 * oneKib), { timeout: 90_000 });
});
