// cordon records bundle, and cordon verify: records that are verified on another machine, by keys that were kept there.
//
// A bundle has nothing that has to be kept secret but the records themselves: what is not named here is not copied.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError, errorText } from '../base/base.ts';
import { findCosigned, RECORDS_DIRECTORY, verifyRecords } from '../records/records.ts';
import { parseVerifier, type Verifier } from '../transparency/transparency.ts';
import type { InputOf } from './declaration.ts';
import type { RECORDS_BUNDLE, VERIFY } from './declarations/evidence.ts';
import { print } from './output.ts';
import { checkpointShown } from './records.ts';
import { formatVerification } from './records-text.ts';
import { copyState } from './state-copy.ts';
import { DONE, PROBLEM } from './statuses.ts';
import { configPath, requireConfig } from './usage.ts';
import { UsageError } from './usage-error.ts';

const WANTED =
  /^(?:(?:changes|queries|cosigned)(?:\/.*)?|tree|checkpoint|position|heads\.jsonl|signing-key[\w.-]*\.pub\.pem)$/;

/** Writes a bundle. */
export const bundle = async ({ values, words }: InputOf<typeof RECORDS_BUNDLE>): Promise<number> => {
  const { stateDirectory } = requireConfig(configPath(values.config));
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

/** Verifies a bundle; returns PROBLEM when something was found. */
export const verifyBundle = async ({ values, words }: InputOf<typeof VERIFY>): Promise<number> => {
  const { key, checkpoint, witness } = values;
  if (key === '') throw new UsageError('--key KEY is needed: a key that lies in the bundle proves nothing');
  const log = readKey(key);
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

const verifierOf = (text: string): Verifier => {
  const verifier = parseVerifier(text.trim());
  if (verifier !== undefined) return verifier;
  throw new UsageError(`"${text.slice(0, 60)}" is no verifier key, such as name+2f5b4c30+BMr1`);
};

/** A verifier key, or a file with one or with a key in PEM, which names no log. */
const readKey = (given: string): { readonly key: KeyObject; readonly name: string | undefined } => {
  try {
    const text = existsSync(given) ? readFileSync(given, 'utf8') : given;
    if (text.includes('-----BEGIN')) return { key: createPublicKey(text), name: undefined };
    const { key, name } = verifierOf(text);
    return { key, name };
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new AppError('ERR_COMPLIANCE_SIGNING_KEY', `reading ${given}: ${errorText(cause)}`, { cause });
  }
};
