// cordon fleet reidentify: who is behind a pseudonym of any resolver, with the private key from the safe.
//
// Who has that key can do the same with other means; this command is the way that is on the record. It asks the running service
// to record who asks and why, and tells nothing before that is on the disk.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, errorText, isAppError } from '../base/base.ts';
import {
  openPseudonym,
  RecordsReader,
  readEscrowPrivateKey,
  readSealedKeys,
  type SealedKey,
  verifyRecords,
} from '../evidence/records/records.ts';
import { readMembers } from '../fleet/fleet.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { FLEET_REIDENTIFY } from './declarations/fleet.ts';
import { withCollected } from './fleet-database.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { DONE, PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** Runs the command; PROBLEM where the records that say it are not whole. */
export const reidentify = async ({ values, words }: InputOf<typeof FLEET_REIDENTIFY>): Promise<number> => {
  const { pseudonym } = words;
  const { resolver, key: keyPath } = values;
  const reason = values.reason.trim();
  if (resolver === undefined) throw new UsageError('--resolver NAME is needed: each has keys of its own');
  if (keyPath === undefined) throw new UsageError('--key FILE is needed: the private key from the safe');
  if (reason === '') throw new UsageError('--reason TEXT is needed: it goes into the records');
  const privateKey = readEscrowPrivateKey(readText(keyPath), keyPath);
  return withCollected(values, [resolver], async (directory, trust) => {
    const member = (await readMembers(directory, trust)).find(({ name }) => name === resolver);
    if (member === undefined) throw new UsageError(`"${resolver.slice(0, 40)}" never was in the fleet`);
    const found: { label: string; keys: readonly SealedKey[]; findings: readonly string[] }[] = [];
    for (const label of member.labels) {
      const place = join(directory, label);
      if (existsSync(place)) found.push({ label, ...(await readKeys(place)) });
    }
    // A key that does not open, or was never sealed, is told before anybody is put on the record.
    const opened = openAll(pseudonym, found, privateKey);
    await askService(await findService(values), OPERATIONS.recordOpening, {
      body: { pseudonym, resolver, reason },
    });
    const isProven = found.every(({ findings }) => findings.length === 0);
    print(values.json, { found: opened, isProven }, () =>
      opened
        .map(({ label, client }) => `${client}${opened.length === 1 ? '' : `   by the key of ${label}`}\n`)
        .join(''),
    );
    if (isProven) return DONE;
    process.stderr.write(`The records of ${resolver} are not whole: nothing proves what they say.\n`);
    return PROBLEM;
  });
};

const readKeys = async (place: string): Promise<{ keys: SealedKey[]; findings: readonly string[] }> => {
  const { findings } = await verifyRecords(place, { isCollected: true });
  const reader = RecordsReader.open(place);
  try {
    return { keys: await readSealedKeys(reader), findings: findings.map(({ text }) => text) };
  } finally {
    reader.close();
  }
};

/** By each of the chains of a resolver that was taken in anew: its keys are counted from 1 again. */
const openAll = (
  pseudonym: string,
  found: readonly { readonly label: string; readonly keys: readonly SealedKey[] }[],
  privateKey: Parameters<typeof openPseudonym>[2],
): { readonly label: string; readonly client: string }[] => {
  const opened: { label: string; client: string }[] = [];
  let failure: AppError = new AppError(
    'ERR_COMPLIANCE_ESCROW',
    `opening ${JSON.stringify(pseudonym.slice(0, 64))}: nothing of the resolver is here`,
  );
  for (const { label, keys } of found) {
    try {
      opened.push({ label, client: openPseudonym(pseudonym, keys, privateKey) });
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      failure = thrown;
    }
  }
  if (opened.length > 0) return opened;
  throw failure;
};

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError('ERR_CLI_OUTPUT', `reading ${path}: ${errorText(cause)}`, { cause });
  }
};
