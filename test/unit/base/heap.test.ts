// A heap is shrunk a while after the start, and later when it has grown and its thread rests.
import { getHeapStatistics } from 'node:v8';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { collectHeap, keepHeapSmall } from '../../../src/base/heap.ts';

const MIB = 1024 * 1024;
const TEN_MINUTES_MS = 600_000;
/** Two hundred times what a collection takes, and less than the next look. */
const LONG_MS = 280_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const residentBytes = (): number => getHeapStatistics().total_physical_size;

/** Fills the heap; gives what is alive of it for as long as it is held. */
const grow = (): object[] => {
  const before = residentBytes();
  const held: object[] = [];
  while (residentBytes() - before < 16 * MIB) held.push(Array.from({ length: 1000 }, (_, at) => ({ at })));
  return held;
};

test('a heap is shrunk once after a start, and again only when it has grown while its thread rests', () => {
  collectHeap();
  const state = { work: 0, times: 0 };
  const look = (work: number): number => {
    state.work = work;
    vi.advanceTimersByTime(TEN_MINUTES_MS);
    return state.times;
  };
  keepHeapSmall({ onShrunk: () => void state.times++, readWork: () => state.work });
  vi.advanceTimersByTime(19_999);
  expect(state.times).toBe(0);
  vi.advanceTimersByTime(1);
  expect(state.times).toBe(1);
  expect(look(0), 'nothing has grown').toBe(1);
  grow();
  const grownBytes = residentBytes();
  expect(look(0.2), 'it is busy').toBe(1);
  expect(look(0.05)).toBe(2);
  expect(grownBytes - residentBytes()).toBeGreaterThan(12 * MIB);
  expect(look(0), 'nothing has grown since').toBe(2);
});

test('a heap that grows between two looks is collected when it has grown by what it may, and not again for what is alive', () => {
  collectHeap();
  let times = 0;
  keepHeapSmall({ onShrunk: () => void times++, readWork: () => 0, grownBytesMax: 12 * MIB });
  vi.advanceTimersByTime(20_000);
  expect(times, 'after the start').toBe(1);
  vi.advanceTimersByTime(60_000);
  expect(times, 'nothing has grown').toBe(1);
  grow();
  const grownBytes = residentBytes();
  vi.advanceTimersByTime(LONG_MS);
  expect(times).toBe(2);
  expect(grownBytes - residentBytes()).toBeGreaterThan(8 * MIB);
  const alive = grow();
  vi.advanceTimersByTime(LONG_MS);
  expect([times, alive.length > 0], 'what stays is what it has grown from').toEqual([3, true]);
});

/** How often a heap is collected that grows all the time: in three minutes, and in half a minute more. */
const collections = (): number[] => {
  collectHeap();
  let times = 0;
  keepHeapSmall({ onShrunk: () => void times++, readWork: () => 0, grownBytesMax: 12 * MIB });
  vi.advanceTimersByTime(20_000);
  expect(times).toBe(1);
  return [180_000, 30_000].map((ms) => {
    grow();
    vi.advanceTimersByTime(ms);
    return times;
  });
};

test('a heap that is dear to collect is collected as seldom as that', () => {
  // Collecting takes a second of a processor: two hundred seconds are over behind the second time alone.
  const used = vi.spyOn(process, 'threadCpuUsage');
  used.mockImplementation((before) => ({
    user: before === undefined ? 0 : 900_000,
    system: before === undefined ? 0 : 100_000,
  }));
  expect(collections()).toEqual([1, 2]);
});

test('a heap whose thread waited for a processor while it was collected is not dear', () => {
  let clockMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (clockMs += 1_000));
  const used = vi.spyOn(process, 'threadCpuUsage');
  used.mockImplementation((before) => ({ user: before === undefined ? 0 : 80_000, system: 0 }));
  expect(collections()).toEqual([2, 3]);
});
