// Latency as one client sees it: starts the prober in a process of its own and reads what it noted.
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { run } from '../test/support/process.ts';
import type { Server, Work } from './contender.ts';
import { percentile } from './load.ts';
import { LOAD_CORE } from './process.ts';

/** Beyond the time that it was told. */
const EXTRA_MS = 10_000;

const noteSchema = z.object({
  latencies: z.array(z.number()),
  lost: z.number(),
  unfiltered: z.number(),
  overblocked: z.number(),
});

/** What one client saw. */
export interface Latency {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  readonly lost: number;
  /** Answers for the listed name other than NXDOMAIN. */
  readonly unfiltered: number;
  /** Answers for the passing name other than NOERROR. */
  readonly overblocked: number;
}

/** Asks a server about a thousand times a second with one query outstanding. */
export const probe = async (server: Server, work: Work, seconds: number): Promise<Latency> => {
  const script = fileURLToPath(new URL('prober.ts', import.meta.url));
  const args = [script, `${server.port}`, `${seconds}`, work.listedName, work.passingName];
  const { code, stdout, stderr } = await run('taskset', ['-c', `${LOAD_CORE}`, process.execPath, ...args], {
    timeoutMs: seconds * 1000 + EXTRA_MS,
  });
  if (code !== 0) throw new Error(`the prober ended with status ${code}\n${stderr}`);
  const { latencies, ...found } = noteSchema.parse(JSON.parse(stdout));
  return {
    count: latencies.length,
    p50Us: percentile(latencies, 0.5),
    p99Us: percentile(latencies, 0.99),
    maxUs: percentile(latencies, 1),
    ...found,
  };
};
