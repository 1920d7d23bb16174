// How many tries somebody has, by account, by network and in all.
import { beforeEach, expect, test } from 'vitest';
import { SignInThrottle } from '../../../src/people/room/sign-in-throttle.ts';

const WINDOW_MS = 15 * 60_000;
let nowMs: number;
let throttle: SignInThrottle;

beforeEach(() => {
  nowMs = Date.UTC(2026, 0, 15);
  throttle = new SignInThrottle(() => nowMs);
});

/** How many of so many tries are let through. */
const countOf = (count: number, attempt: (index: number) => unknown): number => {
  let through = 0;
  for (let index = 0; index < count; index++) {
    try {
      attempt(index);
      through++;
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'ERR_ROOM_BRAKE' });
    }
  }
  return through;
};

test.each([
  ['a /64 of IPv6', (index: number) => `2001:db8:0:7::${(index * 0x1_0001).toString(16).slice(-4)}`],
  ['a /64, written otherwise', (index: number) => `2001:0db8:0000:0007:${index}:0:0:1`],
  ['a /24 of IPv4', (index: number) => `198.51.100.${index}`],
  ['a /24, as IPv6 has it', (index: number) => `::ffff:198.51.100.${index}`],
])('%s has five tries of one account', (_, addressOf) => {
  expect(countOf(130, (index) => throttle.tryPassword(addressOf(index), 'p-1'))).toBe(5);
  nowMs += WINDOW_MS;
  expect(countOf(130, (index) => throttle.tryPassword(addressOf(index), 'p-1'))).toBe(5);
});

test('a network has thirty of all accounts, an account twenty of all networks, and all have three hundred', () => {
  expect(countOf(100, (index) => throttle.tryPassword('198.51.100.1', `p-${index}`))).toBe(30);
  expect(countOf(100, (index) => throttle.tryPassword(`2001:db8:${index}::1`, 'p-x'))).toBe(20);
  const all = countOf(1_000, (index) => throttle.tryPassword(`2001:db8:1:${index}::1`, `q-${index}`));
  expect(30 + 20 + all).toBe(300);
});

test('strangers keep nobody out where an account signed in before', () => {
  throttle.tryPassword('192.0.2.7', 'p-1').succeed();
  countOf(1_000, (index) =>
    throttle.tryPassword(`2001:db8:1:${index}::1`, index % 2 === 0 ? 'p-1' : `q-${index}`),
  );
  expect(() => throttle.tryPassword('203.0.113.9', 'p-1')).toThrow(/too many attempts/);
  expect(countOf(20, () => throttle.tryPassword('192.0.2.8', 'p-1'))).toBe(5);
  // Nobody else signs in on that network by it.
  expect(() => throttle.tryPassword('192.0.2.8', 'p-2')).toThrow(/too many attempts/);
});

test('a right try and one that was not looked at are given back, however many', () => {
  expect(countOf(400, () => throttle.tryPassword('192.0.2.7', 'p-1').succeed())).toBe(400);
  expect(countOf(400, (index) => throttle.tryPassword('198.51.100.7', `p-${index % 3}`).giveBack())).toBe(
    400,
  );
  countOf(4, () => throttle.tryPassword('192.0.2.7', 'p-1'));
  throttle.tryPassword('192.0.2.7', 'p-1').giveBack();
  expect(countOf(5, () => throttle.tryPassword('192.0.2.7', 'p-1'))).toBe(1);
});

test('codes of proof are counted by account from everywhere, and a clock that goes back gives no new ones', () => {
  expect(countOf(20, () => throttle.tryProof('p-1'))).toBe(5);
  nowMs -= 10 * WINDOW_MS;
  expect(countOf(20, () => throttle.tryProof('p-1'))).toBe(0);
});

test('passkeys and links are in no bound of passwords', () => {
  expect(countOf(100, () => throttle.tryPasskey('198.51.100.1'))).toBe(30);
  expect(countOf(100, () => throttle.tryEnrolment('198.51.100.1', 'link'))).toBe(5);
  expect(countOf(100, () => throttle.tryProvided('198.51.100.1'))).toBe(30);
  expect(countOf(100, () => throttle.tryChoice('link'))).toBe(10);
  expect(countOf(100, (index) => throttle.tryPassword('198.51.100.1', `p-${index}`))).toBe(30);
});
