// The files of a query log: the one that is written to, those before it, packed, and for how long they are kept.
//
// A file that is old or large enough gets the time in its name and is packed (zstd); what is past its time among the
// searchable moves to `archive`, and what is past that is deleted. Only files of this name and pattern are touched. A file
// that cannot be packed, moved or deleted is told, and holds up no other one: data that are past their time are deleted first.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { errorText, packFrames, systemErrorCode } from '../../base/base.ts';
import { AppendedFile, type RecordLog } from '../records/records.ts';

/** What files are kept by. */
export interface Rotation {
  readonly rotateMs: number;
  readonly rotateBytes: number;
  readonly searchableMs: number;
  readonly archivedMs: number;
}

/** Below the directory of the file. */
export const ARCHIVE_NAME = 'archive';
/** How the name of a packed file ends. */
export const PACKED = '.zst';
const PARTIAL = '.partial';
/** A step of the clock beyond this is doubted, even one that an operator made, and for how long. */
const DOUBTED_STEP_MS = 3_600_000;
const DOUBT_MS = 24 * 3_600_000;
/** Of a program that was off for longer, nobody knows whether its clock is wrong. */
const FOLLOWING_MS_MAX = 7 * 24 * 3_600_000;
/** Quick, and a fifth of the size: at full load a file of a minute takes half a second. */
const PACKING_LEVEL = 1;
const FILE_MODE = 0o640;
/** Half a second at full load, more would be memory that a dead disk takes. */
const QUEUE_BOUNDS = { count: 512, bytes: 32 << 20 };

/** The names of the files beside one. */
export class LogFileNames {
  readonly directory: string;
  readonly #stem: string;
  readonly #extension: string;

  constructor(path: string) {
    this.directory = dirname(path);
    this.#extension = extname(path);
    this.#stem = basename(path, this.#extension);
  }

  /** The name of what was written until a time. */
  at(timeMs: number): string {
    const time = new Date(timeMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    return `${this.#stem}-${time}${this.#extension}`;
  }

  /** Until when a file was written; undefined for one that is none of these. */
  endMs(name: string): number | undefined {
    if (!name.startsWith(`${this.#stem}-`)) return undefined;
    const rest = name.slice(this.#stem.length + 1).replace(new RegExp(`\\${PACKED}$`), '');
    const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(rest) ?? [];
    if (y === undefined || rest.slice(16) !== this.#extension) return undefined;
    const endMs = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
    return Number.isNaN(endMs) ? undefined : endMs;
  }
}

/** What a file may be given beside its place. */
export interface RotatedFileOptions {
  readonly release?: ((piece: Uint8Array) => void) | undefined;
  readonly monotonic?: (() => number) | undefined;
}

/** One file and those before it. */
export class RotatedFile {
  readonly file: AppendedFile;
  readonly #path: string;
  readonly #names: LogFileNames;
  readonly #rotation: Rotation;
  readonly #log: RecordLog;
  #bytes = 0;
  #beganMs: number | undefined;
  #isKeeping = false;
  readonly #monotonic: () => number;
  /** What the clock was ahead of the one that only runs forward. */
  #differenceMs: number | undefined;
  #doubtedUntilMs = Number.NEGATIVE_INFINITY;
  /** What failed at the last turn, in words. */
  #failed: readonly string[] = [];

  /** `release` is given the memory of what is written. */
  constructor(
    path: string,
    rotation: Rotation,
    log: RecordLog,
    { release, monotonic = () => performance.now() }: RotatedFileOptions = {},
  ) {
    this.#path = path;
    this.#names = new LogFileNames(path);
    this.#rotation = rotation;
    this.#log = log;
    this.#monotonic = monotonic;
    this.file = new AppendedFile({ path, bounds: QUEUE_BOUNDS, release });
  }

  /** Takes lines. */
  push(piece: { readonly length: number; take(): Uint8Array }, count: number): void {
    this.#bytes += piece.length;
    this.file.queue.push(() => piece.take(), count);
    this.file.wake();
  }

  /** What could not be put aside, packed, moved or deleted at the last turn, in words; undefined: nothing. */
  get overdue(): string | undefined {
    const [first] = this.#failed;
    const more = this.#failed.length - 1;
    return more > 0 ? `${first}, and ${more} more` : first;
  }

  /** Rotates, deletes, packs and moves what is due; what fails is told and tried again. Not waited for by writers. */
  async keep(nowMs: number): Promise<void> {
    if (this.#isKeeping) return;
    this.#isKeeping = true;
    const before = this.overdue;
    const failed: string[] = [];
    try {
      await attempt(this.#path, failed, () => this.#rotate(nowMs));
      await attempt(this.#names.directory, failed, () => this.#tidy(nowMs, failed));
    } finally {
      this.#failed = failed;
      this.#isKeeping = false;
    }
    const cause = this.overdue;
    if (cause !== undefined && cause !== before)
      this.#log.warn({ path: this.#path, cause }, 'keeping files of the query log failed');
  }

  async #rotate(nowMs: number): Promise<void> {
    // What lies there from before this start began when it was made.
    this.#beganMs ??= await beginOf(this.#path, nowMs);
    const isDue =
      nowMs - this.#beganMs >= this.#rotation.rotateMs || this.#bytes >= this.#rotation.rotateBytes;
    if (!isDue) return;
    const { size } = await stat(this.#path).catch(() => ({ size: 0 }));
    if (size > 0) {
      const name = this.#names.at(nowMs);
      // Of this second, by a clock that was set back, or by a file that fills in less: it goes on until a later one.
      if (this.#isTaken(name)) return;
      await rename(this.#path, join(this.#names.directory, name));
      await this.file.reopen();
    }
    this.#beganMs = nowMs;
    this.#bytes = 0;
  }

  /** True when a file that was put aside has a name, wherever it is by now. */
  #isTaken(name: string): boolean {
    const { directory } = this.#names;
    return [name, `${name}${PACKED}`, join(ARCHIVE_NAME, `${name}${PACKED}`)].some((one) =>
      existsSync(join(directory, one)),
    );
  }

  /** Doubts a clock that stepped, or that is far beyond the last file of an earlier start: retention would believe it. */
  #isClockTrusted(nowMs: number, names: readonly string[]): boolean {
    const monotonicMs = this.#monotonic();
    const differenceMs = nowMs - monotonicMs;
    const newestMs = Math.max(...names.map((name) => this.#names.endMs(name) ?? Number.NEGATIVE_INFINITY));
    const stepMs =
      this.#differenceMs === undefined
        ? nowMs - newestMs - FOLLOWING_MS_MAX
        : Math.abs(differenceMs - this.#differenceMs);
    this.#differenceMs = differenceMs;
    if (stepMs > DOUBTED_STEP_MS && Number.isFinite(newestMs)) {
      this.#doubtedUntilMs = monotonicMs + DOUBT_MS;
      this.#log.warn(
        { path: this.#path },
        'the clock stepped: no file of the query log is moved or deleted for a day',
      );
    }
    return monotonicMs >= this.#doubtedUntilMs;
  }

  async #tidy(nowMs: number, failed: string[]): Promise<void> {
    const { directory } = this.#names;
    const { searchableMs, archivedMs } = this.#rotation;
    const archive = join(directory, ARCHIVE_NAME);
    const names = await readdir(directory);
    let archived: readonly string[] = [];
    await attempt(archive, failed, async () => {
      archived = await entriesOf(archive);
    });
    const isTrusted = this.#isClockTrusted(nowMs, [...names, ...archived]);
    const isOlder = (name: string, ageMs: number): boolean =>
      isTrusted && nowMs - (this.#names.endMs(name) ?? Number.POSITIVE_INFINITY) >= ageMs;
    const isOver = (name: string): boolean => isOlder(name, searchableMs + archivedMs);
    for (const path of [
      ...archived.filter(isOver).map((name) => join(archive, name)),
      ...names.filter(isOver).map((name) => join(directory, name)),
    ]) {
      // One in each turn: a clock that nothing doubted deletes no month within a minute.
      if (await attempt(path, failed, () => rm(path))) break;
    }
    for (const name of names) {
      const path = join(directory, name);
      if (this.#isPartial(name)) await attempt(path, failed, () => rm(path, { force: true }));
      if (this.#names.endMs(name) === undefined || isOver(name)) continue;
      await attempt(path, failed, async () => {
        const packed = name.endsWith(PACKED) ? path : await pack(path);
        if (!isOlder(name, searchableMs)) return;
        await mkdir(archive, { recursive: true, mode: 0o750 });
        await rename(packed, join(archive, basename(packed)));
      });
    }
  }

  /** What a crash left of a file that was being packed. */
  #isPartial(name: string): boolean {
    return (
      name.endsWith(`${PACKED}${PARTIAL}`) && this.#names.endMs(name.slice(0, -PARTIAL.length)) !== undefined
    );
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

const beginOf = async (path: string, nowMs: number): Promise<number> => {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? nowMs : Math.min(nowMs, found.birthtimeMs);
};

/** False when the system refused it, which is told then. */
const attempt = async (path: string, failed: string[], act: () => Promise<void>): Promise<boolean> => {
  try {
    await act();
    return true;
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    const text = errorText(thrown);
    failed.push(text.includes(path) ? text : `${path}: ${text}`);
    return false;
  }
};

/** Of a directory that may not be there yet; what is there and cannot be read is no empty one. */
const entriesOf = async (directory: string): Promise<readonly string[]> => {
  try {
    return await readdir(directory);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return [];
    throw thrown;
  }
};

/** Packs a file that nobody writes any more; returns where it is then. */
const pack = async (path: string): Promise<string> => {
  const packed = `${path}${PACKED}`;
  const partial = `${packed}${PARTIAL}`;
  try {
    await packFrames(path, partial, FILE_MODE, PACKING_LEVEL);
  } catch (thrown) {
    // On a full disk, half of it takes the room until the next turn.
    await rm(partial, { force: true });
    throw thrown;
  }
  await rename(partial, packed);
  await rm(path);
  return packed;
};
