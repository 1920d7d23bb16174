// cordon fleet report, cordon fleet export: what was collected, in directories or in a database.
//
// A report of a database is made of directories that are written for it and removed afterwards: whatever the records are kept
// in, one program reads and checks them.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FOREIGN_DIRECTORY } from '../evidence/records/records.ts';
import { createFleetReport, readPeriod } from '../evidence/report/report.ts';
import { type DatabaseAccess, exportDatabase, readDatabaseAddress, readMembers } from '../fleet/fleet.ts';
import type { InputOf } from './declaration.ts';
import type { FLEET_EXPORT, FLEET_REPORT } from './declarations/fleet.ts';
import { requireFleet } from './fleet-input.ts';
import { formatFleetReport } from './fleet-text.ts';
import { print } from './output.ts';
import { findService, type ServiceNamed } from './service.ts';
import { DONE, PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** What is said of a database. */
interface DatabaseValues {
  readonly database?: string | undefined;
  readonly 'database-password'?: string | undefined;
  readonly 'database-ca'?: string | undefined;
}

/** The database that is named; undefined for none. Throws a UsageError, in which the address does not stand. */
export const readDatabase = (values: DatabaseValues): DatabaseAccess | undefined => {
  const { database, 'database-password': passwordPath, 'database-ca': caPath } = values;
  if (database === undefined) {
    if (passwordPath !== undefined || caPath !== undefined)
      throw new UsageError('--database-password and --database-ca go with --database');
    return undefined;
  }
  const address = readDatabaseAddress(database);
  if ('problem' in address) throw new UsageError(`--database: ${address.problem}`);
  return { ...address, passwordPath, caPath };
};

/** What the collected records prove. */
export const report = async ({ values }: InputOf<typeof FLEET_REPORT>): Promise<number> => {
  const { from, to, resolver: names } = values;
  if (from === undefined || to === undefined) throw new UsageError('--from and --to are needed');
  const period = readPeriod(from, to);
  if (typeof period === 'string') throw new UsageError(period);
  return withCollected(values, names, async (directory, trust, foreignDirectory) => {
    const members = trust.length === 0 ? [] : await readMembers(directory, trust);
    const unknown = names.find((name) => !members.some((member) => member.name === name));
    if (unknown !== undefined) throw new UsageError(`"${unknown.slice(0, 40)}" never was in the fleet`);
    const asked = names.length === 0 ? members : members.filter(({ name }) => names.includes(name));
    const made = await createFleetReport({ directory, foreignDirectory, members: asked, ...period });
    print(values.json, made, () => formatFleetReport(made));
    return made.isComplete ? DONE : PROBLEM;
  });
};

/** Where collected records are. */
interface CollectedValues extends DatabaseValues, ServiceNamed {
  readonly directory?: string | undefined;
}

/** Does something with collected records, without keys where there is no fleet: those of a database are written into a directory, which goes afterwards. */
export const withCollected = async <Result>(
  values: CollectedValues,
  resolvers: readonly string[],
  act: (directory: string, trust: readonly string[], collected: string) => Promise<Result>,
): Promise<Result> => {
  const database = readDatabase(values);
  if (database !== undefined && values.directory !== undefined)
    throw new UsageError('--directory does not go with --database');
  const { config, stateDirectory } = await findService(values);
  const collected = values.directory ?? join(stateDirectory, 'collected');
  // A collector that watches others alone has no fleet.
  const isForeign = config.fleet === undefined && existsSync(join(collected, FOREIGN_DIRECTORY));
  const trust = isForeign ? [] : requireFleet(config).trust;
  if (database === undefined || isForeign) return act(collected, trust, collected);
  const temporary = mkdtempSync(join(tmpdir(), 'cordon-collected-'));
  try {
    await exportDatabase({ database, trust, directory: temporary, resolvers });
    return await act(temporary, trust, collected);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
};

/** The records of a database as directories. */
export const exportAll = async ({ values, words }: InputOf<typeof FLEET_EXPORT>): Promise<number> => {
  const database = readDatabase(values);
  if (database === undefined) throw new UsageError('--database URL is needed');
  const { trust } = requireFleet((await findService(values)).config);
  const { directory } = words;
  const made = await exportDatabase({ database, trust, directory, resolvers: values.resolver });
  const unnamed =
    made.unnamed === 0
      ? ''
      : `${made.unnamed} labels in the database are no names of resolvers, and are left out: alarms.jsonl has them.\n`;
  print(
    values.json,
    made,
    () => `${directory} has the records of ${made.labels.join(', ') || 'nobody'}.\n${unnamed}`,
  );
  return made.unnamed === 0 ? DONE : PROBLEM;
};
