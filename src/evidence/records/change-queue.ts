// Changes on their way to the disk: a bounded queue of texts, each of which tells when it is there or cannot get there.
import assert from 'node:assert/strict';
import { AppError } from '../../base/base.ts';
import { BLOCK_LENGTH_MAX, BLOCK_RECORDS_MAX } from './block-writer.ts';
import type { Block } from './chain.ts';
import type { ChangeRecord } from './record.ts';

/** Characters of one change; a report of the probe on all views has a tenth. */
const CHANGE_LENGTH_MAX = 1 << 20;
/** Changes that wait while nothing can be written; the main thread has a bound of its own below it. */
const CHANGES_MAX = 8_192;
/** Blocks of one batch. */
const BLOCKS_MAX = 4;

/** Is called when a change is on the disk, or cannot get there. */
export type Written = (error: AppError | undefined) => void;

/** A change as it is stored. */
export interface ChangeText {
  readonly text: string;
  readonly timeMs: number;
}

/** The text of a change. Throws ERR_COMPLIANCE_RECORD_SIZE for one that is too long. */
export const toChangeText = (record: ChangeRecord): ChangeText => {
  const text = JSON.stringify(record);
  const timeMs = Date.parse(record.time);
  assert.ok(!Number.isNaN(timeMs), 'a record has a time');
  if (text.length <= CHANGE_LENGTH_MAX) return { text, timeMs };
  throw new AppError(
    'ERR_COMPLIANCE_RECORD_SIZE',
    `recording ${record.kind}: ${text.length} characters, of at most ${CHANGE_LENGTH_MAX}`,
  );
};

/** A change that waits. */
interface Waiting extends ChangeText {
  readonly done: Written | undefined;
}

/** The changes of one recorder. */
export class ChangeQueue {
  #waiting: Waiting[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Takes a change; false when there is no room for it. */
  push({ text, timeMs }: ChangeText, done: Written | undefined): boolean {
    if (this.#waiting.length >= CHANGES_MAX) return false;
    this.#waiting.push({ text, timeMs, done });
    return true;
  }

  /** The first changes as blocks, and how many they are. */
  peek(): { readonly blocks: Block[]; readonly count: number } {
    const blocks: Block[] = [];
    let count = 0;
    while (count < this.#waiting.length && blocks.length < BLOCKS_MAX) {
      const texts: string[] = [];
      let length = 0;
      let fromMs = Number.POSITIVE_INFINITY;
      let untilMs = Number.NEGATIVE_INFINITY;
      for (
        ;
        count < this.#waiting.length && texts.length < BLOCK_RECORDS_MAX && length < BLOCK_LENGTH_MAX;
        count++
      ) {
        const change = this.#waiting[count];
        assert.ok(change !== undefined);
        texts.push(change.text);
        length += change.text.length;
        fromMs = Math.min(fromMs, change.timeMs);
        untilMs = Math.max(untilMs, change.timeMs);
      }
      blocks.push({ count: texts.length, fromMs, untilMs, body: `[${texts.join(',\n')}]` });
    }
    return { blocks, count };
  }

  /** The first so many are on the disk. */
  confirm(count: number): void {
    for (const { done } of this.#waiting.splice(0, count)) done?.(undefined);
  }

  /** None of them gets there any more. */
  refuse(error: AppError): void {
    for (const { done } of this.#waiting.splice(0)) done?.(error);
  }
}
