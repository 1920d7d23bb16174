// The thread that tries a change on the log, and ends: it takes a minute of one core, at a low priority.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { isAppError, systemClock } from '../../base/base.ts';
import { readKeptPaths } from '../../policy/keeping/keeping.ts';
import type { ImpactOrder, ImpactReply } from './impact-in-thread.ts';
import { impactOf } from './impact-of.ts';

const NICENESS = 10;

const stepBack = (): void => {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), NICENESS);
  } catch {
    // Where threads have no priority of their own, it takes its share.
  }
};

const tried = async ({ before, after, paths, sinceMs, msMax, top }: ImpactOrder): Promise<ImpactReply> => {
  const endMs = performance.now() + msMax;
  try {
    const found = await impactOf(
      { config: before, pathOf: await readKeptPaths(before, systemClock) },
      { config: after, pathOf: await readKeptPaths(after, systemClock) },
      {
        paths,
        format: 'cordon',
        how: { sinceMs, zoneMs: undefined },
        isEnough: () => performance.now() > endMs,
      },
      top,
    );
    return { kind: 'tried', ...found };
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return { kind: 'failed', text: thrown.message };
  }
};

if (parentPort !== null && workerData !== null) {
  stepBack();
  // The main thread's own type.
  parentPort.postMessage(await tried(workerData as ImpactOrder));
}
