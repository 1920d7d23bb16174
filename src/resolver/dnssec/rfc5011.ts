// Trust anchors that follow the keys of their zone (RFC 5011): a state for each key, and what a look moves.
//
// Pure: the keeper of the state asks for the keys when isCheckDue() says so, calls observeKeys() and advanceAnchors(),
// and stores what comes of it. A new key is trusted after it stood in the zone, signed by a trusted one, for thirty
// days; a revoked one never again. The configured anchors are where it begins: a key that they name is trusted at once.
//
//   (start) ── seen, signed ──► add-pend ── 30 days, still seen ──► valid ◄── seen ──┐
//      ▲                           │                                 │  ── not seen ─► missing
//      └───────── not seen ────────┘                                 └──── revoked ◄───┘ ── 30 days ──► removed
import { DAY_MS, HOUR_MS } from '../../base/base.ts';
import { writeU16 } from '../../wire/dns/dns.ts';
import { ANCHOR_KEYS_MAX, type AnchorKey, type AnchorKeyState, type AnchorState } from './anchor-state.ts';
import type { TrustAnchor } from './anchors.ts';
import { type DelegationSigner, matchesDs } from './digest.ts';
import { type DnsKey, isKeySupported, parseDnsKey } from './key.ts';
import { isSameName } from './nsec.ts';
import type { Rrset } from './rrset.ts';
import { verifyKeys, verifyRrset } from './verification.ts';
import { Work } from './work.ts';

/** RFC 5011 sections 2.4.1 and 2.4.2. */
const ADD_HOLD_DOWN_MS = 30 * DAY_MS;
const REMOVE_HOLD_DOWN_MS = 30 * DAY_MS;
/** The TTL makes a hold-down longer; no zone waits a year with its next key, and a TTL may be 136. */
const ADD_HOLD_DOWN_MS_MAX = 365 * DAY_MS;
/** RFC 5011 section 2.3. */
const QUERY_DELAY_MS_MAX = 15 * DAY_MS;
const RETRY_DELAY_MS_MAX = DAY_MS;
const DELAY_MS_MIN = HOUR_MS;
/** The bit of the flags that revokes a key (RFC 5011 section 3). */
const REVOKE_BIT = 0x0080;
const FLAGS_OFFSET = 0;

/** What happened to a key. */
export interface AnchorEvent {
  readonly kind: /** A new key stands in the zone and is not trusted yet. */
    | 'pending'
    /** A key is trusted from here on. */
    | 'trusted'
    /** A key is gone before it was trusted. */
    | 'vanished'
    | 'missing'
    | 'returned'
    | 'revoked'
    | 'removed'
    /** A new key is left out: there are too many. */
    | 'ignored'
    /** That was the last trusted key: there is no anchor any more (RFC 5011 section 5). */
    | 'deserted';
  readonly keyTag: number;
  readonly algorithm: number;
}

/** One look at the DNSKEY RRset of the zone. */
export interface KeyObservation {
  /** A trusted key signed it. Otherwise only the revocations count. */
  readonly isVerified: boolean;
  /** Secure entry points that are not revoked. */
  readonly keys: readonly DnsKey[];
  /** Keys that revoke themselves by bit and signature, without the bit. */
  readonly revoked: readonly DnsKey[];
  readonly originalTtlSec: number;
  /** Seconds until the signature ends. */
  readonly expirationIntervalSec: number;
}

/**
 * The anchor to validate with: keys that are valid or missing, and what is configured and was never seen in the zone.
 * Undefined when nothing is left.
 */
export const trustedAnchor = (state: AnchorState, configured: TrustAnchor): TrustAnchor | undefined => {
  const known = state.keys.map(({ key }) => key);
  const ds = configured.ds.filter((entry) => !known.some((key) => matchesDs(entry, state.zone, key)));
  const keys = configured.keys.filter((entry) => !known.some((key) => isSameKey(key, entry)));
  const trusted = state.keys.filter(isTrusted).map(({ key }) => key);
  const isEmpty = ds.length + keys.length + trusted.length === 0;
  return isEmpty ? undefined : { zone: state.zone, ds, keys: [...trusted, ...keys] };
};

/**
 * True when two anchors trust the same keys, each by a DS or by the key itself: to have seen the key that a DS names changes
 * nothing for those who validate.
 */
export const isSameTrust = (a: readonly TrustAnchor[], b: readonly TrustAnchor[]): boolean =>
  a.length === b.length &&
  a.every((anchor, index) => {
    const other = b[index];
    return (
      other !== undefined &&
      isSameName(anchor.zone, other.zone) &&
      trustsAllOf(anchor, other) &&
      trustsAllOf(other, anchor)
    );
  });

const trustsAllOf = (anchor: TrustAnchor, other: TrustAnchor): boolean =>
  other.keys.every((key) => isConfigured(anchor, key)) &&
  other.ds.every(
    (ds) =>
      anchor.ds.some((own) => isSameDs(own, ds)) ||
      anchor.keys.some((key) => matchesDs(ds, anchor.zone, key)),
  );

const isSameDs = (a: DelegationSigner, b: DelegationSigner): boolean =>
  a.keyTag === b.keyTag &&
  a.algorithm === b.algorithm &&
  a.digestType === b.digestType &&
  Buffer.compare(a.digest, b.digest) === 0;

/** Verifies a DNSKEY RRset by the anchor now trusted (RFC 5011 sections 2.1 and 2.2); `allowSha1` as for answers. */
export const observeKeys = (
  rrset: Rrset,
  anchor: TrustAnchor,
  nowSec: number,
  allowSha1: boolean,
): KeyObservation => {
  const examination = { nowSec, work: new Work(), allowSha1 };
  const all = rrset.rdatas.slice(0, ANCHOR_KEYS_MAX).flatMap((rdata) => parseDnsKey(rdata) ?? []);
  const verified = verifyKeys(rrset, anchor, examination);
  const isVerified = verified.kind === 'secure';
  const signature = verified.kind === 'secure' ? verified.signature : undefined;
  const entries = all.filter((key) => key.isZoneKey && key.isSecureEntryPoint);
  const isSelfSigned = (key: DnsKey): boolean =>
    verifyRrset(rrset, anchor.zone, [key], examination).kind === 'good';
  return {
    isVerified,
    keys: isVerified ? entries.filter((key) => !key.isRevoked && isKeySupported(key, allowSha1)) : [],
    revoked: entries.filter((key) => key.isRevoked && isSelfSigned(key)).flatMap(withoutRevokeBit),
    originalTtlSec: signature?.originalTtlSec ?? 0,
    expirationIntervalSec: signature === undefined ? 0 : Math.max(0, (signature.expiration - nowSec) | 0),
  };
};

/** What follows from a look at `nowMs`. `configured` is the anchor of the configuration. */
export const advanceAnchors = (
  state: AnchorState,
  configured: TrustAnchor,
  seen: KeyObservation,
  nowMs: number,
): { readonly state: AnchorState; readonly events: readonly AnchorEvent[] } => {
  const events: AnchorEvent[] = [];
  const note = (kind: AnchorEvent['kind'], { keyTag, algorithm }: DnsKey): void => {
    events.push({ kind, keyTag, algorithm });
  };
  const keys: AnchorKey[] = [];
  for (const known of state.keys) {
    const { next, event } = advanceKey(known, configured, seen, nowMs);
    if (next !== undefined) keys.push(next);
    if (event !== undefined) note(event, known.key);
  }
  const isNew = (key: DnsKey): boolean => !state.keys.some((known) => isSameKey(known.key, key));
  const hasRoomFor = (key: DnsKey): boolean => {
    if (keys.length < ANCHOR_KEYS_MAX) return true;
    note('ignored', key);
    return false;
  };
  // Before new keys, which could leave no room: the configuration alone would go on trusting what its owner took back.
  for (const key of seen.revoked) {
    if (!isNew(key) || !isConfigured(configured, key) || !hasRoomFor(key)) continue;
    keys.push(enter(key, 'revoked', nowMs, REMOVE_HOLD_DOWN_MS));
    note('revoked', key);
  }
  for (const key of seen.keys) {
    if (!isNew(key) || !hasRoomFor(key)) continue;
    const isKnown = isConfigured(configured, key);
    const ttlMs = Math.min(1000 * seen.originalTtlSec, ADD_HOLD_DOWN_MS_MAX);
    const holdMs = Math.max(ADD_HOLD_DOWN_MS, ttlMs);
    keys.push(isKnown ? enter(key, 'valid', nowMs) : enter(key, 'add-pend', nowMs, holdMs));
    note(isKnown ? 'trusted' : 'pending', key);
  }
  const wasTrusted = trustedAnchor(state, configured) !== undefined;
  const [last] = keys;
  const moved = schedule({ ...state, keys }, seen, nowMs);
  if (wasTrusted && trustedAnchor(moved, configured) === undefined && last !== undefined)
    note('deserted', last.key);
  return { state: moved, events };
};

/** True when to look again: also when the next look is later than it can be, because the clock was ahead when it was set. */
export const isCheckDue = ({ nextCheckAtMs }: AnchorState, nowMs: number): boolean =>
  nowMs >= nextCheckAtMs || nextCheckAtMs - nowMs > QUERY_DELAY_MS_MAX;

/** The state after a look that brought no answer (RFC 5011 section 2.3). */
export const postponeCheck = (state: AnchorState, nowMs: number): AnchorState => ({
  ...state,
  nextCheckAtMs: nowMs + delayMs(state, 0.1, RETRY_DELAY_MS_MAX),
});

const schedule = (state: AnchorState, seen: KeyObservation, nowMs: number): AnchorState => {
  if (!seen.isVerified) return postponeCheck(state, nowMs);
  const { originalTtlSec, expirationIntervalSec } = seen;
  const checked = { ...state, checkedAtMs: nowMs, originalTtlSec, expirationIntervalSec };
  return { ...checked, nextCheckAtMs: nowMs + delayMs(checked, 0.5, QUERY_DELAY_MS_MAX) };
};

const delayMs = (state: AnchorState, share: number, maxMs: number): number => {
  const { originalTtlSec, expirationIntervalSec } = state;
  return Math.max(
    DELAY_MS_MIN,
    Math.min(maxMs, share * 1000 * Math.min(originalTtlSec, expirationIntervalSec)),
  );
};

interface Advance {
  /** Undefined: back to start. */
  readonly next?: AnchorKey;
  readonly event?: AnchorEvent['kind'];
}

/** One row of the table of RFC 5011 section 4.2. */
const advanceKey = (
  known: AnchorKey,
  configured: TrustAnchor,
  seen: KeyObservation,
  nowMs: number,
): Advance => {
  const { key, state } = known;
  const isRevoked = seen.revoked.some((revoked) => isSameKey(revoked, key));
  const isSeen = seen.keys.some((other) => isSameKey(other, key));
  switch (state) {
    case 'add-pend':
      // One that was configured since is trusted by the configuration as long as nothing says otherwise.
      if (isRevoked && isConfigured(configured, key)) return revoke(key, nowMs);
      if (isRevoked) return { event: 'vanished' };
      if (!seen.isVerified) return { next: known };
      if (!isSeen) return { event: 'vanished' };
      // One that is stored may be from before there was a bound.
      return nowMs >= Math.min(known.holdUntilMs, known.sinceMs + ADD_HOLD_DOWN_MS_MAX) ||
        isConfigured(configured, key)
        ? { next: enter(key, 'valid', nowMs), event: 'trusted' }
        : { next: known };
    case 'valid':
    case 'missing':
      if (isRevoked) return revoke(key, nowMs);
      if (!seen.isVerified || isSeen === (state === 'valid')) return { next: known };
      return isSeen
        ? { next: enter(key, 'valid', nowMs), event: 'returned' }
        : { next: enter(key, 'missing', nowMs), event: 'missing' };
    case 'revoked':
      return nowMs >= known.holdUntilMs
        ? { next: enter(key, 'removed', nowMs), event: 'removed' }
        : { next: known };
    case 'removed':
      return { next: known };
  }
};

const revoke = (key: DnsKey, nowMs: number): Advance => ({
  next: enter(key, 'revoked', nowMs, REMOVE_HOLD_DOWN_MS),
  event: 'revoked',
});

const enter = (key: DnsKey, state: AnchorKeyState, nowMs: number, holdMs = 0): AnchorKey => ({
  key,
  state,
  sinceMs: nowMs,
  holdUntilMs: holdMs === 0 ? 0 : nowMs + holdMs,
});

/** A key that is missing stays trusted: only its owner can take that back (RFC 5011 section 4.2). */
const isTrusted = ({ state }: AnchorKey): boolean => state === 'valid' || state === 'missing';

const isSameKey = (a: DnsKey, b: DnsKey): boolean => Buffer.compare(a.rdata, b.rdata) === 0;

const isConfigured = (configured: TrustAnchor, key: DnsKey): boolean =>
  configured.ds.some((ds) => matchesDs(ds, configured.zone, key)) ||
  configured.keys.some((entry) => isSameKey(entry, key));

/** The key as it was before it was revoked, with the key tag that it had. */
const withoutRevokeBit = (key: DnsKey): readonly DnsKey[] => {
  const rdata = key.rdata.slice();
  writeU16(rdata, FLAGS_OFFSET, key.flags & ~REVOKE_BIT);
  const restored = parseDnsKey(rdata);
  return restored === undefined ? [] : [restored];
};
