import { describe, expect, test } from 'vitest';
import {
  ancestor,
  canonicalizeRdata,
  compareNames,
  compareRdata,
  isWildcard,
  orderKey,
  wildcardOf,
} from '../../../src/resolver/dnssec/canonical.ts';
import {
  countLabels,
  foldName,
  formatName,
  nameFrom,
  parseRdata,
  parseType,
} from '../../../src/wire/dns/dns.ts';
import { PYTHON } from '../../conformance/setup.ts';
import { createRandom, type Random } from '../../support/mutate.ts';
import { run } from '../../support/process.ts';

const folded = (text: string): Uint8Array => {
  const name = nameFrom(text);
  foldName(name, 0, name.length);
  return name;
};

const randomLabel = (random: Random): number[] => {
  // Few lengths and characters that sort in surprising ways, so that names share labels and beginnings.
  const characters = [0, 1, 0x2a, 0x2d, 0x2e, 0x40, 0x41, 0x5a, 0x5b, 0x60, 0x61, 0x7a, 0x80, 0xc8, 0xff];
  const bytes = Array.from({ length: 1 + random(3) }, () => characters[random(characters.length)] ?? 0);
  return [bytes.length, ...bytes];
};

const randomName = (random: Random): Uint8Array => {
  const labels = Array.from({ length: random(5) }, () => randomLabel(random));
  return Uint8Array.from([...labels.flat(), 0]);
};

/** What dnspython prints for a batch of lines. */
const askPython = async (script: string, lines: readonly string[]): Promise<string[]> => {
  const { code, stdout, stderr } = await run(PYTHON, ['-c', script], { input: lines.join('\n') });
  expect(code, stderr).toBe(0);
  return stdout.trim().split('\n');
};

describe('compareNames()', () => {
  test('orders the example of RFC 4034 section 6.1', () => {
    const names = [
      'example.',
      'a.example.',
      'yljkjljk.a.example.',
      'Z.a.example.',
      'zABC.a.EXAMPLE.',
      'z.example.',
      '\\001.z.example.',
      '*.z.example.',
      '\\200.z.example.',
    ].map(folded);
    for (const [i, a] of names.entries()) {
      for (const [j, b] of names.entries()) expect(Math.sign(compareNames(a, b))).toBe(Math.sign(i - j));
    }
  });

  test('orders random names as dnspython does', async () => {
    const random = createRandom(4034);
    const names = Array.from({ length: 600 }, () => randomName(random));
    const script = `
import sys, dns.name
names = [dns.name.from_wire(bytes.fromhex(line.strip()), 0)[0] for line in sys.stdin]
for name in sorted(set(n.canonicalize() for n in names)): print(name.to_wire().hex())`;
    const expected = await askPython(
      script,
      names.map((name) => Buffer.from(name).toString('hex')),
    );
    for (const name of names) foldName(name, 0, name.length);
    const sorted = names.sort(compareNames).map((name) => Buffer.from(name).toString('hex'));
    expect([...new Set(sorted)]).toEqual(expected);
    expect(expected.length).toBeGreaterThan(400);
  });

  test('orders random names as their keys stand', () => {
    const random = createRandom(6840);
    const names = [
      nameFrom('.'),
      nameFrom('a.'.repeat(127)),
      Uint8Array.from([...Array(84).fill([2, 0, 1]), 0].flat()),
    ];
    while (names.length < 150) names.push(randomName(random));
    for (const name of names) foldName(name, 0, name.length);
    const keys = names.map(orderKey);
    for (const [i, a] of names.entries())
      for (const [j, b] of names.entries())
        expect(Buffer.compare(keys[i] ?? a, keys[j] ?? b)).toBe(Math.sign(compareNames(a, b)));
  });

  test('puts the root first and takes the longest name', () => {
    const longest = nameFrom('a.'.repeat(127));
    expect(longest).toHaveLength(255);
    expect(compareNames(nameFrom('.'), longest)).toBeLessThan(0);
    expect(compareNames(longest, longest)).toBe(0);
    expect(compareNames(longest, nameFrom('b.'))).toBeLessThan(0);
    expect(compareNames(longest, nameFrom('a.'.repeat(126)))).toBeGreaterThan(0);
  });
});

test('ancestor() takes the last labels', () => {
  const name = nameFrom('a.b.example.com.');
  const names = [0, 1, 2, 3, 4, 5].map((labels) => formatName(ancestor(name, labels)));
  expect(names).toEqual([
    '.',
    'com.',
    'example.com.',
    'b.example.com.',
    'a.b.example.com.',
    'a.b.example.com.',
  ]);
});

test('wildcardOf() puts an asterisk in front, unless the name would be too long', () => {
  expect(formatName(wildcardOf(nameFrom('example.com.')) ?? nameFrom('.'))).toBe('*.example.com.');
  expect(formatName(wildcardOf(nameFrom('.')) ?? nameFrom('.'))).toBe('*.');
  const almost = nameFrom(`${'a.'.repeat(125)}b.`);
  expect(wildcardOf(almost)).toHaveLength(255);
  expect(countLabels(wildcardOf(almost) ?? almost)).toBe(127);
  expect(wildcardOf(nameFrom('a.'.repeat(127)))).toBeUndefined();
});

test('isWildcard() wants the asterisk alone in the first label', () => {
  expect(['*.', '*.a.', '*.*.a.'].map((name) => isWildcard(nameFrom(name)))).toEqual([true, true, true]);
  expect(['.', 'a.*.', '**.a.', '*a.b.'].map((name) => isWildcard(nameFrom(name)))).toEqual(
    Array(4).fill(false),
  );
});

/** RDATA with capital letters wherever a type has text or names. */
const RDATAS: readonly (readonly [string, string])[] = [
  ['A', '192.0.2.1'],
  ['NS', 'NS.Example.'],
  ['MD', 'NS.Example.'],
  ['MF', 'NS.Example.'],
  ['CNAME', 'WWW.Example.'],
  ['SOA', 'NS.Example. Hostmaster.Example. 1 2 3 4 5'],
  ['MB', 'A.Example.'],
  ['MG', 'A.Example.'],
  ['MR', 'A.Example.'],
  ['PTR', 'A.Example.'],
  ['HINFO', '"CPU" "OS"'],
  ['MINFO', 'A.Example. B.Example.'],
  ['MX', '10 Mail.Example.'],
  ['TXT', '"Some Text"'],
  ['RP', 'A.Example. B.Example.'],
  ['AFSDB', '1 A.Example.'],
  ['RT', '1 A.Example.'],
  ['PX', '1 A.Example. B.Example.'],
  ['SRV', '1 2 3 A.Example.'],
  ['NAPTR', '1 2 "S" "SIP+D2U" "!RegExp!" A.Example.'],
  ['KX', '1 A.Example.'],
  ['DNAME', 'A.Example.'],
  ['RRSIG', 'A 8 1 60 20300101000000 20200101000000 7 Example. QUJDRA=='],
  ['NSEC', 'A.Example. A RRSIG NSEC'],
  ['SVCB', '1 A.Example. alpn="H2"'],
  ['HTTPS', '1 A.Example.'],
  ['LP', '1 A.Example.'],
  ['CAA', '0 issue "CA.Example"'],
  ['URI', '1 2 "HTTP://A.Example"'],
];

test('canonicalizeRdata() folds the names that dnspython folds', async () => {
  const script = `
import sys, dns.rdata
for line in sys.stdin:
    kind, text = line.rstrip().split(' ', 1)
    print(dns.rdata.from_text('IN', kind, text).to_digestable().hex())`;
  // Types that dnspython does not know, and LP, whose name it folds: the list of RFC 4034 section 6.2 decides.
  const ownOpinion = new Map([
    ['MD', 'ns.example.'],
    ['MF', 'ns.example.'],
    ['MB', 'a.example.'],
    ['MG', 'a.example.'],
    ['MR', 'a.example.'],
    ['MINFO', 'a.example. b.example.'],
    ['LP', '1 A.Example.'],
  ]);
  const asked = RDATAS.filter(([type]) => !ownOpinion.has(type));
  const answers = await askPython(
    script,
    asked.map(([type, text]) => `${type} ${text}`),
  );
  const expected = new Map(asked.map(([type], index) => [type, answers[index]]));
  for (const [type, text] of ownOpinion)
    expected.set(type, Buffer.from(parseRdata(parseType(type) ?? 0, text)).toString('hex'));
  for (const [type, text] of RDATAS) {
    const rdata = parseRdata(parseType(type) ?? 0, text);
    canonicalizeRdata(parseType(type) ?? 0, rdata);
    expect(Buffer.from(rdata).toString('hex'), type).toBe(expected.get(type));
  }
});

test('canonicalizeRdata() leaves RDATA alone that ends before its names', () => {
  const types = ['NS', 'SOA', 'MX', 'NAPTR', 'SRV', 'RRSIG', 'NXT'].map((type) => parseType(type) ?? 0);
  for (const type of types) {
    for (let length = 0; length < 24; length++) {
      const rdata = new Uint8Array(length).fill(0x41);
      canonicalizeRdata(type, rdata);
      expect(rdata).toEqual(new Uint8Array(length).fill(0x41));
    }
  }
});

test('compareRdata() goes by bytes, the shorter first', () => {
  const sorted = [[], [0], [0, 0], [0, 1], [1], [0x7f, 0xff], [0x80], [0xff]].map((bytes) =>
    Uint8Array.from(bytes),
  );
  const shuffled = [3, 7, 0, 5, 2, 6, 1, 4].map((index) => sorted[index] ?? new Uint8Array(0));
  expect(shuffled.sort(compareRdata)).toEqual(sorted);
});
