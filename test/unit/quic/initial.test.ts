import { describe, expect, test } from 'vitest';
import { mayBegin } from '../../../src/wire/quic/initial.ts';

/** A packet with a long header (RFC 9000 section 17.2). */
const packet = (changes: {
  first?: number;
  version?: number[];
  destination?: number;
  source?: number;
  token?: number[];
}): Uint8Array => {
  const { first = 0xc3, version = [0, 0, 0, 1], destination = 8, source = 8, token = [2, 1, 1] } = changes;
  return Uint8Array.from([
    first,
    ...version,
    destination,
    ...Array.from({ length: destination }, () => 7),
    source,
    ...Array.from({ length: source }, () => 9),
    ...token,
    ...Array.from({ length: 20 }, () => 0),
  ]);
};

describe('mayBegin()', () => {
  test.each<[what: string, bytes: Uint8Array, expected: boolean]>([
    ['an Initial with a token', packet({}), true],
    ['an Initial with a token whose length has two bytes', packet({ token: [0x40, 0x80] }), true],
    ['an Initial without connection IDs', packet({ destination: 0, source: 0 }), true],
    ['an Initial without a token', packet({ token: [0] }), false],
    ['a Handshake packet', packet({ first: 0xe3 }), false],
    ['a Retry', packet({ first: 0xf3 }), false],
    ['a short header', packet({ first: 0x43 }), false],
    ['another version', packet({ version: [0x6b, 0x33, 0x43, 0xcf] }), false],
    ['a negotiation of versions', packet({ version: [0, 0, 0, 0] }), false],
    ['an ID that is too long', packet({ destination: 21 }), false],
  ])('%s', (_what, bytes, expected) => {
    expect(mayBegin(bytes, bytes.length)).toBe(expected);
  });

  test('a packet that ends anywhere in its header begins nothing', () => {
    const bytes = packet({});
    const tokenAt = 1 + 4 + 1 + 8 + 1 + 8;
    for (let length = 0; length <= tokenAt; length++) expect(mayBegin(bytes, length)).toBe(false);
    expect(mayBegin(bytes, tokenAt + 1)).toBe(true);
  });
});
