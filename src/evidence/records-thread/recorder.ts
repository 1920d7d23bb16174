// The main thread's side of the recorder: starts its thread, keeps it alive, and hands it what is to be recorded.
//
// A thread that dies is started again, after a pause that doubles with each death. Rings outlive it, and so does every
// change that it has not acknowledged: that is handed over again. Nothing here waits for a disk; write() alone
// resolves only when the record is on it.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { AppError, systemClock } from '../../base/base.ts';
import { EventReader } from '../../telemetry/events/events.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import {
  type ChangeRecord,
  type ChangeText,
  type GenerationFacts,
  KnownGenerations,
  type RecalledClient,
  type RecalledWhom,
  type RecordingFacts,
  type SoughtClient,
  toChangeText,
} from '../records/records.ts';
import { Questions, Unacknowledged } from './exchange.ts';
import type { RecorderReply, RecorderRequest, RecorderSettings, RecorderStart } from './messages.ts';

/** Pauses before the thread is started again, milliseconds, and the life that forgets deaths. */
const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 10_000;
const RESTART_FORGET_MS = 60_000;
/** What renew() waits for the next thread to make the directory, and how often it looks. */
const RENEW_MS_MAX = 60_000;
const RENEW_POLL_MS = 100;
/** What stop() waits for the last records: outputs have three seconds for theirs. */
const STOP_MS_MAX = 18_000;
/** MB of heap: a batch of 4,096 records takes some 5 MB, with outputs twice that. */
const OLD_GENERATION_MB = 64;
const YOUNG_GENERATION_MB = 6;

/** What a recorder is started with. */
export type RecorderOptions = Omit<RecorderStart, 'generations' | 'resumed' | 'waiting'> & {
  readonly log: Log;
  /** Told once how long the program was gone, when the one before ended without recording it; milliseconds. */
  readonly onCrash?: (ms: number) => void;
};

/** What metrics and commands tell of the records. */
export interface RecorderFacts extends RecordingFacts {
  /** False while the thread is dead. */
  readonly isAlive: boolean;
  readonly restarts: number;
  /** When the thread last told of itself; undefined: never. A thread that a disk holds up tells nothing. */
  readonly reportedMs: number | undefined;
}

/** How often, and for how many seconds, the checkpoint is looked for that comes each second. */
const SIGNED_POLL_MS = 100;
const SIGNED_TRIES_MAX = 50;

/** How often it is looked whether witnesses have said what they know, milliseconds: a start waits for it. */
const WITNESSED_POLL_MS = 10;

const NO_FACTS: RecordingFacts = {
  written: new Map(),
  sequence: new Map(),
  dropped: 0,
  droppedOfRings: [],
  backlogBytes: 0,
  lastCommitMs: undefined,
  failure: undefined,
  oldestSearchableMs: undefined,
  isVerified: undefined,
  verifiedMs: undefined,
  isClockTrusted: true,
  clockStepMs: 0,
  crashMs: undefined,
  partitions: 0,
  bytes: 0,
  freeBytes: undefined,
  reserveBytes: undefined,
  queries: new Map(),
  outputs: [],
  checkpoint: undefined,
  witnesses: [],
  distinctClients: new Map(),
};

/** The recorder of the program. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #generations = new KnownGenerations();
  readonly #unacknowledged = new Unacknowledged();
  /** Outlives threads, as the rings do. */
  readonly #waiting = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
  readonly #questions = new Questions();
  /** For what they tell; nothing is read of them here. */
  readonly #rings: readonly EventReader[];
  #settings: RecorderSettings;
  #thread: Worker | undefined;
  #facts = NO_FACTS;
  #reportedMs: number | undefined;
  /** Written by threads that died. */
  readonly #writtenBefore = new Map<string, number>();
  /** Records that found no room, and those of them that the thread was not told of. */
  readonly #lost = { count: 0, untold: 0 };
  /** Of threads: deaths one after the other, all restarts, and when the last one began. */
  readonly #lives = { deaths: 0, restarts: 0, startedMs: 0 };
  #isStopping = false;

  private constructor(options: RecorderOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#rings = options.rings.map((ring) => new EventReader(ring));
  }

  /** Starts the thread. A disk that cannot be written to is its own concern: it tries again, and says so. */
  static start(options: RecorderOptions): Recorder {
    const recorder = new Recorder(options);
    recorder.#startThread();
    return recorder;
  }

  /** Tells what numbers in events mean: before a worker gets that generation. */
  define(facts: GenerationFacts): void {
    this.#generations.define(facts);
    this.#thread?.postMessage({ kind: 'define', facts } satisfies RecorderRequest);
  }

  /**
   * Resolves when the record is on the disk. Rejects with ERR_COMPLIANCE_RECORD_SIZE, or with ERR_APP_RECORDER when
   * too many wait already or the program stops.
   */
  async write(record: ChangeRecord): Promise<void> {
    await this.#write(toChangeText(record));
  }

  /** Hands over a record that nobody waits for; one that finds no room is counted and recorded as dropped. */
  note(record: ChangeRecord): void {
    this.write(record).catch((error: unknown) => {
      this.#lost.count++;
      this.#lost.untold++;
      this.#options.log.error({ err: error, kind: record.kind }, 'a record is lost');
    });
  }

  async #write(change: ChangeText): Promise<void> {
    this.#unacknowledged.length += change.text.length;
    try {
      await this.#request((request) => ({ kind: 'write', request, change }));
    } finally {
      this.#unacknowledged.length -= change.text.length;
    }
  }

  /** The address of a pseudonym, after who asks and why was recorded. Rejects with ERR_COMPLIANCE_PSEUDONYM. */
  reidentify(pseudonym: string, by: string, reason: string): Promise<string> {
    return this.#request((request) => ({ kind: 'reidentify', request, pseudonym, by, reason }));
  }

  /** The pseudonyms of an address or a device, separated by blanks, after who asks and why was recorded. */
  pseudonyms(sought: SoughtClient, by: string, reason: string): Promise<string> {
    return this.#request((request) => ({ kind: 'pseudonyms', request, sought, by, reason }));
  }

  /**
   * What was refused lately to a client; undefined when nobody tells within QUESTION_MS_MAX, and for a text that means
   * nobody. Nothing of it is recorded, because no identity is told.
   */
  recall(whom: RecalledWhom): Promise<RecalledClient | undefined> {
    const thread = this.#thread;
    if (thread === undefined) return Promise.resolve(undefined);
    return this.#questions.ask((question) => {
      thread.postMessage({ kind: 'recall', question, whom } satisfies RecorderRequest);
    });
  }

  /** Until a checkpoint covers what was recorded before a time; a disk that takes nothing holds nobody up for more than seconds. */
  async signed(timeMs: number): Promise<void> {
    for (let tries = 0; tries < SIGNED_TRIES_MAX; tries++) {
      const { checkpoint } = this.#facts;
      if (checkpoint === undefined || checkpoint.signedMs >= timeMs) return;
      await sleep(SIGNED_POLL_MS);
    }
  }

  /**
   * Until each witness was asked what it knows of these records, and what it found is on the disk; false when that takes longer
   * than `msMax`.
   */
  async witnessed(msMax: number): Promise<boolean> {
    const untilMs = performance.now() + msMax;
    const count = this.#settings.witnesses?.length ?? 0;
    const isWitnessed = (): boolean => this.#facts.witnesses.filter(({ isAsked }) => isAsked).length >= count;
    while (!isWitnessed() && performance.now() < untilMs) await sleep(WITNESSED_POLL_MS);
    return isWitnessed();
  }

  /** Puts other settings in force. Outputs that did not change open their files anew, if they have one. */
  async reconfigure(settings: RecorderSettings): Promise<void> {
    this.#settings = settings;
    await this.#request((request) => ({ kind: 'reconfigure', request, settings }));
  }

  facts(): RecorderFacts {
    const facts = this.#facts;
    // The rings tell it also while the thread is held up.
    const readers = this.#rings;
    const written = new Map(facts.written);
    for (const [name, count] of written) written.set(name, count + (this.#writtenBefore.get(name) ?? 0));
    return {
      ...facts,
      written,
      dropped: readers.reduce((sum, { dropped }) => sum + dropped, this.#lost.count),
      backlogBytes: readers.reduce((sum, { backlogBytes }) => sum + backlogBytes, 0),
      isAlive: this.#thread !== undefined,
      restarts: this.#lives.restarts,
      reportedMs: this.#reportedMs,
    };
  }

  /** Ends the thread, whose directory was deleted, and waits for the next one to make another. Rejects with ERR_APP_RECORDER. */
  async renew(): Promise<void> {
    await this.#thread?.terminate();
    const untilMs = performance.now() + RENEW_MS_MAX;
    while (!existsSync(this.#options.directory)) {
      if (performance.now() > untilMs) {
        throw new AppError(
          'ERR_APP_RECORDER',
          `making ${this.#options.directory} anew: it did not come back`,
        );
      }
      await sleep(RENEW_POLL_MS);
    }
  }

  /** Records what is in the rings and that the program stopped; within STOP_MS_MAX, whatever the disk does. */
  async stop(): Promise<void> {
    if (this.#thread === undefined) {
      this.#isStopping = true;
      this.#unacknowledged.rejectAll('the recorder is dead');
      return;
    }
    const stopped = this.#request((request) => ({ kind: 'stop', request }));
    this.#isStopping = true;
    const timeout = Promise.withResolvers<boolean>();
    const timer = setTimeout(timeout.resolve, STOP_MS_MAX, false);
    const isDone = await Promise.race([
      stopped.then(
        () => true,
        () => false,
      ),
      timeout.promise,
    ]);
    clearTimeout(timer);
    if (!isDone) this.#options.log.error({}, 'the last records could not be written');
    const thread = this.#thread;
    this.#thread = undefined;
    // A thread that a disk holds up does not end: nobody waits for it.
    if (isDone) await thread?.terminate();
    else thread?.unref();
    this.#unacknowledged.rejectAll('the program stops');
  }

  #request(create: Parameters<Unacknowledged['add']>[0]): Promise<string> {
    if (this.#isStopping || this.#unacknowledged.isFull) {
      const why = this.#isStopping
        ? 'the program stops'
        : `${this.#unacknowledged.size} records wait already`;
      return Promise.reject(new AppError('ERR_APP_RECORDER', `recording: ${why}`));
    }
    const { message, done } = this.#unacknowledged.add(create);
    this.#tellLost();
    this.#thread?.postMessage(message);
    return done;
  }

  #tellLost(): void {
    if (this.#lost.untold === 0 || this.#thread === undefined) return;
    this.#thread.postMessage({ kind: 'lost', count: this.#lost.untold } satisfies RecorderRequest);
    this.#lost.untold = 0;
  }

  #startThread(): void {
    const { directory, rings, resolver, origin, version, fleet } = this.#options;
    const droppedBefore = this.#facts.droppedOfRings;
    const watchedUntilMs = this.#reportedMs ?? systemClock();
    const start: RecorderStart = {
      ...{ directory, rings, resolver, origin, version, fleet },
      waiting: this.#waiting,
      settings: this.#settings,
      generations: this.#generations.all(),
      resumed: this.#lives.restarts === 0 ? undefined : { droppedBefore, watchedUntilMs },
    };
    const thread = new Worker(new URL(THREAD_FILE, import.meta.url), {
      workerData: start,
      resourceLimits: {
        maxOldGenerationSizeMb: OLD_GENERATION_MB,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      },
    });
    this.#thread = thread;
    this.#lives.startedMs = performance.now();
    thread.on('message', (reply: RecorderReply) => this.#take(reply));
    thread.on('error', (error) => this.#options.log.error({ err: error }, 'the recorder died'));
    thread.on('exit', () => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      if (!this.#isStopping) this.#restart();
    });
    for (const message of this.#unacknowledged.messages()) thread.postMessage(message);
  }

  #restart(): void {
    const lived = performance.now() - this.#lives.startedMs;
    this.#lives.deaths = lived > RESTART_FORGET_MS ? 1 : this.#lives.deaths + 1;
    const pauseMs = Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** (this.#lives.deaths - 1));
    this.#lives.restarts++;
    for (const [name, count] of this.#facts.written) {
      this.#writtenBefore.set(name, count + (this.#writtenBefore.get(name) ?? 0));
    }
    this.#facts = { ...this.#facts, written: new Map() };
    this.#options.log.warn({ pauseMs, deaths: this.#lives.deaths }, 'the recorder is started again');
    setTimeout(() => {
      if (!this.#isStopping) this.#startThread();
    }, pauseMs);
  }

  #take(reply: RecorderReply): void {
    switch (reply.kind) {
      case 'log':
        this.#options.log[reply.level](reply.fields, reply.text);
        return;
      case 'facts':
        if (this.#facts.crashMs === undefined && reply.facts.crashMs !== undefined) {
          this.#options.onCrash?.(reply.facts.crashMs);
        }
        this.#facts = reply.facts;
        this.#reportedMs = reply.nowMs;
        return;
      case 'recalled':
        this.#questions.answer(reply.question, reply.found);
        return;
      case 'done':
        this.#unacknowledged.resolve(reply.request, reply.value ?? '');
        return;
      case 'failed': {
        const options = reply.hint === undefined ? {} : { hint: reply.hint };
        this.#unacknowledged.reject(reply.request, new AppError(reply.code, reply.text, options));
      }
    }
  }
}

/** The thread's file beside this one, in a checkout and in the built package. */
const THREAD_FILE = import.meta.url.endsWith('.ts') ? './recorder-thread.ts' : './recorder-thread.js';
