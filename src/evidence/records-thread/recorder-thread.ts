// The recorder's thread: drives a Recording with a timer and with messages, and makes its outputs.
//
// It has few modules and a small heap. Whatever it waits for, a disk that hangs above all, it waits for alone: workers
// write into rings, and the main thread only posts messages.
import { flushCompileCache } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { isAppError, keepHeapSmall, systemClock } from '../../base/base.ts';
import { EventReader } from '../../telemetry/events/events.ts';
import {
  DnstapOutput,
  JsonLinesOutput,
  Recording,
  type RecordLog,
  type RecordOutput,
  SyslogOutput,
  type Written,
} from '../records/records.ts';
import type { OutputSettings, RecorderReply, RecorderRequest, RecorderStart } from './messages.ts';

/** Between two reports to the main thread, milliseconds: with each tick of a recorder that rests, whose timer may be early. */
const FACTS_MS = 900;
/** After each 20 ms of a check: it takes a tenth of a core. */
const CHECK_PAUSE_MS = 180;

const pause = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, CHECK_PAUSE_MS);
  });

const createOutput = (settings: OutputSettings): RecordOutput => {
  switch (settings.kind) {
    case 'jsonl':
      return new JsonLinesOutput(settings);
    case 'syslog':
      return new SyslogOutput(settings);
    case 'dnstap':
      return new DnstapOutput(settings);
  }
};

/** Outputs and the settings that they were made from. */
type Made = readonly { readonly settings: OutputSettings; readonly output: RecordOutput }[];

/** Drives the recording until it is told to stop. */
class RecorderThread {
  readonly #port: NonNullable<typeof parentPort>;
  readonly #recording: Recording;
  readonly #readers: readonly EventReader[];
  /** Those whose bell hangs. */
  readonly #asleep = new Set<EventReader>();
  #made: Made;
  #timer: NodeJS.Timeout | undefined;
  #reportedAt = performance.now();
  /** Messages that were read before their turn. */
  readonly #deferred: RecorderRequest[] = [];
  #isDue = false;
  #isStopped = false;
  /** All witnesses of the start were asked what they know. */
  #isWitnessed = false;

  constructor(port: NonNullable<typeof parentPort>, start: RecorderStart) {
    const { directory, rings, waiting, resolver, version, settings, generations, resumed, fleet } = start;
    this.#port = port;
    this.#made = settings.outputs.map((output) => ({ settings: output, output: createOutput(output) }));
    this.#readers = rings.map((ring) => new EventReader(ring));
    this.#recording = new Recording({
      ...settings,
      directory,
      readers: this.#readers,
      droppedBefore: resumed?.droppedBefore ?? [],
      watchedUntilMs: resumed?.watchedUntilMs,
      outputs: this.#made.map(({ output }) => output),
      resolver,
      origin: start.origin,
      version,
      waiting: new Float64Array(waiting),
      confirmed: fleet && new Float64Array(fleet.confirmed),
      unconfirmedMsMax: fleet?.unconfirmedMsMax,
      countingKeyPath: fleet?.countingKeyPath,
      isResumed: resumed !== undefined,
      clock: systemClock,
      monotonic: () => performance.now(),
      log: this.#createLog(),
      fetchDefinitions: () => this.#fetchDefinitions(),
      onWitness: () => this.#tellWitnesses(),
      pause,
    });
    for (const facts of generations) this.#recording.define(facts);
    port.on('message', (request: RecorderRequest) => {
      this.#takeDeferred();
      this.#take(request);
    });
    this.#tick();
  }

  /** A definition was sent before the event that needs it was written: it has arrived. Other messages wait their turn. */
  #fetchDefinitions(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) break;
      // From the main thread.
      const request = received.message as RecorderRequest;
      if (request.kind === 'define') this.#recording.define(request.facts);
      else this.#deferred.push(request);
    }
    if (this.#deferred.length > 0) setImmediate(() => this.#takeDeferred());
  }

  #takeDeferred(): void {
    for (const request of this.#deferred.splice(0)) this.#take(request);
  }

  #take(request: RecorderRequest): void {
    switch (request.kind) {
      case 'define':
        this.#recording.define(request.facts);
        return;
      case 'lost':
        this.#recording.lost(request.count);
        return;
      case 'write':
        this.#recording.writeText(request.change, this.#answer(request.request));
        // All messages that are there go into one commit.
        this.#tickSoon();
        return;
      case 'reconfigure':
        this.#reconfigure(request.settings);
        this.#answer(request.request)(undefined);
        return;
      case 'reidentify':
        this.#settle(
          request.request,
          this.#recording.reidentify(request.pseudonym, request.by, request.reason),
        );
        this.#tickSoon();
        return;
      case 'pseudonyms':
        this.#settle(request.request, this.#recording.pseudonyms(request.sought, request.by, request.reason));
        this.#tickSoon();
        return;
      case 'recall': {
        const { question, whom } = request;
        this.#post({ kind: 'recalled', question, found: this.#recording.recall(whom) });
        return;
      }
      case 'stop':
        this.#stop(request.request);
    }
  }

  /** Outputs whose settings did not change go on with what they have. */
  #reconfigure(settings: RecorderStart['settings']): void {
    const before = [...this.#made];
    const made = settings.outputs.map((output) => {
      const index = before.findIndex((known) => isDeepStrictEqual(known.settings, output));
      const [known] = index < 0 ? [] : before.splice(index, 1);
      known?.output.reopen?.();
      return known ?? { settings: output, output: createOutput(output) };
    });
    this.#made = made;
    this.#recording.reconfigure(
      settings,
      made.map(({ output }) => output),
    );
    for (const { output } of before) void output.close();
  }

  #tick(): void {
    if (this.#isStopped) return;
    const delayMs = this.#recording.tick();
    if (performance.now() - this.#reportedAt >= FACTS_MS) this.#report();
    void this.#recording.housekeep();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tick(), delayMs);
    this.#hangBells();
  }

  /** Much that comes before the next tick wakes the recorder, and anything while it rests. What a full disk leaves does not. */
  #hangBells(): void {
    const bytes = this.#recording.bellBytes;
    for (const reader of this.#readers) {
      if (this.#asleep.has(reader)) reader.rehang(bytes);
      if (this.#asleep.has(reader) || reader.backlogBytes >= bytes) continue;
      this.#asleep.add(reader);
      void reader.filled(bytes).then(() => {
        this.#asleep.delete(reader);
        this.#tickSoon();
      });
    }
  }

  #tickSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#tick();
    });
  }

  #stop(request: number): void {
    this.#isStopped = true;
    const stopped = this.#recording.stop().then(() => {
      this.#report();
      return '';
    });
    this.#settle(request, stopped);
  }

  /** What a witness said first is written and told at once: the start waits for it. */
  #tellWitnesses(): void {
    if (this.#isWitnessed || this.#isStopped) return;
    this.#tick();
    this.#isWitnessed = this.#recording.facts().witnesses.every(({ isAsked }) => isAsked);
    if (this.#isWitnessed) this.#report();
  }

  #answer(request: number): Written {
    return (error) => {
      if (error === undefined) this.#post({ kind: 'done', request });
      else this.#post({ kind: 'failed', request, code: error.code, text: error.message, hint: error.hint });
    };
  }

  #settle(request: number, outcome: Promise<string>): void {
    outcome.then(
      (value) => this.#post({ kind: 'done', request, value }),
      (thrown: unknown) => {
        if (!isAppError(thrown)) throw thrown;
        this.#answer(request)(thrown);
      },
    );
  }

  #report(): void {
    this.#reportedAt = performance.now();
    this.#post({ kind: 'facts', facts: this.#recording.facts(), nowMs: systemClock() });
  }

  #createLog(): RecordLog {
    const at =
      (level: 'info' | 'warn' | 'error') =>
      (fields: object, text: string): void =>
        this.#post({ kind: 'log', level, fields, text });
    return { info: at('info'), warn: at('warn'), error: at('error') };
  }

  #post(reply: RecorderReply): void {
    this.#port.postMessage(reply);
  }
}

// A thread that was given nothing only fills the compile cache (src/launch.mjs).
if (parentPort !== null && workerData !== null) {
  flushCompileCache();
  // The main thread's own type.
  new RecorderThread(parentPort, workerData as RecorderStart);
  keepHeapSmall();
}
