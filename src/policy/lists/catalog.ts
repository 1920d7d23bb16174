// The catalog: which lists ship with the package. The folder lists/ is the catalog, one file per switch.
import { hash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorText, LISTS_DIRECTORY } from '../../base/base.ts';
import { type ListHeader, parseCordonHeader, parseCordonList } from './cordon-format.ts';
import { listError, readListFile } from './list-file.ts';

export { LISTS_DIRECTORY };

/** The shipped guard names, in the form that Guards.load reads. */
export const NEVER_BLOCK_FILE = join(LISTS_DIRECTORY, 'never-block.txt');

/** The shipped guard addresses, in the form that AddressGuards.load reads. */
export const NEVER_BLOCK_ADDRESSES_FILE = join(LISTS_DIRECTORY, 'never-block-addresses.txt');

const EXTENSION = '.yaml';

/** A list that ships. */
export interface ShippedList {
  readonly id: string;
  readonly file: string;
}

/** The lists of a folder, sorted by id; throws ERR_LIST_READ. The id is the file's name. */
export const shippedLists = (directory = LISTS_DIRECTORY): readonly ShippedList[] =>
  namesIn(directory)
    .filter((name) => name.endsWith(EXTENSION))
    .sort()
    .map((name) => ({ id: basename(name, EXTENSION), file: join(directory, name) }));

/**
 * The headers of the shipped lists that are in force without any configuration, mandate lists first.
 *
 * Throws ERR_LIST_READ or ERR_LIST_PARSE: a broken file must not leave the defaults silently.
 */
export const shippedDefaults = (): readonly ListHeader[] =>
  shippedLists()
    .map(({ file }) => headerOf(file))
    .filter((header) => header.default)
    .sort((a, b) => Number(b.mandate) - Number(a.mandate));

/** Who runs what the entries of a shipped list name, sorted; undefined for what does not ship. Throws ERR_LIST_READ. */
export const shippedOperators = (list: string): readonly string[] | undefined => {
  const shipped = shippedLists().find(({ id }) => id === list);
  return shipped === undefined ? undefined : operatorsOf(shipped.file);
};

/** Reads a file that ships, anew when its bytes changed: each configuration asks several times, and they hardly ever do. */
const remembered = <Value>(parse: (bytes: Uint8Array, file: string) => Value) => {
  const known = new Map<string, { readonly sha256: string; readonly value: Value }>();
  return (file: string): Value => {
    const bytes = readListFile(file);
    const sha256 = hash('sha256', bytes);
    const before = known.get(file);
    if (before?.sha256 === sha256) return before.value;
    const value = parse(bytes, file);
    known.set(file, { sha256, value });
    return value;
  };
};

const headerOf = remembered((bytes, file): ListHeader => {
  const { header, log } = parseCordonHeader(bytes);
  if (header !== undefined) return header;
  const { line = 1, column = 1, text = '' } = log.kept[0] ?? {};
  throw listError('ERR_LIST_PARSE', `reading list ${file}:${line}:${column}: ${text}`);
});

const operatorsOf = remembered((bytes): readonly string[] =>
  [...new Set(parseCordonList(bytes).entries.map(({ operator }) => operator))].sort(),
);

/** By line of a list of the format cordon: the owner of what stands there; nothing of any other one. What was fetched has no ending that says it. */
export const ownersOf = (path: string, format: string | undefined): ReadonlyMap<number, string> => {
  if (format !== 'cordon' && !path.endsWith(EXTENSION)) return new Map();
  const { entries } = parseCordonList(readListFile(path));
  return new Map(entries.map(({ line, owner }) => [line, owner]));
};

const namesIn = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch (thrown) {
    throw listError('ERR_LIST_READ', `reading the folder of lists ${directory}: ${errorText(thrown)}`, {
      cause: thrown,
    });
  }
};
