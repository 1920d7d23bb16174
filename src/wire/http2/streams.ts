// The streams of a connection (RFC 9113 section 5.1): which are open, which were, and which come next. Hot file.
import { WINDOW_AT_FIRST, WINDOW_MAX } from './registry.ts';
import type { RequestFields } from './request-fields.ts';
import { STREAMS_MAX } from './settings.ts';
import { Http2Stream } from './stream.ts';

/** Streams that we ended, whose frames may still be on their way: as many as may be open. */
const ENDED_MAX = STREAMS_MAX;

/** The streams of one connection. */
export class Streams {
  readonly #open = new Map<number, Http2Stream>();
  readonly #ended = new Set<number>();
  /** The window that answers begin with, as the client says it. */
  #window = WINDOW_AT_FIRST;
  /** The highest that the client began. */
  last = 0;
  /** Bytes of DATA on all of them since the window of the connection was opened. */
  received = 0;

  get count(): number {
    return this.#open.size;
  }

  get(id: number): Http2Stream | undefined {
    return this.#open.get(id);
  }

  /** No frame came yet that would have opened it. */
  isIdle(id: number): boolean {
    return id > this.last || (id & 1) === 0;
  }

  /** We ended it: what the client sent before it learned of that is no fault. */
  wasEnded(id: number): boolean {
    return this.#ended.has(id);
  }

  open(id: number, fields: RequestFields, isEnded: boolean): Http2Stream {
    const stream = new Http2Stream(id, fields, isEnded, this.#window);
    this.#open.set(id, stream);
    return stream;
  }

  close(stream: Http2Stream): void {
    stream.isOpen = false;
    stream.reader?.closed();
    stream.reader = undefined;
    this.#open.delete(stream.id);
  }

  closeAll(): void {
    for (const stream of this.#open.values()) this.close(stream);
  }

  /** Remembers that we ended a stream. */
  noteEnded(id: number): void {
    if (this.#ended.size === ENDED_MAX) {
      for (const oldest of this.#ended) {
        this.#ended.delete(oldest);
        break;
      }
    }
    this.#ended.add(id);
  }

  /** Answers that are not sent yet have a window as much larger or smaller (RFC 9113 section 6.9.2). False: too large. */
  setWindow(window: number): boolean {
    const change = window - this.#window;
    this.#window = window;
    if (change === 0) return true;
    let isRight = true;
    for (const stream of this.#open.values()) {
      stream.window += change;
      if (stream.window > WINDOW_MAX) isRight = false;
    }
    return isRight;
  }
}
