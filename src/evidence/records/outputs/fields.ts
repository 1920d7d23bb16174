// A record under the field names of a vocabulary that SIEMs read: a table of fields, one for each vocabulary.
//
// Each field says which members of the record it tells; what no field tells is kept under a name of our own, so that
// nothing a record says is lost. docs/fields.md is written from the tables.
import type { PlacedRecord } from '../record-output.ts';

/** Who sends. */
export interface RecordSender {
  /** The resolver's name. */
  readonly resolver: string;
  /** Version of the program. */
  readonly version: string;
}

/** One field of a vocabulary. */
export interface Field {
  /** Its name; objects are joined by dots. */
  readonly path: string;
  /** Members of the record that it tells, where it has a value. */
  readonly of: readonly string[];
  /** What it holds, for the reference, where the members alone do not say it. */
  readonly about?: string;
  /** Undefined where the record has nothing to say. */
  readonly value: (placed: PlacedRecord, sender: RecordSender) => unknown;
}

/** The fields of a vocabulary, and what holds the members that it has no field for. */
export interface Vocabulary {
  readonly fields: readonly Field[];
  readonly rest: string;
}

/** A nested object. */
type Tree = { [name: string]: unknown };

/** A member of the record as it is; undefined where it has none of this name. */
export const member = (placed: PlacedRecord, name: string): unknown => {
  const members: object = placed.record;
  return (members as Tree)[name];
};

/** A field that is a member of the record. */
export const same = (path: string, name: string): Field => ({
  path,
  of: [name],
  value: (placed) => member(placed, name),
});

/** The record in the words of a vocabulary; without objects, members that are objects are named in `omitted`. */
export const toFields = (
  vocabulary: Vocabulary,
  placed: PlacedRecord,
  sender: RecordSender,
  withObjects = true,
): Tree => {
  const tree: Tree = {};
  const told = new Set<string>();
  for (const { path, of, value } of vocabulary.fields) {
    const found = value(placed, sender);
    if (found === undefined) continue;
    put(tree, path, found);
    for (const name of of) told.add(name);
  }
  const rest = Object.entries(placed.record).filter(([name]) => !told.has(name));
  const omitted: string[] = [];
  for (const [name, value] of rest) {
    if (!withObjects && typeof value === 'object') omitted.push(name);
    else put(tree, `${vocabulary.rest}.${name}`, value);
  }
  if (omitted.length > 0) put(tree, `${vocabulary.rest}.omitted`, omitted);
  return tree;
};

/** Sets what stands at a path of nested objects. */
export const put = (tree: Tree, path: string, value: unknown): void => {
  const names = path.split('.');
  const last = names.pop() ?? path;
  let at = tree;
  for (const name of names) {
    const below = at[name];
    const next: Tree = typeof below === 'object' && below !== null ? (below as Tree) : {};
    at[name] = next;
    at = next;
  }
  at[last] = value;
};
