// The thread that reads and compiles the lists of one generation, and ends.
//
// A disk that hangs holds up this thread, not the one that answers signals, health and metrics; what was built of a million
// names stays in shared memory, and everything else of it goes with the thread.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../../config/config.ts';
import type { Generation } from './build.ts';

/** What is to be built. */
export interface GenerationOrder {
  readonly config: Config;
  readonly generation: number;
  readonly nowMs: number;
  /** Of lists that are fetched, by id: where their content lies. */
  readonly paths: ReadonlyMap<string, string>;
}

/** What came of it. */
export type GenerationReply =
  | { readonly kind: 'built'; readonly built: Generation }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly text: string;
      readonly hint: string | undefined;
    };

const build = async ({ config, generation, nowMs, paths }: GenerationOrder): Promise<GenerationReply> => {
  // Not before it has stepped back: loading its modules takes as long as a list of 100,000 names.
  const [{ isAppError }, { buildGeneration }] = await Promise.all([
    import('../../base/base.ts'),
    import('./build.ts'),
  ]);
  try {
    return { kind: 'built', built: buildGeneration(config, generation, nowMs, ({ id }) => paths.get(id)) };
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return { kind: 'failed', code: thrown.code, text: thrown.message, hint: thrown.hint };
  }
};

/** Queries go first: where there are as few cores as workers, they would wait for this thread. */
const NICENESS = 10;

/** Linux has a priority for each thread, and tells a thread its number. */
const stepBack = (): void => {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), NICENESS);
  } catch {
    // Another system, or no /proc: it competes as it always did.
  }
};

stepBack();
// From generation-aside.ts.
parentPort?.postMessage(await build(workerData as GenerationOrder));
