// Puts texts of records together to blocks, and writes their times. Hot file.
import type { Block } from './chain.ts';

/** Records of a block: damage is located to so many, and a block costs as much as a few records. */
export const BLOCK_RECORDS_MAX = 64;
/** Characters of a block before it is closed: 64 records have some 20,000. */
export const BLOCK_LENGTH_MAX = 1 << 16;
/** The end of a time within its second. */
const MILLISECONDS: readonly string[] = Array.from(
  { length: 1_000 },
  (_, ms) => `${String(ms).padStart(3, '0')}Z"`,
);

/** The blocks of one batch after the other. */
export class BlockWriter {
  #blocks: Block[] = [];
  #body = '';
  #count = 0;
  #fromMs = 0;
  #untilMs = 0;
  /** The second whose text is kept. */
  #second = -1;
  #secondText = '';

  /** Adds a record with its time, milliseconds. */
  add(text: string, timeMs: number): void {
    if (this.#count === 0) {
      this.#body = `[${text}`;
      this.#fromMs = timeMs;
      this.#untilMs = timeMs;
    } else {
      this.#body += `,\n${text}`;
      if (timeMs < this.#fromMs) this.#fromMs = timeMs;
      if (timeMs > this.#untilMs) this.#untilMs = timeMs;
    }
    this.#count++;
    if (this.#count >= BLOCK_RECORDS_MAX || this.#body.length >= BLOCK_LENGTH_MAX) this.#closeBlock();
  }

  #closeBlock(): void {
    if (this.#count === 0) return;
    this.#blocks.push({
      count: this.#count,
      fromMs: this.#fromMs,
      untilMs: this.#untilMs,
      body: `${this.#body}]`,
    });
    this.#count = 0;
    this.#body = '';
  }

  /** The beginning of a record: its time, for what follows. */
  timeText(timeMs: number): string {
    const second = Math.floor(timeMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = `{"time":"${new Date(second * 1_000).toISOString().slice(0, 20)}`;
    }
    return this.#secondText + (MILLISECONDS[Math.floor(timeMs - second * 1_000)] ?? '');
  }

  /** The blocks since the last call; the last one may be short. */
  take(): readonly Block[] {
    this.#closeBlock();
    const blocks = this.#blocks;
    this.#blocks = [];
    return blocks;
  }
}
