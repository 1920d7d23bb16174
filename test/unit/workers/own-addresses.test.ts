// Addresses of this host: those that come later are known, and nobody has them read at will.
import { expect, test } from 'vitest';
import { OwnAddresses } from '../../../src/resolver/workers/own-addresses.ts';

test('an address that comes after the start is known, and looked for once a second at most', () => {
  let [nowMs, reads] = [10_000, 0];
  let addresses = ['127.0.0.1'];
  const own = new OwnAddresses(
    () => nowMs,
    () => {
      reads++;
      return addresses;
    },
  );
  expect([own.has('127.0.0.1'), own.has('192.0.2.1'), reads]).toEqual([true, false, 1]);
  addresses = ['127.0.0.1', '192.0.2.1'];
  nowMs += 999;
  expect([own.has('192.0.2.1'), reads]).toEqual([false, 1]);
  nowMs += 1;
  expect([own.has('192.0.2.1'), reads]).toEqual([true, 2]);
  for (let i = 0; i < 100; i++) own.has('198.51.100.1');
  expect(reads).toBe(2);
});
