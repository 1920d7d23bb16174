// The main thread's side of searches in the query log: one thread, which is there while somebody searches, and one search after
// the other: a search never takes more than one core, however many people look.
import { Worker } from 'node:worker_threads';
import { AppError } from '../../base/base.ts';
import type { LogFound, LogSearch } from './search.ts';

/** Searches that wait: what ten people do within the time of one. */
const WAITING_MAX = 10;
/** Beyond the bound of the search itself: a disk that does not answer, and the start of the thread. */
const GRACE_MS = 15_000;
/** How long the thread waits for the next one: as long as somebody reads a page. */
const IDLE_MS = 60_000;
const OLD_GENERATION_MB = 96;
const YOUNG_GENERATION_MB = 8;

/** Whose log it is. */
export interface SearchPlace {
  readonly recordsDirectory: string;
  /** The log has addresses where the records have pseudonyms. */
  readonly hasOtherNames: boolean;
}

/** To the thread. */
export interface SearchOrder {
  readonly id: number;
  readonly wanted: LogSearch;
}

/** From the thread. */
export type SearchReply =
  | { readonly id: number; readonly found: LogFound }
  | { readonly id: number; readonly fault: string };

interface Waiting {
  readonly take: (reply: SearchReply) => void;
  readonly timer: NodeJS.Timeout;
}

const failure = (text: string, hint?: string): AppError =>
  new AppError(
    'ERR_QUERY_LOG_SEARCH',
    `searching the query log: ${text}`,
    hint === undefined ? {} : { hint },
  );

/** Searches of one program. */
export class LogSearcher {
  readonly #waiting = new Map<number, Waiting>();
  #thread: Worker | undefined;
  #place: SearchPlace | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;

  /** Rejects with ERR_QUERY_LOG_SEARCH: too many wait, the files cannot be read, or it takes too long. */
  search(place: SearchPlace, wanted: LogSearch): Promise<LogFound> {
    if (this.#waiting.size >= WAITING_MAX)
      return Promise.reject(failure('too many searches wait', 'Ask again in some seconds.'));
    clearTimeout(this.#idle);
    const thread = this.#threadOf(place);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const graceMs = (this.#waiting.size + 1) * (wanted.bounds.ms + GRACE_MS);
      const timer = setTimeout(() => {
        this.#end('it took too long');
      }, graceMs).unref();
      const take = (reply: SearchReply): void => {
        if ('found' in reply) resolve(reply.found);
        else reject(failure(reply.fault));
      };
      this.#waiting.set(id, { take, timer });
      thread.postMessage({ id, wanted } satisfies SearchOrder);
    });
  }

  close(): void {
    this.#end('the program ends');
  }

  #threadOf(place: SearchPlace): Worker {
    const isSame =
      this.#place?.recordsDirectory === place.recordsDirectory &&
      this.#place.hasOtherNames === place.hasOtherNames;
    if (!isSame) this.#end('the configuration changed');
    if (this.#thread !== undefined) return this.#thread;
    const thread = new Worker(new URL(THREAD_FILE, import.meta.url), {
      workerData: place,
      resourceLimits: {
        maxOldGenerationSizeMb: OLD_GENERATION_MB,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      },
    });
    thread.unref();
    thread.on('message', (reply: SearchReply) => this.#take(reply));
    const fail = (text: string): void => {
      if (this.#thread === thread) this.#end(text);
    };
    thread.on('error', (error: Error) => fail(error.message));
    thread.on('exit', () => fail('its thread ended'));
    this.#thread = thread;
    this.#place = place;
    return thread;
  }

  #take(reply: SearchReply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    clearTimeout(waiting.timer);
    waiting.take(reply);
    if (this.#waiting.size === 0) this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
  }

  #end(why: string): void {
    clearTimeout(this.#idle);
    const thread = this.#thread;
    this.#thread = undefined;
    this.#place = undefined;
    void thread?.terminate();
    for (const [id, { take, timer }] of this.#waiting) {
      clearTimeout(timer);
      take({ id, fault: why });
    }
    this.#waiting.clear();
  }
}

/** The thread's file beside this one, in a checkout and in the built package. */
const THREAD_FILE = import.meta.url.endsWith('.ts') ? './search-thread.ts' : './search-thread.js';
