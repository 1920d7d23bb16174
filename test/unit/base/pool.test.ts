// A thing of a pool is one user's, and each use has a number.
import { describe, expect, test } from 'vitest';
import { Pool, Reusable } from '../../../src/base/base.ts';

class Thing extends Reusable {}

describe('Pool', () => {
  test('gives a thing to one at a time, under a new number', () => {
    const pool = new Pool<Thing>(2);
    expect(pool.take()).toBeUndefined();
    const thing = new Thing();
    const { use } = thing;
    pool.give(thing);
    expect(pool.take()).toBe(thing);
    expect(thing.use).not.toBe(use);
    expect(pool.take()).toBeUndefined();
  });

  test('does not take a thing twice: two would have it', () => {
    const pool = new Pool<Thing>(2);
    const thing = new Thing();
    pool.give(thing);
    expect(() => pool.give(thing)).toThrow('given back twice');
    pool.take();
    pool.give(thing);
    expect(() => pool.give(thing)).toThrow('given back twice');
  });

  test('keeps a bounded number', () => {
    const pool = new Pool<Thing>(2);
    for (const thing of [new Thing(), new Thing(), new Thing()]) pool.give(thing);
    expect([pool.take(), pool.take(), pool.take()].filter((thing) => thing !== undefined)).toHaveLength(2);
  });
});
