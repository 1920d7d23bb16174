// The two text formats that public lists use: `domains` (one name a line) and `hosts` (hosts(5)).
//
// The same file blocks different sets under different readings, so the reading is part of the format: a domains
// line means the name and everything below it unless the caller asks for exact names; `*.name` means everything
// below; a hosts line means exactly its names, and its address is ignored. Comments start with `#`, and at the
// start of a line with `!` or `;`. One pass over the bytes in pieces of a fixed size; nothing is kept.
import { createAddress, parseAddress } from '../base/base.ts';
import { NAME_LENGTH_MAX } from '../dns/dns.ts';
import { MATCH, type RuleSink } from '../policy/policy.ts';
import type { DiagnosticLog } from './diagnostic.ts';
import type { ListBytes } from './list-file.ts';
import { readListName } from './list-name.ts';

/** Bytes of one line: hosts(5) lines with many names stay far below, a binary file does not. */
const LINE_LENGTH_MAX = 64 * 1024;
/** Bytes read at once: several of the longest lines. */
const PIECE_BYTES = 4 * LINE_LENGTH_MAX;

/** Names that hosts files give to the machine itself and to multicast groups; never rules. */
const LOCAL_NAMES: ReadonlySet<string> = new Set([
  '0.0.0.0',
  'broadcasthost',
  'ip6-allhosts',
  'ip6-allnodes',
  'ip6-allrouters',
  'ip6-localhost',
  'ip6-localnet',
  'ip6-loopback',
  'ip6-mcastprefix',
  'local',
  'localhost',
  'localhost.localdomain',
]);

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const BANG = 0x21;
const HASH = 0x23;
const STAR = 0x2a;
const DOT = 0x2e;
const SEMICOLON = 0x3b;
const LESS_THAN = 0x3c;

/** Streams the names of a `domains` list into the sink. */
export const feedDomains = (
  read: ListBytes,
  sink: RuleSink,
  log: DiagnosticLog,
  match: 'suffix' | 'exact' = 'suffix',
): void => {
  const name = new Uint8Array(NAME_LENGTH_MAX);
  const matchPlain = match === 'suffix' ? MATCH.SUFFIX : MATCH.EXACT;
  forEachLine(read, log, (bytes, start, end, line, lineStart) => {
    const nameEnd = fieldEnd(bytes, start, end);
    if (nameEnd < end) {
      log.add('extra-text', line, nameEnd - lineStart + 1, textOf(bytes, start, end));
      return;
    }
    const isWildcard = bytes[start] === STAR && bytes[start + 1] === DOT;
    const length = readListName(bytes, isWildcard ? start + 2 : start, end, name);
    if (typeof length === 'string') log.add(length, line, start - lineStart + 1, textOf(bytes, start, end));
    else sink.addName(isWildcard ? MATCH.WILDCARD : matchPlain, name, length, line);
  });
};

/** Streams the names of a `hosts` file into the sink. */
export const feedHosts = (read: ListBytes, sink: RuleSink, log: DiagnosticLog): void => {
  const name = new Uint8Array(NAME_LENGTH_MAX);
  const address = createAddress();
  forEachLine(read, log, (bytes, start, end, line, lineStart) => {
    let at = fieldEnd(bytes, start, end);
    if (!parseAddress(textOf(bytes, start, at), address)) {
      log.add('hosts-address', line, start - lineStart + 1, textOf(bytes, start, at));
      return;
    }
    while (at < end) {
      while (isBlank(bytes[at])) at++;
      const nameEnd = fieldEnd(bytes, at, end);
      if (!LOCAL_NAMES.has(textOf(bytes, at, nameEnd).toLowerCase())) {
        const length = readListName(bytes, at, nameEnd, name);
        if (typeof length === 'string') log.add(length, line, at - lineStart + 1, textOf(bytes, at, nameEnd));
        else sink.addName(MATCH.EXACT, name, length, line);
      }
      at = nameEnd;
    }
  });
};

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

/** Takes the content of a line, from `start` to `end` in `bytes`, which hold it during the call only. */
type LineVisitor = (bytes: Uint8Array, start: number, end: number, line: number, lineStart: number) => void;

/** Calls `visit` with the content of each line that has some: byte order mark, blanks and comments are cut off. */
const forEachLine = (read: ListBytes, log: DiagnosticLog, visit: LineVisitor): void => {
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
      else visitLine(bytes, lineStart, lineEnd, line, log, visit);
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
): void => {
  let start = lineStart;
  while (start < lineEnd && isBlank(bytes[start])) start++;
  const end = contentEnd(bytes, start, lineEnd);
  if (bytes[start] === LESS_THAN) log.add('markup', line, start - lineStart + 1, textOf(bytes, start, end));
  else if (start < end) visit(bytes, start, end, line, lineStart);
};

/** The end of a line's content: before a comment and the blanks in front of it. */
const contentEnd = (bytes: Uint8Array, start: number, lineEnd: number): number => {
  const first = bytes[start];
  if (first === BANG || first === SEMICOLON) return start;
  let end = start;
  while (end < lineEnd && !(bytes[end] === HASH && (end === start || isBlank(bytes[end - 1])))) end++;
  while (end > start && isBlank(bytes[end - 1])) end--;
  return end;
};

const fieldEnd = (bytes: Uint8Array, start: number, end: number): number => {
  let at = start;
  while (at < end && !isBlank(bytes[at])) at++;
  return at;
};

const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB || byte === CR;

const textOf = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
