// What somebody who may write to the state directory makes of a register of exemptions: its hashes fit again.
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

/** An event as its body says. */
export type RegisterRow = Record<string, unknown> & { paper?: Record<string, unknown> };

/** Writes a register that nobody has open anew, with what `change` makes of its events. */
export const forgeRegister = (path: string, change: (rows: RegisterRow[]) => RegisterRow[]): void => {
  const database = new DatabaseSync(path);
  try {
    const bodies = database.prepare('SELECT body FROM events ORDER BY seq').all();
    const rows = bodies.map(({ body }) => JSON.parse(String(body)) as RegisterRow);
    database.exec('DROP TRIGGER events_change; DROP TRIGGER events_remove; DELETE FROM events');
    const insert = database.prepare('INSERT INTO events (seq, body, hash) VALUES (?, ?, ?)');
    let hash: Buffer = Buffer.alloc(32);
    for (const [index, row] of change(rows).entries()) {
      const text = JSON.stringify(row);
      const number = Buffer.alloc(8);
      number.writeBigUInt64BE(BigInt(index + 1));
      hash = createHash('sha256').update(hash).update(number).update(text).digest();
      insert.run(index + 1, text, hash);
    }
    database.exec(`
      CREATE TRIGGER events_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
      CREATE TRIGGER events_remove BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
    `);
  } finally {
    database.close();
  }
};
