// cordon records key: the public key of the records, for those who verify or witness them.
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, errorText, systemErrorCode } from '../base/base.ts';
import { RECORDS_DIRECTORY, readLogVerifier } from '../evidence/records/records.ts';
import type { InputOf } from './declaration.ts';
import type { RECORDS_KEY } from './declarations/evidence.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { DONE } from './statuses.ts';

/** Prints the verifier key of the log, or the key as PEM. */
export const showKey = async ({ values }: InputOf<typeof RECORDS_KEY>): Promise<number> => {
  const { stateDirectory } = await findService(values);
  const directory = join(stateDirectory, RECORDS_DIRECTORY);
  const path = join(directory, 'signing-key.pub.pem');
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError('ERR_COMPLIANCE_SIGNING_KEY', `reading ${path}: ${errorText(cause)}`, {
      hint:
        systemErrorCode(cause) === 'ENOENT'
          ? 'The key is made when the service starts for the first time.'
          : 'Read it as the user of the service or as root.',
      cause,
    });
  }
  const verifier = readLogVerifier(directory, createPublicKey(pem));
  if (verifier === undefined)
    throw new AppError(
      'ERR_COMPLIANCE_SIGNING_KEY',
      `reading ${directory}: no checkpoint that this key signed`,
      {
        hint: 'the first one is signed when the service starts',
      },
    );
  print(values.json, { verifier, pem }, () => (values.pem ? pem : `${verifier}\n`));
  return DONE;
};
