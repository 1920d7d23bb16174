// Lines in a packed file that can be read from any place: frames of a mebibyte, each of whole lines, and where they are.
//
// zstd's own seekable format (zstd_seekable_compression_format.md, 0.1.1): frames one behind the other, and a table of their
// lengths in a skippable frame at the end. Every zstd reads such a file as if it were one frame; who knows the table reads the
// last lines of a gigabyte without unpacking the rest.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { AppError } from './error.ts';

/** Bytes of lines in one frame: twice what level 1 looks back for what it has seen before. */
const FRAME_BYTES = 1 << 20;
/** Of a frame that somebody else made, unpacked. */
const FRAME_BYTES_MAX = 16 << 20;
/** Frames of a file of 64 GiB: a table of half a mebibyte. */
const FRAMES_MAX = 65_536;
const SKIPPABLE_MAGIC = 0x184d_2a5e;
const SEEKABLE_MAGIC = 0x8f92_eab1;
const ENTRY_BYTES = 8;
const HEAD_BYTES = 8;
const FOOTER_BYTES = 9;
/** In the descriptor: each entry has a checksum as well. */
const HAS_CHECKSUMS = 0x80;
const LINE_FEED = 0x0a;
/** The least that zlib takes. */
const CHUNK_BYTES_MIN = 64;

/** One frame: where it is in the file, and where its bytes are among all of them, unpacked. */
export interface Frame {
  readonly at: number;
  readonly length: number;
  readonly start: number;
  readonly bytes: number;
}

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Packs a file of lines into another one, which is on the disk then. Rejects with errors of the system. */
export const packFrames = async (from: string, to: string, mode: number, level: number): Promise<void> => {
  const source = await open(from);
  try {
    const target = await open(to, 'w', mode);
    try {
      await pack(source, target, level);
      await target.sync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
};

const pack = async (source: FileHandle, target: FileHandle, level: number): Promise<void> => {
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  const entries: number[] = [];
  const buffer = Buffer.allocUnsafe(FRAME_BYTES);
  let filled = 0;
  const put = async (count: number): Promise<void> => {
    const packed = await compress(buffer.subarray(0, count), { params });
    await target.appendFile(packed);
    entries.push(packed.length, count);
    buffer.copyWithin(0, count, filled);
    filled -= count;
  };
  for (;;) {
    const { bytesRead } = await source.read(buffer, filled, FRAME_BYTES - filled);
    filled += bytesRead;
    if (bytesRead === 0) break;
    // A line that is longer than a frame is none of ours, and is cut.
    if (filled === FRAME_BYTES) await put(buffer.lastIndexOf(LINE_FEED) + 1 || filled);
  }
  if (filled > 0) await put(filled);
  await target.appendFile(tableOf(entries));
};

const tableOf = (entries: readonly number[]): Buffer => {
  const length = 4 * entries.length + FOOTER_BYTES;
  const table = Buffer.alloc(HEAD_BYTES + length);
  table.writeUInt32LE(SKIPPABLE_MAGIC, 0);
  table.writeUInt32LE(length, 4);
  for (const [i, value] of entries.entries()) table.writeUInt32LE(value, HEAD_BYTES + 4 * i);
  table.writeUInt32LE(entries.length / 2, table.length - FOOTER_BYTES);
  table.writeUInt32LE(SEEKABLE_MAGIC, table.length - 4);
  return table;
};

/** A packed file with a table. Whoever opened it closes it. */
export class FramedFile {
  readonly frames: readonly Frame[];
  readonly #file: number;

  private constructor(file: number, frames: readonly Frame[]) {
    this.#file = file;
    this.frames = frames;
  }

  /** Undefined for a file without a table that fits its length. Throws errors of the system. */
  static open(path: string): FramedFile | undefined {
    const file = openSync(path, 'r');
    const frames = readTable(file);
    if (frames !== undefined) return new FramedFile(file, frames);
    closeSync(file);
    return undefined;
  }

  /** Unpacked bytes of all frames. */
  get size(): number {
    const last = this.frames.at(-1);
    return last === undefined ? 0 : last.start + last.bytes;
  }

  /** The bytes of a frame. Throws errors of the system and of zstd, and ERR_QUERY_LOG_SEARCH for fewer than the table says. */
  read({ at, length, bytes }: Frame): Buffer {
    return wholeFrame(zstdDecompressSync(readAt(this.#file, at, length), roomFor(bytes)), bytes);
  }

  /** The same, unpacked by another thread. */
  async readAside({ at, length, bytes }: Frame): Promise<Buffer> {
    return wholeFrame(await decompress(readAt(this.#file, at, length), roomFor(bytes)), bytes);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** One piece of memory that is never full: what fills one is put together with the next. */
const roomFor = (bytes: number) => ({ maxOutputLength: bytes, chunkSize: bytes + CHUNK_BYTES_MIN });

const wholeFrame = (unpacked: Buffer, bytes: number): Buffer => {
  if (unpacked.length === bytes) return unpacked;
  const text = `reading a packed log: a frame has ${unpacked.length} bytes, and its table says ${bytes}`;
  throw new AppError('ERR_QUERY_LOG_SEARCH', text);
};

const readAt = (file: number, at: number, length: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, at));
};

const readTable = (file: number): Frame[] | undefined => {
  const { size } = fstatSync(file);
  if (size < HEAD_BYTES + FOOTER_BYTES) return undefined;
  const footer = readAt(file, size - FOOTER_BYTES, FOOTER_BYTES);
  const count = footer.readUInt32LE(0);
  if (footer.readUInt32LE(5) !== SEEKABLE_MAGIC || count > FRAMES_MAX) return undefined;
  const entryBytes = ENTRY_BYTES + (((footer[4] ?? 0) & HAS_CHECKSUMS) === 0 ? 0 : 4);
  const length = count * entryBytes + FOOTER_BYTES;
  const begin = size - length - HEAD_BYTES;
  if (begin < 0) return undefined;
  const table = readAt(file, begin, HEAD_BYTES + length);
  if (table.readUInt32LE(0) !== SKIPPABLE_MAGIC || table.readUInt32LE(4) !== length) return undefined;
  const frames: Frame[] = [];
  let at = 0;
  let start = 0;
  for (let entry = HEAD_BYTES; frames.length < count; entry += entryBytes) {
    const packed = table.readUInt32LE(entry);
    const bytes = table.readUInt32LE(entry + 4);
    if (bytes === 0 || bytes > FRAME_BYTES_MAX) return undefined;
    frames.push({ at, length: packed, start, bytes });
    at += packed;
    start += bytes;
  }
  return at === begin ? frames : undefined;
};
