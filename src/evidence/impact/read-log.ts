// Reads a log of queries, whichever resolver wrote it: told by its first bytes, or by who asks.
import { createReadStream } from 'node:fs';
import { DnstapReader } from './dnstap-file.ts';
import {
  type Fail,
  type LineReader,
  readAdguardLine,
  readBindLine,
  readUnboundLine,
} from './foreign-lines.ts';
import { LINE_FEED, packingOf, readHead, readLines, readPieces } from './lines.ts';
import { type LogFormat, type Logged, logError, type ReadingOf } from './logged.ts';
import { OwnLines } from './own-lines.ts';
import { readPiholeDatabase } from './pihole-database.ts';

/** Lines without a query before a log is said to be none. */
const STRANGE_LINES_MAX = 10_000;
const HEAD_BYTES = 4_096;

/** Calls `take` with each query of a log that is not older than asked for. Throws ERR_QUERY_LOG_READ with file and line. */
export const readLog = async (
  path: string,
  format: LogFormat | undefined,
  how: ReadingOf,
  take: (logged: Logged) => void,
): Promise<void> => {
  const found = format ?? (await formatOf(path));
  switch (found) {
    case 'pihole':
      readPiholeDatabase(path, how, take);
      return;
    case 'dnstap':
      await readDnstap(path, how, take);
      return;
    case 'cordon':
      await readOwnLines(path, how, take);
      return;
    case 'unbound':
      await readForeignLines(path, found, readUnboundLine, how, take);
      return;
    case 'bind':
      await readForeignLines(path, found, readBindLine, how, take);
      return;
    case 'adguardhome':
      await readForeignLines(path, found, readAdguardLine, how, take);
  }
};

/** What a file is by its first bytes, or its first lines. */
const formatOf = async (path: string): Promise<LogFormat> => {
  const head = await readHead(path, HEAD_BYTES);
  if (head.subarray(0, 15).toString('latin1') === 'SQLite format 3') return 'pihole';
  if (packingOf(head) === 'none') return formatOfText(path, head);
  let first = '';
  const enough = new Error('enough');
  await readLines(path, (text) => {
    first = text.slice(0, HEAD_BYTES);
    throw enough;
  }).catch((thrown: unknown) => {
    if (thrown !== enough) throw thrown;
  });
  return formatOfText(path, Buffer.from(first, 'latin1'));
};

const formatOfText = (path: string, head: Buffer): LogFormat => {
  // A control frame, START: 0, a length, and the type 2.
  if (head.length >= 12 && head.readUInt32BE(0) === 0 && head.readUInt32BE(8) === 2) return 'dnstap';
  const text = head.toString('latin1');
  if (/^\{"@timestamp"|"dns":\{/.test(text)) return 'cordon';
  if (text.startsWith('{') && text.includes('"QH":')) return 'adguardhome';
  if (/\bunbound\[\d+:/.test(text)) return 'unbound';
  if (/\bclient (?:@0x[\da-f]+ )?\S+#\d+.*: query: /.test(text)) return 'bind';
  throw logError(
    path,
    undefined,
    head.length === 0 ? 'it is empty' : 'its beginning is that of no log of queries that is known',
    'Say what it is with --format.',
  );
};

const readOwnLines = (path: string, how: ReadingOf, take: (logged: Logged) => void): Promise<void> => {
  const lines = new OwnLines();
  let line = 0;
  const fail = (text: string): Error => logError(path, line, text);
  return readPieces(path, (bytes, firstLine) => {
    line = firstLine;
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      if (end > start) {
        const logged = lines.read(bytes, start, end, how, fail);
        if (logged !== undefined) take(logged);
      }
      start = end + 1;
      line++;
    }
    return line - firstLine;
  });
};

const readForeignLines = async (
  path: string,
  name: string,
  read: LineReader,
  how: ReadingOf,
  take: (logged: Logged) => void,
): Promise<void> => {
  let line = 0;
  let count = 0;
  let seen = 0;
  const fail: Fail = (text, hint) => logError(path, line, text, hint);
  await readLines(path, (text, firstLine) => {
    line = firstLine;
    for (const one of text.split('\n')) {
      if (one !== '') {
        seen++;
        const logged = read(one, how, fail);
        if (logged !== undefined) {
          count++;
          take(logged);
        }
      }
      line++;
      if (count === 0 && how.sinceMs === 0 && line > STRANGE_LINES_MAX)
        throw fail(`no line until here is a query of ${name}`);
    }
  });
  if (count === 0 && seen > 0 && how.sinceMs === 0)
    throw logError(path, undefined, `no line of it is a query of ${name}`);
};

const readDnstap = async (path: string, how: ReadingOf, take: (logged: Logged) => void): Promise<void> => {
  if (packingOf(await readHead(path, 4)) !== 'none')
    throw logError(path, undefined, 'a packed file of dnstap', 'Unpack it first.');
  const reader = new DnstapReader(path, how, take);
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) reader.push(piece as Buffer);
  reader.end();
};
