// The lines of a file, packed or not, however large: one piece of it is in memory.
//
// The last line of a file that is still written to may be half there, and is left out. A packed file that ends in the
// middle was cut short, which is said with the last line that could be read.
import { createReadStream, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { errorText, FramedFile, systemErrorCode } from '../../base/base.ts';
import { logError } from './logged.ts';

const PIECE_BYTES = 1 << 20;
/** Longer than any line of a log: a message of 64 KiB in base64 and around it. */
const LINE_BYTES_MAX = 1 << 20;
export const LINE_FEED = 0x0a;

/** What a file is by its first bytes. */
export type Packing = 'gzip' | 'zstd' | 'none';

/** The first bytes of a file. Throws ERR_QUERY_LOG_READ for one that cannot be opened. */
export const readHead = async (path: string, count: number): Promise<Buffer> => {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    throw logError(path, undefined, errorText(thrown));
  }
};

/** How a file is packed. */
export const packingOf = (head: Buffer): Packing => {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  return head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none';
};

/** The bytes of a file, unpacked. */
async function* piecesOf(path: string, packing: Packing): AsyncGenerator<Buffer> {
  const framed = packing === 'zstd' ? FramedFile.open(path) : undefined;
  if (framed !== undefined) {
    try {
      // The next one is unpacked while this one is read.
      const [first] = framed.frames;
      let next = first && framed.readAside(first);
      for (let i = 1; next !== undefined; i++) {
        const piece = await next;
        const frame = framed.frames[i];
        next = frame && framed.readAside(frame);
        // Whoever ends here does not wait for it.
        next?.catch(() => undefined);
        yield piece;
      }
    } finally {
      framed.close();
    }
    return;
  }
  const file = createReadStream(path, { highWaterMark: PIECE_BYTES });
  if (packing === 'none') {
    yield* file;
    return;
  }
  const unpacked =
    packing === 'gzip'
      ? createGunzip({ chunkSize: PIECE_BYTES })
      : createZstdDecompress({ chunkSize: PIECE_BYTES });
  file.on('error', (error) => unpacked.destroy(error));
  yield* file.pipe(unpacked);
  // Node.js ends with the first frame of zstd, and would leave out what is behind it without a word.
  if (packing === 'zstd' && unpacked.bytesWritten < statSync(path).size)
    throw logError(path, undefined, 'a packed file of several frames', 'Unpack it first, with zstd -d.');
}

/** Calls `take` with each piece of whole lines; it returns how many they were, for errors that say where. */
export const readPieces = async (
  path: string,
  take: (bytes: Buffer, firstLine: number) => number,
): Promise<void> => {
  const packing = packingOf(await readHead(path, 4));
  let line = 1;
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const piece of piecesOf(path, packing)) {
      const end = piece.lastIndexOf(LINE_FEED) + 1;
      if (end === 0) {
        rest = Buffer.concat([rest, piece]);
        if (rest.length > LINE_BYTES_MAX)
          throw logError(path, line, `a line of over ${LINE_BYTES_MAX} bytes`);
        continue;
      }
      const lines = piece.subarray(0, end);
      line += take(rest.length === 0 ? lines : Buffer.concat([rest, lines]), line);
      rest = Buffer.from(piece.subarray(end));
    }
  } catch (thrown) {
    const code =
      systemErrorCode(thrown) ?? (thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '');
    if (!/^(?:Z_|ZSTD_|E[A-Z]+$|ERR_ZSTD|ERR__ZLIB)/.test(code)) throw thrown;
    const isCut = code === 'Z_BUF_ERROR' || /unexpected end|truncated/i.test(errorText(thrown));
    throw isCut
      ? logError(
          path,
          line,
          'the packed file ends in the middle: it was cut short',
          'Fetch it again, or unpack what there is of it and give that.',
        )
      : logError(path, line, errorText(thrown));
  }
  // Of a file that nobody writes any more, the last line may have no end of its own.
  if (rest.length > 0 && packing !== 'none') take(Buffer.concat([rest, Buffer.of(LINE_FEED)]), line);
};

/** The same as text of one byte a character. */
export const readLines = (path: string, take: (text: string, firstLine: number) => void): Promise<void> =>
  readPieces(path, (bytes, firstLine) => {
    const text = bytes.toString('latin1');
    take(text, firstLine);
    return countLines(text);
  });

const countLines = (text: string): number => {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
};
