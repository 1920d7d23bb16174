// Trust anchors: where chains of trust begin (RFC 4033 section 2), read from DS and DNSKEY records.
//
// An operator writes them, so a fault throws and names file and line. An anchor that nobody could validate with is a
// fault, too: a zone that is believed to be protected and is not must not go unnoticed.
import { AppError, errorText } from '../../base/base.ts';
import {
  CLASS,
  foldedName,
  formatName,
  formatType,
  parseRecord,
  type ResourceRecord,
  TYPE,
} from '../../wire/dns/dns.ts';
import { type DelegationSigner, DIGEST, isDigestSupported, parseDs } from './digest.ts';
import { type DnsKey, importKey, isAlgorithmSupported, isKeySupported, parseDnsKey } from './key.ts';

/** Records of one file: far more than the keys of a few private zones in the middle of their rollovers. */
const RECORDS_MAX = 1000;
/** The TTL of a record does not matter; files leave it out. */
const TTL_SEC_DEFAULT = 0;
const COMMENT = ';';

/** The codes of errors of this room. */
export type DnssecErrorCode = 'ERR_DNSSEC_ANCHOR' | 'ERR_DNSSEC_ANCHOR_STATE';

/** The keys of one zone that are trusted without a look at its parent. */
export interface TrustAnchor {
  /** Folded wire name. */
  readonly zone: Uint8Array;
  readonly ds: readonly DelegationSigner[];
  readonly keys: readonly DnsKey[];
}

/**
 * Reads a file of trust anchors: DS and DNSKEY records in presentation format, one a line, TTL and class may be left
 * out. `path` names it in errors.
 *
 * Throws ERR_DNSSEC_ANCHOR with the line of the first record that cannot be one, or when there is none at all.
 */
export const parseTrustAnchors = (text: string, path: string, allowSha1 = false): TrustAnchor[] => {
  const drafts = new Map<string, { zone: Uint8Array; ds: DelegationSigner[]; keys: DnsKey[] }>();
  let records = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith(COMMENT)) continue;
    const fail = (problem: string): AppError<DnssecErrorCode> => anchorError(`${path}:${index + 1}`, problem);
    records++;
    if (records > RECORDS_MAX) throw fail(`more than ${RECORDS_MAX} records`);
    const record = readRecord(trimmed, fail);
    const zone = foldedName(record.owner);
    const key = formatName(zone);
    const draft = drafts.get(key) ?? { zone, ds: [], keys: [] };
    drafts.set(key, draft);
    if (record.type === TYPE.DS) draft.ds.push(readDs(record, allowSha1, fail));
    else draft.keys.push(readKey(record, allowSha1, fail));
  }
  if (drafts.size === 0) throw anchorError(path, 'the file holds no DS or DNSKEY record');
  return [...drafts.values()];
};

type Fail = (problem: string) => AppError<DnssecErrorCode>;

const anchorError = (place: string, problem: string): AppError<DnssecErrorCode> =>
  new AppError('ERR_DNSSEC_ANCHOR', `read trust anchors, ${place}: ${problem}`, {
    hint: 'each line is a DS or DNSKEY record, such as those of /usr/share/dns/root.ds',
  });

const readRecord = (line: string, fail: Fail): ResourceRecord => {
  let record: ResourceRecord;
  try {
    record = parseRecord(line, TTL_SEC_DEFAULT);
  } catch (thrown) {
    throw fail(errorText(thrown));
  }
  if (record.class !== CLASS.IN) throw fail('the class is not IN');
  if (record.type === TYPE.DS || record.type === TYPE.DNSKEY) return record;
  throw fail(`${formatType(record.type)} is neither DS nor DNSKEY`);
};

/** Bytes of a digest of a type; undefined for one that is not supported. */
const digestBytes = (digestType: number): number | undefined => {
  if (!isDigestSupported(digestType)) return undefined;
  if (digestType === DIGEST.SHA1) return 20;
  return digestType === DIGEST.SHA384 ? 48 : 32;
};

const readDs = ({ rdata }: ResourceRecord, allowSha1: boolean, fail: Fail): DelegationSigner => {
  const ds = parseDs(rdata);
  if (ds === undefined) throw fail('the DS is too short');
  const bytes = digestBytes(ds.digestType);
  if (bytes === undefined) throw fail(`digest type ${ds.digestType} is not supported`);
  if (ds.digest.length !== bytes) throw fail(`the digest has ${ds.digest.length} bytes instead of ${bytes}`);
  if (!isAlgorithmSupported(ds.algorithm, allowSha1))
    throw fail(`algorithm ${ds.algorithm} is not supported`);
  return ds;
};

const readKey = ({ rdata }: ResourceRecord, allowSha1: boolean, fail: Fail): DnsKey => {
  const key = parseDnsKey(rdata);
  if (key === undefined) throw fail('the DNSKEY is too short');
  if (!key.isZoneKey) throw fail('the DNSKEY is no zone key');
  if (key.isRevoked) throw fail('the DNSKEY is revoked');
  if (!isKeySupported(key, allowSha1))
    throw fail(`algorithm ${key.algorithm} or its key size is not supported`);
  if (importKey(key) === 'malformed') throw fail('the public key is malformed');
  return key;
};
