// Keys of tickets: each opens tickets for one rotation after it stopped making them.
import { expect, test } from 'vitest';
import { TicketKeys } from '../../../src/wire/tls/tls.ts';

test('rotate() keeps the key before, and forgets the one before that', () => {
  const keys = new TicketKeys(0);
  const [first] = keys.keys;
  expect(keys.rotate(999, 1000)).toBe(false);
  expect(keys.rotate(1000, 1000)).toBe(true);
  const [second] = keys.keys;
  expect(keys.keys).toEqual([second, first]);
  expect(keys.rotate(1999, 1000)).toBe(false);
  expect(keys.rotate(2000, 1000)).toBe(true);
  expect(keys.keys).toHaveLength(2);
  expect(keys.keys[1]).toBe(second);
  expect(keys.keys).not.toContain(first);
});

test('keys have 48 bytes, and no two are alike', () => {
  const keys = new TicketKeys(0);
  keys.rotate(1, 1);
  const [a, b] = keys.keys;
  expect([a?.length, b?.length]).toEqual([48, 48]);
  expect(a).not.toEqual(b);
});

test('a clock that stepped back does not keep a key for ever', () => {
  const keys = new TicketKeys(1_000_000);
  expect(keys.rotate(0, 1000)).toBe(true);
  expect(keys.rotate(500, 1000)).toBe(false);
});
