// Loaded into a program under test by NODE_OPTIONS=--import: lets one of its workers hang, as a defect would.
//
// A worker whose number stands in the name of a file `hang-N` of the working directory stops: on the content `spin` it
// spins, on `block` it waits in a call that the kernel does not end (opening a FIFO that nobody writes to). The program
// itself has no way to be hung.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';

const POLL_MS = 10;

if (!isMainThread && workerData?.heartbeats !== undefined) {
  const file = `hang-${workerData.index}`;
  setInterval(() => {
    if (!existsSync(file)) return;
    const how = readFileSync(file, 'utf8');
    rmSync(file);
    if (how === 'block') readFileSync('fifo');
    for (;;);
  }, POLL_MS).unref();
}
