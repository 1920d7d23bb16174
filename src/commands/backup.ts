// cordon backup: the state directory as one file, while the service runs or without it, verified before it is packed.
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { AppError, errorText, isAppError, systemErrorCode } from '../base/base.ts';
import { namedPaths } from '../config/config.ts';
import { REGISTER_NAME } from '../evidence/exemptions/exemptions.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import { ROOM_FILE_NAME } from '../people/room/room.ts';
import { authorName } from './author.ts';
import { askService, isNobodyThere } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { BACKUP } from './declarations/state.ts';
import { print } from './output.ts';
import { findService, type ServiceFound } from './service.ts';
import { CONFIGURATION_FOLDER, packArchive, STATE_FOLDER, writeManifest } from './state-archive.ts';
import { type CopyFacts, checkState, type StateFacts } from './state-check.ts';
import { copyState } from './state-copy.ts';
import { DONE, PROBLEM } from './statuses.ts';

/** Copies of which something was decided meanwhile: decisions are minutes apart, and a copy takes seconds. */
const TRIES_MAX = 5;
/** In the folder that is packed, of which nothing but state and list is taken: nobody else writes there. */
const PACKED_NAME = 'packed';

/** Writes the backup; returns PROBLEM when what it holds is not whole. */
export const backup = async ({ values, words }: InputOf<typeof BACKUP>): Promise<number> => {
  const service = await findService(values);
  const { stateDirectory } = service;
  const file = resolve(words.file);
  if (existsSync(file)) throw new AppError('ERR_CLI_BACKUP', `writing ${file}: it is there already`);
  if (!existsSync(stateDirectory)) {
    throw new AppError('ERR_CLI_BACKUP', `copying the state directory ${stateDirectory}: there is none`, {
      hint: 'Name the configuration of the service with --config.',
    });
  }
  const by = authorName();
  const stage = makeStage(file);
  const state = join(stage, STATE_FOLDER);
  const clear = (): void => {
    rmSync(state, { recursive: true, force: true });
    mkdirSync(state, { mode: 0o700 });
  };
  try {
    const facts = await makeCopy(async () => {
      const copied = new Map<string, string>();
      try {
        await askForCopies(service, values.reason, copied);
        clear();
        await copyState({ from: stateDirectory, to: state, copied }, clear);
      } finally {
        for (const name of copied.values()) rmSync(join(stateDirectory, name), { force: true });
      }
      return checkState(state);
    });
    const leftOut = copyConfiguration(service, join(stage, CONFIGURATION_FOLDER));
    const manifest = await writeManifest(stage, by);
    const packed = join(stage, PACKED_NAME);
    packArchive(stage, packed);
    renameSync(packed, file);
    const files = Object.keys(manifest.files).length;
    const sizeBytes = Object.values(manifest.files).reduce((sum, one) => sum + one.sizeBytes, 0);
    const report = { file, files, sizeBytes, madeAt: manifest.madeAt, leftOut, ...facts };
    print(values.json, report, () =>
      [
        `${file}: ${files} files, ${facts.records} records, ${facts.exemptions} exemptions`,
        ...(facts.findings.length === 0 ? ['verified: nothing is missing or changed'] : ['NOT WHOLE:']),
        ...facts.findings.map((finding) => `  ${finding}`),
        ...leftOut.map((text) => `the configuration names what is not in it: ${text}`),
        '',
      ].join('\n'),
    );
    return facts.findings.length === 0 ? DONE : PROBLEM;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
};

/**
 * Copies until register and records are of one moment: what is decided after the register was copied is in the records alone. What
 * two copies find alike, somebody changed.
 */
const makeCopy = async (copy: () => Promise<CopyFacts>): Promise<StateFacts> => {
  for (let tries = 1, before = ''; ; tries++) {
    const { areApart, ...facts } = await copy();
    const found = facts.findings.join('\n');
    if (!areApart || found === before || tries === TRIES_MAX) return facts;
    before = found;
  }
};

/** What is no file of its own, or larger, is not taken: a list that was fetched by hand is some megabytes. */
const NAMED_BYTES_MAX = 64 << 20;

/** Copies the configuration and the files that it names; tells which are left out, and why. */
const copyConfiguration = (service: ServiceFound, to: string): string[] => {
  mkdirSync(to, { mode: 0o700 });
  const { path, stateDirectory, isFileGood } = service;
  if (path === undefined) return [];
  const leftOut: string[] = [];
  const copy = (named: string, act: () => void): void => {
    try {
      act();
    } catch (thrown) {
      // A key that only root reads is no reason to be without a backup of the records.
      leftOut.push(`${named}: ${errorText(thrown)}`);
    }
  };
  copy(path, () => copyNamed(path, join(to, 'cordon.yaml')));
  if (!isFileGood) {
    // What is kept of it is the user's of the service, who is not to say which files root copies.
    return [...leftOut, `the files that ${path} names: --config with the file put right has them taken`];
  }
  for (const named of namedPaths(service.config)) {
    if (named.startsWith(`${stateDirectory}/`)) continue;
    const target = join(to, 'files', named);
    copy(named, () => {
      // The files of a folder of lists, and not what lies below it.
      if (statSync(named).isDirectory()) {
        for (const name of readdirSync(named))
          if (statSync(join(named, name)).isFile()) copyNamed(join(named, name), join(target, name));
      } else copyNamed(named, target);
    });
  }
  return leftOut;
};

/** Copies a plain file, as a whole or not at all, with no more than its rights to read and write: what is restored runs as nobody. */
const copyNamed = (from: string, to: string): void => {
  const status = statSync(from);
  const { size, mode } = status;
  if (!status.isFile()) throw new Error('it is no plain file');
  if (size > NAMED_BYTES_MAX) throw new Error('it is larger than 64 MiB');
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  try {
    copyFileSync(from, to);
    chmodSync(to, mode & 0o666);
  } catch (thrown) {
    rmSync(to, { force: true });
    throw thrown;
  }
};

/** Beside the file, because it is as large as the state. */
const makeStage = (file: string): string => {
  try {
    return mkdtempSync(join(dirname(file), '.cordon-backup-'));
  } catch (cause) {
    throw new AppError('ERR_CLI_BACKUP', `writing ${file}: ${errorText(cause)}`, { cause });
  }
};

/** Has the service copy the register and the control room that it has open; none where none runs, or where it cannot use them itself. */
const askForCopies = async (
  service: ServiceFound,
  reason: string,
  copied: Map<string, string>,
): Promise<void> => {
  requireRemovable(service.stateDirectory);
  try {
    const { register, room } = await askService(service, OPERATIONS.copyRegister, { body: { reason } });
    for (const [name, copy] of [
      [REGISTER_NAME, register],
      [ROOM_FILE_NAME, room],
    ] as const) {
      if (copy === null) continue;
      requireCopy(service.stateDirectory, copy);
      copied.set(name, copy);
    }
  } catch (thrown) {
    const isUnusable = isAppError(thrown) && REGISTER_TROUBLES.has(thrown.code);
    if (!isNobodyThere(thrown) && !isUnusable) throw thrown;
  }
};

/** Whoever may not remove a copy has none made: it would lie there. No copy is made on a disk that is read only. */
const requireRemovable = (directory: string): void => {
  try {
    accessSync(directory, constants.W_OK);
  } catch (thrown) {
    if (systemErrorCode(thrown) !== 'EROFS') throw thrown;
  }
};

/** Throws ERR_CLI_BACKUP for a name that leads out of the state directory: what it names is read and removed, by root as well. */
const requireCopy = (directory: string, name: string): void => {
  const isName = basename(name) === name && name.endsWith('.copy.sqlite');
  if (isName && lstatSync(join(directory, name), { throwIfNoEntry: false })?.isFile() === true) return;
  throw new AppError(
    'ERR_CLI_BACKUP',
    `copying ${directory}: the service names a copy of its own that is none: ${name.slice(0, 100)}`,
  );
};

/** A damaged register is evidence, and is backed up as it is. */
const REGISTER_TROUBLES: ReadonlySet<string> = new Set(['ERR_EXEMPTION_DAMAGED', 'ERR_EXEMPTION_REGISTER']);
