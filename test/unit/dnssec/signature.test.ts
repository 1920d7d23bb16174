import { describe, expect, test } from 'vitest';
import { type DnsKey, parseDnsKey } from '../../../src/resolver/dnssec/key.ts';
import { parseSignature, type Rrset, type Signature } from '../../../src/resolver/dnssec/rrset.ts';
import {
  isWildcardExpanded,
  type SignatureFlaw,
  verifySignature,
} from '../../../src/resolver/dnssec/signature.ts';
import { LOOKUP_UNITS, Work } from '../../../src/resolver/dnssec/work.ts';
import {
  formatName,
  formatType,
  nameFrom,
  parseRdata,
  parseRecord,
  type ResourceRecord,
  TYPE,
  writeU32,
} from '../../../src/wire/dns/dns.ts';
import { createRandom, mutate } from '../../support/mutate.ts';
import { inTwo } from '../../support/night.ts';
import { requireProgram } from '../../support/process.ts';
import {
  createZoneKey,
  findRrset,
  type SignedZone,
  signZone,
  type ZoneAlgorithm,
} from '../../support/signed-zone.ts';

const NOW_SEC = Date.UTC(2026, 0, 15) / 1000;
const START_SEC = Date.UTC(2026, 0, 1) / 1000;
const END_SEC = Date.UTC(2026, 1, 1) / 1000;

const keysOf = (zone: SignedZone): DnsKey[] =>
  findRrset(zone.records, zone.apex, 'DNSKEY')
    .rdatas.map(parseDnsKey)
    .filter((key) => key !== undefined);

/** The only signature of an RRset and the key of its tag. */
const signatureOf = (rrset: Rrset, keys: readonly DnsKey[]): { signature: Signature; key: DnsKey } => {
  const [signature] = rrset.signatures;
  const key = keys.find((one) => one.keyTag === signature?.keyTag);
  if (signature === undefined || key === undefined) throw new Error('an RRset of a test is not signed');
  return { signature, key };
};

const verify = (
  rrset: Rrset,
  signature: Signature,
  key: DnsKey,
  nowSec = NOW_SEC,
): SignatureFlaw | undefined => verifySignature(rrset, signature, key, nowSec, new Work(), true);

/** RRset, signature and key in presentation format. */
const verifyTexts = (record: string, rrsig: string, dnskey: string): SignatureFlaw | undefined => {
  const owner = record.split(' ')[0] ?? '';
  const records = [parseRecord(record), parseRecord(`${owner} 3600 IN RRSIG ${rrsig}`)];
  const rrset = findRrset(records, owner, record.split(' ')[3] ?? '');
  const key = parseDnsKey(parseRdata(TYPE.DNSKEY, dnskey));
  const [signature] = rrset.signatures;
  if (signature === undefined || key === undefined) throw new Error('an example is malformed');
  return verify(rrset, signature, key, signature.inception);
};

/** RFC 5702 section 6.2, RFC 6605 section 6, RFC 8080 section 6 with erratum 4935. */
const EXAMPLES = [
  [
    'RSASHA512',
    'www.example.net. 3600 IN A 192.0.2.91',
    'A 10 3 3600 20300101000000 20000101000000 3740 example.net. tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagYJRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=',
    '256 3 10 AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL',
  ],
  [
    'ECDSAP256SHA256',
    'www.example.net. 3600 IN A 192.0.2.1',
    'A 13 3 3600 20100909100439 20100812100439 55648 example.net. qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==',
    '257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
  ],
  [
    'ECDSAP384SHA384',
    'www.example.net. 3600 IN A 192.0.2.1',
    'A 14 3 3600 20100909102025 20100812102025 10771 example.net. /L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm',
    '257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40',
  ],
  [
    'ED25519',
    'example.com. 3600 IN MX 10 mail.example.com.',
    'MX 15 2 3600 1440021600 1438207200 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==',
    '257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=',
  ],
  [
    'ED25519',
    'example.com. 3600 IN MX 10 mail.example.com.',
    'MX 15 2 3600 1440021600 1438207200 35217 example.com. zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==',
    '257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=',
  ],
  [
    'ED448',
    'example.com. 3600 IN MX 10 mail.example.com.',
    'MX 16 2 3600 1440021600 1438207200 9713 example.com. 3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/07+4RQvE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA',
    '257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA',
  ],
] as const;

describe('the examples of the RFCs', () => {
  test.each(EXAMPLES)('with %s of %s are good', (_, record, rrsig, dnskey) => {
    expect(verifyTexts(record, rrsig, dnskey)).toBeUndefined();
    expect(verifyTexts(record.replace(/\d+$|mail/, '9'), rrsig, dnskey)).toBe('wrong');
  });

  test('with RSASHA256 have a key of 512 bits, which does not count', () => {
    const flaw = verifyTexts(
      'www.example.net. 3600 IN A 192.0.2.91',
      'A 8 3 3600 20300101000000 20000101000000 9033 example.net. kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==',
      '256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=',
    );
    expect(flaw).toBe('unsupported');
  });
});

/** One record of every type that holds names, with capital letters, and what else is signed in ways of its own. */
const RECORDS = [
  'WWW.Example. 300 IN A 192.0.2.20',
  'www.example. 300 IN A 192.0.2.3',
  'www.example. 300 IN AAAA 2001:DB8::1',
  '*.Wild.example. 300 IN A 192.0.2.4',
  'a.b.c.ENT.example. 300 IN TXT "Some Text" "and more"',
  'sub.example. 300 IN NS NS.Sub.example.',
  `sub.example. 300 IN DS 1 13 2 ${'aa'.repeat(32)}`,
  'n1.example. 300 IN CNAME WWW.Example.',
  'n2.example. 300 IN PTR A.Example.',
  'n3.example. 300 IN MINFO A.Example. B.Example.',
  'n4.example. 300 IN MX 10 Mail.Example.',
  'n5.example. 300 IN RP A.Example. B.Example.',
  'n6.example. 300 IN AFSDB 1 A.Example.',
  'n7.example. 300 IN RT 1 A.Example.',
  'n8.example. 300 IN PX 1 A.Example. B.Example.',
  'n9.example. 300 IN SRV 1 2 3 A.Example.',
  'n10.example. 300 IN NAPTR 1 2 "S" "SIP+D2U" "!^.*$!SIP:A!" A.Example.',
  'n11.example. 300 IN KX 1 A.Example.',
  'n12.example. 300 IN DNAME A.Example.',
  'n13.example. 300 IN SVCB 1 A.Example. alpn="H2"',
  'n14.example. 300 IN HTTPS 1 A.Example.',
  'n15.example. 300 IN LP 1 A.Example.',
  'n16.example. 300 IN HINFO "CPU" "OS"',
  'n17.example. 300 IN MB A.Example.',
  'n18.example. 300 IN CAA 0 issue "CA.Example"',
  'n19.example. 300 IN TYPE65280 \\# 4 41424344',
];

/** What is wrong with any RRset of a zone, in words; empty when all signatures are good. */
const findFlaws = (zone: SignedZone): string[] => {
  const keys = keysOf(zone);
  const flaws: string[] = [];
  const seen = new Set<string>();
  for (const { owner, type } of zone.records) {
    const name = `${formatName(owner).toLowerCase()} ${formatType(type)}`;
    if (type === TYPE.RRSIG || seen.has(name)) continue;
    seen.add(name);
    const rrset = findRrset(zone.records, formatName(owner), formatType(type));
    const isCut = name === 'sub.example. NS';
    if (rrset.signatures.length === 0 && !isCut) flaws.push(`${name} is not signed`);
    for (const signature of rrset.signatures) {
      const tried = keys.filter((key) => key.keyTag === signature.keyTag);
      if (!tried.some((key) => verify(rrset, signature, key) === undefined)) flaws.push(`${name} is wrong`);
      if (isWildcardExpanded(rrset, signature)) flaws.push(`${name} seems expanded`);
    }
  }
  return seen.size < RECORDS.length ? ['records are missing'] : flaws;
};

const ALGORITHMS: readonly ZoneAlgorithm[] = [
  'RSASHA1',
  'NSEC3RSASHA1',
  'RSASHA256',
  'RSASHA512',
  'ECDSAP256SHA256',
  'ECDSAP384SHA384',
  'ED25519',
  'ED448',
];

describe.each(['bind', 'ldns'] as const)('every RRset that %s signs', (signer) => {
  for (const [options, algorithms] of inTwo(ALGORITHMS, (one, index) =>
    signer === 'bind' ? !one.includes('SHA1') && one !== 'RSASHA512' : index % 3 === 2,
  ))
    test.for(algorithms)('with %s is good', options, (algorithm, context) => {
      requireProgram(context, signer === 'bind' ? 'dnssec-signzone' : 'ldns-signzone');
      const denial = algorithm === 'RSASHA1' || algorithm === 'ED25519' ? 'nsec' : 'nsec3';
      const zone = { apex: 'Example.', records: RECORDS, algorithm, denial, signer } as const;
      const signed = signZone({ ...zone, salt: 'AABB', iterations: 2, start: START_SEC, end: END_SEC });
      expect(findFlaws(signed)).toEqual([]);
    });
});

test.for([1024, 4096])('keys of RSA with %d bits verify', (bits, context) => {
  requireProgram(context, 'dnssec-signzone');
  const keys = [createZoneKey('example.', 'RSASHA256', 'ksk', bits)];
  const zone = signZone({ apex: 'example.', records: [], keys, start: START_SEC, end: END_SEC });
  const soa = findRrset(zone.records, 'example.', 'SOA');
  const { signature, key } = signatureOf(soa, keysOf(zone));
  expect(verify(soa, signature, key)).toBeUndefined();
});

/** A signed zone and what most tests look at. */
const openZone = () => {
  const zone = signZone({ apex: 'example.', records: RECORDS, start: START_SEC, end: END_SEC });
  const keys = keysOf(zone);
  const rrset = findRrset(zone.records, 'www.example.', 'A');
  return { zone, keys, rrset, ...signatureOf(rrset, keys) };
};
let shared: ReturnType<typeof openZone> | undefined;
const opened = (context: Parameters<typeof requireProgram>[0]) => {
  requireProgram(context, 'dnssec-signzone');
  shared ??= openZone();
  return shared;
};

describe('verifySignature()', () => {
  test('refuses a signature when anything that it covers has changed', (context) => {
    const { rrset, signature, key } = opened(context);
    expect(verify(rrset, signature, key)).toBeUndefined();
    const changes: readonly Partial<Rrset>[] = [
      { owner: nameFrom('wwx.example.') },
      { class: 3 },
      { rdatas: rrset.rdatas.slice(1) },
      { rdatas: [...rrset.rdatas].reverse() },
      { rdatas: [...rrset.rdatas, Uint8Array.of(192, 0, 2, 30)] },
      { rdatas: [] },
    ];
    for (const change of changes) expect(verify({ ...rrset, ...change }, signature, key)).toBe('wrong');
    expect(verify({ ...rrset, ttlSec: 1 }, signature, key)).toBeUndefined();
  });

  test('refuses a signature of which any bit has changed', (context) => {
    const { rrset, signature, key } = opened(context);
    for (let at = 0; at < signature.rdata.length; at++) {
      const bytes = signature.rdata.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 0x01;
      const changed = parseSignature(bytes);
      if (changed === undefined) continue;
      expect(verify(rrset, changed, key), `byte ${at}`).not.toBeUndefined();
    }
  });

  test.for([
    [-1, 'not-yet-valid'],
    [0, undefined],
    [END_SEC - START_SEC, undefined],
    [END_SEC - START_SEC + 1, 'expired'],
    [-(2 ** 30), 'not-yet-valid'],
    [2 ** 30, 'expired'],
    [END_SEC - START_SEC + 0.5, undefined],
  ] as const)('%d s after inception it is %s', ([sinceStartSec, expected], context) => {
    const { rrset, signature, key } = opened(context);
    expect(verify(rrset, signature, key, START_SEC + sinceStartSec)).toBe(expected);
  });

  test.for([
    // Inception and expiration that were not signed: in time means that the signature is looked at and wrong.
    ['in the last second of 2106', 2 ** 32 - 1000, 2 ** 32 - 1, 2 ** 32 - 1, 'wrong'],
    ['just before that', 2 ** 32 - 1000, 2 ** 32 - 1, 2 ** 32 - 1001, 'not-yet-valid'],
    ['just after that', 2 ** 32 - 1000, 2 ** 32 - 1, 2 ** 32, 'expired'],
    ['before the turn of a period that spans it', 2 ** 32 - 1000, 100, 2 ** 32 - 1, 'wrong'],
    ['after the turn of a period that spans it', 2 ** 32 - 1000, 100, 2 ** 32 + 100, 'wrong'],
    ['after a period that spans the turn', 2 ** 32 - 1000, 100, 2 ** 32 + 101, 'expired'],
    ['in a period of more than half the circle', 0, 2 ** 31 + 1, 5, 'malformed'],
  ] as const)(
    'compares times by serial arithmetic: %s',
    ([, inception, expiration, nowSec, flaw], context) => {
      const { rrset, signature, key } = opened(context);
      const rdata = signature.rdata.slice();
      writeU32(rdata, 8, expiration);
      writeU32(rdata, 12, inception);
      const changed = parseSignature(rdata);
      expect(changed && verify(rrset, changed, key, nowSec)).toBe(flaw);
      expect(verify(rrset, signature, key, NOW_SEC + 2 ** 32)).toBeUndefined();
    },
  );

  test.for([
    ['another type covered', { typeCovered: TYPE.AAAA }],
    ['more labels than its owner has', { labels: 3 }],
    ['fewer labels than its signer has', { labels: 0 }],
    ['a signer that is not above', { signer: nameFrom('b.example.'), labels: 2 }],
    ['a signer below', { signer: nameFrom('a.www.example.'), labels: 3 }],
    ['an end before its beginning', { expiration: START_SEC - 1 }],
  ] as const)('calls a signature with %s malformed and does no work', ([, change], context) => {
    const { rrset, signature, key } = opened(context);
    const work = new Work({ verifications: 0 });
    expect(verifySignature(rrset, { ...signature, ...change }, key, NOW_SEC, work)).toBe('malformed');
    expect(work.exceeded).toBeUndefined();
  });

  test.for([
    ['another tag', { keyTag: 1 }],
    ['another algorithm', { algorithm: 14 }],
    ['no zone flag', { isZoneKey: false }],
    ['the revoke flag', { isRevoked: true }],
  ] as const)('refuses a key with %s and does no work', ([, change], context) => {
    const { rrset, signature, key } = opened(context);
    const work = new Work({ verifications: 0 });
    expect(verifySignature(rrset, signature, { ...key, ...change }, NOW_SEC, work)).toBe('wrong');
    expect(work.exceeded).toBeUndefined();
  });

  test('lets a revoked key verify the keys of its zone', (context) => {
    const { zone, keys } = opened(context);
    const rrset = findRrset(zone.records, 'example.', 'DNSKEY');
    const { signature, key } = signatureOf(rrset, keys);
    expect(verify(rrset, signature, { ...key, isRevoked: true })).toBeUndefined();
  });

  test('refuses the key of another zone with the same tag', (context) => {
    const { rrset, signature, key, keys } = opened(context);
    const other = keys.find((one) => one.keyTag !== key.keyTag);
    expect(other).toBeDefined();
    expect(verify(rrset, signature, { ...key, rdata: other?.rdata ?? key.rdata })).toBe('wrong');
  });

  test('counts a key that is no point of its curve as a failure', (context) => {
    const { rrset, signature, key } = opened(context);
    const rdata = key.rdata.slice();
    rdata[10] = (rdata[10] ?? 0) ^ 1;
    const work = new Work({ failures: 1 });
    expect(verifySignature(rrset, signature, { ...key, rdata }, NOW_SEC, work)).toBe('malformed');
    expect(verifySignature(rrset, signature, key, NOW_SEC, work)).toBe('exceeded');
    expect(work.exceeded).toBe('failures');
  });

  test('refuses SHA-1 unless it is allowed', (context) => {
    requireProgram(context, 'dnssec-signzone');
    const records = ['www.example. 60 IN A 192.0.2.1'];
    const zone = signZone({
      apex: 'example.',
      records,
      algorithm: 'NSEC3RSASHA1',
      start: START_SEC,
      end: END_SEC,
    });
    const rrset = findRrset(zone.records, 'www.example.', 'A');
    const { signature, key } = signatureOf(rrset, keysOf(zone));
    expect(verifySignature(rrset, signature, key, NOW_SEC, new Work())).toBe('unsupported');
    expect(verifySignature(rrset, signature, key, NOW_SEC, new Work(), true)).toBeUndefined();
  });

  test('says of an unknown algorithm that it is unsupported', (context) => {
    const { rrset, signature, key } = opened(context);
    for (const algorithm of [0, 1, 3, 12, 17, 253, 255])
      expect(verify(rrset, { ...signature, algorithm }, { ...key, algorithm })).toBe('unsupported');
  });

  test('takes as much work as records are large, and none after the last', (context) => {
    const { zone, keys } = opened(context);
    const large = 'large.example.';
    const records = Array.from(
      { length: 250 },
      (_, index) => `${large} 60 IN TXT "${index}${'x'.repeat(240)}"`,
    );
    const signed = signZone({ apex: 'example.', records, keys: zone.keys, start: START_SEC, end: END_SEC });
    const rrset = findRrset(signed.records, large, 'TXT');
    const { signature, key } = signatureOf(rrset, keys);
    const work = new Work({ verifications: 3 });
    expect(verifySignature(rrset, signature, key, NOW_SEC, work)).toBeUndefined();
    expect(verifySignature(rrset, signature, key, NOW_SEC, work)).toBe('exceeded');
    expect(work.exceeded).toBe('verifications');
  });

  test('stops after sixteen wrong signatures of one question', (context) => {
    const { rrset, signature, key } = opened(context);
    const changed = { ...rrset, owner: nameFrom('wwx.example.') };
    const work = new Work();
    const flaws = Array.from({ length: 20 }, () => verifySignature(changed, signature, key, NOW_SEC, work));
    expect(flaws).toEqual([...Array(16).fill('wrong'), ...Array(4).fill('exceeded')]);
    expect(verifySignature(rrset, signature, key, NOW_SEC, work)).toBe('exceeded');
    expect(verifySignature(rrset, signature, key, NOW_SEC, new Work())).toBeUndefined();
  });

  test('never throws for mutated signatures, keys and records, and believes none', (context) => {
    const { rrset, zone } = opened(context);
    const sound = [
      rrset,
      findRrset(zone.records, 'example.', 'DNSKEY'),
      findRrset(zone.records, 'n4.example.', 'MX'),
    ];
    const signatures = sound.flatMap((one) => one.signatures.map((signature) => signature.rdata));
    const keyPool = keysOf(zone).map((key) => key.rdata);
    const random = createRandom(4);
    for (let i = 0; i < 3000; i++) {
      const target = sound[random(sound.length)] ?? rrset;
      const signature = parseSignature(mutate(signatures, random));
      const key = parseDnsKey(
        random(2) === 0 ? mutate(keyPool, random) : (keyPool[random(2)] ?? rrset.owner),
      );
      if (signature === undefined || key === undefined) continue;
      const isGood = signatures.some((rdata) => Buffer.compare(rdata, signature.rdata) === 0);
      const mended = { ...key, keyTag: signature.keyTag, algorithm: signature.algorithm, isZoneKey: true };
      const flaw = verify(target, signature, mended);
      if (!isGood) expect(flaw).not.toBeUndefined();
    }
  });
});

describe('a wildcard', () => {
  const expand = (rrset: Rrset, owner: string): Rrset => ({ ...rrset, owner: nameFrom(owner) });

  test.for([
    ['*.wild.example.', undefined, false],
    ['a.wild.example.', undefined, true],
    ['a.b.c.wild.example.', undefined, true],
    ['*.a.wild.example.', undefined, true],
    ['wild.example.', 'wrong', false],
    ['awild.example.', 'wrong', false],
    ['a.tame.example.', 'wrong', true],
    ['example.', 'malformed', false],
  ] as const)('%s: %s, expanded: %s', ([owner, flaw, isExpanded], context) => {
    const { zone, keys } = opened(context);
    const wildcard = findRrset(zone.records, '*.wild.example.', 'A');
    const { signature, key } = signatureOf(wildcard, keys);
    expect(verify(expand(wildcard, owner), signature, key)).toBe(flaw);
    expect(isWildcardExpanded(expand(wildcard, owner), signature)).toBe(isExpanded);
  });

  test('of the longest name that there is verifies', (context) => {
    const { zone, keys } = opened(context);
    const wildcard = findRrset(zone.records, '*.wild.example.', 'A');
    const { signature, key } = signatureOf(wildcard, keys);
    const longest = `${'a.'.repeat(120)}wild.example.`;
    expect(nameFrom(longest)).toHaveLength(254);
    expect(verify(expand(wildcard, longest), signature, key)).toBeUndefined();
  });

  test('does not follow from a signature over one of the names', (context) => {
    const { rrset, signature, key } = opened(context);
    expect(verify({ ...rrset, owner: nameFrom('a.www.example.') }, signature, key)).toBe('wrong');
    expect(verify(rrset, { ...signature, labels: 1 }, key)).toBe('wrong');
  });
});

describe('Work', () => {
  test('grants what it was given and names the limit that was met first', () => {
    const work = new Work({ verifications: 10, nsec3Hashes: 2, lookups: 1 });
    expect([work.takeNsec3Hash(), work.takeNsec3Hash(), work.exceeded]).toEqual([true, true, undefined]);
    expect(work.takeLookup()).toBe(true);
    expect([work.takeVerification(0, 9 - LOOKUP_UNITS), work.exceeded]).toEqual([true, undefined]);
    expect([work.takeNsec3Hash(), work.takeLookup(), work.takeVerification()]).toEqual([false, false, false]);
    expect(work.exceeded).toBe('nsec3Hashes');
    const other = new Work({ lookups: 0 });
    expect([other.takeLookup(), other.exceeded]).toEqual([false, 'lookups']);
  });

  test('has bounds by default', () => {
    const count = (take: (work: Work) => boolean): number => {
      const work = new Work();
      let taken = 0;
      while (taken < 1000 && take(work)) taken++;
      return taken;
    };
    expect(count((work) => work.takeVerification())).toBe(80);
    expect(count((work) => work.takeVerification(0, 8))).toBe(10);
    expect(count((work) => work.takeNsec3Hash())).toBe(128);
    expect(count((work) => work.takeNsec3Hash(50))).toBe(40);
    expect(count((work) => work.takeLookup())).toBe(Math.floor(80 / LOOKUP_UNITS));
  });
});

test('signZone() signs with one key, without salt, opted out, and for the root', (context) => {
  requireProgram(context, 'dnssec-signzone');
  const records: readonly string[] = ['sub. 60 IN NS ns.sub.', 'a. 60 IN A 192.0.2.1'];
  const types = (zone: SignedZone): Set<string> =>
    new Set(zone.records.map((record: ResourceRecord) => formatType(record.type)));
  const keys = [createZoneKey('.', 'ED25519', 'ksk')];
  const plain = signZone({ apex: '.', records, keys });
  const optOut = signZone({ apex: '.', records, keys, denial: 'nsec3-optout' });
  expect([types(plain).has('NSEC'), types(plain).has('NSEC3')]).toEqual([true, false]);
  expect([types(optOut).has('NSEC'), types(optOut).has('NSEC3')]).toEqual([false, true]);
  const chain = optOut.records.filter((record) => record.type === TYPE.NSEC3);
  expect(chain.map((record) => [...record.rdata.subarray(0, 5)])).toContainEqual([1, 1, 0, 0, 0]);
  const nowSec = Date.now() / 1000;
  const soa = findRrset(plain.records, '.', 'SOA');
  const { signature, key } = signatureOf(soa, keysOf(plain));
  expect(verify(soa, signature, key, nowSec)).toBeUndefined();
});
