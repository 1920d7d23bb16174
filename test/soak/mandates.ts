// `npm run mandates`: ten thousand random configurations, in none of which a list opens what a mandate list refuses.
//
//   npm run mandates -- [--runs N] [--part N]
//
// The property of test/property/mandates.test.ts in parts of a thousand, each with inputs of its own, which its seed names;
// `--part N` runs that part alone. Says after each what was tried and how long it took. Status 1 when one failed.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const RUNS = 10_000;
/** Each takes a minute or two: what is interrupted loses one of them. */
const PART_RUNS = 1_000;

const root = fileURLToPath(new URL('../..', import.meta.url));
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));

const { values } = parseArgs({
  options: { runs: { type: 'string', default: String(RUNS) }, part: { type: 'string' } },
});
if (!/^[1-9]\d{0,6}$/.test(values.runs) || !/^[1-9]\d{0,3}$/.test(values.part ?? '1')) {
  process.stderr.write('--runs and --part take a number from 1\n');
  process.exit(2);
}
const runs = Number(values.runs);
const all = Array.from({ length: Math.ceil(runs / PART_RUNS) }, (_, at) => at + 1);
const parts = values.part === undefined ? all : [Number(values.part)];
const startedMs = performance.now();
let failed = 0;
for (const part of parts) {
  const partMs = performance.now();
  const count = Math.min(PART_RUNS, runs - (part - 1) * PART_RUNS);
  const { status, stdout } = spawnSync(
    process.execPath,
    [vitest, 'run', '--no-color', '--testTimeout', '0', 'test/property/mandates.test.ts'],
    {
      cwd: root,
      env: { ...process.env, CORDON_MANDATE_RUNS: String(count), FAST_CHECK_SEED: String(part) },
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    },
  );
  if (status !== 0) {
    failed++;
    process.stdout.write(stdout);
  }
  const said = /mandates: .*/.exec(stdout)?.[0] ?? 'mandates: nothing was said';
  const seconds = Math.round((performance.now() - partMs) / 1000);
  process.stdout.write(`part ${part}: ${status === 0 ? 'ok' : 'FAILED'}, ${seconds} s; ${said}\n`);
}
const seconds = Math.round((performance.now() - startedMs) / 1000);
process.stdout.write(`${parts.length - failed} of ${parts.length} parts ok, ${seconds} s\n`);
process.exitCode = failed === 0 ? 0 : 1;
