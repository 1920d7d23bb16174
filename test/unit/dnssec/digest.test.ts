import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type DelegationSigner,
  isDigestSupported,
  matchesDs,
  parseDs,
  readDsSet,
  selectDs,
  UnsupportedDs,
} from '../../../src/resolver/dnssec/digest.ts';
import { type DnsKey, parseDnsKey } from '../../../src/resolver/dnssec/key.ts';
import { nameFrom, parseRdata, parseRecord, TYPE } from '../../../src/wire/dns/dns.ts';
import { createRandom, mutate } from '../../support/mutate.ts';
import { requireProgram } from '../../support/process.ts';
import { createZoneKey, signZone } from '../../support/signed-zone.ts';

const dsOf = (text: string): DelegationSigner => {
  const ds = parseDs(parseRdata(TYPE.DS, text));
  if (ds === undefined) throw new Error('a DS of a test is malformed');
  return ds;
};

const keyOf = (text: string): DnsKey => {
  const key = parseDnsKey(parseRdata(TYPE.DNSKEY, text));
  if (key === undefined) throw new Error('a key of a test is malformed');
  return key;
};

const DSKEY =
  '256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==';
const P256 =
  '257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==';
const P384 =
  '257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40';

/** RFC 4034 section 5.4, RFC 4509 section 2.3, RFC 6605 sections 6.1 and 6.2, RFC 8080 section 6.1. */
const EXAMPLES = [
  ['SHA-1', 'dskey.example.com.', DSKEY, '60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118'],
  [
    'SHA-256',
    'dskey.example.com.',
    DSKEY,
    '60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A',
  ],
  [
    'SHA-256',
    'example.net.',
    P256,
    '55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17',
  ],
  [
    'SHA-384',
    'example.net.',
    P384,
    '10771 14 4 72D7B62976CE06438E9C0BF319013CF801F09ECC84B8D7E9495F27E305C6A9B0563A9B5F4D288405C3008A946DF983D6',
  ],
  [
    'SHA-256',
    'example.com.',
    '257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=',
    '35217 15 2 401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c',
  ],
] as const;

describe('matchesDs()', () => {
  test.each(EXAMPLES)('finds the key of an example with %s of %s', (_, owner, key, ds) => {
    expect(matchesDs(dsOf(ds), nameFrom(owner), keyOf(key))).toBe(true);
  });

  test.each(EXAMPLES)('refuses whatever differs from an example with %s of %s', (_, owner, text, dsText) => {
    const ds = dsOf(dsText);
    const key = keyOf(text);
    const name = nameFrom(owner);
    expect(matchesDs(ds, nameFrom(`x.${owner}`), key)).toBe(false);
    expect(matchesDs({ ...ds, keyTag: ds.keyTag ^ 1 }, name, key)).toBe(false);
    expect(matchesDs({ ...ds, algorithm: ds.algorithm ^ 1 }, name, key)).toBe(false);
    for (const digestType of [0, 1, 2, 3, 4, 5, 255].filter((type) => type !== ds.digestType))
      expect(matchesDs({ ...ds, digestType }, name, key)).toBe(false);
    for (const length of [0, 1, ds.digest.length - 1])
      expect(matchesDs({ ...ds, digest: ds.digest.slice(0, length) }, name, key)).toBe(false);
    for (let i = 0; i < ds.digest.length; i++) {
      const digest = ds.digest.slice();
      digest[i] = (digest[i] ?? 0) ^ 1;
      expect(matchesDs({ ...ds, digest }, name, key)).toBe(false);
    }
    const longer = Uint8Array.from([...ds.digest, 0]);
    expect(matchesDs({ ...ds, digest: longer }, name, key)).toBe(false);
    expect(matchesDs(ds, name, { ...key, rdata: Uint8Array.from([...key.rdata, 0]) })).toBe(false);
  });

  test('refuses keys that are no zone keys or revoked, though the digest is theirs', (context) => {
    requireProgram(context, 'dnssec-dsfromkey');
    const zoneKey = createZoneKey('example.', 'ECDSAP256SHA256', 'ksk');
    const { ds } = signZone({ apex: 'example.', records: [], keys: [zoneKey] });
    const signer = dsOf(ds[0]?.split(' DS ')[1] ?? '');
    const key = keyOf(zoneKey.record.split(' DNSKEY ')[1] ?? '');
    expect(matchesDs(signer, nameFrom('example.'), key)).toBe(true);
    expect(matchesDs(signer, nameFrom('example.'), { ...key, isZoneKey: false })).toBe(false);
    expect(matchesDs(signer, nameFrom('example.'), { ...key, isRevoked: true })).toBe(false);
  });

  test('agrees with dnssec-dsfromkey about each digest, the root and capital letters', (context) => {
    requireProgram(context, 'dnssec-dsfromkey');
    for (const apex of ['.', 'Example.', 'a.b.C.example.']) {
      const zone = signZone({ apex, records: [], digests: ['SHA-1', 'SHA-256', 'SHA-384'] });
      const signers = zone.ds.map((text) => parseRecord(text));
      const keys = zone.dnskeys.map((text) => parseDnsKey(parseRecord(text).rdata));
      expect(signers.map((record) => parseDs(record.rdata)?.digestType)).toEqual([1, 2, 4]);
      for (const { rdata } of signers) {
        const ds = parseDs(rdata);
        const matches = keys.map(
          (key) => ds !== undefined && key !== undefined && matchesDs(ds, nameFrom(apex.toLowerCase()), key),
        );
        expect(matches, apex).toEqual([true, false]);
      }
    }
  });
});

describe('parseDs()', () => {
  test('refuses RDATA without a digest type, and reads a digest of no bytes', () => {
    expect(parseDs(new Uint8Array(0))).toBeUndefined();
    expect(parseDs(Uint8Array.of(0, 1, 13))).toBeUndefined();
    expect(parseDs(Uint8Array.of(0, 1, 13, 2))?.digest).toEqual(new Uint8Array(0));
    expect(parseDs(Uint8Array.of(0, 1, 13, 2, 9))).toEqual({
      keyTag: 1,
      algorithm: 13,
      digestType: 2,
      digest: Uint8Array.of(9),
    });
  });

  test('never throws for mutated RDATA, and no mutation matches', () => {
    const pool = EXAMPLES.map(([, , , ds]) => parseRdata(TYPE.DS, ds));
    const random = createRandom(3);
    for (let i = 0; i < 3000; i++) {
      const bytes = mutate(pool, random);
      const ds = parseDs(bytes);
      if (ds === undefined || pool.some((one) => Buffer.compare(one, bytes) === 0)) continue;
      for (const [, owner, key] of EXAMPLES) expect(matchesDs(ds, nameFrom(owner), keyOf(key))).toBe(false);
    }
  });
});

test('isDigestSupported() knows SHA-1, SHA-256 and SHA-384', () => {
  const all = Array.from({ length: 256 }, (_, number) => number);
  expect(all.filter(isDigestSupported)).toEqual([1, 2, 4]);
});

describe('selectDs()', () => {
  const set = (...pairs: (readonly [number, number])[]): DelegationSigner[] =>
    pairs.map(([algorithm, digestType]) => ({ keyTag: 1, algorithm, digestType, digest: Uint8Array.of(1) }));
  const select = (signers: readonly DelegationSigner[], allowSha1 = false): number[][] =>
    selectDs(signers, allowSha1).map(({ algorithm, digestType }) => [algorithm, digestType]);

  test.each([
    [
      'keeps SHA-256 and SHA-384',
      set([13, 2], [13, 4]),
      [
        [13, 2],
        [13, 4],
      ],
    ],
    ['drops SHA-1 beside SHA-256', set([13, 1], [13, 2]), [[13, 2]]],
    ['drops SHA-1 beside SHA-384 of another key', set([8, 1], [13, 4]), [[13, 4]]],
    ['keeps SHA-1 alone', set([13, 1]), [[13, 1]]],
    ['keeps SHA-1 beside a digest that is unknown', set([13, 1], [13, 3]), [[13, 1]]],
    ['keeps SHA-1 beside an algorithm that is unknown', set([13, 1], [99, 2]), [[13, 1]]],
    ['has nothing of unknown algorithms and digests', set([99, 2], [13, 9], [1, 1]), []],
    ['has nothing of RSASHA1', set([5, 2], [7, 2]), []],
  ])('%s', (_, signers, expected) => {
    expect(select(signers)).toEqual(expected);
  });

  test('keeps RSASHA1 when asked to', () => {
    expect(select(set([5, 2], [7, 1]), true)).toEqual([[5, 2]]);
  });
});

describe('readDsSet()', () => {
  const rdata = (algorithm: number, digestType: number, bytes = 32, keyTag = 1): Uint8Array =>
    Buffer.concat([Buffer.of(0, keyTag, algorithm, digestType), Buffer.alloc(bytes)]);
  const read = (...rdatas: readonly Uint8Array[]): string => {
    const set = readDsSet(rdatas);
    return set instanceof UnsupportedDs ? `unsupported ${set.lacking}` : `${set.length}`;
  };

  test('is unsupported only when every DS is, by algorithm or digest type', () => {
    expect(read(rdata(99, 2))).toBe('unsupported algorithm');
    expect(read(rdata(13, 99))).toBe('unsupported digest');
    expect(read(rdata(99, 2), rdata(13, 99), rdata(5, 1))).toBe('unsupported digest');
    expect(read(rdata(99, 2), rdata(13, 2))).toBe('1');
  });

  test('a DS of a supported kind counts whatever its digest is, and so does one that is malformed', () => {
    expect(read(rdata(13, 2, 0))).toBe('1');
    expect(read(rdata(13, 2, 20))).toBe('1');
    expect(read(rdata(99, 2), Uint8Array.of(0, 1, 13))).toBe('0');
    expect(read(Uint8Array.of(0))).toBe('0');
    expect(read()).toBe('0');
  });

  test('no number of others hides one that counts, and sixteen are compared', () => {
    const others = Array.from({ length: 1000 }, (_, index) => rdata(99, 2, 32, index & 0xff));
    expect(read(...others, rdata(13, 2))).toBe('1');
    expect(read(...Array.from({ length: 1000 }, () => rdata(13, 2)))).toBe('16');
  });

  test('any set that holds one that counts is no reason to call a zone insecure', () => {
    const entry = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(64)).map((parts) => rdata(...parts));
    fc.assert(
      fc.property(
        fc.array(entry),
        fc.constantFrom(8, 10, 13, 14, 15, 16),
        fc.constantFrom(1, 2, 4),
        fc.nat(64),
        fc.nat(40),
        (others, algorithm, type, bytes, place) => {
          const set = [...others];
          set.splice(Math.min(place, others.length), 0, rdata(algorithm, type, bytes));
          expect(readDsSet(set)).not.toBeInstanceOf(UnsupportedDs);
        },
      ),
    );
  });
});
