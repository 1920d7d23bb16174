// The files of another resolver: one file with those beside it, a directory, or an archive.
//
// Nothing outside the directory that was named is read, wherever a configuration points: what another machine calls
// /etc/hosts is not this machine's. A path that is not there is looked for as if the directory were its root, then by
// its last part, because people copy a file beside the one that includes it. Regular files only, bounded.
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize, posix, relative, resolve } from 'node:path';
import { AppError, errorText, isAppError, readRegularFile, systemErrorCode } from '../../base/base.ts';
import { ARCHIVE_BYTES_MAX, isGzip, isZip, readArchive } from './archive.ts';

/** One file: the largest are hosts files of a million names. */
const FILE_BYTES_MAX = 64 << 20;
/** Files that an include with a star may mean, and all that are read. */
const FILES_MAX = 1000;

/** A file that was found. */
export interface FoundFile {
  /** Relative to what was named, for people. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** Files that an import may read. */
export class FileSet {
  readonly #directory: string | undefined;
  readonly #archived: ReadonlyMap<string, Buffer> | undefined;
  /** The file that was named; undefined for a directory or an archive. */
  readonly main: FoundFile | undefined;
  #bytes = 0;
  #count = 0;

  private constructor(
    directory: string | undefined,
    archived: ReadonlyMap<string, Buffer> | undefined,
    main: FoundFile | undefined,
  ) {
    this.#directory = directory;
    this.#archived = archived;
    this.main = main;
  }

  /** Opens what an operator named; throws ERR_IMPORT_READ and ERR_IMPORT_ARCHIVE. */
  static open(path: string): FileSet {
    const absolute = resolve(path);
    try {
      if (statSync(absolute).isDirectory()) return new FileSet(realpathSync(absolute), undefined, undefined);
      const bytes = readRegularFile(absolute, ARCHIVE_BYTES_MAX);
      if (isZip(bytes) || isGzip(bytes) || isTar(bytes))
        return new FileSet(undefined, readArchive(bytes), undefined);
      const directory = realpathSync(dirname(absolute));
      return new FileSet(directory, undefined, { name: basename(absolute), bytes });
    } catch (thrown) {
      if (isAppError(thrown) || systemErrorCode(thrown) === undefined) throw thrown;
      throw new AppError('ERR_IMPORT_READ', `reading ${path}: ${errorText(thrown)}`, { cause: thrown });
    }
  }

  /** The file at a path as a configuration writes it, in the directory of the file `from`; undefined: it is not here. */
  find(path: string, from = ''): FoundFile | undefined {
    for (const candidate of candidatesOf(path, from)) {
      const bytes = this.#read(candidate);
      if (bytes !== undefined) return { name: candidate, bytes };
    }
    return undefined;
  }

  /** The files that a path with stars means, by name. */
  findAll(pattern: string, from = ''): FoundFile[] {
    if (!/[*?]/.test(pattern)) {
      const found = this.find(pattern, from);
      return found === undefined ? [] : [found];
    }
    for (const candidate of candidatesOf(pattern, from)) {
      const folder = posix.dirname(candidate);
      if (/[*?]/.test(folder)) continue;
      const names = this.list(folder).filter((name) => matches(posix.basename(candidate), name));
      const found = names
        .sort()
        .map((name) => this.find(posix.join('/', folder, name)))
        .filter((file) => file !== undefined);
      if (found.length > 0) return found;
    }
    return [];
  }

  /** The names of the files in a folder, without hidden ones. */
  list(folder: string): string[] {
    const inside = posix
      .normalize(folder)
      .replace(/^\/+|\/+$/g, '')
      .replace(/^\.$/, '');
    if (this.#archived !== undefined) {
      const prefix = inside === '' ? '' : `${inside}/`;
      return [...this.#archived.keys()]
        .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes('/'))
        .map((name) => name.slice(prefix.length));
    }
    const directory = this.#inside(inside);
    if (directory === undefined) return [];
    try {
      const entries = readdirSync(directory, { withFileTypes: true });
      return entries
        .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
        .map(({ name }) => name);
    } catch (thrown) {
      if (systemErrorCode(thrown) === undefined) throw thrown;
      return [];
    }
  }

  #read(path: string): Buffer | undefined {
    if (this.#archived !== undefined) return this.#archived.get(path);
    const absolute = this.#inside(path);
    if (absolute === undefined) return undefined;
    let bytes: Buffer;
    try {
      bytes = readRegularFile(absolute, FILE_BYTES_MAX);
    } catch (thrown) {
      const code = systemErrorCode(thrown);
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
      if (code === undefined) throw thrown;
      throw new AppError('ERR_IMPORT_READ', `reading ${path}: ${errorText(thrown)}`, { cause: thrown });
    }
    this.#bytes += bytes.length;
    this.#count++;
    if (this.#bytes > ARCHIVE_BYTES_MAX || this.#count > FILES_MAX)
      throw new AppError(
        'ERR_IMPORT_READ',
        `reading ${path}: the files are more than ${FILES_MAX}, or more than ${ARCHIVE_BYTES_MAX >>> 20} MiB`,
      );
    return bytes;
  }

  /** The absolute path, links followed; undefined when it is not there or leads out of the directory. */
  #inside(path: string): string | undefined {
    const root = this.#directory;
    if (root === undefined || path.includes('\0')) return undefined;
    try {
      const absolute = realpathSync(join(root, path));
      const way = relative(root, absolute);
      return way === '..' || way.startsWith('../') ? undefined : absolute;
    } catch (thrown) {
      if (systemErrorCode(thrown) === undefined) throw thrown;
      return undefined;
    }
  }
}

/** Where a path may be: beside the file that names it, with the directory as root of the machine, by its last parts. */
const candidatesOf = (path: string, from: string): string[] => {
  const clean = normalize(path.trim());
  const beside = posix.join(posix.dirname(from), clean);
  const parts = clean.split('/').filter((part) => part !== '');
  const tails = parts.map((_part, index) => parts.slice(index).join('/'));
  const all = clean.startsWith('/') ? tails : [beside, ...tails];
  return [...new Set(all.filter((one) => !one.split('/').includes('..')))];
};

const matches = (pattern: string, name: string): boolean => {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(name);
};

const isTar = (bytes: Buffer): boolean => bytes.toString('latin1', 257, 262) === 'ustar';
