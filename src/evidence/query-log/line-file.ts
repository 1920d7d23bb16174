// A file of lines that is read from its end on, in pieces of whole lines: the one that is written to, and packed ones by their table.
//
// Places are those of the unpacked bytes, so that they mean the same before and after a file is packed.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type Frame, FramedFile } from '../../base/base.ts';

/** Bytes that are read at once. */
const PIECE_BYTES = 1 << 20;
/** Where lines of some 600 bytes are looked through for a time, a closer place saves nothing. */
const CLOSE_BYTES = 256 << 10;
/** More than a line has: 16 KiB of answers and 8 KiB of everything else, and what is escaped. */
const LINE_BYTES_MAX = 64 << 10;
const LINE_FEED = 0x0a;
const START = '{"@timestamp":"';
/** Where the time stands in a line. */
export const TIME_AT = START.length;
const TIME_LENGTH = '2026-11-30T10:00:00.123Z'.length;

/** When the query of a line came, of which the beginning suffices; NaN for a line that does not begin with it. */
export const timeOfLine = (line: string): number =>
  line.startsWith(START) ? Date.parse(line.slice(START.length, START.length + TIME_LENGTH)) : Number.NaN;

/** Whole lines, and where they begin. */
export interface Lines {
  readonly start: number;
  readonly bytes: Buffer;
}

/** Bytes by their unpacked place. */
interface Source {
  readonly size: number;
  /** Each piece begins with a line. */
  readonly hasWholePieces: boolean;
  /** Bytes from a place on: at least one unless it is behind the last, and no more than `count`. */
  read(at: number, count: number): Buffer;
  /** Where the piece begins that is read last before a place. */
  pieceBefore(end: number): number;
  close(): void;
}

/** A file that is open. Whoever opened it closes it. Methods throw errors of the system and of zstd. */
export class LineFile {
  /** Where its last whole line ends. */
  readonly end: number;
  readonly #source: Source;

  private constructor(source: Source) {
    this.#source = source;
    this.end = this.#endOfLines();
  }

  /** Undefined for a packed file without a table, which would have to be unpacked from its beginning. */
  static open(path: string, isPacked: boolean): LineFile | undefined {
    const source = isPacked ? openPacked(path) : openPlain(path);
    return source && new LineFile(source);
  }

  /** The lines before a place where a line begins, as many as are read at once; undefined at the beginning. */
  before(end: number): Lines | undefined {
    if (end <= 0) return undefined;
    const from = this.#source.pieceBefore(end);
    const bytes = this.#readAll(from, end - from);
    // The first one may have begun before. Without an end in all of it, it is no line of ours, and is passed by.
    const skipped = from === 0 || this.#source.hasWholePieces ? 0 : bytes.indexOf(LINE_FEED) + 1;
    // One that ends with the piece is all that there is of it.
    const start = skipped === bytes.length ? 0 : skipped;
    return { start: from + start, bytes: bytes.subarray(start) };
  }

  /** When the first query of the file came; undefined for a file without a line of ours. */
  get beginMs(): number | undefined {
    return this.#timeAt(0);
  }

  /** A place where a line begins, with nothing behind it that came before a time, as far as lines are in the order of time. */
  placeOf(timeMs: number): number {
    let low = 0;
    let high = this.end;
    while (high - low > CLOSE_BYTES) {
      const middle = Math.floor((low + high) / 2);
      const found = this.#timeAt(this.#nextLine(middle));
      if (found === undefined || found >= timeMs) high = middle;
      else low = middle;
    }
    return this.#nextLine(high);
  }

  close(): void {
    this.#source.close();
  }

  #timeAt(place: number): number | undefined {
    const timeMs = timeOfLine(this.#source.read(place, START.length + TIME_LENGTH).toString('latin1'));
    return Number.isNaN(timeMs) ? undefined : timeMs;
  }

  /** The first place from this one on where a line begins, or the end. */
  #nextLine(place: number): number {
    if (place <= 0) return 0;
    const limit = Math.min(this.end, place + LINE_BYTES_MAX);
    for (let at = place - 1; at < limit; ) {
      const bytes = this.#source.read(at, limit - at);
      if (bytes.length === 0) break;
      const found = bytes.indexOf(LINE_FEED);
      if (found >= 0) return Math.min(this.end, at + found + 1);
      at += bytes.length;
    }
    return this.end;
  }

  /** A file that is written to may end in the middle of a line. */
  #endOfLines(): number {
    const { size } = this.#source;
    const from = Math.max(0, size - LINE_BYTES_MAX);
    const last = this.#readAll(from, size - from).lastIndexOf(LINE_FEED);
    return last < 0 ? from : from + last + 1;
  }

  #readAll(from: number, count: number): Buffer {
    const pieces: Buffer[] = [];
    for (let read = 0; read < count; ) {
      const bytes = this.#source.read(from + read, count - read);
      if (bytes.length === 0) break;
      pieces.push(bytes);
      read += bytes.length;
    }
    const [first] = pieces;
    return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
  }
}

const openPlain = (path: string): Source => {
  const file = openSync(path, 'r');
  return {
    size: fstatSync(file).size,
    hasWholePieces: false,
    read: (at, count) => {
      const bytes = Buffer.allocUnsafe(count);
      return bytes.subarray(0, readSync(file, bytes, 0, count, at));
    },
    pieceBefore: (end) => Math.max(0, end - PIECE_BYTES),
    close: () => closeSync(file),
  };
};

const openPacked = (path: string): Source | undefined => {
  const file = FramedFile.open(path);
  if (file === undefined) return undefined;
  let held: { readonly frame: Frame; readonly bytes: Buffer } | undefined;
  const frameAt = (place: number): Frame | undefined => {
    let low = 0;
    let high = file.frames.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((file.frames[middle]?.start ?? 0) <= place) low = middle;
      else high = middle - 1;
    }
    return file.frames[low];
  };
  return {
    size: file.size,
    hasWholePieces: true,
    read: (at, count) => {
      const frame = frameAt(at);
      if (frame === undefined) return Buffer.alloc(0);
      if (held?.frame !== frame) held = { frame, bytes: file.read(frame) };
      return held.bytes.subarray(at - frame.start, at - frame.start + count);
    },
    pieceBefore: (end) => frameAt(end - 1)?.start ?? 0,
    close: () => file.close(),
  };
};
