// Builds a generation beside the thread that asks, which answers signals meanwhile, and does not wait for ever.
import { Worker } from 'node:worker_threads';
import { AppError } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import { toLoadedList } from '../lists/lists.ts';
import type { Generation } from './build.ts';
import type { PathOf } from './read-list.ts';
import type { GenerationOrder, GenerationReply } from './thread.ts';

/** 32 lists of 256 MiB take a minute on a slow machine; beyond five times that, the file system hangs. */
const BUILD_MS_MAX = 300_000;

/**
 * Builds a generation in a thread of its own. Rejects as buildGeneration() throws, and with ERR_LIST_READ when it takes
 * longer than `limitMs`: what is in force stays.
 */
export const buildInThread = (
  config: Config,
  generation: number,
  nowMs: number,
  pathOf: PathOf,
  limitMs = BUILD_MS_MAX,
): Promise<Generation> => {
  const paths = new Map<string, string>();
  for (const list of config.lists) {
    const path = pathOf(list);
    if (path !== undefined) paths.set(list.id, path);
  }
  const order: GenerationOrder = { config, generation, nowMs, paths };
  const thread = new Worker(new URL(THREAD_FILE, import.meta.url), { workerData: order });
  return new Promise<Generation>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new AppError('ERR_LIST_READ', `reading the lists: not done within ${limitMs / 1000} seconds`, {
          hint: 'A file system hangs, or the machine is overloaded.',
        }),
      );
    }, limitMs);
    thread.once('message', (reply: GenerationReply) => {
      clearTimeout(timer);
      if (reply.kind === 'built') return resolve(revive(reply.built));
      const options = reply.hint === undefined ? {} : { hint: reply.hint };
      return reject(new AppError(reply.code, reply.text, options));
    });
    thread.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      // Anything else is a defect, as it would be here.
      reject(error.code?.endsWith(NOT_STARTED) === true ? notStarted(error) : error);
    });
    thread.once('exit', () => {
      clearTimeout(timer);
      reject(new AppError('ERR_LIST_READ', 'reading the lists: the thread that reads them ended'));
    });
  }).finally(() => {
    // One that a disk holds up ends when the disk lets it go; nobody waits for it.
    thread.unref();
    void thread.terminate();
  });
};

/** End of the code of Node.js for a thread that could not begin, for want of descriptors or memory. */
const NOT_STARTED = 'WORKER_INIT_FAILED';

const notStarted = (cause: Error): AppError =>
  new AppError('ERR_LIST_READ', `reading the lists: no thread could be started: ${cause.message}`, {
    hint: 'Raise LimitNOFILE of the unit, or ulimit -n.',
  });

/** What travels between threads is plain data. */
const revive = (built: Generation): Generation => ({
  ...built,
  lists: built.lists.map((facts) => ({ ...facts, loaded: toLoadedList(facts.loaded) })),
});

/** The thread's file beside this one, in a checkout and in the built package. */
const THREAD_FILE = import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js';
