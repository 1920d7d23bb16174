// A message on a stream: behind its length in two bytes (RFC 1035 section 4.2.2, RFC 9250 section 4.2). Hot file.
import { writeU16 } from '../dns/dns.ts';

/** Bytes of the length in front of each message. */
export const FRAME_HEADER = 2;

/** A copy of a message behind its length. */
export const frame = (message: Uint8Array): Buffer => {
  const framed = Buffer.allocUnsafe(FRAME_HEADER + message.length);
  writeU16(framed, 0, message.length);
  framed.set(message, FRAME_HEADER);
  return framed;
};
