// Blocks that fit into a chain, by somebody who may write to its files and has no key.
import { DatabaseSync } from 'node:sqlite';
import { BlockHasher, openingHash, readMeta } from '../../src/evidence/records/partition.ts';

/** Puts records behind the end of a partition, as one block that follows the one before. */
export const appendBlock = (path: string, records: readonly object[], atMs: number): void => {
  const database = new DatabaseSync(path);
  try {
    const last = database.prepare('SELECT first, count, hash FROM blocks ORDER BY first DESC LIMIT 1').get();
    const meta = readMeta(database);
    if (meta === undefined) throw new Error(`${path} is no partition`);
    const first = last === undefined ? meta.first : Number(last['first']) + Number(last['count']);
    const before = last === undefined ? openingHash(meta) : (last['hash'] as Uint8Array);
    const body = `[${records.map((record) => JSON.stringify(record)).join(',\n')}]`;
    const hash = new BlockHasher().hash(before, first, records.length, body);
    database
      .prepare('INSERT INTO blocks VALUES(?, ?, ?, ?, ?, ?)')
      .run(first, records.length, atMs, atMs, body, hash);
  } finally {
    database.close();
  }
};
