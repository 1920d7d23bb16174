// Lines of a list, from bytes that arrive in pieces: each line's content with its place, nothing kept.
//
// The parsers of all text formats stand on this loop, so what is common to them is decided once: a byte order mark
// is no content, CR and blanks around a line are none, a line is bounded, and a web page is told from a list.
import type { DiagnosticLog } from './diagnostic.ts';
import type { ListBytes } from './list-file.ts';

/** Bytes of one line: hosts(5) lines with many names stay far below, a binary file does not. */
const LINE_LENGTH_MAX = 64 * 1024;
/** Bytes read at once: several of the longest lines. */
const PIECE_BYTES = 4 * LINE_LENGTH_MAX;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const BANG = 0x21;
const HASH = 0x23;
const SEMICOLON = 0x3b;
const LESS_THAN = 0x3c;
const BRACKET = 0x5b;

/** How a browser's filter list begins; block lists that were converted from one keep the line. */
const ADBLOCK_HEADER = '[adblock';

/** Takes the content of a line, from `start` to `end` in `bytes`, which hold it during the call only. */
export type LineVisitor = (
  bytes: Uint8Array,
  start: number,
  end: number,
  line: number,
  lineStart: number,
) => void;

/** Finds where the content of a line ends that begins at `start`: at `start` when the line is a comment. */
export type ContentEnd = (bytes: Uint8Array, start: number, lineEnd: number) => number;

/** The end of a line's content: before a comment and the blanks in front of it. */
export const beforeComment: ContentEnd = (bytes, start, lineEnd) => {
  const first = bytes[start];
  if (first === BANG || first === SEMICOLON) return start;
  if (first === BRACKET && isAdblockHeader(bytes, start, lineEnd)) return start;
  let end = start;
  while (end < lineEnd && !(bytes[end] === HASH && (end === start || isBlank(bytes[end - 1])))) end++;
  while (end > start && isBlank(bytes[end - 1])) end--;
  return end;
};

/** Calls `visit` with the content of each line that has some: byte order mark, blanks and comments are cut off. */
export const forEachLine = (
  read: ListBytes,
  log: DiagnosticLog,
  visit: LineVisitor,
  contentEnd: ContentEnd = beforeComment,
): void => {
  const bytes = new Uint8Array(PIECE_BYTES);
  let length = read(bytes);
  let lineStart = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let line = 1;
  let isRestOfLong = false;
  for (;;) {
    const isLast = length < bytes.length;
    while (lineStart < length) {
      let lineEnd = lineStart;
      while (lineEnd < length && bytes[lineEnd] !== LF) lineEnd++;
      if (lineEnd === length && !isLast) break;
      if (isRestOfLong) isRestOfLong = false;
      else if (lineEnd - lineStart > LINE_LENGTH_MAX) log.add('line-too-long', line, 1);
      else visitLine(bytes, lineStart, lineEnd, line, log, visit, contentEnd);
      lineStart = lineEnd + 1;
      line++;
    }
    if (isLast) return;
    // The line that the next piece completes moves to the front; of one that is too long nothing is kept.
    let kept = length - lineStart;
    if (kept > LINE_LENGTH_MAX) {
      if (!isRestOfLong) log.add('line-too-long', line, 1);
      isRestOfLong = true;
      kept = 0;
    } else {
      bytes.copyWithin(0, lineStart, length);
    }
    length = kept + read(bytes.subarray(kept));
    lineStart = 0;
  }
};

const visitLine = (
  bytes: Uint8Array,
  lineStart: number,
  lineEnd: number,
  line: number,
  log: DiagnosticLog,
  visit: LineVisitor,
  contentEnd: ContentEnd,
): void => {
  let start = lineStart;
  while (start < lineEnd && isBlank(bytes[start])) start++;
  const end = contentEnd(bytes, start, lineEnd);
  if (bytes[start] === LESS_THAN) log.add('markup', line, start - lineStart + 1, textOf(bytes, start, end));
  else if (start < end) visit(bytes, start, end, line, lineStart);
};

const isAdblockHeader = (bytes: Uint8Array, start: number, lineEnd: number): boolean => {
  const end = Math.min(lineEnd, start + ADBLOCK_HEADER.length);
  return textOf(bytes, start, end).toLowerCase() === ADBLOCK_HEADER;
};

/** The end of the field that begins at `start`: the next blank, or `end`. */
export const fieldEnd = (bytes: Uint8Array, start: number, end: number): number => {
  let at = start;
  while (at < end && !isBlank(bytes[at])) at++;
  return at;
};

/** True for the blanks that separate fields. */
export const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB || byte === CR;

/** The text of some bytes, as UTF-8. */
export const textOf = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');

/** The text of a line, from 1, without its line end; undefined when there is none. Reads from the start each time. */
export const lineText = (bytes: Uint8Array, line: number): string | undefined => {
  let start = 0;
  for (let i = 1; i < line; i++) {
    start = bytes.indexOf(LF, start) + 1;
    if (start === 0) return undefined;
  }
  if (start >= bytes.length) return undefined;
  const end = bytes.indexOf(LF, start);
  return textOf(bytes, start, Math.min(end < 0 ? bytes.length : end, start + LINE_LENGTH_MAX)).trim();
};
