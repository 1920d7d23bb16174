// Tries a change on the log of the running program, in a thread of its own with bounds of its own: what it remembers of a million
// questions is no memory of those that answer.
import { Worker } from 'node:worker_threads';
import type { Config } from '../../config/config.ts';
import type { Impact } from './impact-count.ts';

/** Two compiled policies are outside of it; a million questions take some 400 MB. */
const OLD_GENERATION_MB = 768;
/** Beyond the bound of the reading itself: two policies are compiled first. */
const GRACE_MS = 120_000;

/** What is tried on what. */
export interface ImpactOrder {
  readonly before: Config;
  readonly after: Config;
  /** Another content of one list, by its hash: what is to be decided on is tried, and nothing else. */
  readonly content?: { readonly list: string; readonly sha256: string } | undefined;
  /** Files of the log, the oldest first. */
  readonly paths: readonly string[];
  readonly sinceMs: number;
  /** How long is read at most. */
  readonly msMax: number;
  /** Bytes of the files, packed as they are. */
  readonly bytesMax: number;
  /** Names that are told. */
  readonly top: number;
}

/** What came of it; the log is not read whole where time was up. */
export interface TriedImpact {
  readonly impact: Impact;
  readonly isWhole: boolean;
}

/** How far it is. */
export interface ImpactProgress {
  readonly queries: number;
  /** When the last of them was asked; undefined: the log does not say. */
  readonly timeMs: number | undefined;
}

/** From the thread. */
export type ImpactReply =
  | ({ readonly kind: 'reading' } & ImpactProgress)
  | ({ readonly kind: 'tried' } & TriedImpact)
  | { readonly kind: 'failed'; readonly text: string };

/** Rejects with a RangeError that says why there is nothing; `signal` ends the thread, wherever it is. */
export const impactInThread = (
  order: ImpactOrder,
  tell: (progress: ImpactProgress) => void,
  signal: AbortSignal,
): Promise<TriedImpact> => {
  const thread = new Worker(new URL(THREAD_FILE, import.meta.url), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: OLD_GENERATION_MB },
  });
  thread.unref();
  return new Promise<TriedImpact>((resolve, reject) => {
    const fail = (text: string): void => reject(new RangeError(text));
    const timer = setTimeout(fail, order.msMax + GRACE_MS, 'it took too long').unref();
    signal.addEventListener('abort', () => fail('it was ended'), { once: true });
    thread.on('message', (reply: ImpactReply) => {
      if (reply.kind === 'reading') tell({ queries: reply.queries, timeMs: reply.timeMs });
      else if (reply.kind === 'tried') resolve({ impact: reply.impact, isWhole: reply.isWhole });
      else fail(reply.text);
    });
    thread.once('error', (error: Error) => fail(error.message));
    thread.once('exit', () => {
      clearTimeout(timer);
      fail('its thread ended');
    });
  }).finally(() => void thread.terminate());
};

/** The thread's file beside this one, in a checkout and in the built package. */
const THREAD_FILE = import.meta.url.endsWith('.ts') ? './impact-thread.ts' : './impact-thread.js';
