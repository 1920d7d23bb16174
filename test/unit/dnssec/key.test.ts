import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  ALGORITHM,
  type DnsKey,
  importKey,
  isAlgorithmSupported,
  isKeySupported,
  parseDnsKey,
} from '../../../src/resolver/dnssec/key.ts';
import { parseRdata, TYPE } from '../../../src/wire/dns/dns.ts';
import { createRandom, mutate } from '../../support/mutate.ts';
import { requireProgram } from '../../support/process.ts';
import { createZoneKey } from '../../support/signed-zone.ts';

const parse = (rdata: Uint8Array): DnsKey => {
  const key = parseDnsKey(rdata);
  if (key === undefined) throw new Error('a key of a test is malformed');
  return key;
};

const keyOf = (text: string): DnsKey => parse(parseRdata(TYPE.DNSKEY, text));

/** An RSA key of RSASHA256 whose exponent and modulus are these bytes. */
const rsaKey = (exponent: readonly number[], modulus: Uint8Array): DnsKey =>
  parse(Uint8Array.from([1, 0, 3, ALGORITHM.RSASHA256, exponent.length, ...exponent, ...modulus]));

/** An odd number of so many bits. */
const modulusOf = (bits: number): Uint8Array => {
  const modulus = new Uint8Array(Math.ceil(bits / 8)).fill(0x55);
  const spare = modulus.length * 8 - bits;
  modulus[0] = (0x80 >> spare) | (0x55 >> (spare + 1));
  return modulus;
};

const F4 = [1, 0, 1];

/** Examples of RFC 4034 section 5.4, RFC 5702 section 6, RFC 6605 section 6 and RFC 8080 section 6. */
const EXAMPLES: readonly (readonly [number, string])[] = [
  [
    60_485,
    '256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==',
  ],
  [
    3740,
    '256 3 10 AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL',
  ],
  [
    55_648,
    '257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
  ],
  [
    10_771,
    '257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40',
  ],
  [3613, '257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4='],
  [35_217, '257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs='],
  [9713, '257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA'],
];

/** The example of RFC 5702 section 6.1, which has 512 bits. */
const SHORT_KEY =
  '256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=';

describe('parseDnsKey()', () => {
  test.each([...EXAMPLES, [9033, SHORT_KEY] as const])('computes the key tag %d', (keyTag, text) => {
    expect(keyOf(text).keyTag).toBe(keyTag);
  });

  test('computes the key tag that dnssec-keygen gives', (context) => {
    requireProgram(context, 'dnssec-keygen');
    const { base, record } = createZoneKey('example.', 'ECDSAP256SHA256', 'ksk');
    expect(keyOf(record.split('DNSKEY ')[1] ?? '').keyTag).toBe(Number(base.split('+')[2]));
  });

  test.each([
    ['256 3', true, false, false],
    ['257 3', true, false, true],
    ['385 3', true, true, true],
    ['0 3', false, false, false],
    ['1 3', false, false, true],
    ['256 2', false, false, false],
    ['65535 3', true, true, true],
  ])('reads the flags of %s', (fields, isZoneKey, isRevoked, isSecureEntryPoint) => {
    expect(keyOf(`${fields} 13 QUJDRA==`)).toMatchObject({ isZoneKey, isRevoked, isSecureEntryPoint });
  });

  test('refuses RDATA without a key', () => {
    expect(parseDnsKey(new Uint8Array(0))).toBeUndefined();
    expect(parseDnsKey(Uint8Array.of(1, 0, 3, 13))).toBeUndefined();
    expect(parseDnsKey(Uint8Array.of(1, 0, 3, 13, 0))).toBeDefined();
  });
});

test('isAlgorithmSupported() counts SHA-1 only when asked to', () => {
  const all = Array.from({ length: 256 }, (_, number) => number);
  expect(all.filter((number) => isAlgorithmSupported(number))).toEqual([8, 10, 13, 14, 15, 16]);
  expect(all.filter((number) => isAlgorithmSupported(number, true))).toEqual([5, 7, 8, 10, 13, 14, 15, 16]);
});

describe('importKey()', () => {
  test.each(EXAMPLES)('takes the example with the key tag %d', (_, text) => {
    const key = keyOf(text);
    const imported = importKey(key);
    expect(typeof imported === 'string' ? imported : imported.type).toBe('public');
    expect(isKeySupported(key, true)).toBe(true);
    expect(importKey({ ...key, rdata: key.rdata.slice() })).toBe(imported);
  });

  test.each([
    [512, false],
    [1023, false],
    [1024, true],
    [1025, true],
    [2047, true],
    [4096, true],
    [4097, false],
    [16_384, false],
  ])('of an RSA modulus of %d bits counts: %s', (bits, isSupported) => {
    const key = rsaKey(F4, modulusOf(bits));
    expect(isKeySupported(key)).toBe(isSupported);
    const imported = importKey(key);
    if (isSupported) expect(imported).toMatchObject({ asymmetricKeyDetails: { modulusLength: bits } });
    else expect(imported).toBe('unsupported');
  });

  test('leaves leading zeros out of the size of an RSA key', () => {
    expect(isKeySupported(rsaKey(F4, Uint8Array.from([...Array(128).fill(0), ...modulusOf(512)])))).toBe(
      false,
    );
    expect(isKeySupported(rsaKey(F4, Uint8Array.from([...Array(512).fill(0), ...modulusOf(1024)])))).toBe(
      true,
    );
  });

  test('reads an exponent whose length takes three bytes', () => {
    const modulus = modulusOf(1024);
    const key = parse(Uint8Array.from([1, 0, 3, ALGORITHM.RSASHA256, 0, 0, 3, ...F4, ...modulus]));
    expect(importKey(key)).toMatchObject({ asymmetricKeyDetails: { publicExponent: 65_537n } });
  });

  test.each([
    ['3', [3], true],
    ['2^32 + 1', [1, 0, 0, 0, 1], true],
    ['1', [1], false],
    ['an even number', [1, 0, 0], false],
    ['0', [0, 0], false],
    ['a number of 41 bits', [1, 0, 0, 0, 0, 1], false],
    ['none', [], false],
  ])('of an RSA exponent that is %s works: %s', (_, exponent, works) => {
    const imported = importKey(rsaKey(exponent, modulusOf(1024)));
    expect(typeof imported === 'string' ? imported : 'good').toBe(works ? 'good' : 'malformed');
  });

  test('refuses an even RSA modulus and an exponent that fills the key', () => {
    const even = modulusOf(1024);
    even[even.length - 1] = 2;
    expect(importKey(rsaKey(F4, even))).toBe('malformed');
    expect(importKey(rsaKey(Array(130).fill(1), new Uint8Array(0)))).toBe('malformed');
    expect(importKey(parse(Uint8Array.of(1, 0, 3, ALGORITHM.RSASHA256, 0, 0xff)))).toBe('malformed');
  });

  test.each([
    ['P-256', ALGORITHM.ECDSAP256SHA256, 64],
    ['P-384', ALGORITHM.ECDSAP384SHA384, 96],
    ['Ed25519', ALGORITHM.ED25519, 32],
    ['Ed448', ALGORITHM.ED448, 57],
  ])('refuses a key of %s of a wrong length', (_, algorithm, length) => {
    for (const wrong of [1, length - 1, length + 1, 2 * length])
      expect(importKey(parse(Uint8Array.from([1, 0, 3, algorithm, ...Array(wrong).fill(1)])))).toBe(
        'malformed',
      );
  });

  test('refuses points that are not on their curve', () => {
    for (const [algorithm, length] of [
      [ALGORITHM.ECDSAP256SHA256, 64],
      [ALGORITHM.ECDSAP384SHA384, 96],
    ] as const)
      for (const fill of [0, 1, 0xff])
        expect(importKey(parse(Uint8Array.from([1, 0, 3, algorithm, ...Array(length).fill(fill)])))).toBe(
          'malformed',
        );
  });

  test('says of an algorithm that nobody verifies that it is unsupported', () => {
    for (const algorithm of [0, 1, 3, 6, 12, 17, 23, 252, 253, 254, 255])
      expect(importKey(parse(Uint8Array.of(1, 0, 3, algorithm, 1, 2, 3)))).toBe('unsupported');
  });

  test('imports the key that was meant', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const bytes = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
    const imported = importKey(parse(Uint8Array.from([1, 0, 3, ALGORITHM.ECDSAP256SHA256, ...bytes])));
    expect(typeof imported === 'string' ? imported : imported.equals(publicKey)).toBe(true);
  });

  test('never throws for mutated keys', () => {
    const pool = [...EXAMPLES.map(([, text]) => text), SHORT_KEY].map((text) =>
      parseRdata(TYPE.DNSKEY, text),
    );
    const random = createRandom(2);
    const seen = new Set<string>();
    for (let i = 0; i < 3000; i++) {
      const key = parseDnsKey(mutate(pool, random));
      if (key === undefined) continue;
      const imported = importKey(key);
      seen.add(typeof imported === 'string' ? imported : 'good');
      if (typeof imported !== 'string') expect(isKeySupported(key, true)).toBe(true);
    }
    expect([...seen].sort()).toEqual(['good', 'malformed', 'unsupported']);
  });
});
