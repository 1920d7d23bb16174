// Who was in a fleet when, as the collector's copy of the log of policy says; read while the collector runs, and without it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../base/base.ts';
import { parseEntry } from './entry.ts';
import { Membership } from './membership.ts';

/** A resolver with the directories that the collector has of it. */
export interface CollectedMember {
  readonly name: string;
  readonly labels: readonly string[];
  readonly since: string;
  readonly until: string | undefined;
}

/** Reads the log beside collected records. Rejects with ERR_FLEET_LOG. Entries that no key of the fleet signed count for nothing. */
export const readMembers = (directory: string, trust: readonly string[]): CollectedMember[] => {
  const path = join(directory, POLICY_NAME);
  if (!existsSync(path)) {
    throw new AppError('ERR_FLEET_LOG', `reading ${path}: nothing was collected there`, {
      hint: 'Name what "cordon collect" writes with --directory.',
    });
  }
  const membership = new Membership(trust);
  const first = new Map<string, string>();
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    for (const row of database.prepare('SELECT entry FROM entries ORDER BY number').iterate()) {
      const entry = parseEntry(Buffer.from(String(row['entry'])));
      if (entry === undefined || !membership.isTrusted(entry)) continue;
      membership.take(entry);
      for (const { name, since } of membership.members) if (!first.has(name)) first.set(name, since);
    }
  } finally {
    database.close();
  }
  return membership.members.map(({ name, enrolment, since, until }) => ({
    name,
    labels: Array.from({ length: enrolment }, (_, index) => (index === 0 ? name : `${name}.${index + 1}`)),
    since: first.get(name) ?? since,
    until,
  }));
};

/** Name of the log in the directory of a collector. */
export const POLICY_NAME = 'policy.sqlite';
