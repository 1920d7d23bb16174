// The heads of answers (RFC 9113 section 8.3.2), as bytes. Hot file.
//
// Nothing is kept in a table of the client's: an answer can then be written without knowing which came before it.
import { FLAG, FRAME, FRAME_BYTES_MAX, FRAME_HEADER } from './registry.ts';

/** "The table is empty from now on" (RFC 7541 section 6.3): what the first answer of a connection begins with. */
const NO_TABLE = 0x20;
const STATUS_OK = 0x88;
/** Literals that are not kept, with a name of the static table (RFC 7541 section 6.2.2): 15 and what is above it. */
const NAMED = 0x0f;
const ABOVE = 15;
const NAME = {
  STATUS: 8,
  ALLOW: 22,
  ACCEPT: 19,
  CACHE_CONTROL: 24,
  CONTENT_LENGTH: 28,
  CONTENT_TYPE: 31,
} as const;
/** Lengths below this one stand in one byte. */
const TEXT_LENGTH_MAX = 127;
/** Of a head as writeHead() writes it: five fields of two bytes, a length and a text. */
export const HEAD_BYTES_MAX = 5 * (3 + TEXT_LENGTH_MAX);

/** What an answer says of itself beside its content. */
export interface Head {
  readonly status: number;
  readonly type: string;
  /** For 405, and for 415. */
  readonly allow?: string;
  readonly accept?: string;
  /** cache-control; '' where it is not said. */
  readonly cache: string;
}

/** Writes the fields of a head; returns the offset behind them. */
export const writeHead = (out: Buffer, at: number, head: Head, length: number, isFirst: boolean): number => {
  let end = at;
  if (isFirst) out[end++] = NO_TABLE;
  if (head.status === 200) out[end++] = STATUS_OK;
  else end = writeField(out, end, NAME.STATUS, `${head.status}`);
  end = writeField(out, end, NAME.CONTENT_TYPE, head.type);
  end = writeField(out, end, NAME.CONTENT_LENGTH, `${length}`);
  if (head.cache !== '') end = writeField(out, end, NAME.CACHE_CONTROL, head.cache);
  if (head.allow !== undefined) end = writeField(out, end, NAME.ALLOW, head.allow);
  if (head.accept !== undefined) end = writeField(out, end, NAME.ACCEPT, head.accept);
  return end;
};

const writeField = (out: Buffer, at: number, name: number, value: string): number => {
  let end = at;
  if (name < ABOVE) out[end++] = name;
  else {
    out[end++] = NAMED;
    out[end++] = name - ABOVE;
  }
  out[end++] = value.length;
  return end + out.write(value, end, 'latin1');
};

/** "Go on" (RFC 9110 section 15.2.1): a frame of its own, before the answer. @cold */
export const interim = (stream: number, isFirst: boolean): Buffer => {
  const fields = Buffer.alloc(HEAD_BYTES_MAX);
  const start = isFirst ? 1 : 0;
  if (isFirst) fields[0] = NO_TABLE;
  const length = writeField(fields, start, NAME.STATUS, '100');
  const frame = Buffer.allocUnsafe(FRAME_HEADER + length);
  fields.copy(frame, writeFrameHeader(frame, 0, length, FRAME.HEADERS, FLAG.END_HEADERS, stream), 0, length);
  return frame;
};

/** Writes the header of a frame; returns the offset behind it. */
export const writeFrameHeader = (
  out: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): number => {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  out[at + 5] = stream >>> 24;
  out[at + 6] = stream >>> 16;
  out[at + 7] = stream >>> 8;
  out[at + 8] = stream;
  return at + FRAME_HEADER;
};

/** Bytes of the DATA frames that hold so much content. */
export const dataBytes = (length: number): number =>
  length + FRAME_HEADER * Math.max(1, Math.ceil(length / FRAME_BYTES_MAX));

/** Writes content as DATA frames, of which the last may end the stream; returns the offset behind them. */
export const writeData = (
  out: Buffer,
  at: number,
  stream: number,
  content: Uint8Array,
  start: number,
  end: number,
  isLast: boolean,
): number => {
  let offset = at;
  let from = start;
  do {
    const to = Math.min(end, from + FRAME_BYTES_MAX);
    const flags = isLast && to === end ? FLAG.END_STREAM : 0;
    offset = writeFrameHeader(out, offset, to - from, FRAME.DATA, flags, stream);
    out.set(from === 0 && to === content.length ? content : content.subarray(from, to), offset);
    offset += to - from;
    from = to;
  } while (from < end);
  return offset;
};
