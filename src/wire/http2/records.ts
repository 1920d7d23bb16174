// How answers that leave in one write come to stand each in a record of TLS of its own. Hot file.
//
// A write costs more than an answer, so those of one turn of the loop leave together. Clients exist (dnsperf) that take one answer
// of what they read at a time and lose the others; what they read is a record of TLS. OpenSSL can be told to make records of a
// size: so answers are padded to that size (RFC 9113 section 6.1, RFC 8484 section 9), but for the last one, behind which nothing comes. What
// is answered alone is not padded.
import { FLAG, FRAME_HEADER } from './registry.ts';

/** Bytes of a record: the fewest that OpenSSL takes (SSL_CTX_set_max_send_fragment(3)), and more than most answers have. */
export const RECORD_BYTES = 512;
/** What padding of a frame can have, its length included. */
const PADDING_MAX = 256;

/** Frames that are sent in one piece: an answer with its head, or the next part of its content, and what was to be said before. */
export interface Unit {
  readonly bytes: Buffer;
  /** Where its only frame of content begins, behind its only frame of fields; below 0: it is not made of these two. */
  readonly contentAt: number;
  /** What is left of the window of its stream. */
  readonly window: number;
}

/** Bytes that have to be added behind so many, for a record to be full: 0 to RECORD_BYTES - 1. */
export const missingBytes = (length: number): number => -length & (RECORD_BYTES - 1);

/** Of padding, those that count against windows (RFC 9113 section 6.9.1): what stands in the frame of content. */
export const countedPadding = (padding: number): number => Math.max(0, padding - PADDING_MAX);

/** Writes a unit with so much padding, of which it has no more than RECORD_BYTES; returns the offset behind it. */
export const writePadded = (out: Buffer, at: number, unit: Unit, padding: number): number => {
  const { bytes, contentAt } = unit;
  const counted = countedPadding(padding);
  const end = copyFrame(out, at, bytes, 0, contentAt, padding - counted);
  return copyFrame(out, end, bytes, contentAt, bytes.length, counted);
};

/** Copies one frame, and pads it. */
const copyFrame = (
  out: Buffer,
  at: number,
  from: Buffer,
  start: number,
  end: number,
  padding: number,
): number => {
  if (padding === 0) return at + from.copy(out, at, start, end);
  from.copy(out, at, start, start + FRAME_HEADER);
  const length = end - start - FRAME_HEADER + padding;
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 4] = (out[at + 4] ?? 0) | FLAG.PADDED;
  out[at + FRAME_HEADER] = padding - 1;
  const behind = at + FRAME_HEADER + 1 + from.copy(out, at + FRAME_HEADER + 1, start + FRAME_HEADER, end);
  out.fill(0, behind, behind + padding - 1);
  return behind + padding - 1;
};
