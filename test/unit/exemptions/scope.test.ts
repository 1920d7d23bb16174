// What a set of prefixes covers, compared with a plain reading of every address.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatPrefix, type Prefix } from '../../../src/base/base.ts';
import { blanketReason, mergePrefixes, type Network } from '../../../src/evidence/exemptions/scope.ts';
import { prefix } from './setup.ts';

const merged = (...texts: string[]): string[] => mergePrefixes(texts.map(prefix)).map(formatPrefix);

describe('mergePrefixes()', () => {
  test.each<[texts: string[], expected: string[]]>([
    [[], []],
    [['192.0.2.0/25', '192.0.2.128/25'], ['192.0.2.0/24']],
    [['192.0.2.0/25', '192.0.2.0/24', '192.0.2.7'], ['192.0.2.0/24']],
    [['10.64.0.0/10', '10.0.0.0/10', '10.128.0.0/10', '10.192.0.0/10'], ['10.0.0.0/8']],
    [['0.0.0.0/1', '128.0.0.0/1'], ['0.0.0.0/0']],
    [['2001:db8::/33', '2001:db8:8000::/33'], ['2001:db8::/32']],
    [
      ['192.0.2.1', '192.0.2.2'],
      ['192.0.2.1/32', '192.0.2.2/32'],
    ],
    [['::/1', '8000::/1'], ['::/0']],
  ])('makes %j to %j', (texts, expected) => {
    expect(merged(...texts)).toEqual(expected);
  });

  test('covers exactly the same addresses with disjoint prefixes', () => {
    const last = fc.integer({ min: 0, max: 255 });
    const arbitrary = fc.array(fc.tuple(last, fc.integer({ min: 24, max: 32 })), { maxLength: 40 });
    fc.assert(
      fc.property(arbitrary, (pairs) => {
        const prefixes = pairs.map(([byte, length]) =>
          prefix(`192.0.2.${byte & (0xff << (32 - length))}/${length}`),
        );
        const result = mergePrefixes(prefixes);
        for (let byte = 0; byte < 256; byte++) {
          const isIn = (one: Prefix): boolean => {
            const size = 2 ** (128 - one.bits);
            const start = (one.words[3] ?? 0) & 0xff;
            return byte >= start && byte < start + size;
          };
          expect(result.filter(isIn)).toHaveLength(prefixes.some(isIn) ? 1 : 0);
        }
      }),
    );
  });
});

describe('blanketReason()', () => {
  const network = (allow: string[], groups: Record<string, string[]> = {}): Network => ({
    groups: [
      { name: 'default', clients: [] },
      ...Object.entries(groups).map(([name, clients]) => ({ name, clients: clients.map(prefix) })),
    ],
    allow: allow.map(prefix),
    lists: [],
  });
  const reason = (of: Network, clients: string[], groups: string[] = []): string | undefined =>
    blanketReason([{ clients, groups }], of);

  test.each<[clients: string[], groups: string[], expected: string | undefined]>([
    [['10.1.0.0/16'], [], undefined],
    [['10.0.0.0/9', '10.128.0.0/9'], [], 'every IPv4 client'],
    [['10.0.0.0/8'], [], 'every IPv4 client'],
    [['fd00::/8'], [], 'every IPv6 client'],
    [['127.0.0.0/8', '::1'], [], undefined],
    [[], ['a'], undefined],
    [[], ['a', 'b'], undefined],
    [[], ['a', 'b', 'default'], 'every group'],
    [['10.1.0.0/16', '10.2.0.0/16'], ['default'], 'every group'],
    [[], ['listener-only', 'a', 'b', 'default'], 'every group'],
  ])('of %j with the groups %j is %s', (clients, groups, expected) => {
    const wide = network(['10.0.0.0/8', 'fd00::/8', '127.0.0.0/8', '::1'], {
      a: ['10.1.0.0/16'],
      b: ['10.2.0.0/16'],
    });
    const found = reason(wide, clients, groups);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(expected);
  });

  test('a network of loopback alone counts, as that of a test does', () => {
    expect(reason(network(['127.0.0.0/8', '::1']), ['127.0.0.9'])).toBeUndefined();
    expect(reason(network(['127.0.0.0/8', '::1']), ['127.0.0.0/8'])).toContain('every IPv4 client');
  });

  test('a group of a listener is covered only when it is named', () => {
    const of = network(['10.0.0.0/8'], { door: [], a: ['10.1.0.0/16'] });
    expect(reason(of, ['10.1.0.0/16'], ['default'])).toBeUndefined();
    expect(reason(of, ['10.1.0.0/16'], ['default', 'door'])).toContain('every group');
  });
});
