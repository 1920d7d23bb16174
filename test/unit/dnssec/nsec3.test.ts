// NSEC3 records one by one: hashes that RFC 5155 states, which records are read, and what their spans cover.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  hashName,
  isHashBetween,
  type Nsec3,
  type Nsec3Chain,
  proveNameErrorByNsec3,
  proveNoDataByNsec3,
  proveNoDsByNsec3,
  readNsec3,
  surveyName,
} from '../../../src/resolver/dnssec/nsec3.ts';
import type { Rrset } from '../../../src/resolver/dnssec/rrset.ts';
import { Work } from '../../../src/resolver/dnssec/work.ts';
import { formatName, nameFrom, TYPE } from '../../../src/wire/dns/dns.ts';
import {
  createNsec3Rrsets,
  createRrset,
  type DenialZone,
  hashText,
  typeOf,
} from '../../support/denial-zone.ts';

const ZONE = nameFrom('example.');
const FIRST = '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom';
const SECOND = '2t7b4g4vsa5smi47k61mv5bv1a22bojr';

const nsec3Rrset = (fields: string, owner = `${FIRST}.example.`, signer = 'example.'): Rrset =>
  createRrset(`${owner} 300 IN NSEC3 ${fields}`, signer);

const isRead = (rrset: Rrset): boolean => readNsec3(rrset, ZONE) !== undefined;
const withRdata = (rrset: Rrset, ...rdatas: Uint8Array[]): Rrset => ({ ...rrset, rdatas });

/** RFC 5155 appendix A: salt aabbccdd, 12 iterations. */
test.each([
  ['example.', '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom'],
  ['a.example.', '35mthgpgcu1qg68fab165klnsnk3dpvl'],
  ['ai.example.', 'gjeqe526plbf1g8mklp59enfd789njgi'],
  ['ns1.example.', '2t7b4g4vsa5smi47k61mv5bv1a22bojr'],
  ['ns2.example.', 'q04jkcevqvmu85r014c7dkba38o0ji5r'],
  ['w.example.', 'k8udemvp1j2f7eg6jebps17vp3n8i58h'],
  ['*.w.example.', 'r53bq7cc2uvmubfu5ocmm6pers9tk9en'],
  ['x.w.example.', 'b4um86eghhds6nea196smvmlo4ors995'],
  ['y.w.example.', 'ji6neoaepv8b5o6k4ev33abha8ht9fgc'],
  ['x.y.w.example.', '2vptu5timamqttgl4luu9kg21e0aor3s'],
  ['xx.example.', 't644ebqk9bibcna874givr6joj62mlhv'],
])('hashName() of %s is %s', (name, text) => {
  const salt = Uint8Array.from([0xaa, 0xbb, 0xcc, 0xdd]);
  const owner = readNsec3(nsec3Rrset(`1 0 12 aabbccdd ${SECOND} A`, `${text}.example.`), ZONE);
  expect(owner?.hash).toEqual(Uint8Array.from(hashName(nameFrom(name), { iterations: 12, salt })));
});

describe('readNsec3() reads', () => {
  test('parameters, hashes, opt-out and types', () => {
    const nsec3 = readNsec3(nsec3Rrset(`1 1 12 aabbccdd ${SECOND} NS SOA`), ZONE);
    expect(nsec3).toMatchObject({
      parameters: { iterations: 12, salt: Uint8Array.from([0xaa, 0xbb, 0xcc, 0xdd]) },
      isOptOut: true,
    });
    expect([nsec3?.hash.length, nsec3?.next.length]).toEqual([20, 20]);
  });

  test('a record without types, and iterations that nobody computes', () => {
    expect(readNsec3(nsec3Rrset(`1 0 0 - ${SECOND}`), ZONE)?.types.length).toBe(0);
    expect(readNsec3(nsec3Rrset(`1 0 65535 - ${SECOND}`), ZONE)?.parameters.iterations).toBe(65_535);
  });
});

describe('readNsec3() refuses', () => {
  const good = nsec3Rrset(`1 0 12 aabbccdd ${SECOND} A RRSIG`);
  const rdata = good.rdatas[0] ?? new Uint8Array(0);
  const changed = (offset: number, byte: number): Rrset => {
    const copy = rdata.slice();
    copy[offset] = byte;
    return withRdata(good, copy);
  };

  test('nothing of a sound record', () => {
    expect(isRead(good)).toBe(true);
  });

  test.each<[string, Rrset]>([
    ['a hash that nobody has defined', nsec3Rrset(`2 0 0 - ${SECOND} A`)],
    ['a flag that nobody has defined', nsec3Rrset(`1 2 0 - ${SECOND} A`)],
    ['an owner that is no hash', nsec3Rrset(`1 0 0 - ${SECOND} A`, 'www.example.')],
    ['letters that base32hex has not', nsec3Rrset(`1 0 0 - ${SECOND} A`, `${'z'.repeat(32)}.example.`)],
    ['an owner deeper in the zone', nsec3Rrset(`1 0 0 - ${SECOND} A`, `${FIRST}.sub.example.`)],
    ['an owner of another zone', nsec3Rrset(`1 0 0 - ${SECOND} A`, `${FIRST}.test.`, 'test.')],
    ['the signature of the parent', nsec3Rrset(`1 0 0 - ${SECOND} A`, `${FIRST}.example.`, '.')],
    ['no signature', { ...good, signatures: [] }],
    ['another type', { ...good, type: TYPE.NSEC }],
    ['no record', withRdata(good)],
    ['two records', withRdata(good, rdata, nsec3Rrset(`1 0 0 - ${SECOND} A`).rdatas[0] ?? rdata)],
    ['a short hash', nsec3Rrset('1 0 0 - 2t7b4g4v A')],
    ['a salt beyond the end', changed(4, 255)],
    ['a bitmap that does not end', withRdata(good, rdata.slice(0, -1))],
    [
      'a wildcard that was expanded',
      { ...good, signatures: good.signatures.map((s) => ({ ...s, labels: 1 })) },
    ],
  ])('%s', (_title, rrset) => {
    expect(isRead(rrset)).toBe(false);
  });

  test('changed bytes without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(60), (bytes, cut) => {
        for (const other of [bytes, Uint8Array.from([...rdata.slice(0, cut), ...bytes])]) {
          const nsec3 = readNsec3(withRdata(good, other), ZONE);
          expect(nsec3?.next.length ?? 20).toBe(20);
        }
      }),
    );
  });
});

describe('a span', () => {
  const hashOf = (first: number): Uint8Array => new Uint8Array(20).fill(first);
  const span = (from: number, to: number): Nsec3 => {
    const nsec3 = readNsec3(nsec3Rrset(`1 0 0 - ${SECOND} A`), ZONE);
    expect(nsec3).toBeDefined();
    return { ...(nsec3 as Nsec3), hash: hashOf(from), next: hashOf(to) };
  };

  test.each<[number, number, number, boolean]>([
    [10, 20, 15, true],
    [10, 20, 10, false],
    [10, 20, 20, false],
    [10, 20, 5, false],
    [10, 20, 25, false],
    [200, 10, 250, true],
    [200, 10, 5, true],
    [200, 10, 200, false],
    [200, 10, 10, false],
    [200, 10, 100, false],
    [50, 50, 50, false],
    [50, 50, 51, true],
    [50, 50, 49, true],
  ])('from %i to %i covers %i: %s', (from, to, hash, isCovered) => {
    expect(isHashBetween(span(from, to), hashOf(hash))).toBe(isCovered);
  });
});

describe('what a name holds', () => {
  const zoneWith = (types: readonly string[]): DenialZone => ({
    apex: 'example.',
    names: new Map([
      ['example.', ['SOA', 'NS']],
      ['a.example.', types],
    ]),
  });
  const chainOf = (types: readonly string[]): Nsec3Chain => {
    const spans = createNsec3Rrsets(zoneWith(types)).flatMap((rrset) => readNsec3(rrset, ZONE) ?? []);
    const floor = (hash: Uint8Array): Nsec3 | undefined =>
      spans.findLast((span) => Buffer.compare(span.hash, hash) <= 0) ?? spans.at(-1);
    return { zone: ZONE, parameters: { iterations: 0, salt: new Uint8Array(0) }, floor };
  };
  const survey = (types: readonly string[], name: string) =>
    surveyName(chainOf(types), nameFrom(name), new Work());

  test.each<[string, string, string]>([
    ['A', 'no-delegation', 'proven'],
    ['NS', 'insecure', 'unproven'],
    ['NS DS', 'unproven', 'unproven'],
    ['NS SOA', 'unproven', 'proven'],
    ['DNAME', 'no-delegation', 'unproven'],
    ['CNAME', 'no-delegation', 'proven'],
  ])('%s: without DS it is %s, and a name below is denied: %s', (types, noDs, nameError) => {
    const held = types.split(' ');
    expect(proveNoDsByNsec3(survey(held, 'a.example.'))).toBe(noDs);
    expect(proveNameErrorByNsec3(survey(held, 'x.a.example.')).proof).toBe(nameError);
    expect(proveNoDsByNsec3(survey(held, 'x.a.example.'))).toBe(
      nameError === 'proven' ? 'no-name' : 'unproven',
    );
  });

  test.each<[string, string, string]>([
    ['A', 'MX', 'proven'],
    ['A', 'A', 'unproven'],
    ['A', 'ANY', 'unproven'],
    ['CNAME', 'MX', 'unproven'],
    ['NS', 'A', 'unproven'],
    ['NS', 'DS', 'proven'],
    ['NS SOA', 'DS', 'unproven'],
  ])('%s: that there is no %s is %s', (types, qtype, proof) => {
    const found = survey(types.split(' '), 'a.example.');
    expect(proveNoDataByNsec3(found, nameFrom('a.example.'), typeOf(qtype)).proof).toBe(proof);
  });

  test('a proof names its three records', () => {
    const { proof, records } = proveNameErrorByNsec3(survey(['A'], 'x.y.example.'));
    expect(proof).toBe('proven');
    expect(records).toHaveLength(3);
    expect(formatName(records[0]?.rrset.owner ?? ZONE)).toBe(`${hashText('example.', 0, '-')}.example.`);
  });
});
