// What something costs: the least of several runs, in nanoseconds and as a multiple of what a byte costs in a plain loop.
//
// Noise only ever adds: another process, a collection, code that is compiled meanwhile. So the least of some runs is what it
// costs, and the multiple is the same on a machine that is twice as fast.

/** Bytes of the plain loop: what fits the longest message. */
const PLAIN_BYTES = 65_536;
const PLAIN_RUNS = 100;
/** What a run costs that is dear enough to be measured once more and not again. */
const LONG_NS = 50e6;
/** What a message costs that has nothing to do with its bytes, in bytes: so many are counted in. */
const FREE_BYTES = 256;

/** Something to be measured. */
export interface Task {
  /** What it reads, bytes. */
  readonly bytes: number;
  /** Bytes that are counted in; FREE_BYTES by default. */
  readonly freeBytes?: number;
  /** How often what stands in it. */
  readonly counts: Readonly<Record<string, number>>;
  /** What has to be so before each run. */
  readonly before?: () => void;
  /** May give the nanoseconds of its longest turn, where it takes several. */
  readonly run: () => unknown;
}

/** What it came to. */
export interface Cost {
  readonly ns: number;
  /** Nanoseconds without a turn of the loop in between. */
  readonly turnNs: number;
  readonly bytes: number;
  /** Nanoseconds for each byte, with those that are free. */
  readonly perByteNs: number;
}

const nowNs = (): number => performance.now() * 1e6;

const bell = new Int32Array(new SharedArrayBuffer(4));

/** Short, and longer than the way into the kernel, or there is no waiting. */
const PAUSE_MS = 0.1;

/**
 * The processor's time of this thread, whatever else runs on the machine. The kernel counts it when a thread gives way, so
 * it does, for a moment.
 */
export const processorNs = (): number => {
  Atomics.wait(bell, 0, 0, PAUSE_MS);
  const { user, system } = process.threadCpuUsage();
  return (user + system) * 1e3;
};

/** Below this nobody takes the processor away in between, and giving way costs something itself. */
const SHORT_NS = 100e3;

const plain = new Uint8Array(PLAIN_BYTES).map((_, index) => index * 7);
let plainSum = 0;

/** What a byte costs in a loop that looks at each: nanoseconds. */
export const calibrate = (): number => {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < PLAIN_RUNS; run++) {
    const start = nowNs();
    for (let i = 0; i < PLAIN_BYTES; i++) {
      const byte = plain[i] ?? 0;
      plainSum = (plainSum + (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)) | 0;
    }
    best = Math.min(best, nowNs() - start);
  }
  return best / PLAIN_BYTES;
};

/** The least of some runs. */
export const measure = async (task: Task, runs: number): Promise<Cost> => {
  let ns = Number.POSITIVE_INFINITY;
  let turnNs = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    task.before?.();
    const processorStart = processorNs();
    const start = nowNs();
    let told = task.run();
    if (told instanceof Promise) told = await told;
    const wall = nowNs() - start;
    const took = wall < SHORT_NS ? wall : Math.min(wall, processorNs() - processorStart);
    ns = Math.min(ns, took);
    turnNs = Math.min(turnNs, typeof told === 'number' ? told : took);
    if (run > 0 && took > LONG_NS) break;
  }
  return { ns, turnNs, bytes: task.bytes, perByteNs: ns / (task.bytes + (task.freeBytes ?? FREE_BYTES)) };
};

/** Runs something that takes several turns of the loop; the nanoseconds of the longest. */
export const longestTurn = async (work: () => Promise<unknown>): Promise<number> => {
  let longest = 0;
  let last = processorNs();
  let isOver = false;
  const look = (): void => {
    const now = processorNs();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await work();
  isOver = true;
  return Math.max(longest, processorNs() - last);
};
