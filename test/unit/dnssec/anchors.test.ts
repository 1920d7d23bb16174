// Trust anchors: files of operators, the built-in ones, and what upstreams give of their keys.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  lookAtKeys,
  parseTrustAnchors,
  primeAnchors,
  ROOT_ANCHORS,
} from '../../../src/resolver/dnssec/dnssec.ts';
import { parseDnsKey } from '../../../src/resolver/dnssec/key.ts';
import { NegativeAnchors } from '../../../src/resolver/dnssec/negative-anchors.ts';
import { findTrusted } from '../../../src/resolver/dnssec/verification.ts';
import { formatName, nameFrom, parseRecord, TYPE } from '../../../src/wire/dns/dns.ts';
import { isInstalled, requireProgram } from '../../support/process.ts';
import { signZone } from '../../support/signed-zone.ts';
import { type Tamper, ZoneLookup, type ZoneReply } from '../../support/zone-lookup.ts';

/** The keys of the root as IANA publishes them (root.key of Debian's dns-root-data): KSK-2017 and KSK-2024. */
const ROOT_KEYS = [
  '. 172800 IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=',
  '. 172800 IN DNSKEY 257 3 8 AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc=',
];
const SHA256 = '00'.repeat(32);

test('ROOT_ANCHORS names the keys of the root, and no other', () => {
  const [anchor, second] = ROOT_ANCHORS;
  expect(second).toBeUndefined();
  expect(anchor?.ds.map(({ keyTag }) => keyTag)).toEqual([20_326, 38_696]);
  for (const text of ROOT_KEYS) {
    const key = parseDnsKey(parseRecord(text).rdata);
    expect(key !== undefined && anchor !== undefined && findTrusted(anchor, [key]).length === 1).toBe(true);
    const changed = parseRecord(text).rdata.slice();
    changed[40] = (changed[40] ?? 0) ^ 1;
    const other = parseDnsKey(changed);
    expect(other !== undefined && anchor !== undefined && findTrusted(anchor, [other]).length === 1).toBe(
      false,
    );
  }
});

describe('parseTrustAnchors()', () => {
  test('reads DS and DNSKEY records, with and without TTL and class, together by zone', () => {
    const text = [
      '; anchors of a private tree',
      '',
      `example.com. DS 12345 13 2 ${SHA256}`,
      `  EXAMPLE.com. 3600 IN DS 54321 8 2 ${SHA256} ; the next one`,
      `${ROOT_KEYS[0]}`,
    ].join('\r\n');
    const anchors = parseTrustAnchors(text, 'anchors');
    expect(anchors.map(({ zone, ds, keys }) => [formatName(zone), ds.length, keys.length])).toEqual([
      ['example.com.', 2, 0],
      ['.', 0, 1],
    ]);
    const key = parseDnsKey(parseRecord(ROOT_KEYS[0] ?? '').rdata);
    expect(key !== undefined && anchors[1] !== undefined && findTrusted(anchors[1], [key]).length === 1).toBe(
      true,
    );
  });

  test.each([
    ['no record', '; nothing\n', /^read trust anchors, FILE: the file holds no DS or DNSKEY record$/],
    ['no name', 'a..b DS 1 8 2 00', /FILE:1: parse a record, column 1/],
    ['another type', `. DS 1 8 2 ${SHA256}\nexample.com. A 192.0.2.1`, /FILE:2: A is neither DS nor DNSKEY/],
    ['another class', `. CH DS 1 8 2 ${SHA256}`, /FILE:1: the class is not IN/],
    ['an unknown digest', `. DS 1 8 250 ${SHA256}`, /FILE:1: digest type 250 is not supported/],
    ['an unknown algorithm', `. DS 1 200 2 ${SHA256}`, /FILE:1: algorithm 200 is not supported/],
    ['SHA-1 signatures', `. DS 1 5 2 ${SHA256}`, /FILE:1: algorithm 5 is not supported/],
    ['a short digest', '. DS 1 8 2 00', /FILE:1: the digest has 1 bytes instead of 32/],
    ['a key that signs no zone', `. DNSKEY 1 3 13 ${'A'.repeat(88)}`, /FILE:1: the DNSKEY is no zone key/],
    ['a revoked key', (ROOT_KEYS[0] ?? '').replace('257', '385'), /FILE:1: the DNSKEY is revoked/],
    [
      'an RSA key of 512 bits',
      `. DNSKEY 257 3 8 AwEAAa${'z'.repeat(86)}`,
      /FILE:1: algorithm 8 or its key size/,
    ],
    [
      'a point outside its curve',
      `. DNSKEY 257 3 13 ${'A'.repeat(86)}==`,
      /FILE:1: the public key is malformed/,
    ],
    ['too many records', `. DS 1 8 2 ${SHA256}\n`.repeat(1001), /FILE:1001: more than 1000 records/],
  ])('refuses %s with file and line', (_what, text, message) => {
    expect(() => parseTrustAnchors(text, 'FILE')).toThrowError(
      expect.objectContaining({ code: 'ERR_DNSSEC_ANCHOR', message: expect.stringMatching(message) }),
    );
  });
});

test('NegativeAnchors finds the longest zone', () => {
  const anchors = new NegativeAnchors(['Example.com.', 'a.example.com.', 'test.'].map(nameFrom));
  const find = (name: string): string | undefined => {
    const found = anchors.find(nameFrom(name));
    return found && formatName(found);
  };
  expect(find('www.example.com.')).toBe('example.com.');
  expect(find('x.a.example.com.')).toBe('a.example.com.');
  expect(find('test.')).toBe('test.');
  expect(find('badexample.com.')).toBeUndefined();
  expect(find('.')).toBeUndefined();
  expect(new NegativeAnchors([nameFrom('.')]).find(nameFrom('example.org.'))).toEqual(nameFrom('.'));
});

describe('keys that upstreams give', () => {
  let lookup: ZoneLookup;
  let ds: readonly string[];

  beforeAll(() => {
    if (!isInstalled('dnssec-signzone')) return;
    const root = signZone({ apex: '.', records: [] });
    ds = root.ds;
    lookup = new ZoneLookup([root]);
  });

  beforeEach((context) => {
    requireProgram(context, 'dnssec-signzone');
    lookup.reset();
  });

  const prime = (tamper?: Tamper, texts = ds) => {
    lookup.tamper = tamper;
    return primeAnchors(lookup, parseTrustAnchors(texts.join('\n'), 'ds'), {
      clock: Date.now,
      allowSha1: false,
    });
  };
  const keep =
    (...types: number[]): Tamper =>
    (_asked, reply: ZoneReply) => ({
      ...reply,
      answer: reply.answer.filter(({ type }) => types.includes(type)),
    });

  test('primeAnchors() tells what came', async () => {
    expect(await prime()).toBe('secure');
    expect(lookup.asked).toEqual(['. DNSKEY']);
    expect(await prime(keep(TYPE.DNSKEY))).toBe('unsigned');
    expect(await prime(keep())).toBe('unsigned');
    expect(await prime(() => ({ kind: 'failure', reason: 'timeout' }))).toBe('unreachable');
    expect(await prime((_asked, reply) => ({ ...reply, rcode: 5 }))).toBe('unreachable');
    expect(await prime(undefined, [`. DS 1 13 2 ${SHA256}`])).toBe('bogus');
    expect(await primeAnchors(lookup, ROOT_ANCHORS, { clock: Date.now, allowSha1: false })).toBe('bogus');
    expect(
      await primeAnchors(lookup, parseTrustAnchors(ds.join('\n'), 'ds'), {
        clock: () => 0,
        allowSha1: false,
      }),
    ).toBe('bogus');
  });

  test('the worst of several anchors counts', async () => {
    expect(await prime(undefined, [...ds, `example.com. DS 1 13 2 ${SHA256}`])).toBe('unsigned');
  });

  test('lookAtKeys() verifies the keys, or tells that none came', async () => {
    const [anchor] = parseTrustAnchors(ds.join('\n'), 'ds');
    if (anchor === undefined) throw new TypeError('the zone has no DS');
    const seen = await lookAtKeys(lookup, anchor, { clock: Date.now, allowSha1: false });
    expect(seen).toMatchObject({ isVerified: true, revoked: [], originalTtlSec: 3600 });
    expect(findTrusted(anchor, seen?.keys ?? [])).toHaveLength(1);
    lookup.tamper = keep();
    expect(await lookAtKeys(lookup, anchor, { clock: Date.now, allowSha1: false })).toBeUndefined();
  });
});
