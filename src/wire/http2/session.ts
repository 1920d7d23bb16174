// One connection of HTTP/2, the side of the server (RFC 9113): what frames mean, in which state they may come. Hot file.
//
// Work is done in pieces: a session asks before each frame whether this turn of the loop has room for it, and reads nothing
// more while it waits for the next one or for its client to take what was sent. A fault ends the connection where the RFC
// leaves the choice, and so does a client that does more than ask (pace.ts).
import type { Socket } from 'node:net';
import type { Head } from './answer.ts';
import { GOAWAY_BYTES, goaway, PING_BYTES, pong } from './connection-frames.ts';
import { BLOCK, BLOCK_BYTES_MAX, FieldBlocks } from './field-block.ts';
import { FOUND, FrameReader } from './frame-reader.ts';
import { Output } from './output.ts';
import { Pace } from './pace.ts';
import { FLAG, FRAME, HTTP2_ERROR, WINDOW_AT_FIRST, WINDOW_MAX } from './registry.ts';
import { RequestFields } from './request-fields.ts';
import { isFull, Requests } from './requests.ts';
import { OUR_SETTINGS, readSettings, SETTING_BYTES, SETTINGS_ACK, STREAMS_MAX } from './settings.ts';
import type { Http2Stream } from './stream.ts';
import { Streams } from './streams.ts';

/** Frames of one field block: a block of 16 KiB fits into two. */
const BLOCK_FRAMES_MAX = 16;
/** The window of the connection is opened again when so much of it was used. */
const WINDOW_STEP = WINDOW_AT_FIRST >>> 1;
/** What the work for a frame costs, and for a request that may have to be asked upstream; see Http2Host. */
const FRAME_COST = 1;
const REQUEST_COST = 8;
const PRIORITY_BYTES = 5;

/** Who answers. */
export interface Http2Host {
  now(): number;
  /** Counts work for this turn of the loop, which connections share. False: it has had enough. */
  spend(cost: number): boolean;
  /** Calls `goOn` in a later turn, when it is this client's. */
  wait(goOn: () => void): void;
  /** A request. Content that follows goes to the reader of the stream, if it gets one now. */
  asked(stream: Http2Stream): void;
  /** The client was sent all of an answer, or took some of what waited. */
  taken(): void;
  /** The client does what only costs work; the connection is to be ended. */
  flooded(): void;
}

/** A field block whose end has not come. */
interface OpenBlock {
  readonly stream: number;
  readonly isEnd: boolean;
  frames: number;
  bytes: Buffer;
}

/** One connection. */
export class Http2Session {
  readonly #socket: Socket;
  readonly #host: Http2Host;
  readonly #reader = new FrameReader();
  readonly #blocks = new FieldBlocks();
  readonly #output: Output;
  readonly #pace: Pace;
  readonly #streams = new Streams();
  readonly #requests: Requests;
  #block: OpenBlock | undefined;
  #state: number = STATE.NEW;
  #isWaiting = false;
  #isFlushing = false;

  /** Speaks over a socket, of which receive() is told what comes while it is not paused, and ended(). */
  constructor(socket: Socket, host: Http2Host) {
    this.#socket = socket;
    this.#host = host;
    this.#output = new Output(socket, () => {
      host.taken();
      if (!this.#isWaiting && socket.isPaused()) this.#run();
      else if (this.#requests.isHolding) this.#plan();
    });
    this.#pace = new Pace(host.now());
    this.#requests = new Requests(host, this.#output, socket);
    this.#output.add(OUR_SETTINGS);
    this.#output.flush();
  }

  /** Bytes of answers that the client has not taken. */
  get unreadBytes(): number {
    return this.#output.heldBytes;
  }

  /** What came; the bytes may be others once this returns. */
  receive(chunk: Buffer): void {
    this.#reader.push(chunk);
    this.#run();
  }

  /** The client has closed its side, behind all that was received: what it asked is still answered. @cold */
  ended(): void {
    this.#reader.hasEnded = true;
    if (!this.#socket.isPaused()) this.close();
  }

  /** Answers a stream; the content is copied. */
  answer(stream: Http2Stream, head: Head, content: Uint8Array | undefined, length: number): void {
    if (!stream.isOpen || this.#state === STATE.OVER) return;
    if (this.#output.answer(stream, head, content, length)) this.#finish(stream);
    this.#plan();
  }

  /** Ends a stream without an answer, or without the rest of it. */
  abandon(stream: Http2Stream, code: number): void {
    if (!stream.isOpen || this.#state === STATE.OVER) return;
    this.#reset(stream.id, code);
    this.#plan();
  }

  /** Takes no more requests; the connection ends once those that were taken are answered. @cold */
  close(): void {
    if (this.#state === STATE.OVER || this.#state === STATE.LEAVING) return;
    this.#state = STATE.LEAVING;
    this.#output.add(goaway(this.#streams.last, HTTP2_ERROR.NO_ERROR));
    this.#output.flush();
    this.#endIfDone();
  }

  readonly #run = (): void => {
    this.#isWaiting = false;
    while (this.#state !== STATE.OVER && !this.#socket.destroyed) {
      if (isFull(this.#output, this.#socket)) {
        // What is taken goes on with it.
        this.#pause();
        break;
      }
      if (!this.#host.spend(FRAME_COST)) {
        this.#isWaiting = true;
        this.#pause();
        this.#host.wait(this.#run);
        break;
      }
      const found = this.#reader.next();
      if (found === FOUND.NOTHING) {
        if (this.#socket.isPaused()) this.#socket.resume();
        if (this.#reader.hasEnded) this.close();
        break;
      }
      const error = found === FOUND.FRAME ? this.#take(this.#reader) : (FAULTS[found] ?? FINE);
      if (error !== FINE) this.#fail(error);
    }
    this.#plan();
  };

  #pause(): void {
    this.#socket.pause();
    this.#reader.keep();
  }

  /** What is answered in a turn of the loop, and what windows let through, leaves together at its end. */
  #plan(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushing = false;
    if (this.#state === STATE.OVER) return;
    this.#output.sendWaiting(this.#sent);
    this.#requests.askHeld();
    this.#output.flush();
    this.#endIfDone();
  };

  /** Returns what the connection is to be ended with: one of HTTP2_ERROR. So do all that take a frame. */
  #take(frame: FrameReader): number {
    const { type, stream, flags } = frame;
    if (this.#state === STATE.NEW) {
      // RFC 9113 section 3.4.
      if (type !== FRAME.SETTINGS || (flags & FLAG.ACK) !== 0) return HTTP2_ERROR.PROTOCOL_ERROR;
      this.#state = STATE.OPEN;
    }
    const block = this.#block;
    if (block !== undefined && (type !== FRAME.CONTINUATION || stream !== block.stream))
      return HTTP2_ERROR.PROTOCOL_ERROR;
    if (type !== FRAME.HEADERS && !this.#pace.takeFrame(this.#host.now()))
      return HTTP2_ERROR.ENHANCE_YOUR_CALM;
    switch (type) {
      case FRAME.DATA:
        return this.#takeData(frame);
      case FRAME.HEADERS:
        return this.#takeHeaders(frame);
      case FRAME.PRIORITY:
        return this.#takePriority(frame);
      case FRAME.RST_STREAM:
        return this.#takeReset(frame);
      case FRAME.SETTINGS:
        return this.#takeSettings(frame);
      case FRAME.PING:
        return this.#takePing(frame);
      case FRAME.GOAWAY:
        if (stream !== 0) return HTTP2_ERROR.PROTOCOL_ERROR;
        return frame.end - frame.start < GOAWAY_BYTES ? HTTP2_ERROR.FRAME_SIZE_ERROR : FINE;
      case FRAME.WINDOW_UPDATE:
        return this.#takeWindow(frame);
      case FRAME.CONTINUATION:
        return this.#takeContinuation(frame);
      case FRAME.PUSH_PROMISE:
        return HTTP2_ERROR.PROTOCOL_ERROR;
      default:
        return FINE;
    }
  }

  /** Takes padding away (RFC 9113 section 6.1). */
  #trim(frame: FrameReader): number {
    if ((frame.flags & FLAG.PADDED) === 0) return FINE;
    if (frame.start === frame.end) return HTTP2_ERROR.FRAME_SIZE_ERROR;
    const padding = frame.bytes[frame.start++] ?? 0;
    if (padding > frame.end - frame.start) return HTTP2_ERROR.PROTOCOL_ERROR;
    frame.end -= padding;
    return FINE;
  }

  #takeData(frame: FrameReader): number {
    const { stream: id, flags } = frame;
    const size = frame.end - frame.start;
    if (this.#streams.isIdle(id)) return HTTP2_ERROR.PROTOCOL_ERROR;
    this.#streams.received += size;
    if (this.#streams.received > WINDOW_AT_FIRST) return HTTP2_ERROR.FLOW_CONTROL_ERROR;
    if (this.#streams.received > WINDOW_STEP) {
      this.#output.addNumber(FRAME.WINDOW_UPDATE, 0, this.#streams.received);
      this.#streams.received = 0;
    }
    const trimmed = this.#trim(frame);
    if (trimmed !== FINE) return trimmed;
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isEnded) {
      return this.#streams.wasEnded(id) ? FINE : this.#endBad(id, HTTP2_ERROR.STREAM_CLOSED);
    }
    stream.received += size;
    // No window of a stream is opened again, and before our SETTINGS arrive it is that of the RFC.
    if (stream.received > WINDOW_AT_FIRST) return this.#endBad(id, HTTP2_ERROR.FLOW_CONTROL_ERROR);
    stream.contentLength += frame.end - frame.start;
    const { contentLength } = stream.fields;
    if (contentLength >= 0 && stream.contentLength > contentLength)
      return this.#endBad(id, HTTP2_ERROR.PROTOCOL_ERROR);
    if (frame.end > frame.start) stream.reader?.content(frame.bytes, frame.start, frame.end);
    return (flags & FLAG.END_STREAM) !== 0 ? this.#endContent(stream) : FINE;
  }

  /** The request is there as a whole. */
  #endContent(stream: Http2Stream): number {
    const { fields, contentLength } = stream;
    if (!stream.isOpen) return FINE;
    if (fields.contentLength >= 0 && contentLength !== fields.contentLength)
      return this.#endBad(stream.id, HTTP2_ERROR.PROTOCOL_ERROR);
    stream.isEnded = true;
    this.#host.spend(REQUEST_COST);
    // What is held without its content is asked for as it is then.
    if (stream.isAsked) this.#requests.ask(stream);
    return FINE;
  }

  #takeHeaders(frame: FrameReader): number {
    const { stream: id, flags } = frame;
    if (id === 0 || (id & 1) === 0) return HTTP2_ERROR.PROTOCOL_ERROR;
    const trimmed = this.#trim(frame);
    if (trimmed !== FINE) return trimmed;
    if ((flags & FLAG.PRIORITY) !== 0) {
      frame.start += PRIORITY_BYTES;
      if (frame.start > frame.end) return HTTP2_ERROR.FRAME_SIZE_ERROR;
    }
    const isEnd = (flags & FLAG.END_STREAM) !== 0;
    if ((flags & FLAG.END_HEADERS) !== 0)
      return this.#readBlock(id, isEnd, frame.bytes, frame.start, frame.end);
    const bytes = Buffer.from(frame.bytes.subarray(frame.start, frame.end));
    this.#block = { stream: id, isEnd, frames: 1, bytes };
    return FINE;
  }

  #takeContinuation(frame: FrameReader): number {
    const block = this.#block;
    if (block === undefined) return HTTP2_ERROR.PROTOCOL_ERROR;
    block.frames++;
    block.bytes = Buffer.concat([block.bytes, frame.bytes.subarray(frame.start, frame.end)]);
    if (block.frames > BLOCK_FRAMES_MAX || block.bytes.length > BLOCK_BYTES_MAX)
      return HTTP2_ERROR.ENHANCE_YOUR_CALM;
    if ((frame.flags & FLAG.END_HEADERS) === 0) return FINE;
    this.#block = undefined;
    return this.#readBlock(block.stream, block.isEnd, block.bytes, 0, block.bytes.length);
  }

  #readBlock(id: number, isEnd: boolean, bytes: Buffer, start: number, end: number): number {
    const fields = new RequestFields();
    const read = this.#blocks.read(bytes, start, end, fields);
    if (read === BLOCK.BROKEN) return HTTP2_ERROR.COMPRESSION_ERROR;
    if (read === BLOCK.TOO_MUCH) return HTTP2_ERROR.ENHANCE_YOUR_CALM;
    const known = this.#streams.get(id);
    if (known !== undefined) return this.#takeTrailer(known, fields, isEnd);
    if (id > this.#streams.last) return this.#begin(id, fields, isEnd);
    return this.#streams.wasEnded(id) ? FINE : HTTP2_ERROR.STREAM_CLOSED;
  }

  #begin(id: number, fields: RequestFields, isEnd: boolean): number {
    this.#streams.last = id;
    this.#host.spend(REQUEST_COST);
    if (this.#state === STATE.LEAVING || this.#streams.count >= STREAMS_MAX)
      return this.#endBad(id, HTTP2_ERROR.REFUSED_STREAM);
    if (!fields.isSound(isEnd)) return this.#endBad(id, HTTP2_ERROR.PROTOCOL_ERROR);
    this.#pace.noteRequest();
    const stream = this.#streams.open(id, fields, isEnd);
    // The question of others stands in their fields.
    if (isEnd || fields.method !== 'POST') this.#requests.ask(stream);
    else {
      this.#requests.askNow(stream);
      if (fields.expectsContinue && stream.reader !== undefined) this.#output.goOn(stream);
    }
    return FINE;
  }

  #takeTrailer(stream: Http2Stream, fields: RequestFields, isEnd: boolean): number {
    if (stream.isEnded) return this.#endBad(stream.id, HTTP2_ERROR.STREAM_CLOSED);
    if (!isEnd || !fields.isSoundTrailer) return this.#endBad(stream.id, HTTP2_ERROR.PROTOCOL_ERROR);
    return this.#endContent(stream);
  }

  /** What a stream depends on means nothing any more (RFC 9113 section 5.3.2). */
  #takePriority({ stream, start, end }: FrameReader): number {
    if (stream === 0) return HTTP2_ERROR.PROTOCOL_ERROR;
    return end - start === PRIORITY_BYTES ? FINE : HTTP2_ERROR.FRAME_SIZE_ERROR;
  }

  #takeReset({ stream: id, start, end }: FrameReader): number {
    if (end - start !== 4) return HTTP2_ERROR.FRAME_SIZE_ERROR;
    if (this.#streams.isIdle(id)) return HTTP2_ERROR.PROTOCOL_ERROR;
    const stream = this.#streams.get(id);
    if (stream === undefined) return FINE;
    this.#close(stream);
    return this.#pace.takeReset(this.#host.now()) ? FINE : HTTP2_ERROR.ENHANCE_YOUR_CALM;
  }

  #takeSettings({ stream, flags, bytes, start, end }: FrameReader): number {
    const length = end - start;
    if (stream !== 0) return HTTP2_ERROR.PROTOCOL_ERROR;
    if ((flags & FLAG.ACK) !== 0) {
      return length > 0 ? HTTP2_ERROR.FRAME_SIZE_ERROR : FINE;
    }
    if (length % SETTING_BYTES !== 0) return HTTP2_ERROR.FRAME_SIZE_ERROR;
    const { window, error } = readSettings(bytes, start, end);
    if (error !== HTTP2_ERROR.NO_ERROR) return error;
    if (window !== undefined) {
      if (!this.#streams.setWindow(window)) return HTTP2_ERROR.FLOW_CONTROL_ERROR;
      this.#plan();
    }
    this.#output.add(SETTINGS_ACK);
    return FINE;
  }

  #takePing({ stream, flags, bytes, start, end }: FrameReader): number {
    if (stream !== 0) return HTTP2_ERROR.PROTOCOL_ERROR;
    if (end - start !== PING_BYTES) return HTTP2_ERROR.FRAME_SIZE_ERROR;
    if ((flags & FLAG.ACK) !== 0) return FINE;
    this.#output.add(pong(bytes, start));
    return FINE;
  }

  #takeWindow({ stream: id, bytes, start, end }: FrameReader): number {
    if (end - start !== 4) return HTTP2_ERROR.FRAME_SIZE_ERROR;
    const increment = bytes.readUInt32BE(start) & WINDOW_MAX;
    if (id === 0) {
      if (increment === 0) return HTTP2_ERROR.PROTOCOL_ERROR;
      if (!this.#output.openWindow(increment)) return HTTP2_ERROR.FLOW_CONTROL_ERROR;
    } else {
      if (this.#streams.isIdle(id)) return HTTP2_ERROR.PROTOCOL_ERROR;
      const stream = this.#streams.get(id);
      if (stream === undefined) return FINE;
      if (increment === 0) return this.#endBad(id, HTTP2_ERROR.PROTOCOL_ERROR);
      stream.window += increment;
      if (stream.window > WINDOW_MAX) return this.#endBad(id, HTTP2_ERROR.FLOW_CONTROL_ERROR);
    }
    this.#plan();
    return FINE;
  }

  readonly #sent = (stream: Http2Stream): void => {
    this.#host.taken();
    this.#finish(stream);
  };

  /** All of an answer is sent. Content that still comes is not waited for (RFC 9113 section 8.1). */
  #finish(stream: Http2Stream): void {
    if (stream.isEnded) this.#close(stream);
    else this.#reset(stream.id, HTTP2_ERROR.NO_ERROR);
  }

  #close(stream: Http2Stream): void {
    this.#output.forget(stream);
    this.#requests.forget(stream);
    this.#streams.close(stream);
    if (this.#state === STATE.LEAVING) this.#plan();
  }

  #reset(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#close(stream);
    this.#streams.noteEnded(id);
    this.#output.addNumber(FRAME.RST_STREAM, id, code);
  }

  /** Ends a stream because of what the client sent. */
  #endBad(id: number, code: number): number {
    this.#reset(id, code);
    return this.#pace.takeReset(this.#host.now()) ? FINE : HTTP2_ERROR.ENHANCE_YOUR_CALM;
  }

  /** Ends the connection, and says why. */
  #fail(code: number): void {
    if (this.#state === STATE.OVER) return;
    this.#output.add(goaway(this.#streams.last, code));
    this.#end();
    if (code === HTTP2_ERROR.ENHANCE_YOUR_CALM) this.#host.flooded();
  }

  #endIfDone(): void {
    if (this.#state === STATE.LEAVING && this.#streams.count === 0) this.#end();
  }

  #end(): void {
    this.#state = STATE.OVER;
    this.#output.flushAll();
    this.#streams.closeAll();
    // What still comes is thrown away, so that the end of the connection is seen.
    this.#socket.resume();
    this.#socket.destroySoon();
  }
}

/** What a frame is good for: no reason to end the connection. */
const FINE = HTTP2_ERROR.NO_ERROR;
/** What is said of what is no frame. */
const FAULTS: Readonly<Record<number, number>> = {
  [FOUND.TOO_LONG]: HTTP2_ERROR.FRAME_SIZE_ERROR,
  [FOUND.NO_PREFACE]: HTTP2_ERROR.PROTOCOL_ERROR,
};

const STATE = {
  /** Nothing but the preface may have come. */
  NEW: 0,
  OPEN: 1,
  /** GOAWAY was sent; requests that were taken are still answered. */
  LEAVING: 2,
  OVER: 3,
} as const;
