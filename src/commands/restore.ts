// cordon restore: the state of a backup in an empty state directory, compared, verified, and there as a whole or not at all.
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AppError, DIRECTORY_MODE, errorText, isAppError } from '../base/base.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import { askService, isNobodyThere } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { RESTORE } from './declarations/state.ts';
import { print } from './output.ts';
import { stateToMake } from './service.ts';
import { CONFIGURATION_FOLDER, type Manifest, STATE_FOLDER, unpackArchive } from './state-archive.ts';
import { checkState, type StateFacts } from './state-check.ts';
import { DONE, PROBLEM } from './statuses.ts';

/** Rights of group and others, and that entries are moved by their owners alone. */
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Restores, or only checks; returns PROBLEM when what was backed up is not whole. */
export const restore = async ({ values, words }: InputOf<typeof RESTORE>): Promise<number> => {
  if (values.configuration !== undefined)
    return restoreConfiguration(words.file, values.configuration, values.json);
  const target = stateToMake(values);
  if (!values.check) await requireEmpty(target);
  const stage = makeStage(target, values.check);
  try {
    const manifest = await unpackArchive(resolve(words.file), stage);
    const state = join(stage, STATE_FOLDER);
    const { areApart: _, ...facts } = await checkState(state);
    if (!values.check) moveState(state, target);
    print(values.json, { ...manifest, ...facts, restored: values.check ? null : target }, () =>
      formatRestore(values.check ? undefined : target, manifest, facts),
    );
    return facts.findings.length === 0 ? DONE : PROBLEM;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
};

/** Puts the configuration of a backup into a folder of its own: nothing of it is in force there. */
const restoreConfiguration = async (file: string, to: string, isJson: boolean): Promise<number> => {
  const target = resolve(to);
  if (existsSync(target))
    throw failure(target, 'it is there already', 'Name a folder that is not there yet.');
  const stage = makeStage(target, false);
  try {
    const manifest = await unpackArchive(resolve(file), stage);
    if (manifest.configuration === undefined)
      throw failure(
        target,
        'the backup is of a version that left the configuration out',
        'Its state can be restored.',
      );
    renameSync(join(stage, CONFIGURATION_FOLDER), target);
    const files = Object.keys(manifest.configuration);
    print(isJson, { ...manifest, restored: target }, () =>
      [
        `restored to ${target}: ${files.length} files of ${manifest.madeAt}`,
        ...files.map((name) => `  ${name}`),
        '',
      ].join('\n'),
    );
    return DONE;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
};

/** Throws ERR_CLI_RESTORE while a service runs, or where something lies in the way. */
const requireEmpty = async (target: string): Promise<void> => {
  requireOwnPlace(target);
  try {
    await askService({ stateDirectory: target }, OPERATIONS.readFigures, {});
    throw failure(target, 'the service runs', 'Stop it, and move its state directory away.');
  } catch (thrown) {
    if (!isNobodyThere(thrown) && !(isAppError(thrown) && thrown.code === 'ERR_CLI_CONTROL')) throw thrown;
  }
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw failure(target, 'it is not empty', 'Move it away: two chains of records cannot become one.');
  }
};

/**
 * Throws ERR_CLI_RESTORE for a state directory that is a link, and where somebody else could put another folder in the place of
 * the one that is written to: root would write, and give away, what lies behind it.
 */
const requireOwnPlace = (target: string): void => {
  if (lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() === true)
    throw failure(target, 'it is a link', 'Name the folder itself in the key "state".');
  const place = dirname(target);
  const { uid, mode } = statSync(place, { throwIfNoEntry: false }) ?? {};
  if (uid === undefined || mode === undefined || process.geteuid?.() !== 0) return;
  const hint = 'Run it as the user whom the folder belongs to.';
  if (uid !== 0) throw failure(target, `${place} belongs to another user`, hint);
  const isOthers = (mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0;
  if (isOthers) throw failure(target, `${place} is one that others may write to`, hint);
};

/** On the same disk as the target, so that it gets there by a name alone. */
const makeStage = (target: string, isCheck: boolean): string => {
  const place = isCheck ? (process.env['TMPDIR'] ?? '/tmp') : dirname(target);
  try {
    return mkdtempSync(join(place, '.cordon-restore-'));
  } catch (cause) {
    throw failure(target, errorText(cause), 'It needs a place for its files.');
  }
};

const moveState = (state: string, target: string): void => {
  try {
    const before = statSync(target, { throwIfNoEntry: false });
    if (before !== undefined) {
      // Whoever made the directory said whose it is.
      if (process.geteuid?.() === 0) chownSync(state, before.uid, before.gid);
      chmodSync(state, before.mode & 0o777);
      rmdirSync(target);
    } else chmodSync(state, DIRECTORY_MODE);
    renameSync(state, target);
  } catch (thrown) {
    throw failure(target, errorText(thrown), 'Nothing was restored.');
  }
};

const formatRestore = (
  target: string | undefined,
  { madeAt, by, version, files }: Manifest,
  facts: StateFacts,
): string =>
  [
    `${target === undefined ? 'checked' : `restored to ${target}`}: ${Object.keys(files).length} files of ${madeAt}, by ${by}, version ${version}`,
    `${facts.records} records, ${facts.heads} signed heads and ${facts.exemptions} exemptions were verified`,
    ...(facts.findings.length === 0
      ? []
      : ['NOT WHOLE:', ...facts.findings.map((finding) => `  ${finding}`)]),
    '',
  ].join('\n');

const failure = (target: string, text: string, hint: string): AppError =>
  new AppError('ERR_CLI_RESTORE', `restoring to ${target}: ${text}`, { hint });
