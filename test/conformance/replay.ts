// Scenarios played one after the other by the runner of ../shared/conformance, in a network namespace of their own.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { z } from 'zod';
import { FakeTime } from '../support/fake-time.ts';
import { requireProgram, run } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { PYTHON, requireSuite, suite } from './setup.ts';

/** All scenarios of a test, some of which wait for time-outs, on a loaded machine. */
const TIMEOUT_MS = 300_000;
/** From the first connection that Cordon accepts to the first query: the sockets of a listener open one by one. */
const START_SETTLE_SEC = 0.3;

const host = fileURLToPath(new URL('replay-host.ts', import.meta.url));
const adapter = fileURLToPath(new URL('replay-adapter.mjs', import.meta.url));
const resultFile = z.array(z.object({ file: z.string(), result: z.string(), why: z.string() }));

/** How scenarios ended, by their file names, and what the runner said. */
export interface Ends {
  readonly results: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Ends the test as not run when something that a replay needs is missing. */
export const requireReplay = async (context: TestContext): Promise<void> => {
  requireSuite(context);
  for (const program of [PYTHON, 'unshare', 'ip', 'faketime', 'unbound']) requireProgram(context, program);
  if ((await run('unshare', ['-n', 'true'])).code !== 0)
    context.skip('network namespaces are not permitted here');
};

/** Plays scenarios, given by their paths; `directory` is there, and of this call. */
export const replayInTurn = async (
  files: readonly string[],
  mode: string,
  directory: string,
): Promise<Ends> => {
  if (files.length === 0) return { results: {}, text: '' };
  const results = join(directory, 'results.json');
  const socket = join(directory, 'host.sock');
  const time = new FakeTime(Date.now());
  try {
    const { stdout, stderr } = await run(
      'unshare',
      [
        ...['-n', process.execPath, host, socket, PYTHON, join(suite, 'rpl_replay.py')],
        ...['--mode', mode, '--faketime-date', '--work', directory, '--json', results],
        ...['--start-timeout', '20', '--start-settle', String(START_SETTLE_SEC)],
        ...['--adapter', `${process.execPath} ${adapter} ${socket}`, ...files],
      ],
      { timeoutMs: TIMEOUT_MS, env: { ...time.env, TEST_PROGRAM: PROGRAM } },
    );
    const outcomes = resultFile.parse(JSON.parse(readFileSync(results, 'utf8')));
    return {
      results: Object.fromEntries(outcomes.map(({ file, result }) => [file, result])),
      text: stdout + stderr,
    };
  } finally {
    time.remove();
  }
};
