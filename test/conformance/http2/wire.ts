// One connection of HTTP/2 by raw frames: what is written is as the case has it, what comes is taken apart and kept.
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { SERVER_NAME } from '../../support/encrypted-client.ts';
import type { SocketAddress } from '../../support/process.ts';
import { FLAG, HEADER_BYTES, TYPE } from './frames.ts';

/** A frame that came. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
  /** Bytes of the payload with its padding, as windows count them. */
  readonly size: number;
}

/** How long a server may take for what it does at all, milliseconds: far more than it needs. */
const PATIENCE_MS = 10_000;
/** How long what follows a PING that is answered may take, milliseconds: only a check that fails waits for it. */
const SILENCE_MS = 2_500;
const STREAM_MASK = 0x7fff_ffff;

/** The payload of a frame, without the padding that it may have (RFC 9113 sections 6.1 and 6.2). */
const withoutPadding = (frame: Buffer): Buffer => {
  const type = frame.readUInt8(3);
  const isPadded = (type === TYPE.DATA || type === TYPE.HEADERS) && (frame.readUInt8(4) & FLAG.PADDED) !== 0;
  if (!isPadded) return frame.subarray(HEADER_BYTES);
  return frame.subarray(HEADER_BYTES + 1, frame.length - frame.readUInt8(HEADER_BYTES));
};

/** Takes frames out of a stream of bytes. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  read(chunk: Buffer): Frame[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      const end = this.#rest.length < HEADER_BYTES ? Infinity : HEADER_BYTES + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < end) return frames;
      frames.push({
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        stream: this.#rest.readUInt32BE(5) & STREAM_MASK,
        payload: withoutPadding(this.#rest.subarray(0, end)),
        size: end - HEADER_BYTES,
      });
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** A client that knows nothing of what it says. */
export class Wire {
  readonly frames: Frame[] = [];
  /** The server has closed the connection, in whichever way. */
  isClosed = false;
  readonly #socket: TLSSocket;
  readonly #reader = new FrameReader();

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    const close = (): void => {
      this.isClosed = true;
      socket.emit('arrived');
    };
    socket.on('error', close).on('end', close).on('close', close);
    socket.on('data', (chunk) => {
      this.frames.push(...this.#reader.read(chunk));
      socket.emit('arrived');
    });
  }

  static async open(at: SocketAddress, ca: string): Promise<Wire> {
    const socket = connect({
      host: at.address,
      port: at.port,
      servername: SERVER_NAME,
      ca,
      ALPNProtocols: ['h2'],
    });
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    return new Wire(socket);
  }

  write(bytes: Uint8Array): void {
    if (!this.isClosed) this.#socket.write(bytes);
  }

  /** Waits until it holds; false when the connection ends without it, or nothing more comes. */
  async waitFor(holds: () => boolean, fence?: string): Promise<boolean> {
    let deadlineMs = performance.now() + PATIENCE_MS;
    let isPast = false;
    while (!holds()) {
      if (!isPast && fence !== undefined && this.hasAnswered(fence)) {
        isPast = true;
        deadlineMs = performance.now() + SILENCE_MS;
      }
      const leftMs = deadlineMs - performance.now();
      if (this.isClosed || leftMs <= 0) return false;
      const settled = new AbortController();
      const timer = setTimeout(() => settled.abort(), leftMs);
      await once(this.#socket, 'arrived', { signal: settled.signal }).catch(() => undefined);
      clearTimeout(timer);
    }
    return true;
  }

  /** The PING with this content has been acknowledged: what was sent before it has been read. */
  hasAnswered(text: string): boolean {
    return this.frames.some(
      ({ type, flags, payload }) =>
        type === TYPE.PING && (flags & FLAG.ACK) !== 0 && payload.toString('latin1') === text,
    );
  }

  end(): void {
    this.#socket.destroy();
  }
}
