// cordon records proof: one record for somebody who has the public key alone; and cordon verify of what it wrote.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, errorText } from '../base/base.ts';
import {
  checkRecordProof,
  proveRecord,
  RECORD_CLASSES,
  RECORDS_DIRECTORY,
  type RecordClass,
} from '../evidence/records/records.ts';
import type { InputOf } from './declaration.ts';
import type { RECORDS_PROOF, VERIFY } from './declarations/evidence.ts';
import { readLogKey, verifierOf } from './log-keys.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { DONE, PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** Records may say who asked for what: not for everybody on the machine. */
const FILE_MODE = 0o640;

/** Writes the proof of a record. */
export const prove = async ({ values, words }: InputOf<typeof RECORDS_PROOF>): Promise<number> => {
  const { recordClass, sequence } = readPlace(words.record);
  const witness = values.witness === undefined ? undefined : verifierOf(values.witness);
  const { stateDirectory } = await findService(values);
  const proof = await proveRecord(join(stateDirectory, RECORDS_DIRECTORY), recordClass, sequence, witness);
  if (values.out === undefined) {
    process.stdout.write(proof);
    return DONE;
  }
  try {
    writeFileSync(values.out, proof, { mode: FILE_MODE });
  } catch (cause) {
    throw new AppError('ERR_CLI_OUTPUT', `writing ${values.out}: ${errorText(cause)}`, { cause });
  }
  return DONE;
};

/** Checks a proof; returns PROBLEM for one that proves nothing. */
export const verifyProof = ({ values, words }: InputOf<typeof VERIFY>): number => {
  if (values.checkpoint !== undefined)
    throw new UsageError('--checkpoint FILE goes with a bundle: a proof has its own checkpoint');
  const log = readLogKey(values.key);
  const witness = values.witness === undefined ? undefined : verifierOf(values.witness);
  const found = checkRecordProof(readFileSync(words.bundle, 'utf8'), log.key, witness);
  const proven = typeof found === 'string' ? undefined : found;
  const fault =
    typeof found === 'string'
      ? found
      : log.name !== undefined && found.checkpoint.origin !== log.name
        ? `it is of ${found.checkpoint.origin}, and the key is of ${log.name}`
        : undefined;
  if (proven === undefined || fault !== undefined) {
    print(values.json, { fault }, () => `${words.bundle}: proves nothing: ${fault}\n`);
    return PROBLEM;
  }
  const { class: recordClass, sequence, record, checkpoint, cosignedMs } = proven;
  const signedAt = new Date(checkpoint.signedMs).toISOString();
  const cosignedAt = cosignedMs === undefined ? null : new Date(cosignedMs).toISOString();
  const shown = { class: recordClass, sequence, record, origin: checkpoint.origin, size: checkpoint.size };
  print(values.json, { ...shown, signedAt, cosignedAt }, () =>
    [
      JSON.stringify(record),
      `Record ${sequence} of ${recordClass} is in the log of ${checkpoint.origin}: ${checkpoint.size} blocks, signed at ${signedAt}.`,
      ...(cosignedAt === null ? [] : [`${witness?.name} cosigned that at ${cosignedAt}.`]),
      '',
    ].join('\n'),
  );
  return DONE;
};

const readPlace = (text: string): { readonly recordClass: RecordClass; readonly sequence: number } => {
  const [, name, number] = /^(\w+)\/([1-9]\d{0,14})$/.exec(text) ?? [];
  const recordClass = RECORD_CLASSES.find((one) => one === name);
  if (recordClass !== undefined) return { recordClass, sequence: Number(number) };
  throw new UsageError(`"${text.slice(0, 40)}" is no record, such as changes/17`);
};
