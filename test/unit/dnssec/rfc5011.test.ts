// Trust anchors that follow their zone: a whole rollover, a revocation, keys that come and go. Looks are made at zones
// that dnssec-signzone signed; time is whatever the test says.
import assert from 'node:assert/strict';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type AnchorEvent,
  type AnchorState,
  advanceAnchors,
  createAnchorState,
  formatAnchorState,
  isSameTrust,
  type KeyObservation,
  parseAnchorState,
  parseTrustAnchors,
  postponeCheck,
  type TrustAnchor,
  trustedAnchor,
} from '../../../src/resolver/dnssec/dnssec.ts';
import { parseDnsKey } from '../../../src/resolver/dnssec/key.ts';
import { observeKeys } from '../../../src/resolver/dnssec/rfc5011.ts';
import { nameFrom, parseRecord } from '../../../src/wire/dns/dns.ts';
import { isInstalled, requireProgram } from '../../support/process.ts';
import { createZoneKey, findRrset, signZone, type ZoneKey } from '../../support/signed-zone.ts';

const APEX = 'example.com.';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2027, 0, 1);

let first: ZoneKey;
let second: ZoneKey;
let third: ZoneKey;
let anchor: TrustAnchor;
const looks = new Map<string, (trusted: TrustAnchor) => KeyObservation>();

beforeAll(() => {
  if (!isInstalled('dnssec-signzone')) return;
  first = createZoneKey(APEX, 'ECDSAP256SHA256', 'ksk');
  second = createZoneKey(APEX, 'ECDSAP256SHA256', 'ksk');
  third = createZoneKey(APEX, 'ECDSAP256SHA256', 'ksk');
  const zsk = createZoneKey(APEX, 'ECDSAP256SHA256', 'zsk');
  const sign = (...keys: ZoneKey[]) => {
    const zone = signZone({ apex: APEX, records: [], keys: [...keys, zsk] });
    const rrset = findRrset(zone.records, APEX, 'DNSKEY');
    return (trusted: TrustAnchor) => observeKeys(rrset, trusted, Math.floor(Date.now() / 1000), false);
  };
  looks.set('1', sign(first));
  looks.set('2', sign(second));
  looks.set('3', sign(third));
  looks.set('1 2', sign(first, second));
  looks.set('R1 2', sign(revoke(first), second));
  looks.set('1 R2', sign(first, revoke(second)));
  looks.set('R1', sign(revoke(first)));
  anchor = anchorOf(first);
});

beforeEach((context) => requireProgram(context, 'dnssec-signzone'));

/** The key with its revoke bit set, which gives it another key tag; no DS is made of it. */
const revoke = (key: ZoneKey): ZoneKey => {
  const record = key.record.replace(' 257 ', ' 385 ');
  const tag = parseDnsKey(parseRecord(record).rdata)?.keyTag ?? 0;
  const base = key.base.replace(/\+\d+$/, `+${String(tag).padStart(5, '0')}`);
  return { ...key, role: 'zsk', record, base };
};

const anchorOf = (key: ZoneKey): TrustAnchor => {
  const [made] = parseTrustAnchors(key.record, 'key');
  assert.ok(made !== undefined);
  return made;
};

const tagOf = (key: ZoneKey): number => parseDnsKey(parseRecord(key.record).rdata)?.keyTag ?? 0;

/** A trust anchor that looks at its zone as days pass. */
const follow = () => {
  let state: AnchorState = createAnchorState(nameFrom(APEX));
  const names = new Map([first, second, third].map((key, index) => [tagOf(key), String(index + 1)]));
  const look = (keys: string, day: number, configured = anchor): string[] => {
    const trusted = trustedAnchor(state, configured);
    const seen = trusted === undefined ? undefined : looks.get(keys)?.(trusted);
    assert.ok(seen !== undefined, 'nothing is trusted, or there is no such zone');
    const advanced = advanceAnchors(state, configured, seen, START_MS + day * DAY_MS);
    state = advanced.state;
    // Keys stand in the order of their bytes, which are other ones in each run.
    return advanced.events.map(({ kind, keyTag }: AnchorEvent) => `${names.get(keyTag)} ${kind}`).sort();
  };
  return {
    look,
    /** Each key with its state. */
    keys: () => state.keys.map(({ key, state: keyState }) => `${names.get(key.keyTag)} ${keyState}`).sort(),
    /** The keys that are trusted. */
    trusted: (configured = anchor) =>
      (trustedAnchor(state, configured)?.keys ?? []).map((key) => names.get(key.keyTag)).sort(),
    state: () => state,
    replace: (other: AnchorState) => {
      state = other;
    },
  };
};

describe('a rollover', () => {
  test('a new key is trusted after thirty days, the old one until it is revoked', () => {
    const { look, keys, trusted } = follow();
    expect(trusted()).toEqual(['1']);
    expect(look('1', 0)).toEqual(['1 trusted']);
    expect(look('1 2', 1)).toEqual(['2 pending']);
    expect(look('1 2', 16)).toEqual([]);
    expect(look('1 2', 30.99)).toEqual([]);
    expect(trusted()).toEqual(['1']);
    expect(look('1 2', 31)).toEqual(['2 trusted']);
    expect(trusted()).toEqual(['1', '2']);
    expect(look('R1 2', 40)).toEqual(['1 revoked']);
    expect(trusted()).toEqual(['2']);
    expect(look('R1 2', 69.99)).toEqual([]);
    expect(look('2', 70)).toEqual(['1 removed']);
    expect(keys()).toEqual(['1 removed', '2 valid']);
    // Nothing brings a removed key back, not even the configuration that it began with.
    expect(look('1 2', 80)).toEqual([]);
    expect(look('1 2', 200)).toEqual([]);
    expect(trusted()).toEqual(['2']);
  });

  test('the anchor may be a DS record', () => {
    const { look, trusted } = follow();
    const zone = signZone({ apex: APEX, records: [], keys: [first] });
    const [byDs] = parseTrustAnchors(zone.ds.join('\n'), 'ds');
    assert.ok(byDs !== undefined);
    expect(look('1 2', 0, byDs)).toEqual(['1 trusted', '2 pending']);
    expect(trusted(byDs)).toEqual(['1']);
  });

  test('a key that the configuration names as well is trusted at once', () => {
    const { look } = follow();
    const [both] = parseTrustAnchors(`${first.record}\n${second.record}`, 'keys');
    assert.ok(both !== undefined);
    expect(look('1', 0, both)).toEqual(['1 trusted']);
    expect(look('1 2', 1, both)).toEqual(['2 trusted']);
  });

  test('an update that brings the new anchor ends its hold-down', () => {
    const { look } = follow();
    look('1 2', 0);
    const [both] = parseTrustAnchors(`${first.record}\n${second.record}`, 'keys');
    assert.ok(both !== undefined);
    expect(look('1 2', 1, both)).toEqual(['2 trusted']);
  });
});

describe('keys that come and go', () => {
  test('one that vanishes during its hold-down begins again', () => {
    const { look, keys } = follow();
    look('1 2', 0);
    expect(look('1', 20)).toEqual(['2 vanished']);
    expect(keys()).toEqual(['1 valid']);
    expect(look('1 2', 29)).toEqual(['2 pending']);
    expect(look('1 2', 31)).toEqual([]);
    expect(look('1 2', 59)).toEqual(['2 trusted']);
  });

  test('one that is over its hold-down and not there is not trusted', () => {
    const { look, trusted } = follow();
    look('1 2', 0);
    expect(look('1', 31)).toEqual(['2 vanished']);
    expect(trusted()).toEqual(['1']);
  });

  test('one that is revoked during its hold-down is dropped', () => {
    const { look, keys } = follow();
    look('1 2', 0);
    expect(look('1 R2', 10)).toEqual(['2 vanished']);
    expect(look('1 R2', 50)).toEqual([]);
    expect(keys()).toEqual(['1 valid']);
  });

  test('a trusted one that is missing stays trusted and may return', () => {
    const { look, keys, trusted } = follow();
    look('1 2', 0);
    look('1 2', 30);
    expect(look('2', 31)).toEqual(['1 missing']);
    expect(look('2', 300)).toEqual([]);
    expect(trusted()).toEqual(['1', '2']);
    expect(look('1', 301)).toEqual(['1 returned', '2 missing']);
    expect(look('R1 2', 302)).toEqual(['1 revoked', '2 returned']);
    expect(keys()).toEqual(['1 revoked', '2 valid']);
  });

  test('the last one that revokes itself leaves no anchor', () => {
    const { look, state } = follow();
    look('1', 0);
    expect(look('R1', 1)).toEqual(['1 deserted', '1 revoked']);
    expect(trustedAnchor(state(), anchor)).toBeUndefined();
  });

  test('keys that no trusted key signed change nothing', () => {
    const { look, keys, state } = follow();
    look('1 2', 0);
    const { checkedAtMs } = state();
    expect(look('3', 40)).toEqual([]);
    expect(look('2', 40)).toEqual([]);
    expect(keys()).toEqual(['1 valid', '2 add-pend']);
    expect(state()).toMatchObject({ checkedAtMs, nextCheckAtMs: START_MS + 40 * DAY_MS + HOUR_MS });
  });

  test('a revocation that its key did not sign does not count', () => {
    const seen = looks.get('R1 2')?.(anchorOf(second));
    assert.ok(seen !== undefined);
    expect(seen.revoked.map(({ keyTag }) => keyTag)).toEqual([tagOf(first)]);
    const zone = signZone({ apex: APEX, records: [revoke(first).record], keys: [second] });
    const unsigned = observeKeys(
      findRrset(zone.records, APEX, 'DNSKEY'),
      anchorOf(second),
      Date.now() / 1000,
      false,
    );
    expect(unsigned).toMatchObject({ isVerified: true, revoked: [] });
  });

  test('a configured key that is first met revoked is not trusted, nor is the last of them', () => {
    const { look, keys, trusted, state } = follow();
    const [both] = parseTrustAnchors(`${first.record}\n${second.record}`, 'keys');
    assert.ok(both !== undefined);
    expect(look('R1 2', 0, both)).toEqual(['1 revoked', '2 trusted']);
    expect(keys()).toEqual(['1 revoked', '2 valid']);
    expect(trusted(both)).toEqual(['2']);
    // Who found the revoked key signs with it, and without the bit.
    const remaining = trustedAnchor(state(), both);
    assert.ok(remaining !== undefined);
    expect(looks.get('1')?.(remaining).isVerified).toBe(false);
    const lone = follow();
    expect(lone.look('R1', 0)).toEqual(['1 deserted', '1 revoked']);
    expect(trustedAnchor(lone.state(), anchor)).toBeUndefined();
    const [byDs] = parseTrustAnchors(
      signZone({ apex: APEX, records: [], keys: [first] }).ds.join('\n'),
      'ds',
    );
    assert.ok(byDs !== undefined);
    const ofDs = follow();
    expect(ofDs.look('R1 2', 0, byDs)).toEqual(['1 deserted', '1 revoked']);
  });

  test('one that is revoked during its hold-down, and was configured since, is not trusted', () => {
    const { look, trusted } = follow();
    look('1 2', 0);
    const [both] = parseTrustAnchors(`${first.record}\n${second.record}`, 'keys');
    assert.ok(both !== undefined);
    expect(look('1 R2', 1, both)).toEqual(['2 revoked']);
    expect(trusted(both)).toEqual(['1']);
  });

  test('there are never more than thirty-two', () => {
    const { look, state, replace } = follow();
    look('1', 0);
    const [valid] = state().keys;
    assert.ok(valid !== undefined);
    const others = Array.from({ length: 31 }, (_, index) => {
      const rdata = valid.key.rdata.slice();
      rdata[10] = index;
      return { ...valid, key: { ...valid.key, rdata }, state: 'removed' as const };
    });
    replace({ ...state(), keys: [valid, ...others] });
    expect(look('1 2', 1)).toEqual(['2 ignored']);
    expect(state().keys).toHaveLength(32);
  });
});

describe('when to look again', () => {
  const observe = (originalTtlSec: number, expirationIntervalSec: number): KeyObservation => ({
    isVerified: true,
    keys: [],
    revoked: [],
    originalTtlSec,
    expirationIntervalSec,
  });

  // Half of the smaller interval, between an hour and fifteen days; a tenth, up to a day, after a failure.
  test.each([
    [172_800, 864_000, DAY_MS, 4.8 * HOUR_MS],
    [864_000, 172_800, DAY_MS, 4.8 * HOUR_MS],
    [3600, 864_000, HOUR_MS, HOUR_MS],
    [0, 0, HOUR_MS, HOUR_MS],
    [86_400 * 90, 86_400 * 80, 15 * DAY_MS, DAY_MS],
  ])('TTL %i and expiration %i give %i ms, and %i ms after a failure', (ttl, expiration, nextMs, retryMs) => {
    const { state } = advanceAnchors(
      createAnchorState(nameFrom(APEX)),
      anchor,
      observe(ttl, expiration),
      START_MS,
    );
    expect(state.nextCheckAtMs - START_MS).toBe(nextMs);
    expect(postponeCheck(state, START_MS).nextCheckAtMs - START_MS).toBe(retryMs);
  });

  test('only the signature that was verified says how long', () => {
    const zone = signZone({ apex: APEX, records: [], keys: [first, second] });
    const rrset = findRrset(zone.records, APEX, 'DNSKEY');
    const [signed] = rrset.signatures;
    assert.ok(signed !== undefined);
    const forged = { ...signed, originalTtlSec: 0xffff_ffff, expiration: signed.expiration + 10 * 86_400 };
    const nowSec = Math.floor(Date.now() / 1000);
    const seen = observeKeys({ ...rrset, signatures: [forged, ...rrset.signatures] }, anchor, nowSec, false);
    expect(seen).toMatchObject({
      isVerified: true,
      originalTtlSec: signed.originalTtlSec,
      expirationIntervalSec: signed.expiration - nowSec,
    });
  });

  test('a hold-down is a year at most, also one that was stored', () => {
    const configured = anchor;
    const seen = looks.get('1 2')?.(configured);
    assert.ok(seen !== undefined);
    const endless = { ...seen, originalTtlSec: 0xffff_ffff };
    const { state } = advanceAnchors(createAnchorState(nameFrom(APEX)), configured, endless, START_MS);
    const pending = state.keys.find(({ state: keyState }) => keyState === 'add-pend');
    expect(pending?.holdUntilMs).toBe(START_MS + 365 * DAY_MS);
    const stored = {
      ...state,
      keys: state.keys.map((key) => (key === pending ? { ...key, holdUntilMs: Date.UTC(2163, 0, 8) } : key)),
    };
    const kindsAt = (day: number): string[] =>
      advanceAnchors(stored, configured, seen, START_MS + day * DAY_MS).events.map(({ kind }) => kind);
    expect(kindsAt(364)).toEqual([]);
    expect(kindsAt(365)).toEqual(['trusted']);
  });

  test('the hold-down is the TTL where that is longer', () => {
    const seen = looks.get('1 2')?.(anchor);
    assert.ok(seen !== undefined);
    const long = { ...seen, originalTtlSec: 40 * 86_400 };
    const { state } = advanceAnchors(createAnchorState(nameFrom(APEX)), anchor, long, START_MS);
    const holds = state.keys.map(({ holdUntilMs }) => holdUntilMs).sort((a, b) => a - b);
    expect(holds).toEqual([0, START_MS + 40 * DAY_MS]);
  });
});

describe('the text of a state', () => {
  const sound = (): AnchorState => {
    const { look, state } = follow();
    look('1 2', 0);
    return state();
  };

  test('is read back as it was', () => {
    const state = sound();
    const text = formatAnchorState(state);
    expect(parseAnchorState(text, 'file')).toEqual(state);
    expect(text).toMatch(/"state": "add-pend"/);
    const empty = createAnchorState(nameFrom('.'));
    expect(parseAnchorState(formatAnchorState(empty), 'file')).toEqual(empty);
  });

  test.each<[string, (text: string) => string]>([
    ['no JSON', (text) => text.slice(0, -10)],
    ['nothing', () => ''],
    ['a list', () => '[]'],
    ['another version', (text) => text.replace('"version": 1', '"version": 2')],
    ['no zone', (text) => text.replace('"zone"', '"zones"')],
    ['a malformed zone', (text) => text.replace(`"${APEX}"`, '"a..b"')],
    ['no keys', (text) => text.replace('"keys"', '"key"')],
    ['too many keys', (text) => text.replace(/"keys": \[/, `"keys": [${'{},'.repeat(32)}`)],
    ['an unknown state', (text) => text.replace('"add-pend"', '"trusted"')],
    ['another key tag', (text) => text.replace(/"keyTag": \d+/, '"keyTag": 70000')],
    ['a cut key', (text) => text.replace(/("dnskey": "257 3 13 .{20})[^"]*/, '$1')],
    ['a revoked key', (text) => text.replaceAll('"257 3', '"385 3')],
    ['a time that is none', (text) => text.replace(/"checkedAt": "[^"]*"/, '"checkedAt": "soon"')],
    ['a negative TTL', (text) => text.replace(/"originalTtlSec": \d+/, '"originalTtlSec": -1')],
    ['too much', (text) => text + ' '.repeat(262_144)],
  ])('with %s is refused', (_what, break_) => {
    const text = formatAnchorState(sound());
    const broken = break_(text);
    expect(broken).not.toBe(text);
    expect(() => parseAnchorState(broken, 'FILE')).toThrowError(
      expect.objectContaining({
        code: 'ERR_DNSSEC_ANCHOR_STATE',
        message: expect.stringMatching(/^read the state of a trust anchor, FILE: /),
      }),
    );
  });
});

describe('isSameTrust()', () => {
  const of = (...texts: readonly string[]): TrustAnchor[] => parseTrustAnchors(texts.join('\n'), 'anchors');
  const dsTexts = (key: ZoneKey): readonly string[] =>
    signZone({ apex: APEX, records: [], keys: [key], digests: ['SHA-256', 'SHA-384'] }).ds;

  test('a key is trusted by its DS as by itself, in whatever order', () => {
    const [one = '', other = ''] = dsTexts(first);
    for (const texts of [[first.record], [one], [other], [other, one], [one, first.record]])
      for (const others of [[first.record], [one, other]])
        expect(isSameTrust(of(...texts), of(...others)), `${texts} ${others}`).toBe(
          texts.includes(first.record) || others.includes(first.record) || texts.length === 2,
        );
  });

  test('another key, one more, one less or another zone is not the same', () => {
    const same = of(first.record);
    for (const other of [
      of(second.record),
      of(first.record, second.record),
      of(...dsTexts(first), ...dsTexts(second)),
      of(first.record.replace(APEX, 'example.org.')),
      of(first.record, first.record.replace(APEX, 'example.org.')),
      [],
    ]) {
      expect(isSameTrust(same, other)).toBe(false);
      expect(isSameTrust(other, same)).toBe(false);
    }
  });
});
