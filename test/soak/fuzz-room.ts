// `npm run fuzz:room`: ten thousand requests to each route of the control room, made of what its OpenAPI document says.
//
//   npm run fuzz:room -- [--requests N] [--part K/N] [--program]
//
// One part of the routes after the other, each with a room of its own; says after each how many requests were answered with
// which status. Status 1 when one was answered by a fault of the program (5xx).
// Behind the room is a program that refuses everything; with --program it is the whole program, and requests reach what they ask
// for, which takes some twenty times as long.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const REQUESTS = 10_000;
/** Each takes some minutes: what is interrupted loses one of them. */
const PARTS = 8;

const root = fileURLToPath(new URL('../..', import.meta.url));
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: String(REQUESTS) },
    part: { type: 'string' },
    program: { type: 'boolean', default: false },
  },
});
if (!/^[1-9]\d{0,7}$/.test(values.requests) || !/^[1-9]\d?\/[1-9]\d?$/.test(values.part ?? '1/1')) {
  process.stderr.write('--requests takes a number from 1, --part two with a slash, such as 2/8\n');
  process.exit(2);
}
const chosen =
  values.part === undefined ? Array.from({ length: PARTS }, (_, at) => `${at + 1}/${PARTS}`) : [values.part];
let failed = 0;
for (const part of chosen) {
  const startedMs = performance.now();
  const { status, stdout } = spawnSync(
    process.execPath,
    [vitest, 'run', '--no-color', 'test/unit/room/fuzz.test.ts'],
    {
      cwd: root,
      env: {
        ...process.env,
        CORDON_FUZZ_RUNS: values.requests,
        CORDON_FUZZ_PART: part,
        ...(values.program && { CORDON_FUZZ_PROGRAM: '1' }),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    },
  );
  if (status !== 0) {
    failed++;
    process.stdout.write(stdout);
  }
  const said = /answered by status: .*/.exec(stdout)?.[0] ?? 'nothing was said';
  const routes = /Tests .*/.exec(stdout)?.[0] ?? '';
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  process.stdout.write(
    `part ${part}: ${status === 0 ? 'ok' : 'FAILED'}, ${seconds} s; ${routes.trim()}; ${said}\n`,
  );
}
process.exit(failed === 0 ? 0 : 1);
