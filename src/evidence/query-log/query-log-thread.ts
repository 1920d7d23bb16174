// The thread of the query log: empties the rings of all workers and makes of queries what each output takes.
//
// No answer waits for it. What it is too slow for finds no room in a ring, what an output does not take finds none in
// its queue, and both are counted.
import { flushCompileCache } from 'node:module';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/base.ts';
import { QueryRingReader, type RingQuery } from '../../telemetry/events/events.ts';
import { KnownGenerations, PseudonymReader, type RecordLog } from '../records/records.ts';
import { LogOutput } from './log-output.ts';
import { Naming } from './naming.ts';
import { pauseMs } from './pause.ts';
import type { QueryLogFacts, QueryLogReply, QueryLogRequest, QueryLogStart } from './settings.ts';

/** Queries of one ring that are read in a row: some five milliseconds of work. */
const BATCH_MAX = 2_048;
const FACTS_MS = 1_000;
/** Batches when the program ends: what all rings hold. */
const LAST_BATCHES_MAX = 64;

class QueryLogThread {
  readonly #port: MessagePort;
  readonly #readers: readonly QueryRingReader[];
  readonly #outputs: readonly LogOutput[];
  readonly #generations = new KnownGenerations();
  readonly #pseudonyms: PseudonymReader;
  readonly #naming: Naming;
  readonly #take: (query: RingQuery) => void;
  #timer: NodeJS.Timeout | undefined;
  #factsMs = 0;
  #readMs = 0;
  #isStopped = false;

  constructor(port: MessagePort, { settings, rings, generations, day }: QueryLogStart) {
    this.#port = port;
    for (const facts of generations) this.#generations.define(facts);
    this.#pseudonyms = new PseudonymReader(settings.recordsDirectory);
    this.#pseudonyms.look();
    this.#naming = new Naming(settings.identity, this.#generations, this.#pseudonyms);
    this.#readers = rings.map((ring) => new QueryRingReader(ring));
    const log = this.#createLog();
    this.#outputs = settings.outputs.map((output) => {
      const made = new LogOutput(output, settings, this.#naming, log);
      made.day = day.day;
      made.dayBytes = day.bytes.get(made.name) ?? 0;
      return made;
    });
    this.#take = (query) => {
      for (const output of this.#outputs) output.write(query);
    };
    port.on('message', (request: QueryLogRequest) => this.#answer(request));
    this.#tick();
  }

  #answer(request: QueryLogRequest): void {
    switch (request.kind) {
      case 'define':
        this.#generations.define(request.facts);
        return;
      case 'reopen':
        for (const output of this.#outputs) output.reopen();
        return;
      case 'stop':
        void this.#stop();
    }
  }

  #tick(): void {
    if (this.#isStopped) return;
    const nowMs = systemClock();
    this.#look(nowMs);
    const readMs = performance.now();
    const count = this.#readAll();
    const isMore = count >= BATCH_MAX;
    if (isMore) setImmediate(() => this.#tick());
    else this.#timer = setTimeout(() => this.#tick(), pauseMs(count, readMs - this.#readMs));
    this.#readMs = readMs;
  }

  /** Returns the largest number that one ring had. */
  #readAll(): number {
    let most = 0;
    for (const reader of this.#readers) most = Math.max(most, reader.read(BATCH_MAX, this.#take));
    for (const output of this.#outputs) output.flush();
    return most;
  }

  #look(nowMs: number): void {
    for (const output of this.#outputs) output.look(nowMs);
    if (Math.abs(nowMs - this.#factsMs) < FACTS_MS) return;
    this.#factsMs = nowMs;
    if (this.#pseudonyms.look()) this.#naming.forget();
    this.#post({ kind: 'facts', facts: this.#facts() });
  }

  #facts(): QueryLogFacts {
    const outputs = this.#outputs;
    return {
      outputs: outputs.map((output) => output.facts()),
      lost: {
        ring: this.#readers.reduce((sum, { lost }) => sum + lost, 0),
        receiver: outputs.reduce((sum, { dropped }) => sum + dropped, 0),
        day: outputs.reduce((sum, { lostToDay }) => sum + lostToDay, 0),
        disk: outputs.reduce((sum, { lostToDisk }) => sum + lostToDisk, 0),
      },
      day: {
        day: outputs[0]?.day ?? 0,
        bytes: new Map(outputs.map(({ name, dayBytes }) => [name, dayBytes])),
      },
    };
  }

  async #stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (let batch = 0; batch < LAST_BATCHES_MAX && this.#readAll() > 0; batch++);
    await Promise.all(this.#outputs.map((output) => output.close()));
    this.#post({ kind: 'facts', facts: this.#facts() });
    this.#post({ kind: 'stopped' });
  }

  #createLog(): RecordLog {
    const at =
      (level: 'info' | 'warn' | 'error') =>
      (fields: object, text: string): void =>
        this.#post({ kind: 'log', level, fields, text });
    return { info: at('info'), warn: at('warn'), error: at('error') };
  }

  #post(reply: QueryLogReply): void {
    this.#port.postMessage(reply);
  }
}

// A thread that was given nothing only fills the compile cache (src/launch.mjs).
if (parentPort !== null && workerData !== null) {
  flushCompileCache();
  // The main thread's own type.
  new QueryLogThread(parentPort, workerData as QueryLogStart);
}
