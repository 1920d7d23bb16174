// A directory whose files are read as one list, as if they stood one after the other.
//
// Which files those are follows from their names alone: sorted, without hidden ones and without what editors and
// half-finished copies leave behind. Each may be compressed by itself. A rule has one number for its line, so lines are
// counted through all files, and a table of first lines leads back to the file. The hash is over the names and the
// hashes of the texts, so that a file that is changed, added, renamed or removed is a change, and one line can be
// shown without reading the other files again.
import { createHash, type Hash } from 'node:crypto';
import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import {
  attemptRead,
  FILE_BYTES_MAX,
  type ListBytes,
  listError,
  type OpenListFile,
  openListFile,
} from './list-file.ts';
import { isMarkup, MARKUP_HEAD_BYTES } from './review.ts';

/** More than any maintainer sorts by hand; the table of first lines stays below 100 KB. */
const FILES_MAX = 1_000;

const LF = 0x0a;
const LINE_BREAK = Uint8Array.of(LF);
const NOTHING = new Uint8Array(0);

/** One file of a directory that was read. */
export interface DirectoryFile {
  readonly name: string;
  /** Of the list as a whole, from 1; the first line of the file has this number. */
  readonly firstLine: number;
  /** Of the file's text, hexadecimal. */
  readonly sha256: string;
}

/** What is known of a directory when it was read to the end. */
export interface DirectoryFacts {
  readonly files: readonly DirectoryFile[];
  /** Of lines `SHA256  NAME`, one a file, hexadecimal: what `sha256sum * | sha256sum` prints for plain files. */
  readonly sha256: string;
  /** Of all texts together. */
  readonly sizeBytes: number;
}

/** A place in one file. */
export interface FilePlace {
  readonly file: DirectoryFile;
  /** Of the file, from 1. */
  readonly line: number;
}

/** True for a directory; throws ERR_LIST_READ. */
export const isListDirectory = (path: string): boolean =>
  attemptRead(path, () => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);

/**
 * Opens the files of a directory for the time of `use`, which reads their texts as one; `facts` are complete when that
 * has read to the end.
 *
 * Throws ERR_LIST_EMPTY without a file, ERR_LIST_READ for a file that cannot be read or a symbolic link that leads out
 * of the directory, ERR_LIST_TOO_LARGE, and ERR_LIST_PARSE for a web page; all also out of `read`.
 */
export const withListDirectory = <Result>(
  path: string,
  use: (read: ListBytes, facts: () => DirectoryFacts) => Result,
): Result => {
  const reader = new DirectoryReader(path);
  try {
    return use(reader.read, () => reader.facts());
  } finally {
    reader.close();
  }
};

/** The file that a line of the whole list stands in, and the line in it; undefined without files. */
export const placeOfLine = (files: readonly DirectoryFile[], line: number): FilePlace | undefined => {
  // Behind an empty file the next one begins at the same line, and is the one that has it.
  const file = files.findLast(({ firstLine }) => firstLine <= line);
  return file && { file, line: line - file.firstLine + 1 };
};

interface NamedPath {
  readonly name: string;
  readonly path: string;
}

/** Reads one file after the other. */
class DirectoryReader {
  readonly #path: string;
  readonly #ahead: NamedPath[];
  readonly #files: DirectoryFile[] = [];
  #open:
    | (NamedPath & { readonly file: OpenListFile; readonly hash: Hash; readonly firstLine: number })
    | undefined;
  /** Bytes that go before those of the open file. */
  #waiting: Uint8Array = NOTHING;
  #endsInLineBreak = true;
  #line = 1;
  #sizeBytes = 0;

  constructor(path: string) {
    this.#path = path;
    this.#ahead = listFiles(path);
  }

  readonly read: ListBytes = (into) => {
    let length = 0;
    while (length < into.length) {
      if (this.#waiting.length > 0) {
        const piece = this.#waiting.subarray(0, into.length - length);
        into.set(piece, length);
        this.#waiting = this.#waiting.subarray(piece.length);
        length += piece.length;
      } else if (this.#open !== undefined) {
        const count = this.#open.file.read(into.subarray(length));
        this.#note(into.subarray(length, length + count));
        length += count;
        if (count === 0) this.#finish();
      } else if (!this.#openNext()) break;
    }
    return length;
  };

  facts(): DirectoryFacts {
    const hash = createHash('sha256');
    for (const { name, sha256 } of this.#files) hash.update(`${sha256}  ${name}\n`);
    return { files: this.#files, sha256: hash.digest('hex'), sizeBytes: this.#sizeBytes };
  }

  close(): void {
    this.#open?.file.close();
    this.#open = undefined;
  }

  #openNext(): boolean {
    const next = this.#ahead.shift();
    if (next === undefined) return false;
    const file = openListFile(next.path, FILE_BYTES_MAX - this.#sizeBytes);
    this.#open = { ...next, file, hash: createHash('sha256'), firstLine: this.#line };
    this.#sizeBytes += file.sizeBytes;
    this.#endsInLineBreak = true;
    const piece = new Uint8Array(MARKUP_HEAD_BYTES);
    const head = piece.subarray(0, file.read(piece));
    this.#note(head);
    // Alone it would be refused; among others it would be some rejected lines.
    if (isMarkup(head)) {
      const place = join(this.#path, next.name);
      throw listError('ERR_LIST_PARSE', `reading list ${place}:1:1: markup: a web page instead of a list`);
    }
    // The parsers know a byte order mark at the start of the whole list only.
    this.#waiting = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? head.subarray(3) : head;
    return true;
  }

  #note(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#open?.hash.update(piece);
    for (let at = piece.indexOf(LF); at >= 0; at = piece.indexOf(LF, at + 1)) this.#line++;
    this.#endsInLineBreak = piece[piece.length - 1] === LF;
  }

  #finish(): void {
    if (this.#open === undefined) return;
    const { name, firstLine, hash } = this.#open;
    this.#files.push({ name, firstLine, sha256: hash.digest('hex') });
    this.close();
    // Without it the last name of a file and the first one of the next would be one line.
    if (this.#endsInLineBreak) return;
    this.#waiting = LINE_BREAK;
    this.#line++;
  }
}

const listFiles = (directory: string): NamedPath[] => {
  const entries = attemptRead(directory, () => readdirSync(directory, { withFileTypes: true }));
  const files: NamedPath[] = [];
  for (const entry of entries) {
    const { name } = entry;
    if (name.startsWith('.') || name.endsWith('~') || name.endsWith('.tmp')) continue;
    const path = pathOf(directory, entry);
    if (path !== undefined) files.push({ name, path });
  }
  if (files.length === 0) {
    throw listError('ERR_LIST_EMPTY', `reading list ${directory}: no file in the directory`, {
      hint: 'Files that are hidden or end in "~" or ".tmp", and directories below it, are not read.',
    });
  }
  if (files.length > FILES_MAX) {
    throw listError(
      'ERR_LIST_TOO_LARGE',
      `reading list ${directory}: ${files.length} files, at most ${FILES_MAX}`,
    );
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
};

/** Where the text of an entry lies; undefined for what is no file. */
const pathOf = (directory: string, entry: Dirent): string | undefined => {
  if (!(entry.isFile() || entry.isSymbolicLink())) return undefined;
  const path = join(directory, entry.name);
  // Names stand in logs, and one a line in the hash.
  if (/\p{Cc}/u.test(entry.name)) {
    throw listError(
      'ERR_LIST_READ',
      `reading list ${directory}: a control character in the name ${JSON.stringify(entry.name)}`,
      {
        hint: 'Rename the file.',
      },
    );
  }
  if (entry.isFile()) return path;
  const target = attemptRead(path, () => realpathSync(path));
  const isInside = target.startsWith(`${attemptRead(directory, () => realpathSync(directory))}${sep}`);
  if (isInside && attemptRead(path, () => statSync(target)).isFile()) return target;
  const what = isInside ? 'to no file' : 'out of the directory';
  throw listError('ERR_LIST_READ', `reading list ${path}: a symbolic link that leads ${what}`, {
    hint: 'Links are followed to files of the directory only: copy the file there.',
  });
};
