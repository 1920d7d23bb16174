// Frame Streams, the side that receives: control frames are answered, data frames handed on.
//
// A sender says READY and waits for ACCEPT, or begins with START alone where its socket goes one way. What it sends is put
// together within a bound and in time linear in its bytes: a frame that is longer, or a control frame that is none, ends the
// connection, because where the next one begins is not known any more.
import { DNSTAP_CONTENT_TYPE } from './dnstap.ts';
import { CONTROL, readControlFrame, toControlFrame } from './frame-stream.ts';

/** A query and its response, 64 KiB each, with what dnstap tells of both. */
const FRAME_BYTES_MAX = 256 * 1024;
const LENGTH_BYTES = 4;

/** What is done with what comes. */
export interface FrameHandlers {
  /** The stream has begun. */
  started(): void;
  frame(data: Uint8Array): void;
  reply(bytes: Uint8Array): void;
  /** The sender ended it. */
  stopped(): void;
}

/** One connection. */
export class FrameReceiver {
  readonly #handlers: FrameHandlers;
  #pieces: Buffer[] = [];
  #length = 0;
  /** Bytes without which there is nothing to do. */
  #wanted = LENGTH_BYTES;
  #isStarted = false;

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers;
  }

  /** True within a frame. */
  get isWithin(): boolean {
    return this.#length > 0;
  }

  /** Takes what came. Throws an Error for what is no Frame Stream of dnstap. */
  take(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length < this.#wanted) return;
    let bytes = Buffer.concat(this.#pieces);
    for (;;) {
      const used = this.#read(bytes);
      if (used === 0) break;
      bytes = bytes.subarray(used);
    }
    this.#pieces = bytes.length === 0 ? [] : [bytes];
    this.#length = bytes.length;
  }

  /** Bytes of the frame at the beginning; 0 while it is not all there, and then `#wanted` says how many are. */
  #read(bytes: Buffer): number {
    this.#wanted = LENGTH_BYTES;
    if (bytes.length < LENGTH_BYTES) return 0;
    const length = bytes.readUInt32BE(0);
    if (length === 0) return this.#control(bytes);
    if (!this.#isStarted) throw new Error('a frame came before START');
    if (length > FRAME_BYTES_MAX)
      throw new Error(`a frame of ${length} bytes came, and ${FRAME_BYTES_MAX} are read`);
    this.#wanted = LENGTH_BYTES + length;
    if (bytes.length < this.#wanted) return 0;
    this.#handlers.frame(bytes.subarray(LENGTH_BYTES, this.#wanted));
    return this.#wanted;
  }

  #control(bytes: Buffer): number {
    const frame = readControlFrame(bytes);
    if (frame === undefined) {
      // A control frame is short: what comes next is looked at again.
      this.#wanted = bytes.length + 1;
      return 0;
    }
    const isOurs = frame.contentTypes.length === 0 || frame.contentTypes.includes(DNSTAP_CONTENT_TYPE);
    switch (frame.type) {
      case CONTROL.READY:
        if (!isOurs) throw new Error('it sends no dnstap');
        this.#handlers.reply(toControlFrame(CONTROL.ACCEPT, DNSTAP_CONTENT_TYPE));
        break;
      case CONTROL.START:
        if (!isOurs) throw new Error('it sends no dnstap');
        if (this.#isStarted) throw new Error('it began twice');
        this.#isStarted = true;
        this.#handlers.started();
        break;
      case CONTROL.STOP:
        // Another stream may follow in a file.
        this.#isStarted = false;
        this.#handlers.reply(toControlFrame(CONTROL.FINISH));
        this.#handlers.stopped();
        break;
      default:
        throw new Error(`a control frame of type ${frame.type} came`);
    }
    return frame.length;
  }
}
