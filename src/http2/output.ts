// What a session sends: frames, as far as the windows of the client reach (RFC 9113 section 6.9). Hot file.
//
// An answer leaves in one write, head and content together, and the next one after it: each is a record of TLS of its own. Clients
// exist (dnsperf) that take one answer of what they read at a time and lose the others.
import type { Socket } from 'node:net';
import { dataBytes, HEAD_BYTES_MAX, type Head, writeData, writeFrameHeader, writeHead } from './answer.ts';
import { FLAG, FRAME, FRAME_HEADER, WINDOW_AT_FIRST, WINDOW_MAX } from './registry.ts';
import type { Http2Stream } from './stream.ts';

/** Heads are written here first, because their length stands before them. */
const head = Buffer.allocUnsafeSlow(HEAD_BYTES_MAX + 1);

/** The output of one session. */
export class Output {
  readonly #socket: Socket;
  /** Is told that something was taken. */
  readonly #taken: () => void;
  #frames: Buffer[] = [];
  /** Of these, how many come up to the end of each answer. */
  #ends: number[] = [];
  #length = 0;
  #isWriting = false;
  /** Content that may be sent over all streams. */
  #window = WINDOW_AT_FIRST;
  #isFirst = true;
  /** Streams whose answers wait for a window, in the order in which they began to. */
  readonly #waiting = new Set<Http2Stream>();
  #waitingBytes = 0;

  constructor(socket: Socket, taken: () => void) {
    this.#socket = socket;
    this.#taken = taken;
  }

  /** Bytes that the client has not taken. */
  get heldBytes(): number {
    return this.#waitingBytes + this.#length + this.#socket.writableLength;
  }

  /** Bytes that are not sent yet. */
  get length(): number {
    return this.#length;
  }

  /** A frame that is ready; nobody changes it any more. */
  add(frame: Buffer): void {
    this.#frames.push(frame);
    this.#length += frame.length;
  }

  /** A frame with a number of 32 bits: RST_STREAM and WINDOW_UPDATE. */
  addNumber(type: number, stream: number, number: number): void {
    const frame = Buffer.allocUnsafe(FRAME_HEADER + 4);
    frame.writeUInt32BE(number, writeFrameHeader(frame, 0, 4, type, 0, stream));
    this.add(frame);
  }

  /** Sends what was added, an answer at a time. */
  flush(): void {
    if (this.#length === 0 || this.#isWriting) return;
    const count = this.#ends.shift() ?? this.#frames.length;
    const frames = this.#frames.splice(0, count);
    for (let at = 0; at < this.#ends.length; at++) this.#ends[at] = (this.#ends[at] ?? 0) - count;
    this.#write(frames);
  }

  /** Sends all at once: nothing comes behind it. @cold */
  flushAll(): void {
    if (this.#length > 0) this.#write(this.#frames.splice(0));
    this.#ends = [];
  }

  #write(frames: Buffer[]): void {
    const [only] = frames;
    const bytes = frames.length === 1 && only !== undefined ? only : Buffer.concat(frames);
    this.#length -= bytes.length;
    if (!this.#socket.writable) return;
    this.#isWriting = true;
    this.#socket.write(bytes, this.#written);
  }

  readonly #written = (): void => {
    this.#isWriting = false;
    this.flush();
    this.#taken();
  };

  /**
   * An answer; its content is that of `content` up to `length`, or undefined for HEAD, and is copied. False: some of it waits
   * for a window.
   */
  answer(stream: Http2Stream, said: Head, content: Uint8Array | undefined, length: number): boolean {
    const headLength = writeHead(head, 0, said, length, this.#isFirst);
    this.#isFirst = false;
    const size = content === undefined ? 0 : length;
    const now = Math.max(0, Math.min(size, stream.window, this.#window));
    const isLast = now === size;
    const hasData = content !== undefined && (now > 0 || isLast);
    const frame = Buffer.allocUnsafe(FRAME_HEADER + headLength + (hasData ? dataBytes(now) : 0));
    const flags = FLAG.END_HEADERS | (content === undefined ? FLAG.END_STREAM : 0);
    const start = writeFrameHeader(frame, 0, headLength, FRAME.HEADERS, flags, stream.id);
    head.copy(frame, start, 0, headLength);
    if (hasData) writeData(frame, start + headLength, stream.id, content, 0, now, isLast);
    this.#spend(stream, now);
    this.add(frame);
    this.#ends.push(this.#frames.length);
    if (isLast || content === undefined) return true;
    stream.rest = Buffer.from(content.subarray(now, length));
    this.#waiting.add(stream);
    this.#waitingBytes += length - now;
    return false;
  }

  /** More may be sent over all streams. False: more than can be. */
  openWindow(increment: number): boolean {
    this.#window += increment;
    return this.#window <= WINDOW_MAX;
  }

  /** Calls back with each stream whose answer is sent as a whole now. */
  sendWaiting(done: (stream: Http2Stream) => void): void {
    for (const stream of this.#waiting) {
      if (this.#window <= 0) return;
      if (this.#sendRest(stream)) done(stream);
    }
  }

  #sendRest(stream: Http2Stream): boolean {
    const { rest } = stream;
    if (rest === undefined) return false;
    const now = Math.min(rest.length, stream.window, this.#window);
    if (now <= 0) return false;
    const isLast = now === rest.length;
    const frame = Buffer.allocUnsafe(dataBytes(now));
    writeData(frame, 0, stream.id, rest, 0, now, isLast);
    this.#spend(stream, now);
    this.add(frame);
    this.#ends.push(this.#frames.length);
    this.#waitingBytes -= now;
    stream.rest = isLast ? undefined : rest.subarray(now);
    if (isLast) this.#waiting.delete(stream);
    return isLast;
  }

  /** Nobody wants the rest of an answer. */
  forget(stream: Http2Stream): void {
    if (!this.#waiting.delete(stream)) return;
    this.#waitingBytes -= stream.rest?.length ?? 0;
    stream.rest = undefined;
  }

  #spend(stream: Http2Stream, bytes: number): void {
    stream.window -= bytes;
    this.#window -= bytes;
  }
}
