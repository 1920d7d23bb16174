// What refusal-counts.ts keeps of a partition, as its file has it.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const cell = z.object({ atMs: z.number(), group: z.string(), list: z.string(), count: z.number() });
const named = cell.extend({ name: z.string(), type: z.string() });
const client = cell.extend({ client: z.string() });
const keptSchema = z.object({
  /** Of the last block that was counted. */
  last: z.number(),
  isDone: z.boolean(),
  isFolded: z.boolean(),
  hours: z.array(cell),
  names: z.array(named),
  clients: z.array(client),
});

/** Refused queries of a group by a list, from a full hour on. */
export type RefusedCount = Readonly<z.output<typeof cell>>;
export type NamedCount = Readonly<z.output<typeof named>>;
export type ClientCount = Readonly<z.output<typeof client>>;
export type KeptCounts = z.output<typeof keptSchema>;

/** Undefined for what cannot be read: it is counted anew. */
export const readKeptCounts = (path: string): KeptCounts | undefined => {
  try {
    return keptSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
};
