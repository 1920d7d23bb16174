// Loaded into a program under test by NODE_OPTIONS=--import: lets one of its workers hang, as a defect would.
//
// A worker whose number stands in the name of a file `hang-N` of the working directory, or HANG_DIRECTORY, stops: on the content `spin` it
// spins, on `block` it waits in a call that the kernel does not end (opening a FIFO that nobody writes to), on `heap` it
// keeps all that it makes, in one turn of its loop, and on `leak` the same in many. The program itself has no way to be
// hung.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, workerData } from 'node:worker_threads';

const POLL_MS = 10;
/** Objects of one turn where a heap fills in many: 1 MB, some 4 ms, so that what clients wait for is the heap and not the loop that fills it. */
const LEAK_OBJECTS = 10_000;

const kept = [];
const keepOne = () => kept.push({ number: kept.length, text: `${kept.length}`, list: [kept.length] });

const leak = () => {
  for (let i = 0; i < LEAK_OBJECTS; i++) keepOne();
  setImmediate(leak);
};

if (!isMainThread && workerData?.heartbeats !== undefined) {
  const file = join(process.env.HANG_DIRECTORY ?? '.', `hang-${workerData.index}`);
  setInterval(() => {
    if (!existsSync(file)) return;
    const how = readFileSync(file, 'utf8');
    rmSync(file);
    if (how === 'block') readFileSync('fifo');
    if (how === 'leak') return void leak();
    for (;;) if (how === 'heap') keepOne();
  }, POLL_MS).unref();
}
