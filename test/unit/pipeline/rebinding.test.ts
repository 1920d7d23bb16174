// Rebinding protection: which addresses an answer must not lead to, and for which names they are fine.

import { describe, expect, test } from 'vitest';
import { RebindingGuard } from '../../../src/resolver/pipeline/rebinding.ts';
import { NAME_LENGTH_MAX, nameFrom, questionEnd, type Targets } from '../../../src/wire/dns/dns.ts';
import { buildResponse } from '../../support/records.ts';
import { collectTargets } from '../../support/targets.ts';
import { foldedName } from '../policy/setup.ts';

const targetsOf = (qname: string, records: readonly string[]): Targets => {
  const message = buildResponse({ question: `${qname} A`, answer: records });
  return collectTargets(message, message.length, questionEnd(message, message.length), foldedName(qname));
};

const isForbidden = (
  record: string | readonly string[],
  qname = 'a.example.',
  zones: readonly string[] = [],
): boolean => {
  const guard = new RebindingGuard(zones.map((zone) => nameFrom(zone)));
  const records = typeof record === 'string' ? [`${qname} 60 IN ${record}`] : record;
  // The name lies in longer bytes, as the pipeline has it; what follows is of the query before.
  const bytes = new Uint8Array(NAME_LENGTH_MAX).fill(0x61);
  const name = foldedName(qname);
  bytes.set(name);
  return guard.isForbidden(targetsOf(qname, records), bytes, name.length);
};

describe('isForbidden()', () => {
  test.each([
    ['0.0.0.0', '0.255.255.255'],
    ['10.0.0.0', '10.255.255.255'],
    ['100.64.0.0', '100.127.255.255'],
    ['127.0.0.0', '127.255.255.255'],
    ['169.254.0.0', '169.254.255.255'],
    ['172.16.0.0', '172.31.255.255'],
    ['192.168.0.0', '192.168.255.255'],
  ])('is true from %s to %s, in every form', (first, last) => {
    for (const address of [first, last]) {
      expect(isForbidden(`A ${address}`)).toBe(true);
      expect(isForbidden(`AAAA ::ffff:${address}`)).toBe(true);
      expect(isForbidden(`AAAA 64:ff9b::${address}`)).toBe(true);
      expect(isForbidden(`HTTPS 1 . ipv4hint=${address}`)).toBe(true);
      expect(isForbidden(`HTTPS 1 . ipv6hint=::ffff:${address}`)).toBe(true);
    }
  });

  test.each([
    '1.0.0.0',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.0.170',
    '192.167.255.255',
    '192.169.0.0',
    '203.0.113.1',
  ])('is false for %s, in every form', (address) => {
    expect(isForbidden(`A ${address}`)).toBe(false);
    expect(isForbidden(`AAAA ::ffff:${address}`)).toBe(false);
    expect(isForbidden(`AAAA 64:ff9b::${address}`)).toBe(false);
    expect(isForbidden(`HTTPS 1 . ipv4hint=${address}`)).toBe(false);
  });

  test.each([
    '::',
    '::1',
    '::10.0.0.1',
    'fc00::',
    'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fe80::',
    'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fec0::1',
  ])('is true for %s', (address) => {
    expect(isForbidden(`AAAA ${address}`)).toBe(true);
    expect(isForbidden(`SVCB 1 . ipv6hint=${address}`)).toBe(true);
  });

  test.each([
    '2001:db8::1',
    'fbff:ffff::',
    'fe00::',
    'fe7f:ffff::',
    'ff02::1',
    '64:ff9b::1:a00:1',
    '::1:0:0:1',
  ])('is false for %s', (address) => {
    expect(isForbidden(`AAAA ${address}`)).toBe(false);
  });

  test('is true when one address among many is private, wherever an alias leads', () => {
    const records = [
      'a.example. 60 IN CNAME b.test.',
      'b.test. 60 IN A 203.0.113.1',
      'b.test. 60 IN A 10.0.0.1',
    ];
    expect(isForbidden(records)).toBe(true);
    expect(isForbidden(records.slice(0, 2))).toBe(false);
    // The zone that the alias leads to has private addresses; the one that asks for them is somebody else.
    expect(isForbidden(records, 'a.example.', ['test.'])).toBe(true);
  });

  test('is false without addresses', () => {
    expect(isForbidden('TXT "10.0.0.1"')).toBe(false);
  });

  test('is false for the names of an allowed zone', () => {
    const zones = ['other.test.', 'Corp.Example.'];
    expect(isForbidden('A 10.0.0.1', 'corp.example.', zones)).toBe(false);
    expect(isForbidden('A 10.0.0.1', 'a.b.CORP.example.', zones)).toBe(false);
    expect(isForbidden('A 10.0.0.1', 'example.', zones)).toBe(true);
    expect(isForbidden('A 10.0.0.1', 'xcorp.example.', zones)).toBe(true);
    // The bytes of the zone's name at the end of a label.
    expect(isForbidden('A 10.0.0.1', 'a\\004corp\\007example.', zones)).toBe(true);
    expect(isForbidden('A 10.0.0.1', 'corp.example.a.', zones)).toBe(true);
    expect(isForbidden('A 10.0.0.1', 'a.example.', ['.'])).toBe(false);
  });

  test('judges each answer anew', () => {
    const guard = new RebindingGuard([]);
    const name = foldedName('a.example.');
    const judge = (record: string): boolean =>
      guard.isForbidden(targetsOf('a.example.', [`a.example. 60 IN ${record}`]), name, name.length);
    expect([judge('A 10.0.0.1'), judge('A 203.0.113.1'), judge('AAAA ::1')]).toEqual([true, false, true]);
  });
});
