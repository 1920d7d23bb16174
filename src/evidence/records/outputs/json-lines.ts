// JSON lines in a file: one record a line, for whatever reads files.
import type { SignedHead } from '../heads.ts';
import { RECORD_CLASSES, type RecordClass } from '../record.ts';
import type { PlacedRecord, RecordOutput } from '../record-output.ts';
import { AppendedFile } from './appended-file.ts';
import type { RecordSender } from './fields.ts';
import { type RecordFormat, toFormattedText, toHeadText } from './json-text.ts';
import type { QueueBounds } from './output-queue.ts';

/** Where the lines go, and what they say. */
export interface JsonLinesOptions extends RecordSender {
  readonly name: string;
  readonly path: string;
  /** Names of their members; our own when absent. */
  readonly format?: RecordFormat;
  /** Records of these chains only; of all when absent. */
  readonly classes?: readonly RecordClass[];
  readonly bounds?: QueueBounds;
  /** Between two tries while the disk takes nothing, milliseconds. */
  readonly retryMs?: number;
}

/** The output `jsonl`. */
export class JsonLinesOutput implements RecordOutput {
  readonly name: string;
  readonly #file: AppendedFile;
  readonly #sender: RecordSender;
  readonly #format: RecordFormat;
  readonly #classes: readonly RecordClass[];

  constructor(options: JsonLinesOptions) {
    const { name, format = 'cordon', classes = RECORD_CLASSES } = options;
    this.name = name;
    this.#classes = classes;
    this.#file = new AppendedFile(options);
    this.#sender = options;
    this.#format = format;
  }

  get dropped(): number {
    return this.#file.queue.dropped;
  }

  get written(): number {
    return this.#file.queue.written;
  }

  get queued(): number {
    return this.#file.queue.length;
  }

  get trouble(): string | undefined {
    return this.#file.trouble;
  }

  write(records: readonly PlacedRecord[]): void {
    const { queue } = this.#file;
    for (const record of records)
      if (this.#classes.includes(record.class))
        queue.push(() => Buffer.from(`${toFormattedText(record, this.#sender, this.#format)}\n`));
    this.#file.wake();
  }

  head(head: SignedHead): void {
    if (!this.#classes.includes(head.class)) return;
    this.#file.queue.push(() => Buffer.from(`${toHeadText(head, this.#sender, this.#format)}\n`));
    this.#file.wake();
  }

  /** The file was moved away: further lines go into a new one of the same name. */
  reopen(): void {
    void this.#file.reopen();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
