// The thread that tries a change on the log, and ends: it takes a minute of one core, at a low priority.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { isAppError, systemClock } from '../../base/base.ts';
import { contentPath, readKeptPaths } from '../../policy/keeping/keeping.ts';
import type { ImpactOrder, ImpactReply } from './impact-in-thread.ts';
import { impactOf } from './impact-of.ts';

const NICENESS = 10;
/** Between two words on how far it is. */
const TELL_MS = 500;

const stepBack = (): void => {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), NICENESS);
  } catch {
    // Where threads have no priority of their own, it takes its share.
  }
};

const tell = (reply: ImpactReply): void => parentPort?.postMessage(reply);

const tried = async (order: ImpactOrder): Promise<ImpactReply> => {
  const { before, after, content, paths, sinceMs, msMax, bytesMax, top } = order;
  const endMs = performance.now() + msMax;
  let toldMs = performance.now();
  try {
    const kept = await readKeptPaths(after, systemClock);
    const other = content && (await contentPath(after, content.list, content.sha256, systemClock));
    const found = await impactOf(
      { config: before, pathOf: await readKeptPaths(before, systemClock) },
      { config: after, pathOf: (list) => (list.id === content?.list ? other?.path : kept(list)) },
      {
        ...{ paths, bytesMax },
        format: 'cordon',
        how: { sinceMs, zoneMs: undefined },
        isEnough: (queries, timeMs) => {
          const nowMs = performance.now();
          if (nowMs - toldMs > TELL_MS) {
            toldMs = nowMs;
            tell({ kind: 'reading', queries, timeMs });
          }
          return nowMs > endMs;
        },
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
  tell(await tried(workerData as ImpactOrder));
}
