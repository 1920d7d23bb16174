// The RRsets of a message with the signatures that cover them, in canonical form and order (RFC 4034 section 6).
//
// The validator sees a message through this file only: names folded and uncompressed, RDATA sorted, duplicates
// gone, a signature beside what it covers. A message that cannot be read to its end gives nothing. The cost is linear
// in what the message would be uncompressed, which its 65535 bytes bound. RFC 2181 sections 5 and 8, RFC 4034, 4035.
import {
  copyName,
  expandRdata,
  foldName,
  isInZone,
  NAME_LENGTH_MAX,
  nameEquals,
  questionEnd,
  RecordReader,
  readU16,
  readU32,
  SECTION,
  skipName,
  TYPE,
} from '../../wire/dns/dns.ts';
import { canonicalizeRdata, compareRdata } from './canonical.ts';

/** RRsets of one answer: an answer to ANY has some dozens, an alias chain twelve with three proofs each. */
const RRSETS_MAX = 256;
/** RRSIG records of one answer: two for each of its RRsets. Reading 1,300 of a byte each took 7 ms. */
const SIGNATURE_RECORDS_MAX = 2 * RRSETS_MAX;
/** Bytes of the shortest record: the root as owner, what all records have, and no RDATA. */
const RECORD_BYTES_MIN = 11;
/** Signatures kept for one RRset: two algorithms with two keys each, in the middle of a rollover, make eight. */
const SIGNATURES_MAX = 8;
/** The two bytes of a compression pointer are this and more. */
const POINTER = 0xc000;
/** RRsets up to which looking through them takes less than a table: what an ordinary answer has. */
const SCANNED_MAX = 4;
/** A TTL with the highest bit set counts as zero (RFC 2181 section 8). */
const TTL_SEC_MAX = 0x7fffffff;
/** Type covered, algorithm, labels, original TTL, expiration, inception and key tag (RFC 4034 section 3.1). */
const SIGNATURE_FIXED_LENGTH = 18;

/** The signature of an RRset: the RDATA of an RRSIG (RFC 4034 section 3.1). */
export interface Signature {
  readonly typeCovered: number;
  readonly algorithm: number;
  /** Labels of the owner that was signed, without the root and a leading `*`. */
  readonly labels: number;
  readonly originalTtlSec: number;
  /** Seconds since 1970 in 32 bits, to be compared by RFC 1982. */
  readonly expiration: number;
  readonly inception: number;
  readonly keyTag: number;
  /** The zone that signed: folded wire name. */
  readonly signer: Uint8Array;
  readonly signature: Uint8Array;
  /** The whole RDATA in canonical form. */
  readonly rdata: Uint8Array;
}

/** Records of one owner, type, class and section. */
export interface Rrset {
  /** Folded wire name. */
  readonly owner: Uint8Array;
  readonly type: number;
  readonly class: number;
  /** SECTION of the dns room. */
  readonly section: number;
  /** Seconds: the smallest TTL of the records and of the signatures over them (RFC 2181 section 5.2, RFC 4035 section 5.3.3). */
  readonly ttlSec: number;
  /** In canonical form and order, each once (RFC 4034 sections 6.2 and 6.3). */
  readonly rdatas: readonly Uint8Array[];
  /** RRSIGs that cover it, of the same section, in the order of the message. */
  readonly signatures: readonly Signature[];
}

/** An RRset while the message is read. */
interface Draft {
  readonly owner: Uint8Array;
  readonly type: number;
  readonly class: number;
  readonly section: number;
  ttlSec: number;
  readonly rdatas: Uint8Array[];
  readonly signatures: Signature[];
}

/**
 * The RRsets of ANSWER and AUTHORITY in the order in which they begin; undefined when the message is malformed or
 * holds more than a validator would look at.
 *
 * A signature over records that its section does not hold stands in an RRset of type RRSIG with no signature of its
 * own, after the others: an answer that consists of signatures only is not an empty one.
 */
export const readRrsets = (message: Uint8Array): Rrset[] | undefined => {
  const start = questionEnd(message, message.length);
  if (start < 0) return undefined;
  if (hasTooManySignatures(message, start)) return undefined;
  const drafts = new Drafts();
  const signatures: Draft[] = [];
  let pointer = 0;
  let owner: Uint8Array | undefined;
  reader.reset(message, message.length, start);
  while (reader.next()) {
    if (reader.section === SECTION.ADDITIONAL || reader.type === TYPE.OPT) continue;
    // Thousands of records may point at one name of 255 bytes, one after the other: it is read once.
    const ownPointer = readU16(message, reader.ownerOffset);
    if (ownPointer !== pointer || pointer < POINTER) owner = readOwner(reader);
    pointer = ownPointer;
    const record = owner === undefined ? undefined : readRecord(reader, owner);
    if (record === undefined) return undefined;
    if (record.type === TYPE.RRSIG) signatures.push(record);
    else addRecord(drafts, record);
    if (drafts.list.length > RRSETS_MAX) return undefined;
  }
  if (reader.fault) return undefined;
  for (const record of signatures) addSignature(drafts, record);
  return drafts.list.length > RRSETS_MAX ? undefined : drafts.list.map(seal);
};

const reader = new RecordReader();

/** Counted before any is read: what is made of the first 512 would be for nothing. Of short messages there is no need. */
const hasTooManySignatures = (message: Uint8Array, start: number): boolean => {
  if (message.length < SIGNATURE_RECORDS_MAX * RECORD_BYTES_MIN) return false;
  reader.reset(message, message.length, start);
  let count = 0;
  while (reader.next()) {
    if (reader.type === TYPE.RRSIG && reader.section !== SECTION.ADDITIONAL) count++;
  }
  return count > SIGNATURE_RECORDS_MAX;
};

/** The RRsets of a message while it is read, in the order in which they begin. */
class Drafts {
  readonly list: Draft[] = [];
  #byKey: Map<string, Draft> | undefined;
  /** What was found last: records of an RRset follow one another. */
  #last: Draft | undefined;

  /** The RRset of a type with the record's owner, class and section. */
  find(record: Draft, type: number): Draft | undefined {
    const last = this.#last;
    const isLast =
      last?.owner === record.owner &&
      last.type === type &&
      last.section === record.section &&
      last.class === record.class;
    if (!isLast) this.#last = this.#lookFor(record, type);
    return this.#last;
  }

  #lookFor(record: Draft, type: number): Draft | undefined {
    if (this.#byKey !== undefined) return this.#byKey.get(keyOf(record, type));
    for (const draft of this.list) {
      if (draft.type !== type || draft.section !== record.section || draft.class !== record.class) continue;
      if (isSameName(draft.owner, record.owner)) return draft;
    }
    return undefined;
  }

  add(record: Draft): void {
    this.list.push(record);
    if (this.list.length <= SCANNED_MAX) return;
    this.#byKey ??= new Map(this.list.map((draft) => [keyOf(draft, draft.type), draft]));
    this.#byKey.set(keyOf(record, record.type), record);
  }
}

/** The signature that the RDATA of an RRSIG stands for, which is in canonical form and kept; undefined when malformed. */
export const parseSignature = (canonical: Uint8Array): Signature | undefined => {
  if (canonical.length < SIGNATURE_FIXED_LENGTH) return undefined;
  const end = skipName(canonical, SIGNATURE_FIXED_LENGTH, canonical.length);
  const signer = end < 0 ? undefined : copyName(canonical, SIGNATURE_FIXED_LENGTH, end);
  if (signer?.length !== end - SIGNATURE_FIXED_LENGTH || end === canonical.length) return undefined;
  return {
    typeCovered: readU16(canonical, 0),
    algorithm: canonical[2] ?? 0,
    labels: canonical[3] ?? 0,
    originalTtlSec: readU32(canonical, 4),
    expiration: readU32(canonical, 8),
    inception: readU32(canonical, 12),
    keyTag: readU16(canonical, 16),
    signer,
    signature: canonical.subarray(end),
    rdata: canonical,
  };
};

/**
 * True when a CNAME is exactly what a DNAME makes of its owner: such a CNAME has no signature of its own and is as
 * good as the DNAME (RFC 6672 sections 2.2 and 5.3.1).
 */
export const synthesizedFrom = (cname: Rrset, dname: Rrset): boolean => {
  if (cname.type !== TYPE.CNAME || dname.type !== TYPE.DNAME || cname.class !== dname.class) return false;
  if (cname.rdatas.length !== 1 || dname.rdatas.length !== 1) return false;
  if (cname.owner.length <= dname.owner.length || !isInZone(cname.owner, dname.owner)) return false;
  const [target] = cname.rdatas;
  const [newEnd] = dname.rdatas;
  if (target === undefined || newEnd === undefined) return false;
  const prefix = cname.owner.subarray(0, cname.owner.length - dname.owner.length);
  return (
    prefix.length + newEnd.length <= NAME_LENGTH_MAX &&
    compareRdata(target, Buffer.concat([prefix, newEnd])) === 0
  );
};

const readOwner = ({ bytes, end, ownerOffset }: RecordReader): Uint8Array | undefined => {
  const owner = copyName(bytes, ownerOffset, end);
  if (owner !== undefined) foldName(owner, 0, owner.length);
  return owner;
};

const readRecord = (reader: RecordReader, owner: Uint8Array): Draft | undefined => {
  const { bytes, end, type, rdataOffset, rdataLength } = reader;
  const rdata = expandRdata(bytes, rdataOffset, rdataLength, type, end);
  if (rdata === undefined) return undefined;
  canonicalizeRdata(type, rdata);
  return {
    owner,
    type,
    class: reader.class,
    section: reader.section,
    ttlSec: reader.ttl > TTL_SEC_MAX ? 0 : reader.ttl,
    rdatas: [rdata],
    signatures: [],
  };
};

/** The key of an RRset of the record's owner, class and section. */
const keyOf = (record: Draft, type: number): string =>
  `${record.section} ${record.class} ${type} ${Buffer.from(record.owner).toString('latin1')}`;

const NO_RDATA = new Uint8Array(0);

const isSameName = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && nameEquals(a, 0, b, 0, a.length);

const addRecord = (drafts: Drafts, record: Draft): void => {
  const draft = drafts.find(record, record.type);
  if (draft === undefined) {
    drafts.add(record);
    return;
  }
  draft.rdatas.push(...record.rdatas);
  draft.ttlSec = Math.min(draft.ttlSec, record.ttlSec);
};

/** Gives an RRSIG to the RRset that it covers, or lets it stand as a record of its own. */
const addSignature = (drafts: Drafts, record: Draft): void => {
  const signature = parseSignature(record.rdatas[0] ?? NO_RDATA);
  const covered =
    // Signatures are not signed (RFC 4035 section 2.2).
    signature === undefined || signature.typeCovered === TYPE.RRSIG
      ? undefined
      : drafts.find(record, signature.typeCovered);
  if (signature === undefined || covered === undefined) {
    addRecord(drafts, record);
    return;
  }
  covered.ttlSec = Math.min(covered.ttlSec, record.ttlSec);
  const isKnown = covered.signatures.some((known) => compareRdata(known.rdata, signature.rdata) === 0);
  if (!isKnown && covered.signatures.length < SIGNATURES_MAX) covered.signatures.push(signature);
};

const seal = (draft: Draft): Rrset => {
  if (draft.rdatas.length === 1) return draft;
  const sorted = draft.rdatas.sort(compareRdata);
  const rdatas = sorted.filter((rdata, index) => {
    const before = sorted[index - 1];
    return before === undefined || compareRdata(before, rdata) !== 0;
  });
  return { ...draft, rdatas };
};
