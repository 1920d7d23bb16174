import { expect, test } from 'vitest';
import { ByteSlab } from '../../../src/base/base.ts';

test('each view is zero, and nobody else has its bytes', () => {
  const slab = new ByteSlab(64);
  const views = [10, 32, 33, 22, 1, 64, 0, 200, 7].map((length) => slab.take(length));
  expect(views.map(({ length }) => length)).toEqual([10, 32, 33, 22, 1, 64, 0, 200, 7]);
  for (const view of views) expect(view.every((byte) => byte === 0)).toBe(true);
  for (const [index, view] of views.entries()) view.fill(index + 1);
  for (const [index, view] of views.entries()) expect(view.every((byte) => byte === index + 1)).toBe(true);
});

test('slice() of a view is a copy', () => {
  const view = new ByteSlab(64).take(4);
  const copy = view.slice();
  view.fill(1);
  expect([...copy]).toEqual([0, 0, 0, 0]);
});
