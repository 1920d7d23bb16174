// Starts the workers, keeps them alive and passes settings to all of them.
//
// A worker that dies is started again with the settings then in force, after a pause that doubles with each death
// and is forgotten after a minute of life. The others keep answering: sockets are per worker. A worker that hangs is ended,
// which closes its sockets, and replaced like one that died; so is one whose heap is nearly full, before it hangs.
import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { AppError } from '../../base/base.ts';
import { createRateMemory } from '../../policy/access/access.ts';
import {
  type Candidate,
  type CheckAsked,
  type Log,
  mergeCandidates,
} from '../../telemetry/observe/observe.ts';
import { SIPHASH_KEY_LENGTH } from '../../wire/dns/dns.ts';
import type { Asked, Traced } from '../explain/explain.ts';
import type { ProbePorts } from '../server/server.ts';
import { OWN_PORTS_BYTES, PortSet } from '../upstream/upstream.ts';
import { createHeartbeats, HeartbeatWatch, readThreadTimes, type Silence } from './heartbeat.ts';
import type {
  WorkerExemptions,
  WorkerReply,
  WorkerRequest,
  WorkerSettings,
  WorkerStart,
} from './messages.ts';
import { type DoneReply, WorkerRequests } from './worker-requests.ts';

/** First pause before a worker is started again, milliseconds. */
const RESTART_MS_MIN = 100;
/** Longest pause, milliseconds: long enough not to burn a core, short enough not to lose a minute of service. */
const RESTART_MS_MAX = 10_000;
/** Life after which a death counts as the first one, milliseconds. */
const RESTART_FORGET_MS = 60_000;
/**
 * Time for a hung worker to end, milliseconds. JavaScript ends within a few; only a thread that the kernel holds in a
 * call does not, and then nothing inside the process can take its sockets from it.
 */
const END_MS_MAX = 5_000;

/**
 * Bound for the heap's young generation of a worker, MB. A cached answer makes no object, so a larger one only fills
 * memory: under full load the process has 200 MB instead of 330 MB, at the same speed (measured).
 */
const YOUNG_GENERATION_MB = 8;
/**
 * The same for the old one, MB. What is large lies outside of it: lists and answers in shared memory, messages in buffers; a
 * worker under floods had 33 (measured). V8's own bound is 4 GB: a collection of so much cannot be ended for longer than
 * END_MS_MAX, and the whole program had to end with the thread.
 */
const OLD_GENERATION_MB = 384;

/** What differs from worker to worker. */
export type SettingsFor = (index: number) => WorkerSettings;
/** The same exemptions for all, with a block of counters for each worker. */
export type ExemptionsFor = (index: number) => WorkerExemptions;

/** What all workers are started with alike. */
type CommonStart = Pick<
  WorkerStart,
  'shared' | 'cacheBytes' | 'streamLimits' | 'encryptedLimits' | 'probeSecret'
>;

/** What all workers read and write together. */
type SharedByWorkers = Pick<
  WorkerStart,
  'ownPorts' | 'probePorts' | 'heartbeats' | 'rates' | 'handshakeRates' | 'cookieSecret'
>;

const createShared = (count: number): SharedByWorkers => ({
  ownPorts: new SharedArrayBuffer(OWN_PORTS_BYTES * count),
  probePorts: new SharedArrayBuffer(OWN_PORTS_BYTES),
  heartbeats: createHeartbeats(count),
  rates: createRateMemory(),
  handshakeRates: createRateMemory(),
  // Of this start: clients that come back with an older cookie get a new one.
  cookieSecret: randomBytes(SIPHASH_KEY_LENGTH),
});

/** Where one worker answers the self-probe, on 127.0.0.1. */
export interface ProbeEndpoint extends ProbePorts {
  readonly worker: number;
}

interface Slot {
  readonly index: number;
  thread: Worker | undefined;
  probe: ProbePorts | undefined;
  deaths: number;
  startedMs: number;
  /** It has its sockets and answers. */
  isReady: boolean;
  /** It gave no sign of life and is being ended. */
  isHung: boolean;
}

/** All workers of the process. */
export class Supervisor {
  restarts = 0;
  /** Workers that hung and were ended. */
  hangs = 0;
  readonly #slots: readonly Slot[];
  readonly #start: CommonStart;
  readonly #log: Log;
  readonly #shared: SharedByWorkers;
  readonly #probePorts: PortSet;
  readonly #requests = new WorkerRequests();
  readonly #onChange: () => void;
  readonly #onStuck: () => void;
  readonly #watch: HeartbeatWatch;
  #settingsFor: SettingsFor;
  #exemptionsFor: ExemptionsFor | undefined;
  #isStopping = false;

  /**
   * `onChange` is called when the number of workers that answer changes, `onStuck` when a hung worker cannot be ended:
   * only the end of the process frees its sockets.
   */
  constructor(options: {
    count: number;
    start: CommonStart;
    settingsFor: SettingsFor;
    log: Log;
    onChange: () => void;
    onStuck: () => void;
  }) {
    this.#slots = Array.from({ length: options.count }, (_, index) => ({
      index,
      thread: undefined,
      probe: undefined,
      deaths: 0,
      startedMs: 0,
      isReady: false,
      isHung: false,
    }));
    this.#start = options.start;
    this.#settingsFor = options.settingsFor;
    this.#log = options.log;
    this.#onChange = options.onChange;
    this.#onStuck = options.onStuck;
    this.#shared = createShared(options.count);
    this.#probePorts = new PortSet(this.#shared.probePorts);
    this.#watch = new HeartbeatWatch({
      memory: this.#shared.heartbeats,
      clock: () => performance.now(),
      readTimes: readThreadTimes,
      onHung: (worker, silence) => {
        this.#end(worker, silence, 'worker hangs: it is ended and replaced');
      },
      onExhausted: (worker, heapPercent) => {
        this.#end(worker, { heapPercent }, 'the heap of a worker is exhausted: it is ended and replaced');
      },
    });
  }

  /** Number of workers that should live. */
  get count(): number {
    return this.#slots.length;
  }

  /** Number of workers that do. One that hangs does not. */
  get alive(): number {
    return this.#slots.filter((slot) => slot.thread !== undefined && !slot.isHung).length;
  }

  /** Number of workers that have their sockets and answer: one that dies at each start never does. */
  get answering(): number {
    return this.#slots.filter(({ isReady, isHung }) => isReady && !isHung).length;
  }

  /** Number of workers that gave no sign of life and have not ended yet. */
  get hung(): number {
    return this.#slots.filter((slot) => slot.thread !== undefined && slot.isHung).length;
  }

  /** Starts all workers; throws the first one's AppError when one cannot listen. */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#slots.map((slot) => this.#startWorker(slot)));
    } catch (error) {
      // The caller gives up. Workers that are started again and again would keep the process alive, deaf to SIGTERM.
      this.#isStopping = true;
      for (const { thread } of this.#slots) await thread?.terminate();
      throw error;
    }
  }

  /** Puts other settings in force in all workers; throws an AppError when one refuses. */
  async apply(settingsFor: SettingsFor): Promise<void> {
    this.#settingsFor = settingsFor;
    await Promise.all(
      this.#slots.map((slot) =>
        this.#request(slot, (request) => ({ kind: 'apply', request, settings: settingsFor(slot.index) })),
      ),
    );
  }

  /**
   * Puts other exemptions in force in all workers, and in those that start from now on; before start() it only keeps
   * them. Throws ERR_APP_WORKER when a worker ended or did not confirm: the others have them all the same.
   */
  async setExemptions(exemptionsFor: ExemptionsFor): Promise<void> {
    this.#exemptionsFor = exemptionsFor;
    await Promise.all(
      this.#slots.map((slot) =>
        this.#request(slot, (request) => ({ kind: 'exemptions', request, ...exemptionsFor(slot.index) })),
      ),
    );
  }

  /** A port of this host from which the self-probe asks listeners: what it asks is not recorded as a client's. */
  setProbePort(port: number, isOpen: boolean): void {
    if (isOpen) this.#probePorts.add(port);
    else this.#probePorts.delete(port);
  }

  /** Where each worker that lives answers the self-probe; none without a secret for it. */
  probeEndpoints(): ProbeEndpoint[] {
    return this.#slots.flatMap(({ index, probe }) =>
      probe === undefined ? [] : [{ worker: index, ...probe }],
    );
  }

  /** Names that a list may be missing, as all workers saw them, the most frequent first. */
  async candidates(): Promise<Candidate[]> {
    const replies = await Promise.all(
      this.#slots.map((slot) => this.#request(slot, (request) => ({ kind: 'candidates', request }))),
    );
    return mergeCandidates(replies.map((reply) => reply?.candidates ?? []));
  }

  /** The query for the name of a check of a device, whichever worker had it; a worker that does not answer cannot tell. */
  async check(code: string, begunMs: number): Promise<CheckAsked | 'forgotten' | undefined> {
    const replies = await Promise.all(
      this.#slots.map((slot) =>
        this.#request(slot, (request) => ({ kind: 'check', request, code, begunMs })),
      ),
    );
    const found = replies.map((reply) => (reply === undefined ? 'forgotten' : reply.check));
    return found.find((one) => typeof one === 'object') ?? found.find((one) => one === 'forgotten');
  }

  /** Lets the first worker that lives say what it answers, and why. Throws ERR_APP_WORKER when none does. */
  async trace(asked: Asked): Promise<{ readonly worker: number; readonly traced: Traced }> {
    for (const slot of this.#slots) {
      const reply = await this.#request(slot, (request) => ({ kind: 'trace', request, asked }));
      if (reply?.traced !== undefined) return { worker: slot.index, traced: reply.traced };
    }
    throw new AppError('ERR_APP_WORKER', 'asking a worker to explain a name: none lives');
  }

  /** Lets all workers answer what they have, then ends them. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled(
      this.#slots.map((slot) => this.#request(slot, (request) => ({ kind: 'drain', request }))),
    );
    for (const { thread } of this.#slots) await thread?.terminate();
  }

  async #startWorker(slot: Slot): Promise<void> {
    const request = this.#requests.next();
    const start: WorkerStart = {
      ...this.#start,
      ...this.#shared,
      index: slot.index,
      exemptions: this.#exemptionsFor?.(slot.index),
      settings: this.#settingsFor(slot.index),
    };
    const thread = new Worker(new URL(WORKER_FILE, import.meta.url), {
      workerData: start,
      resourceLimits: {
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
        maxOldGenerationSizeMb: OLD_GENERATION_MB,
      },
    });
    slot.thread = thread;
    slot.startedMs = performance.now();
    slot.isHung = false;
    thread.on('message', (reply: WorkerReply) => {
      // A worker's first reply, number 0, is to its start.
      this.#requests.settle(reply.request === 0 ? { ...reply, request } : reply);
    });
    thread.on('error', (error) => {
      this.#log.error({ worker: slot.index, err: error }, 'worker died');
    });
    thread.on('exit', () => {
      this.#watch.end(slot.index);
      slot.thread = undefined;
      slot.probe = undefined;
      slot.isReady = false;
      this.#requests.fail(slot.index);
      this.#onChange();
      if (!this.#isStopping) this.#restart(slot);
    });
    this.#onChange();
    const { probe } = await this.#requests.reply(slot.index, request);
    slot.probe = probe;
    slot.isReady = true;
    this.#onChange();
    // Not before: loading its modules keeps the loop of a new thread busy.
    this.#watch.begin(slot.index);
  }

  #end(index: number, found: Partial<Silence>, said: string): void {
    const slot = this.#slots[index];
    const thread = slot?.thread;
    if (slot === undefined || thread === undefined) return;
    this.hangs++;
    slot.isHung = true;
    this.#log.error({ worker: index, ...found }, said);
    this.#onChange();
    const timer = setTimeout(() => {
      this.#log.error(
        { worker: index },
        'hung worker cannot be ended: the program ends, to be started again',
      );
      this.#onStuck();
    }, END_MS_MAX);
    thread.once('exit', () => {
      clearTimeout(timer);
    });
    void thread.terminate();
  }

  #restart(slot: Slot): void {
    const lived = performance.now() - slot.startedMs;
    slot.deaths = lived > RESTART_FORGET_MS ? 1 : slot.deaths + 1;
    const pauseMs = Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** (slot.deaths - 1));
    this.restarts++;
    this.#log.warn({ worker: slot.index, pauseMs, deaths: slot.deaths }, 'worker is started again');
    setTimeout(() => {
      if (this.#isStopping) return;
      this.#startWorker(slot).catch((error: unknown) => {
        this.#log.error({ worker: slot.index, err: error }, 'worker could not start');
        void slot.thread?.terminate();
      });
    }, pauseMs);
  }

  async #request(slot: Slot, create: (request: number) => WorkerRequest): Promise<DoneReply | undefined> {
    // A worker that is dead starts with the settings in force.
    if (slot.thread === undefined) return undefined;
    const request = this.#requests.next();
    slot.thread.postMessage(create(request));
    return this.#requests.reply(slot.index, request);
  }
}

/** The worker's file beside this one, in a checkout and in the built package. */
const WORKER_FILE = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
