// Frames: the length before a message is that of the message, or nothing leaves.
import { describe, expect, test } from 'vitest';
import {
  checkLength,
  FRAME_HEADER,
  frameOf,
  MESSAGE_LENGTH_MAX,
  writeFrame,
} from '../../../src/wire/dns/dns.ts';

const SHORTEST = 12;

describe('writeFrame()', () => {
  test.each([SHORTEST, 255, 256, MESSAGE_LENGTH_MAX])(
    'puts the length before a message of %i bytes',
    (length) => {
      const out = new Uint8Array(FRAME_HEADER + length + 3);
      const message = new Uint8Array(MESSAGE_LENGTH_MAX).fill(7);
      expect(writeFrame(out, 1, message, length)).toBe(1 + FRAME_HEADER + length);
      expect([...out.subarray(0, 4)]).toEqual([0, length >>> 8, length & 0xff, 7]);
      expect([...out.subarray(-3)]).toEqual([7, 0, 0]);
    },
  );

  test.each([
    ['longer than a message can be', MESSAGE_LENGTH_MAX + 6, MESSAGE_LENGTH_MAX + 1, 2 * MESSAGE_LENGTH_MAX],
    ['more than what is there', 100, 101, MESSAGE_LENGTH_MAX],
    ['without a header', 100, SHORTEST - 1, MESSAGE_LENGTH_MAX],
    ['none', 100, -1, MESSAGE_LENGTH_MAX],
    ['without room', 100, 100, 101],
  ])('throws and writes nothing where a length is %s', (_name, size, length, room) => {
    const out = new Uint8Array(room);
    expect(() => writeFrame(out, 0, new Uint8Array(size).fill(7), length)).toThrow();
    expect(out.every((byte) => byte === 0)).toBe(true);
  });
});

test('frameOf() is a whole frame, and throws for a message that is too long', () => {
  expect([...frameOf(new Uint8Array(SHORTEST).fill(1))]).toEqual([
    0,
    SHORTEST,
    ...new Array(SHORTEST).fill(1),
  ]);
  expect(() => frameOf(new Uint8Array(MESSAGE_LENGTH_MAX + 1))).toThrow();
});

test('checkLength() lets a message through that fills its room', () => {
  expect(() => checkLength(new Uint8Array(MESSAGE_LENGTH_MAX), MESSAGE_LENGTH_MAX)).not.toThrow();
  expect(() => checkLength(new Uint8Array(MESSAGE_LENGTH_MAX + 1), MESSAGE_LENGTH_MAX + 1)).toThrow();
});
