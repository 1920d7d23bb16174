// Keys of the resolver, of stale answers, DNSSEC, DNS64 and rebinding: defaults, bounds, and what is refused.
import { describe, expect, it } from 'vitest';
import { formatPrefix } from '../../../src/base/base.ts';
import { effectiveConfig } from '../../../src/config/config.ts';
import { formatName } from '../../../src/wire/dns/dns.ts';
import { configOf, problemsOf } from './support.ts';

/** The problems of a configuration of one line, without their place. */
const refusalsOf = (text: string): string[] =>
  problemsOf(text).map((problem) => problem.replace(/^cordon\.yaml:1:\d+: /, ''));

describe('a configuration without these keys', () => {
  it('asks in order, keeps stale answers for a day, validates where it can, and makes nothing up', () => {
    const config = configOf('');
    expect(config.resolver).toEqual({
      timeoutMs: 5000,
      tryTimeoutMs: 1000,
      inflightMax: 10_000,
      inflightPerServerMax: 20_000,
      clientShareMax: 0.25,
      zoneShareMax: 0.5,
      strategy: 'ordered',
      cookies: true,
      mixedCase: false,
      ca: ['bundled'],
    });
    expect(config.cache.stale).toEqual({ staleSecMax: 86_400, afterMs: 1800, ttlSec: 30 });
    expect(config.cache.prefetch).toBe(true);
    expect(config.dnssec).toEqual({
      mode: 'auto',
      anchorsPath: undefined,
      negativeAnchors: [],
      aggressiveNsec: true,
      allowSha1: false,
    });
    expect(config.dns64).toBeUndefined();
    expect(config.rebinding).toEqual({ protect: false, allow: [] });
    expect([config.fallback, config.bootstrap]).toEqual([[], []]);
  });
});

describe('keys with bounds', () => {
  it.each([
    ['resolver: { per-upstream: 16 }', 'resolver: { per-upstream: 65536 }'],
    ['resolver: { client-share: 1% }', 'resolver: { client-share: 100% }'],
    ['resolver: { zone-share: 1% }', 'resolver: { zone-share: 100% }'],
    ['cache: { stale: { max: 0s } }', 'cache: { stale: { max: 7d } }'],
    ['cache: { stale: { after: 0ms } }', 'cache: { stale: { after: 10s } }'],
    ['cache: { stale: { ttl: 0s } }', 'cache: { stale: { ttl: 5m } }'],
  ])('take the least and the most: %s, %s', (least, most) => {
    for (const text of [least, most]) {
      const config = configOf(text);
      expect(effectiveConfig(configOf(effectiveConfig(config)))).toBe(effectiveConfig(config));
    }
  });

  it.each([
    ['resolver: { per-upstream: 15 }', 'resolver.per-upstream: 15 is less than 16'],
    ['resolver: { per-upstream: 65537 }', 'resolver.per-upstream: 65537 is more than 65536'],
    ['resolver: { client-share: 0% }', 'resolver.client-share: "0%" is less than 1%'],
    ['resolver: { client-share: 101% }', 'resolver.client-share: "101%" is more than 100%'],
    ['resolver: { zone-share: 0% }', 'resolver.zone-share: "0%" is less than 1%'],
    ['cache: { stale: { max: 8d } }', 'cache.stale.max: "8d" is more than 7d'],
    ['cache: { stale: { max: 1500ms } }', 'cache.stale.max: "1500ms" is not a whole number of seconds'],
    ['cache: { stale: { after: 10001ms } }', 'cache.stale.after: "10001ms" is more than 10s'],
    ['cache: { stale: { ttl: 301s } }', 'cache.stale.ttl: "301s" is more than 5m'],
    ['cache: { stale: 1d }', 'cache.stale: expected a map, found the text "1d"'],
  ])('refuse what lies beyond: %s', (text, problem) => {
    expect(refusalsOf(text)).toEqual([problem]);
  });
});

describe('keys with words', () => {
  it.each(['ordered', 'fastest', 'random', 'parallel'])('take the strategy %s', (strategy) => {
    expect(configOf(`resolver: { strategy: ${strategy} }`).resolver.strategy).toBe(strategy);
  });

  it.each(['auto', 'validate', 'off'])('take the mode %s', (mode) => {
    expect(configOf(`dnssec: { mode: ${mode} }`).dnssec.mode).toBe(mode);
  });

  it.each([
    ['resolver: { strategy: Fastest }', 'resolver.strategy: "Fastest" is not known; did you mean "fastest"?'],
    [
      'dnssec: { mode: strict }',
      'dnssec.mode: "strict" is not known; known are auto, validate, trust-ad, off',
    ],
    ['dnssec: { mode: false }', 'dnssec.mode: expected a word, found false'],
    ['dnssec: off', 'dnssec: expected a map, found the text "off"'],
  ])('refuse %s', (text, problem) => {
    expect(refusalsOf(text)).toEqual([problem]);
  });
});

describe('zones that are excepted', () => {
  it.each(['dnssec: { negative-anchors: ', 'rebinding: { allow: '])('are folded names: %s', (key) => {
    const { dnssec, rebinding } = configOf(`${key}["A.Example", "b.a.example."] }`);
    const zones = [...dnssec.negativeAnchors, ...rebinding.allow].map((zone) => formatName(zone));
    expect(zones).toEqual(['a.example.', 'b.a.example.']);
  });

  it.each([
    [
      'dnssec: { negative-anchors: ["."] }',
      'dnssec.negative-anchors[0]: the root has to be validated or not as a whole; write "mode: off"',
    ],
    [
      'dnssec: { negative-anchors: ["a..b"] }',
      'dnssec.negative-anchors[0]: "a..b" is not a domain name (empty label)',
    ],
    [
      'dnssec: { negative-anchors: [a.example, A.example] }',
      'dnssec.negative-anchors[1]: "a.example." is named already at dnssec.negative-anchors[0]',
    ],
    [
      'rebinding: { allow: ["."] }',
      'rebinding.allow[0]: the root would allow every name; write "protect: false"',
    ],
    [
      'rebinding: { allow: [a.example, A.example.] }',
      'rebinding.allow[1]: "a.example." is named already at rebinding.allow[0]',
    ],
  ])('are refused as %s', (text, problem) => {
    expect(refusalsOf(text)).toEqual([problem]);
  });

  it('are bounded in number', () => {
    const zones = (count: number) => JSON.stringify(Array.from({ length: count }, (_, i) => `z${i}.example`));
    expect(configOf(`rebinding: { allow: ${zones(256)} }`).rebinding.allow).toHaveLength(256);
    expect(refusalsOf(`dnssec: { negative-anchors: ${zones(257)} }`)).toEqual([
      'dnssec.negative-anchors: has 257 items, at most 256 allowed',
    ]);
  });
});

describe('dns64', () => {
  it('is on with the well-known prefix as soon as the key is there', () => {
    const { dns64 } = configOf('dns64: {}');
    expect(dns64 && formatPrefix(dns64.prefix)).toBe('64:ff9b::/96');
    // In the mapped form, all of ::ffff:0:0/96 is all of IPv4.
    expect(dns64?.exclude.map(({ words, bits }) => [...words, bits])).toEqual([[0, 0, 0xffff, 0, 96]]);
    expect(effectiveConfig(configOf('dns64: {}'))).toContain(
      'dns64:\n  prefix: 64:ff9b::/96\n  exclude:\n    - ::ffff:0.0.0.0/96\n',
    );
  });

  it.each([
    '2001:db8::/32',
    '2001:db8:100::/40',
    '2001:db8:122::/48',
    '2001:db8:122:300::/56',
    '2001:db8:122:344::/64',
    '2001:db8:122:344::/96',
  ])('takes the prefix %s', (prefix) => {
    const { dns64 } = configOf(`dns64: { prefix: "${prefix}" }`);
    expect(dns64 && formatPrefix(dns64.prefix)).toBe(prefix);
  });

  it.each([
    [
      'prefix: "64:ff9b::/95"',
      'dns64.prefix: "64:ff9b::/95" has a length that is not one of 32, 40, 48, 56, 64, 96',
    ],
    [
      'prefix: "64:ff9b::"',
      'dns64.prefix: "64:ff9b::" has a length that is not one of 32, 40, 48, 56, 64, 96',
    ],
    [
      'prefix: "2001:db8::1/96"',
      'dns64.prefix: "2001:db8::1/96" is not an IPv6 prefix; did you mean "2001:db8::/96"? Bits after the length are zero',
    ],
    [
      'prefix: "2001:db8:0:0:100::/96"',
      'dns64.prefix: "2001:db8:0:0:100::/96" has bits 64 to 71 set, which have to be zero',
    ],
    ['prefix: "::ffff:0:0/96"', 'dns64.prefix: "::ffff:0:0/96" is the prefix of IPv4-mapped addresses'],
    [
      'prefix: "192.0.2.0/24"',
      'dns64.prefix: "192.0.2.0/24" is not an IPv6 prefix; write it such as "2001:db8::/32" or "::ffff:0:0/96"',
    ],
    [
      'exclude: ["192.0.2.0/24"]',
      'dns64.exclude[0]: "192.0.2.0/24" is not an IPv6 prefix; write it such as "2001:db8::/32" or "::ffff:0:0/96"',
    ],
    [
      'exclude: ["::ffff:192.0.2.1/120"]',
      'dns64.exclude[0]: "::ffff:192.0.2.1/120" is not an IPv6 prefix; the bits after its length have to be zero',
    ],
    ['exclude: ["::1", "0::1/128"]', 'dns64.exclude[1]: "::1/128" is named already at dns64.exclude[0]'],
    ['prefixes: []', 'dns64.prefixes: unknown key; did you mean "prefix"?'],
  ])('refuses %s', (keys, problem) => {
    expect(refusalsOf(`dns64: { ${keys} }`)).toEqual([problem]);
  });

  it('excludes prefixes of all lengths, and of IPv4-mapped addresses', () => {
    const prefixes = [
      '::/0',
      '::ffff:192.0.2.0/120',
      '2001:db8::/32',
      '2001:db8::1/128',
      '::ffff:192.0.2.1/128',
    ];
    const { dns64 } = configOf(`dns64: { exclude: ${JSON.stringify(prefixes)} }`);
    expect(dns64?.exclude.map(({ bits }) => bits)).toEqual([0, 120, 32, 128, 128]);
    expect(
      configOf(effectiveConfig(configOf(`dns64: { exclude: ${JSON.stringify(prefixes)} }`))).dns64,
    ).toEqual(dns64);
    expect(configOf('dns64: { exclude: [] }').dns64?.exclude).toEqual([]);
  });
});
