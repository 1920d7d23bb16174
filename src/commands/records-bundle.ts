// cordon records bundle, and cordon verify: records that are verified on another machine, by keys that were kept there.
//
// A bundle has nothing that has to be kept secret but the records themselves: what is not named here is not copied.
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '../base/base.ts';
import { findCosigned, RECORDS_DIRECTORY, verifyRecords } from '../evidence/records/records.ts';
import type { InputOf } from './declaration.ts';
import type { RECORDS_BUNDLE, VERIFY } from './declarations/evidence.ts';
import { readLogKey, verifierOf } from './log-keys.ts';
import { print } from './output.ts';
import { checkpointShown } from './records.ts';
import { formatVerification } from './records-text.ts';
import { findService } from './service.ts';
import { copyState } from './state-copy.ts';
import { DONE, PROBLEM } from './statuses.ts';

const WANTED =
  /^(?:(?:changes|queries|cosigned)(?:\/.*)?|tree|checkpoint|position|heads\.jsonl|signing-key[\w.-]*\.pub\.pem)$/;

/** Writes a bundle. */
export const bundle = async ({ values, words }: InputOf<typeof RECORDS_BUNDLE>): Promise<number> => {
  const { stateDirectory } = await findService(values);
  const from = join(stateDirectory, RECORDS_DIRECTORY);
  const to = resolve(words.directory);
  if (existsSync(to)) throw new AppError('ERR_CLI_BACKUP', `writing ${to}: it is there already`);
  const clear = (): void => {
    rmSync(to, { recursive: true, force: true });
    mkdirSync(to, { mode: 0o700 });
  };
  clear();
  await copyState({ from, to, copied: new Map(), isWanted: (path) => WANTED.test(path) }, clear);
  const { findings, records } = await verifyRecords(to);
  print(values.json, { directory: to, records, findings }, () =>
    [
      `${to}: ${records} records${findings.length === 0 ? '' : `, NOT WHOLE: ${findings.length} findings`}`,
      'Hand out with it, another way, what "cordon records key" prints.',
      '',
    ].join('\n'),
  );
  return findings.length === 0 ? DONE : PROBLEM;
};

/** Verifies a bundle, or the proof of a record; returns PROBLEM when something was found. */
export const verifyBundle = async ({ values, words }: InputOf<typeof VERIFY>): Promise<number> => {
  if (statSync(words.bundle, { throwIfNoEntry: false })?.isFile() === true)
    return (await import('./records-proof.ts')).verifyProof({ values, words });
  const { key, checkpoint, witness } = values;
  const log = readLogKey(key);
  const texts: string[] = [];
  let kept = checkpoint;
  if (witness !== undefined) {
    const cosigned = findCosigned(words.bundle, verifierOf(witness));
    if (cosigned === undefined) texts.push(`nothing is there that ${witness} has cosigned`);
    kept ??= cosigned;
  }
  const result = await verifyRecords(words.bundle, {
    key: log.key,
    ...(kept === undefined ? {} : { checkpointFile: kept }),
  });
  if (result.checkpoint === undefined)
    texts.push('no checkpoint counts: nothing says how far they have come');
  else if (log.name !== undefined && result.checkpoint.origin !== log.name)
    texts.push(`they are of ${result.checkpoint.origin}, and the key is of ${log.name}`);
  const shown = {
    ...result,
    checkpoint: result.checkpoint && checkpointShown(result.checkpoint),
    more: texts,
  };
  print(values.json, shown, () => [...texts, formatVerification(result)].join('\n'));
  return result.findings.length + texts.length === 0 ? DONE : PROBLEM;
};
