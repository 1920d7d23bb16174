// Records signed by hand, and the messages that an attacker or an honest server makes of them.

import type { Rrset } from '../../../src/resolver/dnssec/rrset.ts';
import {
  countLabels,
  nameFrom,
  parseRecord,
  type ResourceRecord,
  TYPE,
  writeU16,
  writeU32,
} from '../../../src/wire/dns/dns.ts';
import { writeSigned } from '../resign.ts';
import type { MatrixKey } from './keys.ts';

const RRSIG_FIXED_LENGTH = 18;
const CLASS_IN = 1;
/** Far from any doubt about clocks. */
const VALID_SEC = 10 * 86_400;
const NOW_SEC = Math.floor(Date.now() / 1000);

/** How a signature is made. */
export interface Signing {
  /** The apex of the zone that signs. */
  readonly signer: string;
  readonly key: MatrixKey;
  /** The name that was signed, where a wildcard is expanded. */
  readonly labels?: number;
  /** The signature is nobody's. */
  readonly isForged?: boolean;
  /** Inception and expiration, seconds since 1970. */
  readonly start?: number;
  readonly end?: number;
}

/** The RRSIG over records of one owner and type. */
export const signatureOf = (records: readonly ResourceRecord[], signing: Signing): ResourceRecord => {
  const [first] = records;
  if (first === undefined) throw new Error('nothing to sign');
  const { signer, key } = signing;
  const signerName = nameFrom(signer);
  const isWildcard = first.owner[0] === 1 && first.owner[1] === 0x2a;
  const fields = new Uint8Array(RRSIG_FIXED_LENGTH + signerName.length);
  writeU16(fields, 0, first.type);
  fields[2] = key.algorithm;
  fields[3] = signing.labels ?? countLabels(first.owner) - (isWildcard ? 1 : 0);
  writeU32(fields, 4, first.ttl);
  writeU32(fields, 8, signing.end ?? NOW_SEC + VALID_SEC);
  writeU32(fields, 12, signing.start ?? NOW_SEC - VALID_SEC);
  writeU16(fields, 16, key.tag);
  fields.set(signerName, RRSIG_FIXED_LENGTH);
  const signature = key.sign?.(writeSigned(fields, first.owner, records)) ?? new Uint8Array(64);
  if (signing.isForged === true) signature.fill(0x11);
  const rdata = Buffer.concat([fields, signature]);
  return { owner: first.owner, type: TYPE.RRSIG, class: CLASS_IN, ttl: first.ttl, rdata };
};

/** Records with their signature behind them. */
export const signed = (records: readonly ResourceRecord[], signing: Signing): ResourceRecord[] => [
  ...records,
  signatureOf(records, signing),
];

/** Records of texts, as parseRecord() reads them. */
export const recordsOf = (...texts: readonly string[]): ResourceRecord[] =>
  texts.map((text) => parseRecord(text));

/** The records of an RRset that support/denial-zone.ts made: its signature is nobody's and stays behind. */
export const recordsIn = ({ owner, type, class: rrsetClass, ttlSec, rdatas }: Rrset): ResourceRecord[] =>
  rdatas.map((rdata) => ({ owner, type, class: rrsetClass, ttl: ttlSec, rdata }));

/** A record of any RDATA. */
export const rawRecord = (owner: string, type: number, rdata: Uint8Array, ttl = 300): ResourceRecord => ({
  owner: nameFrom(owner),
  type,
  class: CLASS_IN,
  ttl,
  rdata,
});
