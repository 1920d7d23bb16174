// The entries of a master file (RFC 1035 section 5.1): one record or directive each, as words with their
// places.
//
// An entry is a line, or several when parentheses hold its end back. Response policy zones have a million
// entries, so nothing is allocated for one: the words are offsets into the piece of the file that is held,
// valid until the next entry. Quotes and escapes are kept in the words; the reader of a word undoes them. A
// parenthesis or a quotation mark that is never closed costs its own line and not the rest of the file.
import type { DiagnosticCode, DiagnosticLog } from './diagnostic.ts';
import type { ListBytes } from './list-file.ts';

/** Bytes of one entry, a record with the longest usual RDATA (a TXT or a key) many times over. */
const ENTRY_LENGTH_MAX = 64 * 1024;
/** Words of one entry: a TXT record of 64 KiB in strings of 16 bytes. */
const WORD_COUNT_MAX = 4096;
/** Bytes read at once: several of the longest entries. */
const PIECE_BYTES = 4 * ENTRY_LENGTH_MAX;
/**
 * Unclosed parentheses whose partner is looked for in later lines. Each search reads up to ENTRY_LENGTH_MAX
 * bytes again, so a file of nothing but parentheses would otherwise take hours.
 */
const UNCLOSED_MAX = 1000;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const SEMICOLON = 0x3b;
const LESS_THAN = 0x3c;
const BACKSLASH = 0x5c;

/** What a byte does inside a word: nothing, end it, or begin a quotation or an escape. */
const PLAIN = 0;
const END = 1;
const SPECIAL = 2;

const BYTE_KINDS = new Uint8Array(256);
for (const byte of [TAB, LF, CR, SPACE, OPEN, CLOSE, SEMICOLON]) BYTE_KINDS[byte] = END;
for (const byte of [QUOTE, BACKSLASH]) BYTE_KINDS[byte] = SPECIAL;

const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB || byte === CR;

/** Outcomes of #scan(). */
const ENTRY = 0;
const FAULT = 1;
const INCOMPLETE = 2;

/** Steps through the entries of a master file. */
export class ZoneEntryReader {
  /** Holds the words of the entry. */
  readonly bytes = Buffer.alloc(PIECE_BYTES);
  /** Number of words of the entry, comments left out. */
  wordCount = 0;
  /** True when the entry begins at the start of its line: its first word is an owner or a directive. */
  isOwnerFirst = false;
  readonly #starts = new Int32Array(WORD_COUNT_MAX);
  readonly #ends = new Int32Array(WORD_COUNT_MAX);
  readonly #lines = new Int32Array(WORD_COUNT_MAX);
  readonly #columns = new Int32Array(WORD_COUNT_MAX);
  readonly #read: ListBytes;
  readonly #log: DiagnosticLog;
  #length: number;
  #isLast: boolean;
  /** Where the next entry begins, which is the start of a line, and that line. */
  #at: number;
  #line = 1;
  #unclosed = 0;

  /** `log` is told of entries that cannot be cut into words. */
  constructor(read: ListBytes, log: DiagnosticLog) {
    this.#read = read;
    this.#log = log;
    this.#length = read(this.bytes);
    this.#isLast = this.#length < this.bytes.length;
    this.#at = this.bytes[0] === 0xef && this.bytes[1] === 0xbb && this.bytes[2] === 0xbf ? 3 : 0;
  }

  /** Moves to the next entry that has words; false at the end of the file. */
  next(): boolean {
    for (;;) {
      if (this.#at >= this.#length && this.#isLast) return false;
      const outcome = this.#scan();
      if (outcome === INCOMPLETE) this.#readMore();
      else if (outcome === ENTRY && this.wordCount > 0) return true;
    }
  }

  /** Offset of a word's first byte in `bytes`. */
  start(word: number): number {
    return this.#starts[word] ?? 0;
  }

  /** Offset after a word's last byte in `bytes`. */
  end(word: number): number {
    return this.#ends[word] ?? 0;
  }

  /** The line of a word, from 1. */
  line(word: number): number {
    return this.#lines[word] ?? 0;
  }

  /** The column of a word in bytes, from 1. */
  column(word: number): number {
    return this.#columns[word] ?? 0;
  }

  /** The text of a word. Allocates. */
  text(word: number): string {
    return this.bytes.toString('utf8', this.start(word), this.end(word));
  }

  /** Cuts the entry at #at into words, and moves #at and #line behind it unless it is INCOMPLETE. */
  #scan(): number {
    const bytes = this.bytes;
    const length = this.#length;
    let at = this.#at;
    let line = this.#line;
    let lineStart = at;
    let depth = 0;
    let openLine = 0;
    let openColumn = 0;
    let count = 0;
    this.isOwnerFirst = !isBlank(bytes[at]);
    while (at < length) {
      const byte = bytes[at] ?? 0;
      if (byte === LF) {
        at++;
        line++;
        lineStart = at;
        if (depth === 0) break;
        if (this.#unclosed >= UNCLOSED_MAX) return this.#refuse('zone-parenthesis', openLine, openColumn);
        continue;
      }
      if (byte === SPACE || byte === TAB || byte === CR) {
        at++;
        continue;
      }
      if (byte === SEMICOLON) {
        while (at < length && bytes[at] !== LF) at++;
        continue;
      }
      if (byte === OPEN) {
        if (depth++ === 0) {
          openLine = line;
          openColumn = at - lineStart + 1;
        }
        at++;
        continue;
      }
      if (byte === CLOSE) {
        if (depth-- === 0) return this.#refuse('zone-parenthesis', line, at - lineStart + 1);
        at++;
        continue;
      }
      if (byte === LESS_THAN && count === 0) return this.#refuse('markup', line, at - lineStart + 1);
      if (count === WORD_COUNT_MAX) return this.#refuseLong(depth, openLine, openColumn);
      const start = at;
      at = this.#wordEnd(start);
      if (at < 0) return this.#refuse('zone-quote', line, start - lineStart + 1);
      this.#starts[count] = start;
      this.#ends[count] = at;
      this.#lines[count] = line;
      this.#columns[count] = start - lineStart + 1;
      count++;
    }
    const isEnded = at > this.#at && depth === 0 && bytes[at - 1] === LF;
    if (!isEnded && !this.#isLast && at - this.#at <= ENTRY_LENGTH_MAX) return INCOMPLETE;
    if (depth > 0 || at - this.#at > ENTRY_LENGTH_MAX) return this.#refuseLong(depth, openLine, openColumn);
    this.#at = at;
    this.#line = line;
    this.wordCount = count;
    return ENTRY;
  }

  /** The offset after the word at `start`, at most the length that was read; -1 for an open quotation. */
  #wordEnd(start: number): number {
    const bytes = this.bytes;
    const length = this.#length;
    const startsQuoted = bytes[start] === QUOTE;
    let isQuoted = false;
    let at = start;
    for (; at < length; at++) {
      const byte = bytes[at] ?? 0;
      const kind = BYTE_KINDS[byte];
      if (kind === PLAIN) continue;
      if (kind === END) {
        if (!isQuoted) return at;
        if (byte === LF) return -1;
      } else if (byte === BACKSLASH) {
        // An escaped line end is no escape: the word ends there, and its reader refuses the lone backslash.
        if (bytes[at + 1] !== LF) at++;
      } else {
        isQuoted = !isQuoted;
        if (!isQuoted && startsQuoted) return at + 1;
      }
    }
    return isQuoted && this.#isLast ? -1 : Math.min(at, length);
  }

  /** Reports an entry that passes a bound, or the file's end: a parenthesis that is open is to blame. */
  #refuseLong(depth: number, openLine: number, openColumn: number): number {
    if (depth === 0) return this.#refuse('zone-too-long', this.#line, 1);
    this.#unclosed++;
    return this.#refuse('zone-parenthesis', openLine, openColumn);
  }

  /** Reports a fault and goes on with the line after the entry's first. */
  #refuse(code: DiagnosticCode, line: number, column: number): number {
    const end = this.bytes.indexOf(LF, this.#at);
    const lineEnd = end < 0 || end >= this.#length ? this.#length : end;
    const excerptEnd = Math.min(lineEnd, this.#at + 256);
    const excerpt = this.bytes.toString('utf8', this.#at, excerptEnd).trim();
    this.#log.add(code, line, column, excerpt);
    this.#at = lineEnd;
    while (this.#at === this.#length && !this.#isLast) {
      this.#length = this.#read(this.bytes);
      this.#isLast = this.#length < this.bytes.length;
      const next = this.bytes.subarray(0, this.#length).indexOf(LF);
      this.#at = next < 0 ? this.#length : next;
    }
    if (this.#at < this.#length) this.#at++;
    this.#line++;
    return FAULT;
  }

  /** Moves the entry that is not complete to the front and reads on behind it. */
  #readMore(): void {
    const kept = this.#length - this.#at;
    this.bytes.copyWithin(0, this.#at, this.#length);
    this.#length = kept + this.#read(this.bytes.subarray(kept));
    this.#isLast = this.#length < this.bytes.length;
    this.#at = 0;
  }
}
