// The reference of a client for one day, such as 7Q4K-M2: what a person reads out and a page shows in place of an address.
//
// It follows from how the client stands in the records, under a secret of this resolver: who has the records can tell which
// of them a reference means, and nobody can tell the address from it. Each day has others, so that two pages of two days
// cannot be laid together. Thirty bits: among 1,000 clients of a day, two share one once in 2,000 days.
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { dayOf } from './partition.ts';
import { readSecret } from './secret-file.ts';

/** Base 32 of Crockford: no letter that is read as a digit. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 6;
const SPLIT_AT = 4;
/** Letters that people say for digits. */
const MISTAKEN: Readonly<Record<string, string>> = { O: '0', I: '1', L: '1' };
const WRITTEN = /^[0-9A-HJKMNP-TV-Z]{6}$/;

/** Name of the file of the secret in a directory of records. */
const REFERENCE_KEY_NAME = 'reference-key';
const SECRET_LENGTH = 32;

/** The secret of a directory of records, made once. Throws errors of the system. */
export const readReferenceSecret = (directory: string): Uint8Array =>
  readSecret(join(directory, REFERENCE_KEY_NAME), SECRET_LENGTH);

/** The reference of a client, as records call it (address, prefix or pseudonym), on the UTC day of a time. */
export const toReference = (secret: Uint8Array, timeMs: number, client: string): string => {
  const hash = createHmac('sha256', secret)
    .update(`${dayOf(timeMs)} ${client}`)
    .digest();
  let bits = hash.readUInt32BE(0);
  let text = '';
  for (let i = 0; i < LENGTH; i++) {
    text += ALPHABET[bits >>> 27] ?? '';
    bits = (bits << 5) >>> 0;
  }
  return `${text.slice(0, SPLIT_AT)}-${text.slice(SPLIT_AT)}`;
};

/** A reference as somebody said or typed it, in its one spelling; undefined for what is none. */
export const readReference = (text: string): string | undefined => {
  const plain = text
    .toUpperCase()
    .replace(/[\s-]/g, '')
    .replace(/[OIL]/g, (letter) => MISTAKEN[letter] ?? letter);
  return WRITTEN.test(plain) ? `${plain.slice(0, SPLIT_AT)}-${plain.slice(SPLIT_AT)}` : undefined;
};
