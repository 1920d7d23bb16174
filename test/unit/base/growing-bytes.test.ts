// Bytes in parts: what was added and nothing else, whatever the parts.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GrowingBytes } from '../../../src/base/base.ts';

test('whatever the parts, what is taken are their bytes in their order, and memory of its own', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 20 }), (parts) => {
      const all = Buffer.concat(parts);
      const bytes = new GrowingBytes(all.length);
      for (const part of parts) {
        const padded = Uint8Array.of(1, ...part, 2);
        bytes.add(padded, 1, padded.length - 1);
      }
      expect(bytes.length).toBe(all.length);
      expect(Buffer.compare(bytes.view, all)).toBe(0);
      const taken = bytes.take();
      expect(Buffer.compare(taken, all)).toBe(0);
      expect(taken.buffer.byteLength).toBe(all.length);
      expect(bytes.length).toBe(0);
      bytes.add(Uint8Array.of(), 0, 0);
      expect(Buffer.compare(taken, all)).toBe(0);
    }),
  );
});

test('a chunk that is kept by its owner is not the memory of what was added', () => {
  const chunk = Uint8Array.of(1, 2, 3);
  const bytes = new GrowingBytes(10);
  bytes.add(chunk, 0, 3);
  chunk.fill(9);
  expect(bytes.take()).toEqual(Uint8Array.of(1, 2, 3));
});

test('more than may be is refused', () => {
  const bytes = new GrowingBytes(3);
  bytes.add(Uint8Array.of(1, 2), 0, 2);
  expect(() => bytes.add(Uint8Array.of(3, 4), 0, 2)).toThrow(RangeError);
});
