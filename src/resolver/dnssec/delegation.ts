// What answers say of a zone: its keys, and whether a name below it is a zone cut (RFC 4035 section 5.2).
//
// What is not proven to be insecure is not insecure: a delegation without DS counts only with a proof that there is none.
import {
  CLASS,
  countLabels,
  EDE,
  messageRcode,
  RCODE,
  type ResolveFailure,
  SECTION,
  TYPE,
} from '../../wire/dns/dns.ts';
import { proveNoDs } from './denial.ts';
import { type DelegationSigner, readDsSet, UnsupportedDs } from './digest.ts';
import type { DnsKey } from './key.ts';
import { isSameName } from './nsec.ts';
import { type Rrset, readRrsets, synthesizedFrom } from './rrset.ts';
import {
  createFlaw,
  EXCEEDED,
  type Examination,
  type Exceeded,
  type Flaw,
  type KeyTrust,
  VerifiedDenial,
  verifyKeys,
  verifyRrset,
} from './verification.ts';

/** A zone whose keys are known. */
export interface SecureZone {
  readonly kind: 'secure';
  /** The apex, a folded wire name. */
  readonly zone: Uint8Array;
  readonly keys: readonly DnsKey[];
}

/** What is known about the zone of a name. */
export type ZoneState =
  | SecureZone
  /** A delegation without DS, unknown algorithms only, or nobody's anchor; `reason` when that should be told. */
  | { readonly kind: 'insecure'; readonly reason: Flaw | undefined }
  | {
      readonly kind: 'bogus';
      readonly flaw: Flaw;
      /** There is a zone by this name, and its keys are bogus: nothing below is anything else. */
      readonly isZone?: boolean;
    }
  | ResolveFailure
  | Exceeded;

/** A name within its parent's zone; below one that does not exist there is no further zone cut. */
type NoCut = { readonly kind: 'no-cut' } | { readonly kind: 'no-name' };

/** What is known of a name. */
export type Step = ZoneState | NoCut;

/** A step with the seconds that its records allow. */
export type Judged = Step & { readonly ttlSec?: number };

/** What is known of a name below a secure zone before its keys are looked up. */
export type Delegation =
  | { readonly kind: 'delegated'; readonly ds: readonly DelegationSigner[]; readonly ttlSec: number }
  | Judged;

const SERVFAIL: ResolveFailure = { kind: 'failure', reason: 'servfail' };

/** What the answer to a question for the keys of a zone says, by what its parent or an anchor says of them. */
export const judgeKeys = (
  message: Uint8Array,
  trust: KeyTrust,
  ttlMaxSec: number,
  examination: Examination,
): Judged => {
  const { zone } = trust;
  if (!isJudgeable(message)) return SERVFAIL;
  const rrset = findAnswer(readRrsets(message) ?? [], zone, TYPE.DNSKEY);
  if (rrset === undefined) return bogus(EDE.DNSKEY_MISSING, zone, TYPE.DNSKEY, 'no keys');
  const keySet = verifyKeys(rrset, trust, examination);
  if (keySet.kind !== 'secure') return keySet;
  return { kind: 'secure', zone, keys: keySet.keys, ttlSec: Math.min(keySet.ttlSec, ttlMaxSec) };
};

/** What the answer to a DS question for `name` says about a zone cut there, by the keys of its parent. */
export const judgeDelegation = (
  message: Uint8Array,
  name: Uint8Array,
  parent: SecureZone,
  examination: Examination,
): Delegation => {
  if (!isJudgeable(message)) return SERVFAIL;
  const rrsets = readRrsets(message);
  if (rrsets === undefined) return bogus(EDE.DNSSEC_BOGUS, name, TYPE.DS, 'malformed answer');
  const ds = findAnswer(rrsets, name, TYPE.DS);
  if (ds !== undefined) return judgeDs(ds, parent, examination);
  const alias = findAlias(rrsets, name);
  return alias === undefined
    ? judgeNoDs(rrsets, name, parent, examination)
    : judgeAlias(alias, parent, examination);
};

const judgeDs = (rrset: Rrset, parent: SecureZone, examination: Examination): Delegation => {
  const verified = verifyRrset(rrset, parent.zone, parent.keys, examination);
  if (verified.kind === 'exceeded') return verified;
  if (verified.kind === 'flawed') return { kind: 'bogus', flaw: verified.flaw };
  // A delegation is nothing that a wildcard could stand for (RFC 4592 section 4.6).
  if (verified.signature.labels < countLabels(rrset.owner))
    return bogus(EDE.DNSSEC_BOGUS, rrset.owner, TYPE.DS, 'expanded from a wildcard');
  const set = readDsSet(rrset.rdatas, examination.allowSha1);
  return set instanceof UnsupportedDs
    ? { kind: 'insecure', reason: unsupportedReason(set, rrset.owner), ttlSec: verified.ttlSec }
    : { kind: 'delegated', ds: set, ttlSec: verified.ttlSec };
};

const unsupportedReason = (set: UnsupportedDs, owner: Uint8Array): Flaw =>
  set.lacking === 'digest'
    ? createFlaw(EDE.UNSUPPORTED_DS_DIGEST, owner, TYPE.DS, 'no supported digest')
    : createFlaw(EDE.UNSUPPORTED_DNSKEY_ALGORITHM, owner, TYPE.DS, 'no supported algorithm');

/** A name that is an alias, or lies below one that renames all below it, is no zone cut (RFC 6672 section 2.4). */
const judgeAlias = (rrset: Rrset, parent: SecureZone, examination: Examination): Delegation => {
  const verified = verifyRrset(rrset, parent.zone, parent.keys, examination);
  if (verified.kind === 'exceeded') return verified;
  return verified.kind === 'flawed'
    ? { kind: 'bogus', flaw: verified.flaw }
    : { kind: 'no-cut', ttlSec: verified.ttlSec };
};

const judgeNoDs = (
  rrsets: readonly Rrset[],
  name: Uint8Array,
  parent: SecureZone,
  examination: Examination,
): Delegation => {
  const denial = new VerifiedDenial(rrsets, parent.zone, parent.keys, examination);
  const proof = proveNoDs(denial, name, examination.work);
  const { ttlSec } = denial;
  switch (proof) {
    case 'insecure':
      return { kind: 'insecure', reason: undefined, ttlSec };
    case 'no-delegation':
      return { kind: 'no-cut', ttlSec };
    case 'no-name':
      return { kind: 'no-name', ttlSec };
    case 'unsupported': {
      const problem = 'too many NSEC3 iterations';
      return {
        kind: 'insecure',
        reason: createFlaw(EDE.UNSUPPORTED_NSEC3_ITERATIONS, name, TYPE.DS, problem),
        ttlSec,
      };
    }
    case 'exceeded':
      return EXCEEDED;
    case 'unproven':
      return denial.flaw === undefined
        ? bogus(EDE.NSEC_MISSING, name, TYPE.DS, 'no proof that there is none')
        : { kind: 'bogus', flaw: denial.flaw };
  }
};

const bogus = (
  code: number,
  name: Uint8Array,
  type: number,
  problem: string,
): Judged & { kind: 'bogus' } => ({
  kind: 'bogus',
  flaw: createFlaw(code, name, type, problem),
});

const isJudgeable = (message: Uint8Array): boolean => {
  const rcode = messageRcode(message);
  return rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN;
};

const findAnswer = (rrsets: readonly Rrset[], owner: Uint8Array, type: number): Rrset | undefined =>
  rrsets.find(
    (rrset) =>
      rrset.section === SECTION.ANSWER &&
      rrset.type === type &&
      rrset.class === CLASS.IN &&
      isSameName(rrset.owner, owner),
  );

/** The signed RRset that makes a name an alias: its CNAME, or the DNAME that the CNAME follows from. */
const findAlias = (rrsets: readonly Rrset[], name: Uint8Array): Rrset | undefined => {
  const cname = findAnswer(rrsets, name, TYPE.CNAME);
  if (cname === undefined || cname.signatures.length > 0) return cname;
  return rrsets.find((rrset) => rrset.section === SECTION.ANSWER && synthesizedFrom(cname, rrset)) ?? cname;
};
