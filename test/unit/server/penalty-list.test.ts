// Clients whose connections were ended for what they did.
import { expect, test } from 'vitest';
import { type AddressWords, createAddress, parseAddress } from '../../../src/base/base.ts';
import { PenaltyList } from '../../../src/resolver/server/penalty-list.ts';

const wordsOf = (address: string): AddressWords => {
  const words = createAddress();
  parseAddress(address, words);
  return words;
};

/** How long an address has to wait, in seconds, from the time of its offence on. */
const waitSec = (offenders: PenaltyList, address: string, sinceMs: number): number => {
  let sec = 0;
  while (sec < 100 && offenders.mustWait(wordsOf(address), sinceMs + 1000 * sec)) sec++;
  return sec;
};

test('a client waits for a second, and for twice as long each time that it goes on, half a minute at most', () => {
  const offenders = new PenaltyList();
  const waits: number[] = [];
  let nowMs = 5_000;
  for (let i = 0; i < 8; i++) {
    offenders.note(wordsOf('192.0.2.1'), nowMs);
    const wait = waitSec(offenders, '192.0.2.1', nowMs);
    waits.push(wait);
    nowMs += 1000 * wait;
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 32, 32]);
});

test('connections that are ended together are one offence', () => {
  const offenders = new PenaltyList();
  for (let i = 0; i < 20; i++) offenders.note(wordsOf('192.0.2.1'), 1_000 + i);
  expect(waitSec(offenders, '192.0.2.1', 1_019)).toBe(1);
});

test('after a minute without an offence all is forgotten', () => {
  const offenders = new PenaltyList();
  offenders.note(wordsOf('192.0.2.1'), 0);
  offenders.note(wordsOf('192.0.2.1'), 2_000);
  offenders.note(wordsOf('192.0.2.1'), 62_000);
  expect(waitSec(offenders, '192.0.2.1', 62_000)).toBe(1);
});

test('nobody else waits: not the next address of IPv4, not the next /64', () => {
  const offenders = new PenaltyList();
  for (const address of ['192.0.2.1', '2001:db8:1:2::3']) offenders.note(wordsOf(address), 0);
  const waits = (address: string): boolean => offenders.mustWait(wordsOf(address), 1);
  expect(waits('192.0.2.1')).toBe(true);
  expect(waits('192.0.2.2')).toBe(false);
  expect(waits('2001:db8:1:2:ffff::1')).toBe(true);
  expect(waits('2001:db8:1:3::3')).toBe(false);
});

test('so many are remembered, the last ones', () => {
  const offenders = new PenaltyList();
  for (let i = 0; i < 5_000; i++) offenders.note(wordsOf(`10.0.${i >> 8}.${i & 255}`), 0);
  expect(offenders.mustWait(wordsOf('10.0.0.0'), 0)).toBe(false);
  expect(offenders.mustWait(wordsOf(`10.0.${4_999 >> 8}.${4_999 & 255}`), 0)).toBe(true);
});
