// Steps of exemptions in the log of policy of this resolver, as far as keys of the fleet signed them.
//
// Read before the fleet runs: a step that the authority signed was decided, also where the record of it was lost with the last second
// before a crash. What is not there, or not read, proves nothing.
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { bodyOf, parseEntry } from './entry.ts';
import { KINDS } from './kinds.ts';
import { Membership } from './membership.ts';

/**
 * The bodies of these entries, in their order: as the authority wrote each, and as this resolver was given it, whose members stand in
 * another order. Throws errors of SQLite for a file that is no log.
 */
export const readSignedSteps = (path: string, trust: readonly string[]): unknown[] => {
  if (!existsSync(path)) return [];
  const membership = new Membership(trust);
  const steps: unknown[] = [];
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    for (const row of database.prepare('SELECT entry FROM entries ORDER BY number').iterate()) {
      const entry = parseEntry(Buffer.from(String(row['entry'])));
      if (entry === undefined || !membership.isTrusted(entry)) continue;
      membership.take(entry);
      if (entry.kind !== 'exemption') continue;
      steps.push(bodyOf(entry));
      const given = KINDS.exemption.safeParse(bodyOf(entry));
      if (given.success) steps.push(given.data);
    }
  } finally {
    database.close();
  }
  return steps;
};
