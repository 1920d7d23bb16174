import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../../src/base/base.ts';
import {
  hasSignature,
  PROXY,
  ProxiedClient,
  readProxyHeader,
} from '../../../src/resolver/server/proxy-header.ts';
import { proxyV2 } from '../../support/proxy.ts';

const read = (bytes: Uint8Array) => {
  const client = new ProxiedClient();
  const end = readProxyHeader(bytes, bytes.length, client);
  return end <= 0
    ? end
    : `${client.isProxy ? 'proxy' : `${formatAddress(client.words)} ${client.port}`} ${end}`;
};
const text = (line: string) => Buffer.from(line, 'latin1');

describe('readProxyHeader()', () => {
  test.each<[line: string, expected: string | number]>([
    ['PROXY TCP4 192.0.2.7 192.0.2.1 40000 53\r\n', '192.0.2.7 40000 41'],
    ['PROXY TCP6 2001:db8::7 2001:db8::1 40000 53\r\nrest', '2001:db8::7 40000 45'],
    ['PROXY TCP4 192.0.2.7 192.0.2.1 0 53\r\n', '192.0.2.7 1 37'],
    ['PROXY UNKNOWN\r\n', 'proxy 15'],
    ['PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n', 'proxy 35'],
    ['PROXY TCP4 192.0.2.7 192.0.2.1 40000 53', PROXY.PART],
    ['PRO', PROXY.PART],
    ['', PROXY.PART],
    ['PROXY TCP4 192.0.2.7 192.0.2.1 40000 53\n', PROXY.FAULT],
    ['PROXY TCP4 2001:db8::7 2001:db8::1 40000 53\r\n', PROXY.FAULT],
    ['PROXY TCP6 192.0.2.7 192.0.2.1 40000 53\r\n', PROXY.FAULT],
    ['PROXY TCP4 192.0.2.7 192.0.2.1 65536 53\r\n', PROXY.FAULT],
    ['PROXY TCP4 192.0.2.7 192.0.2.1 -1 53\r\n', PROXY.FAULT],
    ['PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n', PROXY.FAULT],
    ['PROXY TCP4 192.0.2.777 192.0.2.1 40000 53\r\n', PROXY.FAULT],
    [`PROXY TCP4 ${' '.repeat(100)}`, PROXY.FAULT],
    ['GET / HTTP/1.1\r\n', PROXY.FAULT],
  ])('%j', (line, expected) => {
    expect(read(text(line))).toBe(expected);
  });

  test.each<[what: string, bytes: Uint8Array, expected: string | number]>([
    ['IPv4', proxyV2('192.0.2.7', 40_000), '192.0.2.7 40000 28'],
    ['IPv6', proxyV2('2001:db8::7', 40_000), '2001:db8::7 40000 52'],
    ['with more behind the addresses', proxyV2('192.0.2.7', 40_000, { more: 100 }), '192.0.2.7 40000 128'],
    ['the proxy itself', proxyV2('192.0.2.7', 40_000, { command: 0 }), 'proxy 28'],
    ['a family that is none', proxyV2('192.0.2.7', 40_000, { family: 0x00 }), 'proxy 28'],
    ['a Unix socket', proxyV2('192.0.2.7', 40_000, { family: 0x31 }), PROXY.FAULT],
    ['another command', proxyV2('192.0.2.7', 40_000, { command: 2 }), PROXY.FAULT],
    ['another version', proxyV2('192.0.2.7', 40_000, { version: 3 }), PROXY.FAULT],
    ['IPv6 that is too short', proxyV2('192.0.2.7', 40_000, { family: 0x21 }), PROXY.FAULT],
    ['too long', proxyV2('192.0.2.7', 40_000, { more: 5000 }), PROXY.FAULT],
    ['half of it', proxyV2('192.0.2.7', 40_000).subarray(0, 20), PROXY.PART],
  ])('version 2: %s', (_what, bytes, expected) => {
    expect(read(bytes)).toBe(expected);
  });

  test('a whole header is one whatever follows it, and none of its beginnings is at fault', () => {
    const header = fc.oneof(
      fc.tuple(fc.ipV4(), fc.nat(65_535)).map(([address, port]) => proxyV2(address, port)),
      fc.tuple(fc.ipV6(), fc.nat(65_535)).map(([address, port]) => proxyV2(address, port)),
      fc
        .tuple(fc.ipV4(), fc.nat(65_535))
        .map(([a, port]) => text(`PROXY TCP4 ${a} 192.0.2.1 ${port} 53\r\n`)),
    );
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 64 }), (bytes, rest) => {
        expect(
          readProxyHeader(Buffer.concat([bytes, rest]), bytes.length + rest.length, new ProxiedClient()),
        ).toBe(bytes.length);
        for (let length = 0; length < bytes.length; length++)
          expect(readProxyHeader(bytes, length, new ProxiedClient())).toBe(PROXY.PART);
      }),
    );
  });

  test('any bytes are read without harm, and never beyond their end', () => {
    const signed = fc
      .uint8Array({ maxLength: 300 })
      .map((rest) => Buffer.concat([proxyV2('192.0.2.7', 1).subarray(0, 12), rest]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), signed), (bytes) => {
        const end = readProxyHeader(bytes, bytes.length, new ProxiedClient());
        expect(end).toBeGreaterThanOrEqual(PROXY.FAULT);
        expect(end).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});

test('only the whole signature is one', () => {
  const header = proxyV2('192.0.2.7', 1);
  for (let length = 0; length < 12; length++) expect(hasSignature(header, length)).toBe(false);
  expect(hasSignature(header, 12)).toBe(true);
});
