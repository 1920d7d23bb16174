// Loaded into a program under test by NODE_OPTIONS=--import: each thread tells what its heap keeps, and long waits are short.
//
// 20 seconds take two, and ten minutes one. In a file `heap-N` of the working directory stands how many bytes of the heap are
// resident beyond those in use, a line each quarter of a second, and in `bytecode-N` how many its bytecode takes. N is `main`, the
// number of a worker with its own sockets, or the recorder.
import { appendFileSync } from 'node:fs';
import { getHeapCodeStatistics, getHeapStatistics } from 'node:v8';
import { isMainThread, workerData } from 'node:worker_threads';

const SHORT = new Map([
  [20_000, 2_000],
  [600_000, 1_000],
  // The same in the bundle: cheap-sources.ts.
  [2 ** 31 - 1, 2_000],
  [2 ** 31 - 2, 1_000],
]);

for (const timer of ['setTimeout', 'setInterval']) {
  const begin = globalThis[timer];
  globalThis[timer] = (act, ms, ...rest) => begin(act, SHORT.get(ms) ?? ms, ...rest);
}
const name = isMainThread ? 'main' : (workerData?.index ?? (workerData?.rings ? 'recorder' : undefined));
if (name !== undefined) {
  setInterval(() => {
    const { total_physical_size: resident, used_heap_size: used } = getHeapStatistics();
    appendFileSync(`heap-${name}`, `${resident - used}\n`);
    appendFileSync(`bytecode-${name}`, `${getHeapCodeStatistics().bytecode_and_metadata_size}\n`);
  }, 250).unref();
}
