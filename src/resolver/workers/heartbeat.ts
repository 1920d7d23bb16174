// Signs of life that workers give in shared memory, and the main thread's look at them.
//
// A worker that hangs does not exit: its sockets stay in the group that the kernel spreads clients over, and what falls
// to it gets no answer. Each worker's event loop counts a cell up; the watch looks whether the cell moves. Silence is
// counted in looks, so that a main thread that was busy itself, or a machine that was suspended, accuses nobody. A
// thread that is silent because others have the processors is not hung: Linux says how long a thread ran and how long
// it waited to run. With each beat comes how much of its heap is taken: a thread whose heap is nearly full spends its
// time looking for what it could let go, for seconds, and is ended before that.
//
//   cells of a worker: [beats][number of the thread, 0: unknown][heap, thousandths of its bound]
import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { every } from '../../base/base.ts';

/**
 * Between two beats, and between two looks, milliseconds: a look finds one beat, give or take one, so that a living
 * worker is silent for one look at most. Both wake a thread that may have nothing else to do.
 */
const BEAT_MS = 250;
/** A look counts as so many milliseconds of silence at most: later, it was held up here. */
const LOOK_MS_COUNTED = 300;
/**
 * Silence after which a worker hangs, milliseconds. The longest turns of a loop that were seen in health took 230 ms; a
 * replacement within two seconds leaves half of them for ending the thread and starting another one.
 */
const SILENCE_MS_MAX = 1000;
/**
 * A thread that ran for so long without a beat spins, however long it waited beside, milliseconds. One turn of a loop
 * under a flood takes 64: libuv hands on 32 datagrams before it looks at timers, and each begins 2 ms of work.
 */
const SPIN_MS = 500;
/** Silence after which nobody asks any more whether the thread had a processor, milliseconds. */
const STARVED_MS_MAX = 10_000;

/**
 * Thousandths of the bound above which a heap is exhausted. V8 collects long before that what can be collected; a thread that
 * has so much alive does nothing but collect from here on.
 */
const HEAP_SHARE_MAX = 600;

const CELLS = 3;
const THREAD = 1;
const HEAP = 2;
const NS_PER_MS = 1e6;

/** Memory for the signs of life of so many workers. */
export const createHeartbeats = (workers: number): SharedArrayBuffer =>
  new SharedArrayBuffer(workers * CELLS * Int32Array.BYTES_PER_ELEMENT);

/** Lets the event loop of this thread give signs of life from here on. */
export const beginHeartbeat = (memory: SharedArrayBuffer, worker: number): void => {
  const cells = new Int32Array(memory);
  Atomics.store(cells, worker * CELLS + THREAD, ownThread());
  Atomics.store(cells, worker * CELLS + HEAP, 0);
  every(BEAT_MS, () => {
    // Some 10 µs.
    const { used_heap_size: used, heap_size_limit: bound } = getHeapStatistics();
    Atomics.store(cells, worker * CELLS + HEAP, Math.round((1000 * used) / bound));
    Atomics.add(cells, worker * CELLS, 1);
  });
};

/** The kernel's number of this thread; 0 where it does not tell. */
const ownThread = (): number => {
  try {
    return Number(basename(readlinkSync('/proc/thread-self')));
  } catch {
    return 0;
  }
};

/** How long a thread ran and how long it waited for a processor since it began, milliseconds. */
export interface ThreadTimes {
  readonly ranMs: number;
  readonly waitedMs: number;
}

/** Reads the times of a thread of this process; undefined where the kernel does not tell. */
export const readThreadTimes = (thread: number): ThreadTimes | undefined => {
  if (thread === 0) return undefined;
  try {
    const [ran, waited] = readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1').split(' ');
    return { ranMs: Number(ran) / NS_PER_MS, waitedMs: Number(waited) / NS_PER_MS };
  } catch {
    return undefined;
  }
};

/** How long a worker was silent, and what its thread did meanwhile where the kernel tells, milliseconds; and its heap. */
export interface Silence {
  readonly silentMs: number;
  readonly ranMs: number | undefined;
  readonly waitedMs: number | undefined;
  /** How much of its heap was taken at its last beat, percent. */
  readonly heapPercent: number;
}

interface Watched {
  beats: number;
  silentMs: number;
  /** The thread's times when the silence began. */
  times: ThreadTimes | undefined;
}

/** What a watch needs. */
export interface HeartbeatOptions {
  readonly memory: SharedArrayBuffer;
  /** Milliseconds that never step. */
  readonly clock: () => number;
  readonly readTimes: (thread: number) => ThreadTimes | undefined;
  /** Called once for a worker that hangs; it is not watched any more then. */
  readonly onHung: (worker: number, silence: Silence) => void;
  /** The same for one whose heap is exhausted. */
  readonly onExhausted: (worker: number, heapPercent: number) => void;
}

/** Finds workers that hang. */
export class HeartbeatWatch {
  readonly #options: HeartbeatOptions;
  readonly #cells: Int32Array;
  readonly #watched = new Map<number, Watched>();
  #lookedMs: number;
  #endLooks: (() => void) | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#cells = new Int32Array(options.memory);
    this.#lookedMs = options.clock();
  }

  /** Watches a worker that has begun to give signs of life. */
  begin(worker: number): void {
    const beats = Atomics.load(this.#cells, worker * CELLS);
    this.#watched.set(worker, { beats, silentMs: 0, times: undefined });
    this.#endLooks ??= every(BEAT_MS, () => this.look());
  }

  /** Watches a worker no longer. */
  end(worker: number): void {
    this.#watched.delete(worker);
    if (this.#watched.size > 0) return;
    this.#endLooks?.();
    this.#endLooks = undefined;
  }

  /** Looks at all; the timer does so by itself. */
  look(): void {
    const nowMs = this.#options.clock();
    // A look that comes late was held up here: the workers had no chance to be seen meanwhile.
    const passedMs = Math.min(nowMs - this.#lookedMs, LOOK_MS_COUNTED);
    this.#lookedMs = nowMs;
    for (const [worker, watched] of this.#watched) this.#lookAt(worker, watched, passedMs);
  }

  #lookAt(worker: number, watched: Watched, passedMs: number): void {
    const heap = this.#heapOf(worker);
    if (heap > HEAP_SHARE_MAX) {
      this.end(worker);
      this.#options.onExhausted(worker, heap / 10);
      return;
    }
    const beats = Atomics.load(this.#cells, worker * CELLS);
    if (beats !== watched.beats) {
      watched.beats = beats;
      watched.silentMs = 0;
      watched.times = undefined;
      return;
    }
    watched.silentMs += passedMs;
    watched.times ??= this.#timesOf(worker);
    if (watched.silentMs < SILENCE_MS_MAX) return;
    const silence = this.#describe(worker, watched);
    if (isStarved(silence)) return;
    this.end(worker);
    this.#options.onHung(worker, silence);
  }

  #describe(worker: number, { silentMs, times: before }: Watched): Silence {
    const now = this.#timesOf(worker);
    const heapPercent = this.#heapOf(worker) / 10;
    if (now === undefined || before === undefined)
      return { silentMs, ranMs: undefined, waitedMs: undefined, heapPercent };
    const { ranMs, waitedMs } = now;
    return { silentMs, ranMs: ranMs - before.ranMs, waitedMs: waitedMs - before.waitedMs, heapPercent };
  }

  #heapOf(worker: number): number {
    return Atomics.load(this.#cells, worker * CELLS + HEAP);
  }

  #timesOf(worker: number): ThreadTimes | undefined {
    return this.#options.readTimes(Atomics.load(this.#cells, worker * CELLS + THREAD));
  }
}

/** True when the thread would have given a sign of life, had it got a processor. */
const isStarved = ({ silentMs, ranMs, waitedMs }: Silence): boolean =>
  ranMs !== undefined &&
  waitedMs !== undefined &&
  silentMs < STARVED_MS_MAX &&
  ranMs < SPIN_MS &&
  waitedMs > silentMs / 2;
