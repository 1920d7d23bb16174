// Loaded into a program under test by NODE_OPTIONS=--import: lets all its workers die, at once and at each new start, for
// as long as there is a file `dead-workers` in the working directory, as a defect or a lack of memory would.
import { existsSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';

const FILE = 'dead-workers';
const POLL_MS = 10;

if (!isMainThread && workerData?.heartbeats !== undefined) {
  const dieIfTold = () => {
    if (existsSync(FILE)) process.exit(1);
  };
  dieIfTold();
  setInterval(dieIfTold, POLL_MS).unref();
}
