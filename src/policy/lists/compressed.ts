// Compressed lists: gzip (RFC 1952) and zstd (RFC 8878), told by their first bytes, unpacked into bounded memory.
//
// node:zlib unpacks synchronously as a whole only, so the text stands in memory while the list is read. What does
// not unpack to its very end is refused as a whole: a list that lost its tail would free names without a word.
// Cost: once per refresh, never per query.
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { systemErrorCode } from '../../base/base.ts';

const GZIP_MAGIC = [0x1f, 0x8b] as const;
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;
/** Bytes that compressionOf looks at. */
export const MAGIC_BYTES = 4;

/** A compression that lists come in. */
export type Compression = 'gzip' | 'zstd';

/** The compression that the first bytes of a list tell; undefined for plain text, where none of them occurs. */
export const compressionOf = (bytes: Uint8Array): Compression | undefined => {
  if (ZSTD_MAGIC.every((byte, index) => bytes[index] === byte)) return 'zstd';
  return GZIP_MAGIC.every((byte, index) => bytes[index] === byte) ? 'gzip' : undefined;
};

/** Unpacks all of `bytes`; returns the fault when the result has more than `sizeMax` bytes, or when it is cut off. */
export const unpack = (
  bytes: Uint8Array,
  compression: Compression,
  sizeMax: number,
): Uint8Array | 'too-large' | 'damaged' => {
  try {
    return compression === 'gzip'
      ? gunzipSync(bytes, { maxOutputLength: sizeMax })
      : unpackFrames(bytes, sizeMax);
  } catch (thrown) {
    const code = systemErrorCode(thrown) ?? '';
    if (code === 'ERR_BUFFER_TOO_LARGE') return 'too-large';
    if (code.startsWith('Z_') || code.startsWith('ZSTD_')) return 'damaged';
    throw thrown;
  }
};

/**
 * node:zlib stops in silence behind a frame that does not fill its last 16 KiB of output, whatever follows: the text
 * of a parallel compressor, which writes many frames, or of a file that goes on with something else.
 */
const unpackFrames = (bytes: Uint8Array, sizeMax: number): Uint8Array | 'too-large' | 'damaged' => {
  const frames: Uint8Array[] = [];
  let left = sizeMax;
  let at = 0;
  while (at < bytes.length) {
    if (left === 0) return 'too-large';
    // With `info` the result is this object (node:zlib, class Options), which the type of the function leaves out.
    const { buffer, engine } = zstdDecompressSync(bytes.subarray(at), {
      maxOutputLength: left,
      info: true,
    }) as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } };
    if (engine.bytesWritten === 0) return 'damaged';
    frames.push(buffer);
    left -= buffer.length;
    at += engine.bytesWritten;
  }
  return frames.length === 1 ? (frames[0] ?? 'damaged') : Buffer.concat(frames);
};
