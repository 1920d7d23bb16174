// Frames that concern the connection as a whole: the answer to PING, and GOAWAY (RFC 9113 sections 6.7 and 6.8). Hot file.
import { writeFrameHeader } from './answer.ts';
import { FLAG, FRAME, FRAME_HEADER } from './registry.ts';

/** Bytes of GOAWAY, without words for people, and of PING. */
export const GOAWAY_BYTES = 8;
export const PING_BYTES = 8;

/** "No more, after this stream"; `code` of HTTP2_ERROR. */
export const goaway = (lastStream: number, code: number): Buffer => {
  const frame = Buffer.allocUnsafe(FRAME_HEADER + GOAWAY_BYTES);
  const at = writeFrameHeader(frame, 0, GOAWAY_BYTES, FRAME.GOAWAY, 0, 0);
  frame.writeUInt32BE(lastStream, at);
  frame.writeUInt32BE(code, at + 4);
  return frame;
};

/** The answer to a PING, whose payload begins at `start`. */
export const pong = (bytes: Buffer, start: number): Buffer => {
  const frame = Buffer.allocUnsafe(FRAME_HEADER + PING_BYTES);
  bytes.copy(
    frame,
    writeFrameHeader(frame, 0, PING_BYTES, FRAME.PING, FLAG.ACK, 0),
    start,
    start + PING_BYTES,
  );
  return frame;
};
