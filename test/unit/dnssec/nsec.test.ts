// NSEC records one by one: which are read, and what none of them may prove.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  hasType,
  isBitmapSound,
  type Nsec,
  type NsecChain,
  proveNameErrorByNsec,
  proveNoDataByNsec,
  proveNoDsByNsec,
  proveWildcardByNsec,
  readNsec,
} from '../../../src/resolver/dnssec/nsec.ts';
import type { Rrset } from '../../../src/resolver/dnssec/rrset.ts';
import { nameFrom, parseRecord, TYPE } from '../../../src/wire/dns/dns.ts';
import { createRrset, typeOf } from '../../support/denial-zone.ts';

const ZONE = nameFrom('example.');

const nsecRrset = (text: string, signer = 'example.'): Rrset => {
  const [owner, next, ...types] = text.split(' ');
  return createRrset(`${owner} 300 IN NSEC ${next} ${types.join(' ')}`, signer);
};

/** A chain of a single record, which is the floor of every name. */
const chainOf = (text: string, zone = 'example.'): NsecChain => {
  const nsec = readNsec(nsecRrset(text, zone), nameFrom(zone));
  expect(nsec).toBeDefined();
  return { zone: nameFrom(zone), floor: (): Nsec | undefined => nsec };
};

const withRdata = (rrset: Rrset, ...rdatas: Uint8Array[]): Rrset => ({ ...rrset, rdatas });
const isRead = (rrset: Rrset): boolean => readNsec(rrset, ZONE) !== undefined;

describe('readNsec() reads', () => {
  test('owner, next name and types, the next name folded', () => {
    const nsec = readNsec(nsecRrset('a.example. B.eXample. A TYPE1234'), ZONE);
    expect(nsec?.owner).toEqual(nameFrom('a.example.'));
    expect(nsec?.next).toEqual(nameFrom('b.example.'));
    const held = [TYPE.A, TYPE.NS, 1234].map((type) => hasType(nsec?.types ?? new Uint8Array(0), type));
    expect(held).toEqual([true, false, true]);
  });
});

describe('readNsec() refuses', () => {
  const good = nsecRrset('a.example. b.example. A RRSIG NSEC');
  const rdata = good.rdatas[0] ?? new Uint8Array(0);

  test('nothing of a sound record', () => {
    expect(isRead(good)).toBe(true);
  });

  test.each<[string, Rrset]>([
    ['an owner outside the zone', nsecRrset('a.test. b.example. A')],
    ['a next name outside the zone', nsecRrset('a.example. b.test. A')],
    ['the signature of the parent', nsecRrset('example. b.example. NS', '.')],
    ['the signature of a child', nsecRrset('a.example. b.example. A', 'a.example.')],
    ['no signature', { ...good, signatures: [] }],
    ['another type', { ...good, type: TYPE.NSEC3 }],
    ['no record', withRdata(good)],
    ['two records', withRdata(good, rdata, nsecRrset('a.example. c.example. A').rdatas[0] ?? rdata)],
    ['an empty RDATA', withRdata(good, new Uint8Array(0))],
    ['half a name', withRdata(good, rdata.slice(0, 5))],
    ['half a bitmap', withRdata(good, rdata.slice(0, -1))],
    ['a compressed name', withRdata(good, Uint8Array.from([1, 0x61, 0xc0, 0, 0, 1, 0x40]))],
  ])('%s', (_title, rrset) => {
    expect(isRead(rrset)).toBe(false);
  });

  test('a record that was expanded from a wildcard, whatever owner it was given', () => {
    const replayed = nsecRrset('www.example. b.example. A RRSIG NSEC');
    const signatures = replayed.signatures.map((signature) => ({ ...signature, labels: 1 }));
    expect(isRead(replayed)).toBe(true);
    expect(isRead({ ...replayed, signatures })).toBe(false);
    expect(isRead(nsecRrset('*.example. b.example. A RRSIG NSEC'))).toBe(true);
  });

  test('changed bytes without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(80), (bytes, cut) => {
        for (const changed of [bytes, Uint8Array.from([...rdata.slice(0, cut), ...bytes])]) {
          const nsec = readNsec(withRdata(good, changed), ZONE);
          expect(nsec === undefined || isBitmapSound(nsec.types)).toBe(true);
        }
      }),
    );
  });
});

describe('type bitmaps', () => {
  test('hold what presentation format says, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 0xffff }), { maxLength: 12 }),
        fc.nat(0xffff),
        (types, other) => {
          const words = types.map((type) => `TYPE${type}`).join(' ');
          const bitmap = parseRecord(`. 0 IN NSEC . ${words}`).rdata.subarray(1);
          expect(isBitmapSound(bitmap)).toBe(true);
          for (const type of types) expect(hasType(bitmap, type)).toBe(true);
          expect(hasType(bitmap, other)).toBe(types.includes(other));
        },
      ),
    );
  });

  test.each<[string, number[], boolean]>([
    ['nothing', [], true],
    ['zeros at the end of a window', [0, 2, 0x40, 0], true],
    ['a window without bytes', [0, 0], false],
    ['a window that is too long', [0, 33, ...new Array<number>(33).fill(1)], false],
    ['a window twice', [0, 1, 0x40, 0, 1, 0x40], false],
    ['windows out of order', [1, 1, 0x40, 0, 1, 0x40], false],
    ['a window that does not end', [0, 4, 0x40], false],
    ['a window number alone', [0], false],
  ])('of %s: %j is sound: %s', (_title, bytes, isSound) => {
    expect(isBitmapSound(Uint8Array.from(bytes))).toBe(isSound);
  });

  test('are searched to their end whatever they hold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(0xffff), (bitmap, type) => {
        expect([true, false]).toContain(hasType(bitmap, type));
      }),
    );
  });
});

describe('a record with', () => {
  const below = nameFrom('x.a.example.');
  const denies = (types: string): boolean =>
    proveNameErrorByNsec(chainOf(`a.example. example. ${types} RRSIG NSEC`), below) !== undefined;

  test.each<[string, boolean]>([
    ['A', true],
    ['NS', false],
    ['NS DS', false],
    ['NS SOA', true],
    ['DNAME', false],
    ['NS SOA DNAME', false],
  ])('%s denies names below it: %s', (types, isDenying) => {
    expect(denies(types)).toBe(isDenying);
    const chain = chainOf(`a.example. example. ${types} RRSIG NSEC`);
    expect(proveWildcardByNsec(chain, below, nameFrom('a.example.')) !== undefined).toBe(isDenying);
    expect(proveNoDsByNsec(chain, below)).toBe(isDenying ? 'no-name' : 'unproven');
  });

  test.each<[string, string, boolean]>([
    ['A', 'MX', true],
    ['A', 'A', false],
    ['A', 'ANY', false],
    ['CNAME', 'MX', false],
    ['CNAME', 'DS', false],
    ['NS', 'A', false],
    ['NS', 'DS', true],
    ['NS DS', 'DS', false],
    ['NS SOA', 'A', true],
    ['NS SOA', 'DS', false],
    ['DNAME', 'A', true],
  ])('%s proves that there is no %s: %s', (types, qtype, isProven) => {
    const chain = chainOf(`a.example. b.example. ${types} RRSIG NSEC`);
    expect(proveNoDataByNsec(chain, nameFrom('a.example.'), typeOf(qtype)) !== undefined).toBe(isProven);
  });

  test.each<[string, string]>([
    ['NS', 'insecure'],
    ['NS DS', 'unproven'],
    ['NS SOA', 'unproven'],
    ['SOA', 'unproven'],
    ['A', 'no-delegation'],
    ['CNAME', 'no-delegation'],
    ['DNAME', 'no-delegation'],
  ])('%s at a name without DS: %s', (types, proof) => {
    const chain = chainOf(`a.example. b.example. ${types} RRSIG NSEC`);
    expect(proveNoDsByNsec(chain, nameFrom('a.example.'))).toBe(proof);
  });

  test('the apex as its next name covers all that comes after it', () => {
    const last = chainOf('m.example. example. A RRSIG NSEC');
    expect(proveWildcardByNsec(last, nameFrom('z.example.'), ZONE)).toBeDefined();
    expect(proveWildcardByNsec(last, nameFrom('a.example.'), ZONE)).toBeUndefined();
  });

  test('a next name before its owner that is not the apex covers nothing', () => {
    const odd = chainOf('m.example. b.example. A RRSIG NSEC');
    for (const name of ['a.example.', 'z.example.', 'c.example.'])
      expect(proveWildcardByNsec(odd, nameFrom(name), ZONE)).toBeUndefined();
  });

  test('the root as its owner denies a top-level domain, and the DS of the root', () => {
    const root = chainOf('. aaa. NS SOA RRSIG NSEC DNSKEY', '.');
    expect(proveNoDataByNsec(root, nameFrom('.'), TYPE.DS)).toBeDefined();
    const whole = chainOf('. . NS SOA RRSIG NSEC DNSKEY', '.');
    expect(proveNameErrorByNsec(whole, nameFrom('nothing.here.'))).toHaveLength(2);
  });
});
