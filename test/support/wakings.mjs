// Loaded into a program under test by NODE_OPTIONS=--import: each thread notes how often its event loop turns.
//
// One line in a file `turns-N` of the working directory for each half second, by the thread's own timer: how many turns
// came in it, this timer's own among them. N is `main`, the number of a worker with its own sockets, or the recorder.
import { appendFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { isMainThread, workerData } from 'node:worker_threads';

const name = isMainThread ? 'main' : (workerData?.index ?? (workerData?.rings ? 'recorder' : undefined));
if (name !== undefined) {
  let before = 0;
  setInterval(() => {
    const { loopCount } = performance.nodeTiming.uvMetricsInfo;
    appendFileSync(`turns-${name}`, `${loopCount - before}\n`);
    before = loopCount;
  }, 500).unref();
}
