// The main thread's side of the query log: rings for workers, the thread that empties them, and what is known of it.

import { isDeepStrictEqual } from 'node:util';
import { Worker } from 'node:worker_threads';
import { createQueryRing } from '../../telemetry/events/events.ts';
import { type GenerationFacts, KnownGenerations, type RecordLog } from '../records/records.ts';
import {
  type DayBytes,
  LOG_LOSS,
  type LogLoss,
  type QueryLogFacts,
  type QueryLogReply,
  type QueryLogRequest,
  type QueryLogSettings,
  type QueryLogStart,
} from './settings.ts';

/** Before a thread that died is started again, milliseconds. */
const RESTART_MS = 1_000;
/** For the last queries when the program ends: links have three seconds. */
const STOP_MS_MAX = 5_000;
const OLD_GENERATION_MB = 64;
const YOUNG_GENERATION_MB = 8;

/** What is known of a log that is kept. */
export interface KeptLogFacts extends Omit<QueryLogFacts, 'day'> {
  readonly isAlive: boolean;
}

const NO_LOSS: Readonly<Record<LogLoss, number>> = { ring: 0, receiver: 0, day: 0, disk: 0 };

/** The query log of one program. */
export class QueryLogWriter {
  readonly #log: RecordLog;
  readonly #count: number;
  readonly #generations = new KnownGenerations();
  readonly #rings: SharedArrayBuffer[] = [];
  #settings: QueryLogSettings | undefined;
  #thread: Worker | undefined;
  #facts: QueryLogFacts | undefined;
  /** Of threads before: what is counted goes on. */
  #writtenBefore = new Map<string, number>();
  #lostBefore = NO_LOSS;
  #day: DayBytes = { day: 0, bytes: new Map() };

  /** `count` workers may write. */
  constructor(count: number, log: RecordLog) {
    this.#count = count;
    this.#log = log;
  }

  /** The ring of a worker; the first call makes those of all. */
  ringOf(worker: number): SharedArrayBuffer | undefined {
    while (this.#rings.length < this.#count) this.#rings.push(createQueryRing());
    return this.#rings[worker];
  }

  /** Tells what numbers of groups and lists mean. */
  define(facts: GenerationFacts): void {
    this.#generations.define(facts);
    this.#send({ kind: 'define', facts });
  }

  /** Keeps a log by other settings, or none any more; by the same ones, files are opened anew. */
  async follow(settings: QueryLogSettings | undefined): Promise<void> {
    if (isDeepStrictEqual(settings, this.#settings)) {
      this.#send({ kind: 'reopen' });
      return;
    }
    await this.stop();
    this.#settings = settings;
    if (settings !== undefined) this.#start(settings);
  }

  /** Undefined when no log is kept. */
  facts(): KeptLogFacts | undefined {
    if (this.#settings === undefined) return undefined;
    const outputs = (this.#facts?.outputs ?? []).map((output) => ({
      ...output,
      written: output.written + (this.#writtenBefore.get(output.name) ?? 0),
    }));
    return { outputs, lost: addLost(this.#lostBefore, this.#facts), isAlive: this.#thread !== undefined };
  }

  /** Writes what is in the rings, and ends the thread. */
  async stop(): Promise<void> {
    const thread = this.#thread;
    this.#settings = undefined;
    if (thread === undefined) return;
    const stopped = Promise.withResolvers<boolean>();
    const timer = setTimeout(stopped.resolve, STOP_MS_MAX, false);
    thread.on('message', ({ kind }: QueryLogReply) => {
      if (kind === 'stopped') stopped.resolve(true);
    });
    thread.once('exit', () => stopped.resolve(false));
    this.#send({ kind: 'stop' });
    const isDone = await stopped.promise;
    clearTimeout(timer);
    this.#thread = undefined;
    this.#remember();
    // A thread that a disk holds up does not end: nobody waits for it.
    if (isDone) await thread.terminate();
    else thread.unref();
  }

  #start(settings: QueryLogSettings): void {
    this.ringOf(0);
    const start: QueryLogStart = {
      settings,
      rings: this.#rings,
      generations: this.#generations.all(),
      day: this.#day,
    };
    const thread = new Worker(new URL(THREAD_FILE, import.meta.url), {
      workerData: start,
      resourceLimits: {
        maxOldGenerationSizeMb: OLD_GENERATION_MB,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      },
    });
    this.#thread = thread;
    thread.on('message', (reply: QueryLogReply) => this.#take(reply));
    thread.on('error', (error: unknown) =>
      this.#log.error({ err: error }, 'the thread of the query log died'),
    );
    thread.on('exit', () => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      this.#remember();
      setTimeout(() => {
        if (this.#settings === settings && this.#thread === undefined) this.#start(settings);
      }, RESTART_MS).unref();
    });
  }

  #take(reply: QueryLogReply): void {
    switch (reply.kind) {
      case 'facts':
        this.#facts = reply.facts;
        this.#day = reply.facts.day;
        return;
      case 'log':
        this.#log[reply.level](reply.fields, reply.text);
        return;
      case 'stopped':
    }
  }

  #remember(): void {
    // What the rings lost, they go on counting by themselves.
    const { ring } = this.#lostBefore;
    this.#lostBefore = { ...addLost(this.#lostBefore, this.#facts), ring };
    for (const { name, written } of this.#facts?.outputs ?? [])
      this.#writtenBefore.set(name, written + (this.#writtenBefore.get(name) ?? 0));
    this.#facts = undefined;
  }

  #send(request: QueryLogRequest): void {
    this.#thread?.postMessage(request);
  }
}

const addLost = (
  before: Readonly<Record<LogLoss, number>>,
  facts: QueryLogFacts | undefined,
): Record<LogLoss, number> => {
  const sum = { ...before };
  for (const why of LOG_LOSS) sum[why] += facts?.lost[why] ?? 0;
  return sum;
};

/** The thread's file beside this one, in a checkout and in the built package. */
const THREAD_FILE = import.meta.url.endsWith('.ts') ? './query-log-thread.ts' : './query-log-thread.js';
