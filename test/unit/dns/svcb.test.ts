// What policy sees of SVCB and HTTPS records.
import { describe, expect, test } from 'vitest';
import { formatName, parseRdata, TYPE, visitService } from '../../../src/wire/dns/dns.ts';

const visit = (rdata: Uint8Array, length = rdata.length): { sound: boolean; seen: string[] } => {
  const seen: string[] = [];
  const sound = visitService(rdata, 0, length, {
    target: (offset) => seen.push(`target ${formatName(rdata, offset)}`),
    hint: (offset, size) => seen.push(`hint ${[...rdata.subarray(offset, offset + size)].join('.')}`),
  });
  return { sound, seen };
};

const service = (text: string): Uint8Array => parseRdata(TYPE.HTTPS, text);

describe('visitService()', () => {
  test.each([
    ['0 alias.example.', ['target alias.example.']],
    ['1 . alpn="h2"', ['target .']],
    ['1 a. ipv4hint=192.0.2.1,192.0.2.2', ['target a.', 'hint 192.0.2.1', 'hint 192.0.2.2']],
    ['1 a. ipv6hint=2001:db8::1', ['target a.', 'hint 32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1']],
    [
      '1 a. ipv4hint=192.0.2.1 ech=AAAA ipv6hint=::',
      ['target a.', 'hint 192.0.2.1', `hint ${'0.'.repeat(15)}0`],
    ],
    ['1 a. key4="\\192\\000\\002\\001\\009"', ['target a.', 'hint 192.0.2.1']],
  ])('%s', (text, seen) => {
    expect(visit(service(text))).toEqual({ sound: true, seen });
  });

  test('shows what stands before a fault', () => {
    const rdata = service('1 a. ipv4hint=192.0.2.1 ipv6hint=2001:db8::1');
    for (let length = 0; length < rdata.length; length++) {
      const { sound, seen } = visit(rdata.slice(0, length));
      // A cut between two parameters leaves a shorter record that is sound.
      expect(sound, String(length)).toBe(length === 5 || length === 13);
      expect(seen.length).toBe(length < 5 ? 0 : length < 13 ? 1 : 2);
    }
  });

  test('finds hints also when the keys are out of order or repeated', () => {
    const hint = [0, 4, 0, 4, 192, 0, 2, 1];
    expect(visit(Uint8Array.of(0, 1, 0, 0, 5, 0, 0, ...hint, ...hint)).seen).toHaveLength(3);
  });
});
