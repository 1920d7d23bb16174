// The main thread's side of sending records: keeps the thread alive, and knows up to where they are confirmed.
import { Worker } from 'node:worker_threads';
import type { FleetActs } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import type { ConfirmedClass } from './confirmation.ts';
import type { EvidenceOrder, EvidenceReply, EvidenceStart } from './record-sending.ts';
import type { Unbelieved } from './uploader.ts';

/** Pauses before the thread is started again, milliseconds. */
const RESTART_MS_MIN = 1_000;
const RESTART_MS_MAX = 60_000;
/** MB of heap: a batch of messages takes some 5 MB. */
const HEAP_MB = 64;

/** Between two records of confirmations that are not believed, milliseconds: the collector says again every 15 seconds. */
const TOLD_MS = 3_600_000;

/** What is said of a confirmation that is not believed, and under which alarm. `unknown` passes with the next entry. */
const DOUBTS: Readonly<Record<Unbelieved, readonly [FleetAlarm | undefined, string]>> = {
  unknown: [undefined, 'no entry of policy says who collects: the authority is older than this resolver'],
  older: ['older', 'the collector is older than this resolver, and does not sign what it confirms'],
  forged: ['forged-confirmation', 'a confirmation that the collector did not sign'],
  replayed: ['replayed', 'a confirmation that was heard before'],
};

/** Where the confirmed sequence numbers stand in shared memory: the recorder deletes nothing behind them. */
export const CONFIRMED_PLACE: Readonly<Record<ConfirmedClass, number>> = { queries: 0, changes: 1, heads: 2 };

/** Sending, while the program runs. */
export class EvidenceSender {
  readonly #start: EvidenceStart;
  readonly #acts: FleetActs;
  readonly #onAlarm: (alarm: FleetAlarm) => void;
  /** By CONFIRMED_PLACE. */
  readonly #confirmed: Float64Array;
  /** When it was last recorded that a confirmation is not believed, by the reason and the monotonic clock. */
  readonly #toldMs = new Map<string, number>();
  #collectors: readonly string[];
  #thread: Worker | undefined;
  #deaths = 0;
  #isStopped = false;

  constructor(
    start: EvidenceStart,
    acts: FleetActs,
    onAlarm: (alarm: FleetAlarm) => void,
    confirmed: SharedArrayBuffer,
  ) {
    this.#start = start;
    this.#collectors = start.collectors;
    this.#acts = acts;
    this.#onAlarm = onAlarm;
    this.#confirmed = new Float64Array(confirmed);
    this.#begin();
  }

  /** Number of the last record that is confirmed. */
  confirmed(recordClass: ConfirmedClass): number {
    return this.#confirmed[CONFIRMED_PLACE[recordClass]] ?? 0;
  }

  /** Others sign confirmations from here on. */
  setCollectors(collectors: readonly string[]): void {
    this.#collectors = collectors;
    const order: EvidenceOrder = { collectors };
    this.#thread?.postMessage(order);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#thread?.terminate();
  }

  #begin(): void {
    const thread = new Worker(new URL(THREAD_FILE, import.meta.url), {
      workerData: { ...this.#start, collectors: this.#collectors },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    this.#thread = thread;
    thread.on('message', (reply: EvidenceReply) => this.#take(reply));
    thread.on('error', (error: unknown) =>
      this.#acts.log.error({ err: error }, 'fleet: the thread that sends records died'),
    );
    thread.on('exit', () => {
      if (this.#isStopped) return;
      this.#deaths++;
      const pauseMs = Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** (this.#deaths - 1));
      setTimeout(() => {
        if (!this.#isStopped) this.#begin();
      }, pauseMs).unref();
    });
  }

  #take(reply: EvidenceReply): void {
    switch (reply.kind) {
      case 'confirmed':
        this.#confirmed[CONFIRMED_PLACE[reply.class]] = reply.sequence;
        this.#deaths = 0;
        return;
      case 'foreign': {
        const reason = `the collector has other records of ${reply.class} under these numbers: nothing more is sent`;
        this.#confirmed[CONFIRMED_PLACE[reply.class]] = 0;
        this.#onAlarm('conflict');
        this.#acts.note({ event: 'evidence-refused', code: 'ERR_FLEET_CONFLICT', reason });
        this.#acts.log.error(
          { chain: reply.class },
          'fleet: the collector has other records under these numbers',
        );
        return;
      }
      case 'unbelieved':
        this.#doubt(reply.why);
        return;
      case 'warn':
        this.#acts.log.warn(reply.fields, reply.text);
    }
  }

  /** Nothing is deleted by it: records wait for a confirmation that is believed. */
  #doubt(why: Unbelieved): void {
    const [alarm, text] = DOUBTS[why];
    if (alarm !== undefined && alarm !== 'older') this.#onAlarm(alarm);
    const nowMs = this.#acts.monotonic();
    if (nowMs - (this.#toldMs.get(why) ?? Number.NEGATIVE_INFINITY) < TOLD_MS) return;
    this.#toldMs.set(why, nowMs);
    this.#acts.log.warn({ why }, `fleet: ${text}; nothing is confirmed by it`);
    if (alarm === undefined) return;
    if (alarm === 'older') this.#onAlarm(alarm);
    const reason = `${alarm}: ${text}`;
    this.#acts.note({ event: 'evidence-refused', subject: 'collector', code: 'ERR_FLEET_EVIDENCE', reason });
  }
}

/** The thread's file beside this one, in a checkout and in the built package. */
const THREAD_FILE = import.meta.url.endsWith('.ts') ? './evidence-thread.ts' : './evidence-thread.js';
