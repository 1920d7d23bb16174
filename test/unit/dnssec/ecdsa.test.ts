// The two numbers of an ECDSA signature as DER, judged by what OpenSSL itself makes of them.
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toDerSignature } from '../../../src/resolver/dnssec/ecdsa.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const toHex = (der: Uint8Array | undefined): string | undefined => der && Buffer.from(der).toString('hex');

describe('toDerSignature()', () => {
  test.each([
    ['small numbers lose their zeros', '0001' + '0002', 2, '3006020101020102'],
    ['a set top bit gets a zero before it', '80ff' + '7fff', 2, '3009020300 80ff02027fff'.replace(' ', '')],
    ['zero is one byte', '0000' + '0000', 2, '3006020100020100'],
  ])('%s', (_title, raw, numberBytes, der) => {
    expect(toHex(toDerSignature(bytes(raw), numberBytes))).toBe(der);
  });

  test.each([
    ['P-256', 'sha256', 32],
    ['P-384', 'sha384', 48],
  ])('OpenSSL verifies what it signed with %s', (namedCurve, digest, numberBytes) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    // Enough for numbers with zeros in front, which one of 256 has.
    for (let i = 0; i < 600; i++) {
      const data = Buffer.from(`text ${i}`);
      const raw = sign(digest, data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      const der = toDerSignature(raw, numberBytes);
      expect(der !== undefined && verify(digest, data, publicKey, der)).toBe(true);
    }
  });

  test.each([0, 1, 63, 65, 96])('refuses %i bytes for P-256', (length) => {
    expect(toDerSignature(new Uint8Array(length), 32)).toBeUndefined();
  });
});
