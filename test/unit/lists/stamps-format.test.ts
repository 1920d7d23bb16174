// DNS stamps as a list: names and addresses of servers, and nothing of what is damaged or shared.
import { describe, expect, it } from 'vitest';
import { formatPrefix } from '../../../src/base/base.ts';
import { feedRules } from '../../../src/policy/lists/lists.ts';
import { formatName } from '../../../src/wire/dns/dns.ts';

const feed = (text: string) => {
  const rules: string[] = [];
  const bytes = Buffer.from(text);
  let at = 0;
  const result = feedRules(
    'stamps',
    (into) => {
      const piece = bytes.subarray(at, at + into.length);
      into.set(piece);
      at += piece.length;
      return piece.length;
    },
    {
      addName: (_match, name, length) => void rules.push(formatName(name.subarray(0, length))),
      addPrefix: (prefix) => void rules.push(formatPrefix(prefix)),
      addClientPrefix: () => {},
      addPattern: () => {},
    },
  );
  return { rules, ...result };
};

const field = (text: string): Buffer => Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
const values = (count: number): Buffer =>
  Buffer.concat(
    Array.from({ length: count }, (_value, index) =>
      Buffer.concat([Buffer.of(32 | (index < count - 1 ? 0x80 : 0)), Buffer.alloc(32)]),
    ),
  );
const stamp = (protocol: number, ...fields: Buffer[]): string =>
  `sdns://${Buffer.concat([Buffer.of(protocol), ...(protocol === 0x81 ? [] : [Buffer.alloc(8)]), ...fields]).toString('base64url')}`;

describe('the format stamps', () => {
  it.each([
    [
      'DNS over HTTPS',
      stamp(2, field('198.97.1.1'), values(1), field('doh.example.net'), field('/q')),
      ['doh.example.net.', '198.97.1.1/32'],
    ],
    [
      'several hashes and a port',
      stamp(2, field('198.97.1.1:8443'), values(3), field('doh.example.net:8443'), field('/q')),
      ['doh.example.net.', '198.97.1.1/32'],
    ],
    [
      'no hash and no address',
      stamp(2, field(''), field(''), field('doh.example.net'), field('/q')),
      ['doh.example.net.'],
    ],
    [
      'DNS over TLS, IPv6',
      stamp(3, field('[2a10:1::1]:853'), values(1), field('dot.example.net')),
      ['dot.example.net.', '2a10:1::1/128'],
    ],
    [
      'DNS over QUIC',
      stamp(4, field('198.97.1.1'), values(1), field('doq.example.net')),
      ['doq.example.net.', '198.97.1.1/32'],
    ],
    [
      'DNSCrypt: its name is none of a host',
      stamp(1, field('198.97.1.1:443'), field('k'.repeat(32)), field('2.dnscrypt-cert.example.net')),
      ['198.97.1.1/32'],
    ],
    ['a target of oblivious DoH', stamp(5, field('odoh.example.net'), field('/q')), ['odoh.example.net.']],
    ['a relay', stamp(0x81, field('198.97.1.1:443')), ['198.97.1.1/32']],
    ['plain DNS', stamp(0, field('198.97.1.1')), ['198.97.1.1/32']],
    [
      'an address as a name',
      stamp(2, field(''), values(1), field('198.97.1.1'), field('/q')),
      ['198.97.1.1/32'],
    ],
  ])('reads %s', (_name, text, expected) => {
    expect(feed(`# public-resolvers\n\nProse with sdns:// in it.\n\n## one\n\n${text}\n`)).toMatchObject({
      rules: expected,
      rejected: 0,
    });
  });

  it('leaves out addresses that are shared, and says so', () => {
    const { rules, notes } = feed(
      `${stamp(2, field('104.16.1.1'), values(1), field('doh.example.net'), field('/q'))}\n${stamp(0, field('10.0.0.1'))}\n`,
    );
    expect(rules).toEqual(['doh.example.net.']);
    expect(notes).toEqual([
      expect.objectContaining({ code: 'stamp-shared', text: expect.stringContaining('2 addresses') }),
    ]);
  });

  it('rejects what is damaged, at every length', () => {
    const whole = stamp(2, field('198.97.1.1'), values(2), field('doh.example.net'), field('/q'));
    for (let length = 'sdns://'.length; length < whole.length; length++) {
      const { rules, rejected } = feed(`${whole.slice(0, length)}\n`);
      // Cut off behind the name, nothing that is read is missing.
      expect(rejected === 1 || rules.length === 2).toBe(true);
    }
    for (const text of [
      'sdns://',
      'sdns://!!!!',
      'sdns://AAAA',
      `sdns://${'A'.repeat(8000)}`,
      stamp(9, field('198.97.1.1')),
    ]) {
      expect(feed(`${text}\n`)).toMatchObject({ rules: [], rejected: 1 });
    }
    expect(
      feed(`${stamp(2, field('198.97.1.1'), values(1), field('no name!'), field('/q'))}\n`),
    ).toMatchObject({ rules: ['198.97.1.1/32'], rejected: 1 });
  });

  it('reads what DNSCrypt publishes', () => {
    const google =
      'sdns://AgUAAAAAAAAABzguOC44LjigHvYkz_9ea9O63fP92_3qVlRn43cpncfuZnUWbzAMwbmgdoAkR6AZkxo_AEMExT_cbBssN43Evo9zs5_ZyWnftEUgalBisNF41VbxY7E7Gw8ZQ10CWIKRzHVYnf7m6xHI1cMKZG5zLmdvb2dsZQovZG5zLXF1ZXJ5';
    expect(feed(`${google}\n`).rules).toEqual(['dns.google.', '8.8.8.8/32']);
  });
});
