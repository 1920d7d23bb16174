// Memory that is easily lost again: limits of V8 that have to be set before anything is loaded, libraries that only the main
// thread or only a room needs, what a start leaves behind, and tables that are out of force.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Cordon, run, startCordon } from '../support/process.ts';

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

let rested: Cordon | undefined;
afterAll(() => rested?.kill());
/** One that only started, for all that look at what its start left. */
const startResting = async (): Promise<Cordon> => {
  const config =
    'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }\nupstreams: ["127.0.0.1:1"]\nworkers: 2\n';
  rested ??= await startCordon({ config, env: { NODE_OPTIONS: `--import=${HEAPS}` } });
  return rested;
};

test('a thread that has started and rests gives back what starting took', { tags: 'night' }, async () => {
  const program = await startResting();
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

/** A start leaves 2.1 MiB of bytecode in the main thread and 1.1 in another, and a rest 0.9 and 0.2. */
const BYTECODE_BYTES_MAX = { main: 1.5 * 1024 * 1024, 0: 0.6 * 1024 * 1024, 1: 0.6 * 1024 * 1024 };
/** Machine code that V8 makes of everything that ran a little is 3.4 MiB after a start, what it optimized 1.1. */
const MACHINE_CODE_KIB_MAX = 2.25 * 1024;

test('code that only a start ran is not kept', { tags: 'night' }, async () => {
  const program = await startResting();
  await vi.waitFor(
    () => {
      for (const [thread, max] of Object.entries(BYTECODE_BYTES_MAX)) {
        const lines = readFileSync(join(program.directory, `bytecode-${thread}`), 'utf8')
          .trim()
          .split('\n');
        const least = Math.min(...lines.slice(STARTED_LINES).map(Number));
        expect(least, `bytes of bytecode in thread ${thread}`).toBeLessThan(max);
      }
    },
    { timeout: 90_000, interval: 250 },
  );
  // What runs beside this test decides when V8 gives pages back.
  await expect
    .poll(() => sumResidentKib(program.pid, 'rwxp'), { timeout: 90_000, interval: 250 })
    .toBeLessThan(MACHINE_CODE_KIB_MAX);
});

/** Blocks of 100 KiB, every second of which is freed: 20 MB that lie between others. */
const BLOCKS = 400;
const BLOCK_KIB = 100;

test('a large block of memory is given back when it is freed, and is not resident before something is written to it', async () => {
  const code = `
    import { readFileSync } from 'node:fs';
    const { keepLargeBlocksApart } = await import('./src/wire/datagram/datagram.ts');
    keepLargeBlocksApart();
    const allocate = (count) => Array.from({ length: count }, () => new ArrayBuffer(${BLOCK_KIB} * 1024));
    const readKib = () => Number(/^Anonymous: +(\\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))[1]);
    // Where nobody says otherwise, libc puts all blocks that are smaller than a freed one between others.
    new ArrayBuffer(8 * 1024 * 1024).transfer(0);
    const blocks = allocate(${BLOCKS});
    for (const block of blocks) new Uint8Array(block).fill(1);
    const writtenKib = readKib();
    for (const [index, block] of blocks.entries()) if (index % 2 === 1) block.transfer(0);
    const freedKib = readKib();
    const others = allocate(${BLOCKS / 2});
    console.log(writtenKib - freedKib, readKib() - freedKib, others.length);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code]);
  const [givenBackKib, takenKib] = stdout.trim().split(' ').map(Number);
  expect(givenBackKib, 'KiB given back').toBeGreaterThan(0.9 * (BLOCKS / 2) * BLOCK_KIB);
  expect(takenKib, 'KiB for blocks that nobody wrote to').toBeLessThan(0.2 * (BLOCKS / 2) * BLOCK_KIB);
});

/** Names of a list whose table is the largest piece of memory of the program. */
const NAMES = 500_000;
/** Below it are arenas of the allocator and heaps, kilobytes. */
const TABLE_KIB_MIN = 16 * 1024;

/** Kilobytes that are resident in anonymous mappings which may be used so, of those that have more than `min`. */
const sumResidentKib = (pid: number, use: 'rw-p' | 'rwxp', min = 0): number => {
  let resident = 0;
  for (const mapping of readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const isAnonymous = new RegExp(`^\\S+ ${use} \\S+ \\S+ 0\\s*\\n`).test(mapping);
    const kib = Number(/^Rss:\s+(\d+) kB$/m.exec(mapping)?.[1]);
    if (isAnonymous && kib > min) resident += kib;
  }
  return resident;
};

/** Of large ones: tables, and nothing else of that size. */
const readTableKib = (pid: number): number => sumResidentKib(pid, 'rw-p', TABLE_KIB_MIN);

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
