// A message on a stream: behind its length in two bytes (RFC 1035 section 4.2.2, RFC 7858, RFC 9250 section 4.2). Hot file.
//
// A length that is not that of what follows makes the rest of a message the next ones, in the words of whoever wrote its end.
// So all frames are written here, and what leaves in another way has its length checked here: one that cannot be is a defect of
// this program, which ends the thread before anybody is sent a byte of it.
import { fail } from 'node:assert/strict';
import { writeU16 } from './message.ts';
import { HEADER_LENGTH, MESSAGE_LENGTH_MAX } from './registry.ts';

/** Bytes of the length in front of each message. */
export const FRAME_HEADER = 2;

/** Ends the thread unless the first `length` bytes of `message` can be a message. */
export const checkLength = (message: Uint8Array, length: number): void => {
  if (length < HEADER_LENGTH || length > MESSAGE_LENGTH_MAX || length > message.length)
    fail(`a message of ${length} bytes in ${message.length} is about to leave`);
};

/** Writes the first `length` bytes of a message behind their length; returns the offset after them. */
export const writeFrame = (out: Uint8Array, at: number, message: Uint8Array, length: number): number => {
  checkLength(message, length);
  const end = at + FRAME_HEADER + length;
  if (end > out.length) fail(`a frame of ${length} bytes does not fit at ${at} of ${out.length}`);
  writeU16(out, at, length);
  out.set(length === message.length ? message : message.subarray(0, length), at + FRAME_HEADER);
  return end;
};

/** A copy of a message behind its length. */
export const frameOf = (message: Uint8Array): Buffer => {
  const framed = Buffer.allocUnsafe(FRAME_HEADER + message.length);
  writeFrame(framed, 0, message, message.length);
  return framed;
};
