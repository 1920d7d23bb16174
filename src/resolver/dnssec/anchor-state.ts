// What is known about the keys of a trust anchor (RFC 5011), and its text for a file that outlives the process.
//
// JSON with a version: people read it when something is wrong with the root. The text decides what is trusted, so that
// one which is not whole is refused, and never read in part.
import { AppError, errorText } from '../../base/base.ts';
import { foldName, formatName, formatRdata, parseName, parseRdata, TYPE } from '../../wire/dns/dns.ts';
import type { DnssecErrorCode } from './anchors.ts';
import { type DnsKey, parseDnsKey } from './key.ts';

/** Keys of one zone, those that are gone included: a rollover a year for a generation. */
export const ANCHOR_KEYS_MAX = 32;
/** Characters of a text: ANCHOR_KEYS_MAX keys of 4096 bits take 32,000. */
const TEXT_LENGTH_MAX = 262_144;
const FORMAT_VERSION = 1;

const STATES = ['add-pend', 'valid', 'missing', 'revoked', 'removed'] as const;

/** A state of RFC 5011 section 4.1; a key in `start` is not known and not kept. */
export type AnchorKeyState = (typeof STATES)[number];

/** A key of the anchor's zone. */
export interface AnchorKey {
  /** Without the revoke bit, also after it was revoked, so that its key tag stays the same here. */
  readonly key: DnsKey;
  readonly state: AnchorKeyState;
  /** When the state began, milliseconds since the epoch. */
  readonly sinceMs: number;
  /** When the hold-down of add-pend or revoked ends; 0 in other states. */
  readonly holdUntilMs: number;
}

/** What is known about the keys of one trust anchor. */
export interface AnchorState {
  /** Folded wire name. */
  readonly zone: Uint8Array;
  readonly keys: readonly AnchorKey[];
  /** The last look that was verified, milliseconds since the epoch; 0 before the first. */
  readonly checkedAtMs: number;
  /** When to look again. */
  readonly nextCheckAtMs: number;
  /** Of the last look that was verified: the intervals between looks follow from it. */
  readonly originalTtlSec: number;
  readonly expirationIntervalSec: number;
}

/** The state before the first look, which is due at once. */
export const createAnchorState = (zone: Uint8Array): AnchorState => ({
  zone,
  keys: [],
  checkedAtMs: 0,
  nextCheckAtMs: 0,
  originalTtlSec: 0,
  expirationIntervalSec: 0,
});

/** The text of a state, which parseAnchorState reads back. */
export const formatAnchorState = (state: AnchorState): string => {
  const { zone, checkedAtMs, nextCheckAtMs, originalTtlSec, expirationIntervalSec } = state;
  const keys = state.keys.map(({ key, state: keyState, sinceMs, holdUntilMs }) => ({
    keyTag: key.keyTag,
    state: keyState,
    since: formatTime(sinceMs),
    holdUntil: formatTime(holdUntilMs),
    dnskey: formatRdata(TYPE.DNSKEY, key.rdata),
  }));
  const text = {
    version: FORMAT_VERSION,
    zone: formatName(zone),
    checkedAt: formatTime(checkedAtMs),
    nextCheckAt: formatTime(nextCheckAtMs),
    originalTtlSec,
    expirationIntervalSec,
    keys,
  };
  return `${JSON.stringify(text, undefined, 2)}\n`;
};

/** Reads the text of a state; `path` names it in errors. Throws ERR_DNSSEC_ANCHOR_STATE when anything is wrong. */
export const parseAnchorState = (text: string, path: string): AnchorState => {
  try {
    return readState(text);
  } catch (thrown) {
    const options = { cause: thrown, hint: 'remove the file: keys are learned again from the anchors' };
    const code: DnssecErrorCode = 'ERR_DNSSEC_ANCHOR_STATE';
    throw new AppError(code, `read the state of a trust anchor, ${path}: ${errorText(thrown)}`, options);
  }
};

/** Throws a TypeError or SyntaxError that says what is wrong. */
const readState = (text: string): AnchorState => {
  if (text.length > TEXT_LENGTH_MAX) throw new TypeError('the text is too long');
  const fields = readObject(JSON.parse(text), 'the text');
  if (fields['version'] !== FORMAT_VERSION) throw new TypeError('the version is not known');
  const zone = parseName(readString(fields, 'zone'));
  if (typeof zone === 'string') throw new TypeError(`zone is not a name (${zone})`);
  foldName(zone, 0, zone.length);
  const { keys } = fields;
  if (!Array.isArray(keys) || keys.length > ANCHOR_KEYS_MAX) throw new TypeError('keys is not a short list');
  return {
    zone,
    keys: keys.map(readKey),
    checkedAtMs: readTime(fields, 'checkedAt'),
    nextCheckAtMs: readTime(fields, 'nextCheckAt'),
    originalTtlSec: readSeconds(fields, 'originalTtlSec'),
    expirationIntervalSec: readSeconds(fields, 'expirationIntervalSec'),
  };
};

const readKey = (value: unknown): AnchorKey => {
  const fields = readObject(value, 'a key');
  const key = parseDnsKey(parseRdata(TYPE.DNSKEY, readString(fields, 'dnskey')));
  if (key === undefined || !key.isZoneKey || key.isRevoked) throw new TypeError('a key is no zone key');
  if (fields['keyTag'] !== key.keyTag) throw new TypeError('a key does not fit its key tag');
  const name = readString(fields, 'state');
  const state = STATES.find((known) => known === name);
  if (state === undefined) throw new TypeError(`"${name.slice(0, 20)}" is not a state`);
  return { key, state, sinceMs: readTime(fields, 'since'), holdUntilMs: readTime(fields, 'holdUntil') };
};

type Fields = Readonly<Record<string, unknown>>;

const readObject = (value: unknown, what: string): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(`${what} is not an object`);
  return Object.fromEntries(Object.entries(value));
};

const readString = (fields: Fields, name: string): string => {
  const value = fields[name];
  if (typeof value !== 'string') throw new TypeError(`${name} is not a text`);
  return value;
};

const readSeconds = (fields: Fields, name: string): number => {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
    throw new TypeError(`${name} is not a number of seconds`);
  return value;
};

/** Times are ISO 8601 in UTC, and null for 0. */
const formatTime = (timeMs: number): string | null => (timeMs === 0 ? null : new Date(timeMs).toISOString());

const readTime = (fields: Fields, name: string): number => {
  if (fields[name] === null) return 0;
  const timeMs = Date.parse(readString(fields, name));
  if (Number.isNaN(timeMs) || timeMs < 0) throw new TypeError(`${name} is not a time`);
  return timeMs;
};
