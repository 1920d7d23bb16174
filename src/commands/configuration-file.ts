// The file of a configuration, changed by a command: in its keys, with everything else and its comments as they were.
//
// What is written was checked first, takes the place of the file as a whole, and has its rights; the file before stays beside it.
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type Document, isMap, parseDocument } from 'yaml';
import { AppError, errorText } from '../base/base.ts';
import { formatProblem } from '../config/config.ts';
import { loadConfiguration } from '../host/app/app.ts';

/** The text of a configuration with other keys. Throws ERR_CLI_SETUP for one that cannot be read. */
export const edit = (out: string, before: string, change: (document: Document) => void): string => {
  const document: Document = parseDocument(before);
  const [error] = document.errors;
  if (error !== undefined || (document.contents !== null && !isMap(document.contents))) {
    throw new AppError(
      'ERR_CLI_SETUP',
      `adapting ${out}: ${error?.message.split('\n')[0] ?? 'it has no keys'}`,
      {
        hint: 'Mend it, as "cordon check" says, or name another file.',
      },
    );
  }
  change(document);
  return document.toString({ lineWidth: 0 });
};

/** Sets a key. */
export const put = (document: Document, path: readonly string[], value: unknown): void =>
  document.setIn(path, document.createNode(value, { flow: Array.isArray(value) }));

/** What Cordon itself says of a configuration, tried in a file beside its place. */
export const check = (out: string, text: string): string[] => {
  const folder = existsSync(dirname(out)) ? dirname(out) : '/tmp';
  const trial = `${folder}/.cordon-setup-${process.pid}.yaml`;
  try {
    writeFileSync(trial, text, { flag: 'wx', mode: 0o600 });
    return loadConfiguration(trial).problems.map((problem) => formatProblem(problem).replace(trial, out));
  } catch (cause) {
    throw failure(out, cause);
  } finally {
    rmSync(trial, { force: true });
  }
};

/** Takes the place of the file, with its rights; the file as it was stays beside it, and that place is given. */
export const replace = (out: string, text: string, suffix: string): string => {
  const fresh = `${out}.new-${process.pid}`;
  try {
    const { mode, uid, gid } = statSync(out);
    writeFileSync(fresh, text, { flag: 'wx', mode: 0o600 });
    if (process.geteuid?.() === 0) chownSync(fresh, uid, gid);
    chmodSync(fresh, mode & 0o7777);
    const aside = freeName(`${out}.${suffix}`);
    linkSync(out, aside);
    renameSync(fresh, out);
    return aside;
  } catch (cause) {
    throw failure(out, cause);
  } finally {
    rmSync(fresh, { force: true });
  }
};

const freeName = (path: string): string => {
  let name = path;
  for (let number = 2; existsSync(name); number++) name = `${path}-${number}`;
  return name;
};

/** The configuration cannot be written. */
export const failure = (out: string, cause: unknown): AppError =>
  new AppError('ERR_CLI_SETUP', `writing ${out}: ${errorText(cause)}`, {
    cause,
    hint: 'Run it as root, or name another file with --out.',
  });
