// Keys of a log and of its witnesses, as they are handed from one person to another.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { AppError, errorText } from '../base/base.ts';
import { parseVerifier, type Verifier } from '../wire/transparency/transparency.ts';
import { UsageError } from './usage-error.ts';

/** Who verifies with a verifier key. */
export const verifierOf = (text: string): Verifier => {
  const verifier = parseVerifier(text.trim());
  if (verifier !== undefined) return verifier;
  throw new UsageError(`"${text.slice(0, 60)}" is no verifier key, such as name+2f5b4c30+BMr1`);
};

/** A verifier key, or a file with one or with a key in PEM, which names no log. */
export const readLogKey = (given: string): { readonly key: KeyObject; readonly name: string | undefined } => {
  if (given === '')
    throw new UsageError('--key KEY is needed: a key that lies beside the records proves nothing');
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
