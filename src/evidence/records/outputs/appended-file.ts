// A file that lines are appended to: what waits is in a queue, and one write is under way at a time.
//
// It is never read back; rotation is somebody else's, who says reopen() when the name is free. A disk that is full or
// hangs keeps what waits until the queue is full, and then drops: a line that was cut short by it is finished when there
// is room again, and begun anew in another file.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errorText } from '../../../base/base.ts';
import { joinBatch, OutputQueue, type QueueBounds } from './output-queue.ts';

/** A full disk is seen to within a second of there being room. */
const RETRY_MS = 1_000;
/** For what is queued at the end, milliseconds. */
const CLOSE_MS = 3_000;
/** Records may say who asked for what: the service and its group read them. */
const FILE_MODE = 0o640;
const FILE_FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT;
const LINE_FEED = 0x0a;

/** Where the lines go. */
export interface AppendedFileOptions {
  readonly path: string;
  readonly bounds?: QueueBounds | undefined;
  /** Is given the memory of what is written. */
  readonly release?: ((piece: Uint8Array) => void) | undefined;
  /** Between two tries while the disk takes nothing, milliseconds. */
  readonly retryMs?: number | undefined;
}

/** One file. */
export class AppendedFile {
  readonly queue: OutputQueue;
  readonly #path: string;
  readonly #retryMs: number;
  #file: FileHandle | undefined;
  /** Bytes of the oldest piece that are in the file already. */
  #started = 0;
  #isWriting = false;
  #reopened: PromiseWithResolvers<void> | undefined;
  #isClosed = false;
  #trouble: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #onIdle: (() => void) | undefined;

  constructor({ path, bounds, release, retryMs = RETRY_MS }: AppendedFileOptions) {
    this.queue = new OutputQueue(bounds, release);
    this.#path = path;
    this.#retryMs = retryMs;
  }

  /** Why nothing can be written at the moment. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Writes what waits. */
  wake(): void {
    if (this.#isWriting || this.#isClosed || this.#timer !== undefined) return;
    this.#isWriting = true;
    void this.#writeAll();
  }

  /** The file was moved away: further lines go into a new one of the same name. Resolves when the one before is closed. */
  reopen(): Promise<void> {
    this.#reopened ??= Promise.withResolvers<void>();
    const { promise } = this.#reopened;
    this.wake();
    return promise;
  }

  /** Writes what waits, within a bound, and closes. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const idle = Promise.withResolvers<void>();
    this.#onIdle = idle.resolve;
    const timer = setTimeout(idle.resolve, CLOSE_MS);
    this.wake();
    await idle.promise;
    clearTimeout(timer);
    clearTimeout(this.#timer);
    this.#isClosed = true;
    this.queue.abandon();
    // A write that hangs would keep close() for as long.
    if (!this.#isWriting) await this.#file?.close().catch(() => undefined);
  }

  async #writeAll(): Promise<void> {
    try {
      while (!this.#isClosed) {
        const file = await this.#openFile();
        const batch = this.queue.peek();
        if (batch.length === 0) break;
        const bytes = joinBatch(batch).subarray(this.#started);
        const { bytesWritten } = await file.write(bytes);
        this.#account(batch, this.#started + bytesWritten);
        this.#trouble = undefined;
      }
    } catch (thrown) {
      this.#trouble = errorText(thrown);
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.wake();
      }, this.#retryMs);
      this.#timer.unref();
    }
    this.#isWriting = false;
    if (this.#isClosed) await this.#file?.close().catch(() => undefined);
    else this.#onIdle?.();
  }

  /** Takes whole lines off the queue and remembers how much of the next one is in the file. */
  #account(batch: readonly Uint8Array[], bytesInFile: number): void {
    let left = bytesInFile;
    let lines = 0;
    for (const { length } of batch) {
      if (left < length) break;
      left -= length;
      lines++;
    }
    this.queue.shift(lines);
    this.#started = left;
  }

  async #openFile(): Promise<FileHandle> {
    const reopened = this.#reopened;
    if (this.#file !== undefined && reopened === undefined) return this.#file;
    this.#reopened = undefined;
    const before = this.#file;
    this.#file = undefined;
    await before?.close().catch(() => undefined);
    reopened?.resolve();
    this.#started = 0;
    const file = await open(this.#path, FILE_FLAGS, FILE_MODE);
    this.#file = file;
    await endLine(file);
    return file;
  }
}

/** Ends a line that a crash cut short, so that the next one is whole. */
const endLine = async (file: FileHandle): Promise<void> => {
  const { size } = await file.stat();
  if (size === 0) return;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  if (bytesRead === 1 && buffer[0] !== LINE_FEED) await file.write('\n');
};
