// Frame Streams, in two directions: how dnstap travels. The side that sends; what receives reads the same frames.
//
// Frames are prefixed by a length of four bytes, big-endian. A length of zero says that a control frame follows with a
// length of its own: READY and ACCEPT agree on the content type, START begins, STOP ends, FINISH confirms. The records
// of a stream may be lost after the last one that the receiver read; FINISH is the only confirmation there is.
import type { Socket } from 'node:net';
import type { LinkProtocol } from './stream-link.ts';

/** Types of control frames. */
export const CONTROL = { ACCEPT: 1, START: 2, STOP: 3, READY: 4, FINISH: 5 } as const;
const FIELD_CONTENT_TYPE = 1;
/** Longest control frame that the protocol allows. */
const CONTROL_LENGTH_MAX = 512;
const LENGTH_BYTES = 4;

/** A data frame. */
export const toDataFrame = (data: Uint8Array): Uint8Array => {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + data.length);
  frame.writeUInt32BE(data.length, 0);
  frame.set(data, LENGTH_BYTES);
  return frame;
};

/** A control frame, with the field for a content type where one is named. */
export const toControlFrame = (type: number, contentType?: string): Uint8Array => {
  const content = contentType === undefined ? undefined : Buffer.from(contentType);
  const fields = content === undefined ? 0 : 2 * LENGTH_BYTES + content.length;
  const frame = Buffer.alloc(3 * LENGTH_BYTES + fields);
  frame.writeUInt32BE(LENGTH_BYTES + fields, LENGTH_BYTES);
  frame.writeUInt32BE(type, 2 * LENGTH_BYTES);
  if (content !== undefined) {
    frame.writeUInt32BE(FIELD_CONTENT_TYPE, 3 * LENGTH_BYTES);
    frame.writeUInt32BE(content.length, 4 * LENGTH_BYTES);
    frame.set(content, 5 * LENGTH_BYTES);
  }
  return frame;
};

/** A control frame of the other side. */
export interface ControlFrame {
  readonly type: number;
  readonly contentTypes: readonly string[];
  /** Bytes of the stream that it took. */
  readonly length: number;
}

/** Reads the control frame at the beginning of `bytes`; undefined when it is not all there, throws for anything else. */
export const readControlFrame = (bytes: Buffer): ControlFrame | undefined => {
  if (bytes.length < 3 * LENGTH_BYTES) return undefined;
  const length = bytes.readUInt32BE(LENGTH_BYTES);
  if (bytes.readUInt32BE(0) !== 0 || length < LENGTH_BYTES || length > CONTROL_LENGTH_MAX)
    throw new Error('the other side does not speak Frame Streams');
  const end = 2 * LENGTH_BYTES + length;
  if (bytes.length < end) return undefined;
  const contentTypes: string[] = [];
  let at = 3 * LENGTH_BYTES;
  while (at + 2 * LENGTH_BYTES <= end) {
    const fieldEnd = at + 2 * LENGTH_BYTES + bytes.readUInt32BE(at + LENGTH_BYTES);
    if (fieldEnd > end) throw new Error('the other side sent a malformed control frame');
    if (bytes.readUInt32BE(at) === FIELD_CONTENT_TYPE)
      contentTypes.push(bytes.toString('latin1', at + 2 * LENGTH_BYTES, fieldEnd));
    at = fieldEnd;
  }
  return { type: bytes.readUInt32BE(2 * LENGTH_BYTES), contentTypes, length: end };
};

/** The handshake of a stream of one content type. */
export const createFrameStream = (contentType: string): LinkProtocol => ({
  open(socket: Socket, ready: () => void): void {
    socket.write(toControlFrame(CONTROL.READY, contentType));
    onControlFrame(socket, (frame) => {
      if (frame.type === CONTROL.FINISH) socket.end();
      if (frame.type !== CONTROL.ACCEPT) return;
      // An ACCEPT without content types accepts any.
      if (frame.contentTypes.length > 0 && !frame.contentTypes.includes(contentType))
        throw new Error(`the receiver does not take ${contentType}`);
      socket.write(toControlFrame(CONTROL.START, contentType));
      ready();
    });
  },
  close: (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      // The receiver's FINISH ends the socket in open(); one that is gone has closed it.
      socket.once('close', () => resolve());
      socket.write(toControlFrame(CONTROL.STOP));
    }),
});

/** Calls `take` for each control frame; a receiver that sends anything else loses the connection. */
const onControlFrame = (socket: Socket, take: (frame: ControlFrame) => void): void => {
  let received: Buffer = Buffer.alloc(0);
  socket.on('data', (piece: Buffer) => {
    received = Buffer.concat([received, piece]);
    try {
      for (;;) {
        const frame = readControlFrame(received);
        if (frame === undefined) break;
        received = received.subarray(frame.length);
        take(frame);
      }
    } catch (thrown) {
      socket.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  });
};
