// The body of a response: unpacked, counted and bounded while it streams to its reader.
//
// Two bounds, because a small packed file can unpack to any size. An end that came too early is an error and never a
// shorter list: Node.js reports a body that is shorter than its Content-Length or lacks its last chunk, and the
// unpackers report an end within a stream.
import type { IncomingMessage } from 'node:http';
import { PassThrough, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { isAppError } from '../../base/base.ts';
import { causeText } from './source-error.ts';
import { fetchError } from './source-request.ts';
import type { FetchWatch } from './source-watch.ts';

/** What requests accept (RFC 9110 section 12.5.3). */
export const ACCEPT_ENCODING = 'zstd, gzip';
/** Memory of a zstd stream: 2 to this power, as RFC 9659 section 3 bounds it. */
const ZSTD_WINDOW_LOG_MAX = 23;

/** Bytes of one body. */
export interface BodyLimits {
  /** As they come. */
  readonly wireBytesMax: number;
  /** Unpacked. */
  readonly contentBytesMax: number;
}

/** How much a body was. */
export interface BodyFacts {
  readonly wireBytes: number;
  readonly contentBytes: number;
  /** False when the body ended with the connection, so that nobody can tell whether it is whole. */
  readonly isLengthKnown: boolean;
}

/** Takes a piece of the content, valid during the call. */
export type BodySink = (piece: Buffer) => Promise<void> | void;

/** Reads a body to its end, piece by piece; `url` is for messages. Throws ERR_LIST_FETCH and what `sink` throws. */
export const readBody = async (
  url: URL,
  response: IncomingMessage,
  limits: BodyLimits,
  watch: FetchWatch,
  sink: BodySink,
): Promise<BodyFacts> => {
  const { wireBytesMax, contentBytesMax } = limits;
  const encoding = response.headers['content-encoding']?.toLowerCase() ?? 'identity';
  const unpacker = createUnpacker(encoding);
  if (unpacker === undefined) {
    response.destroy();
    throw fetchError(url, `Content-Encoding ${JSON.stringify(encoding.slice(0, 40))} is not understood`);
  }
  const announced = response.headers['content-length'];
  if (Number(announced ?? 0) > wireBytesMax) {
    response.destroy();
    throw fetchError(url, `${announced} bytes are announced, at most ${wireBytesMax} are taken`);
  }
  let wireBytes = 0;
  let contentBytes = 0;
  async function* count(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      watch.progress();
      wireBytes += piece.length;
      if (wireBytes > wireBytesMax) throw fetchError(url, `more than ${wireBytesMax} bytes`);
      yield piece;
    }
  }
  const take = async (pieces: AsyncIterable<Buffer>): Promise<void> => {
    for await (const piece of pieces) {
      contentBytes += piece.length;
      if (contentBytes > contentBytesMax)
        throw fetchError(url, `more than ${contentBytesMax} bytes unpacked`);
      await sink(piece);
    }
  };
  try {
    await pipeline(response, count, unpacker, take, { signal: watch.signal });
  } catch (thrown) {
    watch.signal.throwIfAborted();
    if (isAppError(thrown)) throw thrown;
    throw fetchError(url, `after ${wireBytes} bytes: ${causeText(thrown)}`, thrown);
  }
  const isChunked = response.headers['transfer-encoding'] !== undefined;
  const isLengthKnown = announced !== undefined || isChunked || !(unpacker instanceof PassThrough);
  return { wireBytes, contentBytes, isLengthKnown };
};

const createUnpacker = (encoding: string): Transform | undefined => {
  switch (encoding) {
    case 'identity':
      return new PassThrough();
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'zstd':
      return createZstdDecompress({
        params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
      });
    default:
      return undefined;
  }
};
