// One file of a copied state directory, and back: a tar archive packed by gzip, which any system can read by hand.
//
// A list of all files with their hashes lies in it. What is unpacked is believed only when it is exactly that: every file
// there, none more, no link and no device among them.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { AppError, errorText, VERSION } from '../base/base.ts';

/** In the archive, beside the state. */
const MANIFEST_NAME = 'backup.json';
/** Where the state lies in the archive. */
export const STATE_FOLDER = 'state';
/** Where the configuration lies: cordon.yaml, and the files that it names by their whole paths below `files`. */
export const CONFIGURATION_FOLDER = 'configuration';
const FORMAT = 1;
/** Of a list of some hundred thousand files. */
const MANIFEST_BYTES_MAX = 64 << 20;
/** What tar may say on its way. */
const OUTPUT_BYTES_MAX = 1 << 20;

const hashesSchema = z.record(z.string(), z.object({ sizeBytes: z.number(), sha256: z.string() }));
const manifestSchema = z.object({
  format: z.literal(FORMAT),
  version: z.string(),
  madeAt: z.string(),
  by: z.string(),
  /** By path within the state directory. */
  files: hashesSchema,
  /** Of the configuration, by path within its folder; backups of earlier versions have none. */
  configuration: hashesSchema.optional(),
});

/** What a backup says of itself. */
export type Manifest = Readonly<z.output<typeof manifestSchema>>;

/** Writes the list of what lies in `folder/state` and `folder/configuration` beside them. */
export const writeManifest = async (folder: string, by: string): Promise<Manifest> => {
  const manifest: Manifest = {
    format: FORMAT,
    version: VERSION,
    madeAt: new Date().toISOString(),
    by,
    files: await hashFiles(join(folder, STATE_FOLDER)),
    configuration: await hashFiles(join(folder, CONFIGURATION_FOLDER)),
  };
  writeFileSync(join(folder, MANIFEST_NAME), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
};

/** Packs a folder into a file that only its owner reads, which nobody else can have put there. Throws ERR_CLI_BACKUP. */
export const packArchive = (folder: string, file: string): void => {
  const before = process.umask(0o077);
  try {
    const parts = [MANIFEST_NAME, STATE_FOLDER, CONFIGURATION_FOLDER];
    tar(['--create', '--gzip', '--file', file, '--directory', folder, ...parts]);
  } catch (thrown) {
    rmSync(file, { force: true });
    throw failure('ERR_CLI_BACKUP', `writing ${file}`, thrown);
  } finally {
    process.umask(before);
  }
};

/** Unpacks a file into an empty folder and compares all of it. Rejects with ERR_CLI_RESTORE. */
export const unpackArchive = async (file: string, folder: string): Promise<Manifest> => {
  try {
    lstatSync(file);
    tar(['--extract', '--gzip', '--file', file, '--directory', folder, '--preserve-permissions']);
    // A link would lead to a file or folder of somebody else, which root would then read, change and give away.
    if (!lstatSync(join(folder, STATE_FOLDER)).isDirectory()) throw new Error(`${STATE_FOLDER} is no folder`);
    const list = lstatSync(join(folder, MANIFEST_NAME));
    if (!list.isFile() || list.size > MANIFEST_BYTES_MAX)
      throw new Error(`${MANIFEST_NAME} is no plain file, or a huge one`);
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(folder, MANIFEST_NAME), 'utf8')));
    await compare(join(folder, STATE_FOLDER), manifest.files);
    if (manifest.configuration !== undefined)
      await compare(join(folder, CONFIGURATION_FOLDER), manifest.configuration);
    return manifest;
  } catch (thrown) {
    const text =
      thrown instanceof z.ZodError ? 'it is no backup of this version or an earlier one' : undefined;
    throw failure('ERR_CLI_RESTORE', `reading the backup ${file}`, text ?? thrown);
  }
};

const compare = async (folder: string, files: Manifest['files']): Promise<void> => {
  if (!lstatSync(folder).isDirectory()) throw new Error(`${basename(folder)} is no folder`);
  const found = await hashFiles(folder);
  for (const path of new Set([...Object.keys(found), ...Object.keys(files)]))
    if (found[path]?.sha256 !== files[path]?.sha256) throw new Error(`${path} is not what was backed up`);
};

const tar = (args: readonly string[]): void => {
  execFileSync('tar', args, { stdio: ['ignore', 'ignore', 'pipe'], maxBuffer: OUTPUT_BYTES_MAX });
};

const hashFiles = async (folder: string): Promise<Manifest['files']> => {
  const files: Record<string, { sizeBytes: number; sha256: string }> = {};
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const whole = join(folder, path);
    const status = lstatSync(whole);
    if (status.isDirectory()) continue;
    if (!status.isFile() || (status.mode & 0o7000) !== 0) throw new Error(`${path} is no plain file`);
    const hash = createHash('sha256');
    await pipeline(createReadStream(whole), hash);
    files[relative(folder, whole)] = { sizeBytes: status.size, sha256: hash.digest('hex') };
  }
  return files;
};

const failure = (code: string, what: string, thrown: unknown): AppError =>
  new AppError(code, `${what}: ${typeof thrown === 'string' ? thrown : reasonOf(thrown)}`, { cause: thrown });

/** What tar said, where it said something. */
const reasonOf = (thrown: unknown): string => {
  const said =
    thrown instanceof Error && 'stderr' in thrown ? String(thrown.stderr).trim().split('\n')[0] : '';
  return said === undefined || said === '' ? errorText(thrown) : said;
};
