// The last good generation on disk: what is enforced from when lists are not read yet, or cannot be read at a start.
//
// One file holds the compiled table and the facts of its lists. It is replaced as a whole (temporary file, fsync,
// rename), so a crash leaves the old or the new one. It is used only as a whole, too: of this format and machine,
// with the right hash, and for a configuration that wants the same lists, groups and answers. The hash guards
// against damage, not against a user who may write into the state directory. Saving never holds up an answer.
//
//   magic with format version, 8 bytes | byte order, 1 word | SHA-256 of all that follows, 32 bytes
//   length of the description, 1 word | length of the table, 1 word | description, JSON | table

import { createHash } from 'node:crypto';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  AppError,
  DIRECTORY_MODE,
  errorText,
  isAppError,
  openRegularFile,
  syncDirectory,
  systemErrorCode,
} from '../../base/base.ts';
import { LIST_FORMATS } from '../../base/words/words.ts';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import { NOTE_CODES, toLoadedList } from '../lists/lists.ts';
import { PolicyTable } from '../policy.ts';
import { type Generation, policyHash, restoreGeneration } from './build.ts';

const FILE_NAME = 'generation.saved';
const TEMPORARY_NAME = 'generation.tmp';
/** Another description needs another version; the table has a magic number of its own. */
const MAGIC = Buffer.from('cordon/2', 'latin1');
const BYTE_ORDER = 0x01020304;
const HASH_OFFSET = MAGIC.length + 4;
const LENGTHS_OFFSET = HASH_OFFSET + 32;
const HEADER_BYTES = LENGTHS_OFFSET + 8;
/** 32 lists of 1,000 files each, with names of 255 bytes that are escaped throughout and a hash, stay below. */
const DESCRIPTION_BYTES_MAX = 32 * 1024 * 1024;
/** Read, written and hashed at once: some milliseconds. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** The service and its group read it; nobody else has to. */
const FILE_MODE = 0o640;

const orUndefined = <Value>(value: Value | null): Value | undefined => value ?? undefined;

const headerSchema = z.object({
  id: z.string(),
  title: z.string(),
  category: z.string(),
  mandate: z.boolean(),
  default: z.boolean(),
  cdnChildren: z.boolean().default(false),
  answer: z.enum(['nxdomain', 'nodata', 'null-ip', 'refused']).nullable().transform(orUndefined),
  ede: z.object({ code: z.number(), text: z.string().nullable().transform(orUndefined) }),
});
const listSchema = z.object({
  id: z.string(),
  path: z.string(),
  format: z.enum(LIST_FORMATS),
  sha256: z.string(),
  sizeBytes: z.number(),
  header: headerSchema.nullable().transform(orUndefined),
  entries: z.number(),
  derived: z.number().default(0),
  exceptions: z.object({ count: z.number(), sum: z.string(), marks: z.array(z.string()).optional() }),
  opened: z.object({ count: z.number(), names: z.array(z.string()) }),
  rejected: z.number(),
  guarded: z.number().optional(),
  reasons: z.record(z.string(), z.number()).optional(),
  reviewed: z.object({ oldest: z.string(), newest: z.string() }).optional(),
  notes: z.array(z.object({ code: z.enum(NOTE_CODES), text: z.string() })).optional(),
  files: z.array(z.object({ name: z.string(), firstLine: z.number(), sha256: z.string() })).optional(),
  origin: z.string().optional(),
  serial: z.number().optional(),
});
const descriptionSchema = z.object({
  policySha256: z.string(),
  loadedAtMs: z.number(),
  /** In the order of the table. */
  lists: z.array(listSchema),
});

/** The saved generation of one state directory. */
export class SavedGeneration {
  readonly #directory: string;
  readonly #path: string;
  readonly #log: Log;
  #waiting: { readonly config: Config; readonly generation: Generation } | undefined;
  #isSaving = false;

  constructor(directory: string, log: Log) {
    this.#directory = directory;
    this.#path = join(directory, FILE_NAME);
    this.#log = log;
  }

  /**
   * The saved generation under the given number; undefined when none was saved.
   *
   * Throws ERR_APP_SAVED for a file that is damaged, of another format, or of a configuration with other lists.
   */
  read(config: Config, generation: number): Generation | undefined {
    let file: number | undefined;
    try {
      file = openRegularFile(this.#path).descriptor;
      return this.#restore(file, config, generation);
    } catch (thrown) {
      if (isAppError(thrown)) throw thrown;
      if (systemErrorCode(thrown) === 'ENOENT') return undefined;
      // Only the file system may fail here: anything else is a defect.
      if (systemErrorCode(thrown) === undefined) throw thrown;
      throw this.#unusable(errorText(thrown), thrown);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  /** Saves a generation in the background, or the last one that came meanwhile. Failures are logged. */
  save(config: Config, generation: Generation): void {
    this.#waiting = { config, generation };
    if (!this.#isSaving) void this.#saveWaiting();
  }

  async #saveWaiting(): Promise<void> {
    this.#isSaving = true;
    while (this.#waiting !== undefined) {
      const { config, generation } = this.#waiting;
      this.#waiting = undefined;
      try {
        await this.#write(describe(config, generation), new Uint8Array(generation.policy.table));
        const { generation: number } = generation.policy;
        this.#log.info({ path: this.#path, generation: number }, 'generation saved');
      } catch (error) {
        if (systemErrorCode(error) === undefined) throw error;
        const err = new AppError('ERR_APP_SAVE', `saving the generation ${this.#path}: ${errorText(error)}`, {
          cause: error,
          hint: 'Without it, a start depends on every list being readable.',
        });
        this.#log.warn({ err }, 'generation cannot be saved');
      }
    }
    this.#isSaving = false;
  }

  async #write(description: Uint8Array, table: Uint8Array): Promise<void> {
    const temporary = join(this.#directory, TEMPORARY_NAME);
    await mkdir(this.#directory, { recursive: true, mode: DIRECTORY_MODE });
    await rm(temporary, { force: true });
    try {
      const file = await open(temporary, 'wx', FILE_MODE);
      try {
        await writeContent(file, description, table);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
    } catch (error) {
      // What is left of it would keep a full disk full.
      await rm(temporary, { force: true });
      throw error;
    }
    await syncDirectory(this.#directory);
  }

  #restore(file: number, config: Config, generation: number): Generation {
    const header = Buffer.alloc(HEADER_BYTES);
    if (readWhole(file, header) < HEADER_BYTES) throw this.#unusable('it is cut off');
    if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw this.#unusable('it is of another format');
    const [order] = new Uint32Array(Uint8Array.from(header.subarray(MAGIC.length, HASH_OFFSET)).buffer);
    if (order !== BYTE_ORDER) throw this.#unusable('it is of another kind of machine');
    const descriptionBytes = header.readUInt32BE(LENGTHS_OFFSET);
    const tableBytes = header.readUInt32BE(LENGTHS_OFFSET + 4);
    const sizeBytes = HEADER_BYTES + descriptionBytes + tableBytes;
    const { size } = fstatSync(file);
    if (size !== sizeBytes || descriptionBytes > DESCRIPTION_BYTES_MAX) {
      throw this.#unusable(`it has ${size} bytes instead of ${sizeBytes}`);
    }
    const hash = createHash('sha256').update(header.subarray(LENGTHS_OFFSET));
    const description = Buffer.alloc(descriptionBytes);
    readWhole(file, description);
    hash.update(description);
    const table = new SharedArrayBuffer(tableBytes);
    for (const piece of piecesOf(new Uint8Array(table))) {
      readWhole(file, piece);
      hash.update(piece);
    }
    if (!hash.digest().equals(header.subarray(HASH_OFFSET, LENGTHS_OFFSET))) {
      throw this.#unusable('its content is damaged: the hash is another');
    }
    const described = parseDescription(description);
    if (described === undefined || !PolicyTable.isTable(table))
      throw this.#unusable('it is of another format');
    const { policySha256, loadedAtMs, lists } = described;
    const loaded = new Map(
      lists.map(({ id, ...facts }) => [id, toLoadedList({ ...facts, diagnostics: [] })]),
    );
    const restored =
      policySha256 === policyHash(config)
        ? restoreGeneration(config, generation, loadedAtMs, table, loaded)
        : undefined;
    if (restored === undefined) throw this.#unusable('the configuration has other lists, groups or answers');
    return restored;
  }

  #unusable(reason: string, cause?: unknown): AppError {
    return new AppError('ERR_APP_SAVED', `reading the saved generation ${this.#path}: ${reason}`, {
      cause,
      hint: 'It is written anew as soon as the lists are loaded.',
    });
  }
}

const describe = (config: Config, generation: Generation): Uint8Array => {
  const description: z.input<typeof descriptionSchema> = {
    policySha256: policyHash(config),
    loadedAtMs: generation.loadedAtMs,
    lists: generation.lists.map(({ id, loaded }) => ({
      id,
      path: loaded.path,
      format: loaded.format,
      sha256: loaded.sha256,
      sizeBytes: loaded.sizeBytes,
      header:
        loaded.header === undefined
          ? null
          : {
              ...loaded.header,
              answer: loaded.header.answer ?? null,
              ede: { code: loaded.header.ede.code, text: loaded.header.ede.text ?? null },
            },
      entries: loaded.entries,
      derived: loaded.derived,
      exceptions: { ...loaded.exceptions, marks: loaded.exceptions.marks && [...loaded.exceptions.marks] },
      opened: { count: loaded.opened.count, names: [...loaded.opened.names] },
      rejected: loaded.rejected,
      guarded: loaded.guarded,
      reasons: loaded.reasons,
      notes: [...loaded.notes],
      reviewed: loaded.reviewed,
      files: loaded.files === undefined ? undefined : [...loaded.files],
      origin: loaded.origin,
      serial: loaded.serial,
    })),
  };
  return Buffer.from(JSON.stringify(description));
};

const parseDescription = (bytes: Buffer): z.infer<typeof descriptionSchema> | undefined => {
  try {
    return descriptionSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined;
  }
};

const writeContent = async (file: FileHandle, description: Uint8Array, table: Uint8Array): Promise<void> => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.set(MAGIC);
  header.set(new Uint8Array(Uint32Array.of(BYTE_ORDER).buffer), MAGIC.length);
  header.writeUInt32BE(description.length, LENGTHS_OFFSET);
  header.writeUInt32BE(table.length, LENGTHS_OFFSET + 4);
  const hash = createHash('sha256').update(header.subarray(LENGTHS_OFFSET));
  let position = HEADER_BYTES;
  for (const part of [description, table]) {
    for (const piece of piecesOf(part)) {
      hash.update(piece);
      await writeWhole(file, piece, position);
      position += piece.length;
    }
  }
  header.set(hash.digest(), HASH_OFFSET);
  await writeWhole(file, header, 0);
};

const writeWhole = async (file: FileHandle, bytes: Uint8Array, position: number): Promise<void> => {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
};

/** Fills `into` from where the file stands; returns how many bytes there were. */
const readWhole = (file: number, into: Uint8Array): number => {
  let length = 0;
  while (length < into.length) {
    const count = readSync(file, into, length, into.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return length;
};

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
