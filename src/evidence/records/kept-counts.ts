// What refusal-counts.ts keeps of a partition, as its file has it.
import { readFileSync } from 'node:fs';
import { between, isBoolean, isText, listOf, object, type ValueOf } from './shape.ts';

const number = between(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
const cell = object({ atMs: number, group: isText, list: isText, count: number });
const named = object({ ...cell.members, name: isText, type: isText });
const client = object({ ...cell.members, client: isText });
const isKept = object({
  /** Of the last block that was counted. */
  last: number,
  isDone: isBoolean,
  isFolded: isBoolean,
  hours: listOf(cell),
  names: listOf(named),
  clients: listOf(client),
});

/** Refused queries of a group by a list, from a full hour on. */
export type RefusedCount = Readonly<ValueOf<typeof cell>>;
export type NamedCount = Readonly<ValueOf<typeof named>>;
export type ClientCount = Readonly<ValueOf<typeof client>>;
export type KeptCounts = ValueOf<typeof isKept>;

/** Undefined for what cannot be read: it is counted anew. */
export const readKeptCounts = (path: string): KeptCounts | undefined => {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isKept(value) ? value : undefined;
  } catch {
    return undefined;
  }
};
