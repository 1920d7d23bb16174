// Files and folders that a configuration names, and who may name others.
//
// Who may propose a configuration without being on the host could make the service read or write a file of its choice: a
// list that is a key, an output that is another program's file, pages from a folder of their own. So a proposal names no
// file that the configuration in force does not name under the same key: who can put a file there can write its name as well.
import { resolve } from 'node:path';
import { z } from 'zod';
import { fromForm } from './form.ts';
import type { Path } from './problem.ts';
import { type Config, configSchema } from './schema.ts';
import { Fault, kinds, quote } from './value.ts';

/** Keys with their files, as namedFiles() gives them. */
export type NamedFiles = ReadonlySet<string>;

/** The files that a configuration names, by key. */
export const namedFiles = (config: Config): NamedFiles => {
  const found = new Set<string>();
  walk(configSchema, fromForm(configSchema, config), [], (path, file) => found.add(toEntry(path, file)));
  return found;
};

/** The paths of those that are not the state directory, each once. */
export const namedPaths = (config: Config): readonly string[] => [
  ...new Set(
    [...namedFiles(config)]
      .filter((entry) => !entry.startsWith('state '))
      .map((entry) => entry.slice(entry.indexOf(' ') + 1)),
  ),
];

/** Reports each file of a draft that is not among those; true: there is none. Relative ones are below `directory`. */
export const namesOnly = (
  allowed: NamedFiles,
  draft: unknown,
  directory: string,
  report: (path: Path, fault: Fault) => void,
): boolean => {
  let isAllowed = true;
  walk(configSchema, draft, [], (path, file) => {
    if (allowed.has(toEntry(path, resolve(directory, file)))) return;
    isAllowed = false;
    report(path, notNamed(file));
  });
  return isAllowed;
};

/** True for a state directory that a draft of a file may name. */
export const mayHaveState = (allowed: NamedFiles, state: unknown, directory: string): boolean =>
  allowed.has(toEntry(['state'], resolve(directory, typeof state === 'string' ? state : './state')));

const notNamed = (file: string): Fault =>
  new Fault(
    'ERR_CONFIG_CONFLICT',
    `${quote(file)} is a file that the configuration in force does not name here`,
    'write it into the configuration file on the host: who can put a file there can name it',
  );

/** `lists.file /etc/cordon/more.txt`; lists of both keys are one in the configuration in force. */
const toEntry = (path: Path, file: string): string => {
  const key = path.filter((part) => typeof part === 'string').join('.');
  return `${key.replace(/^extra-lists\./, 'lists.')} ${file}`;
};

const walk = (
  schema: z.ZodType,
  value: unknown,
  path: Path,
  found: (path: Path, file: string) => void,
): void => {
  if (value === undefined || value === null) return;
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    walk(schema.def.innerType as z.ZodType, value, path, found);
  } else if (schema instanceof z.ZodObject) {
    for (const [key, below] of Object.entries(schema.def.shape as Readonly<Record<string, z.ZodType>>))
      walk(below, (value as Readonly<Record<string, unknown>>)[key], [...path, key], found);
  } else if (schema instanceof z.ZodArray) {
    if (!Array.isArray(value)) return;
    for (const [index, item] of value.entries())
      walk(schema.def.element as z.ZodType, item, [...path, index], found);
  } else {
    const file = kinds.get(schema)?.fileOf?.(value as never);
    if (file !== undefined) found(path, file);
  }
};
