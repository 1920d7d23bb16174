// Ends this process when an input is never done with: what loops cannot tell it itself.
//
// A thread looks at a counter that goes up with each input, and at the processor time of the process, not at the clock:
// a machine may have other things to do. What it prints does not go through the thread that hangs.
import { Worker } from 'node:worker_threads';

/** Of a processor for one input; the slowest sound one takes a hundredth. */
const ENDLESS_MS = 10_000;
const LOOK_MS = 500;
/** The longest input that is printed whole. */
const LENGTH_MAX = 1 << 20;
/** Before the bytes: the counter and the length. */
const HEAD_LENGTH = 8;

const WATCHER = `
const { workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const { shared, endlessMs, lookMs, headLength } = workerData;
const head = new Int32Array(shared, 0, headLength / 4);
const cpuMs = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
let seen = -1, sinceMs = 0;
setInterval(() => {
  const now = Atomics.load(head, 0);
  if (now !== seen) { seen = now; sinceMs = cpuMs(); return; }
  if (now === 0 || cpuMs() - sinceMs < endlessMs) return;
  const bytes = Buffer.from(shared, headLength, head[1]);
  writeSync(1, 'fuzz: input ' + now + ' has no end\\n' + bytes.toString('hex') + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, lookMs);
`;

/** Call begin() before each input, and end() after the last. */
export class HangWatch {
  readonly #shared = new SharedArrayBuffer(HEAD_LENGTH + LENGTH_MAX);
  readonly #head = new Int32Array(this.#shared, 0, HEAD_LENGTH / 4);
  readonly #bytes = new Uint8Array(this.#shared, HEAD_LENGTH);
  readonly #worker = new Worker(WATCHER, {
    eval: true,
    workerData: {
      shared: this.#shared,
      endlessMs: ENDLESS_MS,
      lookMs: LOOK_MS,
      headLength: HEAD_LENGTH,
    },
  });

  begin(input: Uint8Array): void {
    const length = Math.min(input.length, LENGTH_MAX);
    this.#bytes.set(input.subarray(0, length));
    this.#head[1] = length;
    Atomics.add(this.#head, 0, 1);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
