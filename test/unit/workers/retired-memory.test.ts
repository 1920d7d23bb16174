// Tables out of force: collected when they are worth it, and only then.
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { collectBeside, RetiredMemory } from '../../../src/resolver/workers/retired-memory.ts';

const MIB = 1024 * 1024;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Retires a table that nobody else holds. */
const retire = (retired: RetiredMemory, sizeBytes: number): WeakRef<SharedArrayBuffer> => {
  const table = new SharedArrayBuffer(sizeBytes);
  retired.add(table);
  return new WeakRef(table);
};

test('a large table is collected after a second, with what came in between', async () => {
  const retired = new RetiredMemory();
  const tables = [retire(retired, 20 * MIB), retire(retired, 20 * MIB), retire(retired, 1)];
  expect(vi.getTimerCount()).toBe(1);
  // A WeakRef holds its target until the turn in which it was made has ended.
  await nextTurn();
  vi.advanceTimersByTime(1000);
  expect(tables.map((table) => table.deref())).toEqual([undefined, undefined, undefined]);
  expect(vi.getTimerCount()).toBe(0);
});

test('small tables are collected when they have added up', () => {
  const retired = new RetiredMemory();
  retired.add(undefined);
  for (let i = 0; i < 15; i++) retire(retired, MIB);
  expect(vi.getTimerCount()).toBe(0);
  retire(retired, MIB);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1000);
  retire(retired, MIB);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  [1, 0],
  [16 * MIB - 1, 0],
  [16 * MIB, 1],
])(
  'before a table is built beside one of %i bytes, garbage is collected %i times',
  async (sizeBytes, count) => {
    const flags: (number | undefined)[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        flags.push((entry as { readonly detail?: { readonly flags?: number } }).detail?.flags);
    });
    observer.observe({ entryTypes: ['gc'] });
    collectBeside(new SharedArrayBuffer(sizeBytes));
    await nextTurn();
    await nextTurn();
    observer.disconnect();
    // Others come when they like.
    const forced = constants.NODE_PERFORMANCE_GC_FLAGS_FORCED;
    expect(flags.filter((flag = 0) => (flag & forced) !== 0)).toHaveLength(count);
  },
);
