// DNS stamps: stamps that the specification allows, and bytes that only look like one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStamp } from '../../../src/config/stamp.ts';
import { Fault } from '../../../src/config/value.ts';
import { configOf, problemsOf } from './support.ts';

const HASH = Buffer.from('3e1a1a0f6c53f3e97a492d57084b5b9807059ee057ab1505876fd83fda3db838', 'hex');
const OTHER_HASH = Buffer.alloc(32, 7);
const PROPERTIES = Buffer.from([7, 0, 0, 0, 0, 0, 0, 0]);

/** A field of one value. */
const one = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
};

/** A field of several values: all lengths but the last have the high bit. */
const several = (...values: (string | Buffer)[]): Buffer =>
  Buffer.concat(
    values.map((value, index) => {
      const field = one(value);
      field[0] = (field[0] ?? 0) | (index < values.length - 1 ? 0x80 : 0);
      return field;
    }),
  );

const encode = (protocol: number, ...fields: Buffer[]): string =>
  Buffer.concat([Buffer.of(protocol), PROPERTIES, ...fields]).toString('base64url');

const upstreamOf = (stamp: string, keys = '') =>
  configOf(`upstreams: ["sdns://${stamp}"]${keys}`).upstreams?.[0];

const refusalOf = (stamp: string): string => {
  const problems = problemsOf(`upstreams: ["sdns://${stamp}"]`);
  expect(problems).toHaveLength(1);
  return (problems[0] ?? '').replace(/^\S+ upstreams\[0\]: "sdns:\/\/[^"]*" /, '');
};

describe('a DNS stamp', () => {
  it('of plain DNS is an address', () => {
    // The stamp of 127.0.0.1 as other programs make it.
    expect(upstreamOf('AAEAAAAAAAAACTEyNy4wLjAuMQ')?.text).toBe('127.0.0.1:53');
    expect(upstreamOf(encode(0, one('[2001:db8::1]:5300')))).toEqual({
      transport: 'udp',
      host: { kind: 'address', endpoint: { address: '2001:db8::1', port: 5300, family: 6 } },
      serverName: undefined,
      pins: [],
      certificateHashes: [],
      path: undefined,
      text: '[2001:db8::1]:5300',
    });
  });

  it('of DNS over HTTPS has address, hashes, name and path', () => {
    const stamp = encode(2, one('192.0.2.55'), several(HASH, OTHER_HASH), one('dns.example.net'), one('/q'));
    expect(upstreamOf(stamp)).toEqual({
      transport: 'https',
      host: { kind: 'address', endpoint: { address: '192.0.2.55', port: 443, family: 4 } },
      serverName: 'dns.example.net',
      pins: [],
      certificateHashes: [HASH.toString('hex'), OTHER_HASH.toString('hex')],
      path: '/q',
      text: 'https://192.0.2.55:443/q#dns.example.net',
    });
  });

  it('of DNS over TLS has address, hashes and name, and its bootstrap resolvers are not used', () => {
    // What the specification gives as the encoding of two values, 10.0.0.1 and 10.0.0.2.
    const bootstrap = Buffer.from('iDEwLjAuMC4xCDEwLjAuMC4y', 'base64url');
    const stamp = encode(3, one('192.0.2.54:8853'), several(''), one('dns.example.net'), bootstrap);
    expect(upstreamOf(stamp)).toMatchObject({
      transport: 'tls',
      certificateHashes: [],
      text: 'tls://192.0.2.54:8853#dns.example.net',
    });
    const { bootstrap: asked } = configOf(`upstreams: ["sdns://${stamp}"]`);
    expect(asked).toEqual([]);
  });

  it.each([
    ['', 'dns.example.net', 'tls://dns.example.net:853'],
    [':8853', 'dns.example.net', 'tls://dns.example.net:8853'],
    ['', 'dns.example.net:8853', 'tls://dns.example.net:8853'],
    [':443', 'dns.example.net:8853', 'tls://dns.example.net:443'],
  ])('without an address (%j) is found by the name %s, as %s', (address, host, text) => {
    const stamp = encode(3, one(address), several(''), one(host));
    expect(upstreamOf(stamp, '\nbootstrap: ["192.0.2.1"]')).toMatchObject({
      host: { kind: 'name', name: 'dns.example.net' },
      serverName: 'dns.example.net',
      text,
    });
    expect(problemsOf(`upstreams: ["sdns://${stamp}"]`)[0]).toContain('no "bootstrap" server can be asked');
  });

  it('takes the port of the name where the address has none', () => {
    const stamp = (address: string) => encode(3, one(address), several(''), one('dns.example.net:8853'));
    expect(upstreamOf(stamp('192.0.2.54'))?.text).toBe('tls://192.0.2.54:8853#dns.example.net');
    expect(upstreamOf(stamp('192.0.2.54:1'))?.text).toBe('tls://192.0.2.54:1#dns.example.net');
    expect(upstreamOf(encode(3, one(''), several(''), one('[2001:db8::1]')))?.text).toBe(
      'tls://[2001:db8::1]:853',
    );
  });

  it('is read with padding, and without its optional end', () => {
    const stamp = encode(0, one('192.0.2.1:53'));
    const padding = '='.repeat((4 - (stamp.length % 4)) % 4);
    expect(padding).not.toBe('');
    expect(upstreamOf(stamp + padding)?.text).toBe('192.0.2.1:53');
    expect(upstreamOf(encode(2, one('192.0.2.55'), several(''), one('dns.example.net'), one('')))?.path).toBe(
      '/dns-query',
    );
  });

  it.each([
    [1, 'DNSCrypt'],
    [4, 'DNS over QUIC'],
    [5, 'Oblivious DNS over HTTPS'],
    [0x81, 'DNSCrypt'],
    [0x85, 'Oblivious DNS over HTTPS'],
  ])('of the protocol %i is refused as one of %s', (protocol, name) => {
    expect(refusalOf(encode(protocol, one('192.0.2.1')))).toBe(
      `is a DNS stamp for ${name}, which is not available in this version; stamps for plain DNS, DNS over TLS and DNS over HTTPS are`,
    );
  });

  const NO_STAMP = 'is not a DNS stamp: it';
  const HINT = '; copy it whole, or write the server as a URL';
  it.each([
    ['', `${NO_STAMP} is no base64url${HINT}`],
    ['AAEA+AAA', `${NO_STAMP} is no base64url${HINT}`],
    ['AAEAA', `${NO_STAMP} is no base64url${HINT}`],
    ['AA', `${NO_STAMP} ends too early${HINT}`],
    [encode(0), `${NO_STAMP} ends too early${HINT}`],
    [encode(0, Buffer.of(200), Buffer.from('192.0.2.1')), `${NO_STAMP} ends too early${HINT}`],
    [encode(0, one('192.0.2.1'), one('x')), `${NO_STAMP} goes on after its end${HINT}`],
    [encode(6, one('192.0.2.1')), `${NO_STAMP} is for a protocol that is not known (6)${HINT}`],
    [encode(3, one('192.0.2.1'), several(HASH)), `${NO_STAMP} ends too early${HINT}`],
    [encode(3, one('192.0.2.1'), Buffer.of(0x80)), `${NO_STAMP} ends too early${HINT}`],
    [
      encode(3, one('192.0.2.1'), several(HASH.subarray(1)), one('dns.example.net')),
      `${NO_STAMP} has a certificate hash that is no SHA-256${HINT}`,
    ],
    [
      encode(0, one('dns.example.net')),
      'is a DNS stamp that leads nowhere: "dns.example.net" is not an address with a port',
    ],
    [
      encode(3, one('192.0.2.1:0'), several(''), one('dns.example.net')),
      'is a DNS stamp that leads nowhere: "192.0.2.1:0" has port 0, which nobody can ask',
    ],
    [
      encode(3, one('192.0.2.1'), several(''), one('dns_.example.net')),
      'is a DNS stamp that leads nowhere: "dns_.example.net" has no host that is an address or a name',
    ],
    [
      encode(2, one('192.0.2.1'), several(''), one('dns.example.net'), one('q')),
      'is a DNS stamp that leads nowhere: "q" has a path that is none of a URL, or has over 1024 characters',
    ],
    ['A'.repeat(2049), `${NO_STAMP} is too long${HINT}`],
  ])('is refused as %j', (stamp, problem) => {
    expect(refusalOf(stamp)).toBe(problem);
  });

  it('is never read beyond its bytes, whatever they are', () => {
    const valid = encode(2, one('192.0.2.55'), several(HASH), one('dns.example.net'), one('/q'));
    for (let length = 0; length < valid.length; length++) {
      expect(readStamp(valid.slice(0, length))).toBeInstanceOf(Fault);
    }
    fc.assert(
      fc.property(fc.constantFrom(0, 2, 3), fc.uint8Array({ maxLength: 400 }), (protocol, bytes) => {
        const stamp = readStamp(encode(protocol, Buffer.from(bytes)));
        return stamp instanceof Fault || stamp.address.length <= bytes.length;
      }),
      { numRuns: 1000 },
    );
  });
});
