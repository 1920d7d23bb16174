// How far a probe is, on a terminal.
import { progressLine } from './probe-text.ts';

/** A line on a terminal that is written over; nothing where output goes elsewhere. */
export class Progress {
  #shown = false;

  show(asked: number, total: number): void {
    if (!process.stderr.isTTY) return;
    this.#shown = true;
    process.stderr.write(`\r${progressLine(asked, total)}\x1b[K`);
  }

  end(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K');
    this.#shown = false;
  }
}
