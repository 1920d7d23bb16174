// What upstreams give of the keys at the trust anchors: whether validation can work at all through them.
//
// An upstream that is old, or a firewall before it, drops DNSSEC records; every answer would be bogus then. Asked once
// before validation begins, so that an operator hears the reason instead of its consequences.
import type { Clock } from '../../base/base.ts';
import { CLASS, messageRcode, RCODE, SECTION, TYPE } from '../../wire/dns/dns.ts';
import type { TrustAnchor } from './anchors.ts';
import { type Lookup, lookUp } from './lookup.ts';
import { isSameName } from './nsec.ts';
import { type KeyObservation, observeKeys } from './rfc5011.ts';
import { type Rrset, readRrsets } from './rrset.ts';
import { verifyKeys } from './verification.ts';
import { Work } from './work.ts';

/** The default view. */
const VIEW = 0;

/**
 * What came of the keys of an anchor. `unsigned`: no keys, or keys without signatures. `bogus`: not by a key that the
 * anchor names. `unreachable`: no answer.
 */
export type PrimeOutcome = 'secure' | 'unsigned' | 'bogus' | 'unreachable';

/** The worse the later: one zone whose keys are bogus is not made up for by others. */
const FROM_BEST: readonly PrimeOutcome[] = ['secure', 'unreachable', 'unsigned', 'bogus'];

/** By what keys are judged; `allowSha1` as for answers, which anchors of SHA-1 are given for. */
interface PrimeTerms {
  readonly clock: Clock;
  readonly allowSha1: boolean;
}

/** Asks once for the keys of each anchor's zone; returns the worst of what came. */
export const primeAnchors = async (
  lookup: Lookup,
  anchors: readonly TrustAnchor[],
  terms: PrimeTerms,
): Promise<PrimeOutcome> => {
  const outcomes = await Promise.all(anchors.map((anchor) => prime(lookup, anchor, terms)));
  return outcomes.reduce<PrimeOutcome>(
    (worst, outcome) => (FROM_BEST.indexOf(outcome) > FROM_BEST.indexOf(worst) ? outcome : worst),
    'secure',
  );
};

/**
 * Looks at the keys of an anchor's zone (RFC 5011): what advanceAnchors() takes. Undefined when no keys came.
 */
export const lookAtKeys = async (
  lookup: Lookup,
  anchor: TrustAnchor,
  { clock, allowSha1 }: PrimeTerms,
): Promise<KeyObservation | undefined> => {
  const keys = await askForKeys(lookup, anchor);
  return typeof keys === 'string'
    ? undefined
    : observeKeys(keys, anchor, Math.floor(clock() / 1000), allowSha1);
};

const prime = async (
  lookup: Lookup,
  anchor: TrustAnchor,
  { clock, allowSha1 }: PrimeTerms,
): Promise<PrimeOutcome> => {
  const keys = await askForKeys(lookup, anchor);
  if (typeof keys === 'string') return keys;
  if (keys.signatures.length === 0) return 'unsigned';
  const examination = { nowSec: Math.floor(clock() / 1000), work: new Work(), allowSha1 };
  return verifyKeys(keys, anchor, examination).kind === 'secure' ? 'secure' : 'bogus';
};

const askForKeys = async (
  lookup: Lookup,
  { zone }: TrustAnchor,
): Promise<Rrset | 'unsigned' | 'unreachable'> => {
  const outcome = await lookUp(lookup, zone, TYPE.DNSKEY, VIEW);
  if (outcome.kind === 'failure') return 'unreachable';
  const rcode = messageRcode(outcome.message);
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return 'unreachable';
  const keys = readRrsets(outcome.message)?.find(
    (rrset) =>
      rrset.type === TYPE.DNSKEY &&
      rrset.class === CLASS.IN &&
      rrset.section === SECTION.ANSWER &&
      isSameName(rrset.owner, zone),
  );
  return keys ?? 'unsigned';
};
