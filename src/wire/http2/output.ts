// What a session sends: frames, as far as the windows of the client reach (RFC 9113 section 6.9). Hot file.
//
// Head and content of an answer stand together, and what a turn of the loop answers leaves in one write, each in a record of
// TLS of its own (records.ts).
import type { Socket } from 'node:net';
import {
  dataBytes,
  HEAD_BYTES_MAX,
  type Head,
  interim,
  writeData,
  writeFrameHeader,
  writeHead,
} from './answer.ts';
import { countedPadding, missingBytes, RECORD_BYTES, type Unit, writePadded } from './records.ts';
import { FLAG, FRAME, FRAME_BYTES_MAX, FRAME_HEADER, WINDOW_AT_FIRST, WINDOW_MAX } from './registry.ts';
import type { Http2Stream } from './stream.ts';

/** Heads are written here first, because their length stands before them. */
const head = Buffer.allocUnsafeSlow(HEAD_BYTES_MAX + 1);
/** Answers that leave in one write, bytes: 32 records. */
const TOGETHER_MAX = 16_384;
/** Where they are put together, for all sessions; the bytes that are written are a copy. */
const together = Buffer.allocUnsafeSlow(TOGETHER_MAX);
/** Units that are written and still stand before the others. */
const TAKEN_MAX = 64;
/** Room for frames that belong to no answer, from the second one on, bytes; it doubles. */
const LOOSE_BYTES = 256;
const NOTHING = Buffer.alloc(0);

/** What a socket of TLS has beside one of TCP. */
interface Recording {
  setMaxSendFragment(bytes: number): boolean;
}

/** The output of one session. */
export class Output {
  readonly #socket: Socket;
  /** Is told that something was taken. */
  readonly #taken: () => void;
  /** Undefined: there are no records to keep apart. */
  readonly #recording: Recording | undefined;
  #hasRecordSize = false;
  #units: Unit[] = [];
  /** Of these, the first that is not written. */
  #next = 0;
  /** Frames that belong to no answer; they leave with the next one. */
  #loose: Buffer = NOTHING;
  /** Bytes of these; behind them is room for others. */
  #looseLength = 0;
  /** Bytes of all these. */
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
    this.#recording = 'setMaxSendFragment' in socket ? (socket as Socket & Recording) : undefined;
  }

  /** Bytes that the client has not taken. */
  get heldBytes(): number {
    return this.#waitingBytes + this.#length + this.#socket.writableLength;
  }

  /** Bytes of content that wait for a window. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Content that windows let out on a stream. */
  roomFor({ window }: Http2Stream): number {
    return Math.min(window, this.#window);
  }

  /** Bytes that are not sent yet. */
  get length(): number {
    return this.#length;
  }

  /** A frame that is ready; nobody changes it any more. */
  add(frame: Buffer): void {
    this.#length += frame.length;
    if (this.#looseLength === 0) {
      // Most often it stays the only one.
      this.#loose = frame;
      this.#looseLength = frame.length;
      return;
    }
    const length = this.#looseLength + frame.length;
    if (length > this.#loose.length) {
      // Put together anew for each answer to a PING, what a client does not read would be copied thousands of times.
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#looseLength, LOOSE_BYTES));
      this.#loose.copy(grown, 0, 0, this.#looseLength);
      this.#loose = grown;
    }
    frame.copy(this.#loose, this.#looseLength);
    this.#looseLength = length;
  }

  /** A frame with a number of 32 bits: RST_STREAM and WINDOW_UPDATE. */
  addNumber(type: number, stream: number, number: number): void {
    const frame = Buffer.allocUnsafe(FRAME_HEADER + 4);
    frame.writeUInt32BE(number, writeFrameHeader(frame, 0, 4, type, 0, stream));
    this.add(frame);
  }

  #push(bytes: Buffer, contentAt: number, window: number): void {
    this.#length += bytes.length;
    if (this.#looseLength > 0) this.#units.push({ bytes: this.#takeLoose(), contentAt: LOOSE, window: 0 });
    this.#units.push({ bytes, contentAt, window });
  }

  /** Sends what was added, as much as fits into one write; the rest follows when that has left. */
  flush(): void {
    if (this.#length === 0 || this.#isWriting) return;
    const count = this.#units.length - this.#next;
    if (count === 0) this.#write(this.#takeLoose());
    else if (count === 1) this.#write(this.#takeUnit().bytes);
    else this.#write(this.#putTogether());
  }

  #takeLoose(): Buffer {
    const loose = this.#loose.subarray(0, this.#looseLength);
    this.#loose = NOTHING;
    this.#looseLength = 0;
    return loose;
  }

  #takeUnit(): Unit {
    const unit = this.#units[this.#next++] ?? NO_UNIT;
    if (this.#next === this.#units.length || this.#next === TAKEN_MAX) {
      this.#units.splice(0, this.#next);
      this.#next = 0;
    }
    return unit;
  }

  #putTogether(): Buffer {
    let end = 0;
    let record = 0;
    let answers = 0;
    while (this.#units.length > 0) {
      const unit = this.#units[this.#next] ?? NO_UNIT;
      const { bytes, contentAt } = unit;
      if (end + bytes.length > TOGETHER_MAX) {
        if (end > 0) break;
        return this.#takeUnit().bytes;
      }
      const isLast = this.#next + 1 === this.#units.length;
      const padding = missingBytes(end + bytes.length - record);
      if (contentAt === LOOSE || this.#recording === undefined) {
        this.#takeUnit();
        end += bytes.copy(together, end);
      } else if (isLast || !this.#mayPad(unit, padding) || end + bytes.length + padding > TOGETHER_MAX) {
        this.#takeUnit();
        end += bytes.copy(together, end);
        answers++;
        break;
      } else {
        this.#takeUnit();
        this.#window -= countedPadding(padding);
        this.#length += padding;
        end = padding === 0 ? end + bytes.copy(together, end) : writePadded(together, end, unit, padding);
        record = end;
        answers++;
      }
    }
    if (answers > 1) this.#setRecordSize();
    return Buffer.from(together.subarray(0, end));
  }

  /** Padding of content counts as content. */
  #mayPad({ contentAt, window }: Unit, padding: number): boolean {
    const counted = countedPadding(padding);
    return padding === 0 || (contentAt > 0 && counted <= window && counted <= this.#window);
  }

  /** OpenSSL does not make longer ones of this connection afterwards. */
  #setRecordSize(): void {
    if (this.#hasRecordSize) return;
    this.#hasRecordSize = true;
    this.#recording?.setMaxSendFragment(RECORD_BYTES);
  }

  /** Sends all at once: nothing comes behind it. @cold */
  flushAll(): void {
    if (this.#length === 0) return;
    const bytes = this.#units.slice(this.#next).map((unit) => unit.bytes);
    this.#units = [];
    this.#next = 0;
    bytes.push(this.#takeLoose());
    this.#write(Buffer.concat(bytes));
  }

  #write(bytes: Buffer): void {
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
    const contentAt = start + headLength;
    if (hasData) writeData(frame, contentAt, stream.id, content, 0, now, isLast);
    this.#spend(stream, now);
    const isWhole = isLast || content === undefined;
    const mayPad = hasData && now <= FRAME_BYTES_MAX;
    this.#push(frame, isWhole ? (mayPad ? contentAt : NOT_PADDED) : LOOSE, stream.window);
    if (isWhole) return true;
    stream.rest = Buffer.from(content.subarray(now, length));
    this.#waiting.add(stream);
    this.#waitingBytes += length - now;
    return false;
  }

  /** Tells a client that waits for it to send the content. @cold */
  goOn(stream: Http2Stream): void {
    this.add(interim(stream.id, this.#isFirst));
    this.#isFirst = false;
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
    this.#push(frame, isLast ? NOT_PADDED : LOOSE, 0);
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

/** In place of where content begins: the end of an answer that is not made of a head and content, and frames that end none. */
const NOT_PADDED = -1;
const LOOSE = -2;
const NO_UNIT: Unit = { bytes: NOTHING, contentAt: LOOSE, window: 0 };
