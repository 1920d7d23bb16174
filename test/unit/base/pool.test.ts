// A thing of a pool is one user's, and each use has a number.
import { describe, expect, test } from 'vitest';
import { Pool, PoolByLength, Reusable } from '../../../src/base/base.ts';

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

describe('PoolByLength', () => {
  test('gives a thing of the length that is wanted, to one at a time, under a new number', () => {
    const pool = new PoolByLength<Thing>(8, 4);
    const [short, long] = [new Thing(), new Thing()];
    const { use } = short;
    pool.give(short, 2);
    pool.give(long, 3);
    expect([pool.take(1), pool.take(2), pool.take(2)]).toEqual([undefined, short, undefined]);
    expect(short.use).not.toBe(use);
    expect(pool.take(3)).toBe(long);
  });

  test('does not take a thing twice, nor keep what is too long', () => {
    const pool = new PoolByLength<Thing>(8, 4);
    const [thing, long] = [new Thing(), new Thing()];
    pool.give(thing, 8);
    expect(() => pool.give(thing, 8)).toThrow('given back twice');
    pool.give(long, 9);
    expect([pool.take(9), pool.take(1000)]).toEqual([undefined, undefined]);
    expect(() => pool.give(long, 9)).toThrow('given back twice');
  });

  test('keeps a bounded number, and nothing of a flood once as many others have come', () => {
    const pool = new PoolByLength<Thing>(8, 4);
    for (let i = 0; i < 20; i++) pool.give(new Thing(), i % 8);
    for (let i = 0; i < 20; i++) pool.give(new Thing(), 5);
    const kept = Array.from({ length: 9 }, (_, length) => {
      let count = 0;
      while (pool.take(length) !== undefined) count++;
      return count;
    });
    expect(kept).toEqual([0, 0, 0, 0, 0, 4, 0, 0, 0]);
  });
});
