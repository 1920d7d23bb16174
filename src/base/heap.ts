// The heap of this thread: collected when somebody knows that it is worth it, and kept small while there is little to do.
//
// V8 collects when a heap grows, and lets it grow to four times of what is alive (src/main.ts). A thread that has started and then
// has little to do keeps the pages that loading took, a young generation as large as loading made it, and garbage for hours. A
// busy thread is left alone: it uses again what it has.
import { performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Until what a thread began with its start is done, the first sweep of the probe among it; milliseconds. */
const FIRST_AFTER_MS = 20_000;
/** Between two looks, milliseconds: what a look costs, 85 ms in the main thread, is a seventh of a millisecond a second. */
const LOOK_MS = 600_000;
/** Between two glances at a heap that may grow by so much and no more, milliseconds. */
const GLANCE_MS = 10_000;
/**
 * Of its time a busy thread gives so much for it at most: one in so many milliseconds. What it waited for a processor does not count:
 * where many programs share few, the heap would grow for as long as they are busy.
 */
const GLANCE_COSTS = 200;
/** Collections after which V8 forgets what was compiled of a function that did not run between them: its own number. */
const BYTECODE_OLD_AGE = 6;
/** What a heap has to have grown by, bytes. */
const GROWN_BYTES_MIN = 4 * 1024 * 1024;
/**
 * Share of its time that a thread at rest works at most: few queries would wait for 33 ms. It is more where many threads wait for few
 * processors, and what takes 33 ms takes a second.
 */
const REST_MAX = 0.1;

type Collect = (options: NodeJS.GCOptions) => void;

/** Collects garbage now: some 10 ms for each 10 MiB that are alive. */
export const collectHeap = (): void => collect({ type: 'major' });

/** The same, and moves together what is left, in twice the time. */
export const shrinkHeap = (): void => collect({ type: 'major', flavor: 'last-resort' });

/**
 * The same, and forgets what was compiled of functions that do not run meanwhile and were not optimized: most of it ran once, for the
 * start. What is called again is compiled again, 18 ms for all that answers the first queries.
 */
const shrinkStarted = (): void => {
  // Of the whole process, as --expose-gc: at worst, another thread that collects between these lines forgets more.
  setFlagsFromString('--bytecode-old-age=1');
  shrinkHeap();
  setFlagsFromString(`--bytecode-old-age=${BYTECODE_OLD_AGE}`);
};

/** How a heap is kept small; the defaults are this thread's own. */
export interface SmallHeapOptions {
  /** After each time. */
  readonly onShrunk?: () => void;
  /** Share of the time since the last call in which the thread worked, 0 to 1; 0: nobody waits for it. */
  readonly readWork?: () => number;
  /**
   * What it may grow by between two looks, bytes: then it is collected, also while the thread works, as often as its time allows. No
   * bound unless told.
   */
  readonly grownBytesMax?: number;
}

/** Looks a while after the start of this thread and then every ten minutes; keeps nothing alive for that. */
export const keepHeapSmall = ({
  onShrunk,
  readWork = createWorkReader(),
  grownBytesMax = Number.POSITIVE_INFINITY,
}: SmallHeapOptions = {}): void => {
  /** Undefined before the first look. */
  let leftBytes: number | undefined;
  const grownBytes = (): number => residentBytes() - (leftBytes ?? 0);
  /** Before the next glance. */
  let waitMs = 0;
  const shrink = (): void => {
    const before = process.threadCpuUsage();
    if (leftBytes === undefined) shrinkStarted();
    else shrinkHeap();
    const { user, system } = process.threadCpuUsage(before);
    waitMs = (GLANCE_COSTS * (user + system)) / 1_000;
    onShrunk?.();
    // What is alive is no growth any more.
    leftBytes = residentBytes();
  };
  const look = (): void => {
    if (readWork() <= REST_MAX && grownBytes() >= GROWN_BYTES_MIN) shrink();
  };
  const glance = (): void => {
    waitMs -= GLANCE_MS;
    if (waitMs > 0) return;
    if (leftBytes !== undefined && grownBytes() >= grownBytesMax) shrink();
  };
  setTimeout(look, FIRST_AFTER_MS).unref();
  setInterval(look, LOOK_MS).unref();
  if (Number.isFinite(grownBytesMax)) setInterval(glance, GLANCE_MS).unref();
};

const residentBytes = (): number => getHeapStatistics().total_physical_size;

const createWorkReader = (): (() => number) => {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
};

/** The flag belongs to the whole process, so it stays set: another thread may be between these two lines. */
const collect: Collect = (options) => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('globalThis.gc') as Collect | undefined)?.(options);
};
