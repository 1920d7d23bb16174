// Connections of QUIC that begin between two looks: bounds of all and of one network.
import { expect, test } from 'vitest';
import { createAddress, parseAddress } from '../../../src/base/base.ts';
import { QuicAdmission } from '../../../src/resolver/server/quic-admission.ts';

const wordsOf = (text: string) => {
  const words = createAddress();
  parseAddress(text, words);
  return words;
};

const beginAll = (beginnings: QuicAdmission, addresses: readonly string[]): number => {
  let count = 0;
  for (const words of addresses.map(wordsOf)) {
    if (!beginnings.mayBegin(words)) continue;
    beginnings.note(words);
    count++;
  }
  return count;
};

const ofNetwork = (net: number): string[] => Array.from({ length: 40 }, (_, i) => `192.0.${net}.${i + 1}`);

test('a network has a share, and all together a bound, until the next look', () => {
  const beginnings = new QuicAdmission();
  expect([2, 3].map((net) => beginAll(beginnings, ofNetwork(net)))).toEqual([32, 32]);
  expect(beginAll(beginnings, ['2001:db8::1', '2001:db8::2'])).toBe(2);
  expect([5, 6].map((net) => beginAll(beginnings, ofNetwork(net)))).toEqual([30, 0]);
  beginnings.renew();
  expect(beginAll(beginnings, ofNetwork(2))).toBe(32);
});

test('a network that has no place has no beginning either', () => {
  const beginnings = new QuicAdmission();
  beginnings.close(wordsOf('192.0.2.1'));
  expect(beginAll(beginnings, ['192.0.2.9', '192.0.3.9'])).toBe(1);
});
