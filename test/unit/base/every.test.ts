// All looks of a thread come by one timer, each in its own period, and end.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Looks } from '../../../src/base/every.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

test('looks come in their periods, by one timer that ends with the last of them', () => {
  const looks = new Looks();
  const seen: string[] = [];
  const ends = [
    looks.every(1000, () => seen.push('second')),
    looks.every(250, () => seen.push('quarter')),
    looks.every(1000, () => seen.push('second too')),
    looks.every(500, () => seen.push('half')),
  ];
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1000);
  expect(seen.join()).toBe('quarter,quarter,half,quarter,second,quarter,second too,half');
  ends[1]?.();
  seen.length = 0;
  vi.advanceTimersByTime(1000);
  expect(seen.join()).toBe('half,second,second too,half');
  for (const end of ends) end();
  expect(vi.getTimerCount()).toBe(0);
});

test('a look that another one ends before its turn does not look; one that it begins waits for the next', () => {
  const looks = new Looks();
  const seen: string[] = [];
  const endFirst = looks.every(250, () => {
    endSecond();
    endThird ??= looks.every(250, () => seen.push('third'));
  });
  const endSecond = looks.every(250, () => seen.push('second'));
  let endThird: (() => void) | undefined;
  vi.advanceTimersByTime(250);
  expect(seen).toEqual([]);
  vi.advanceTimersByTime(250);
  expect(seen).toEqual(['third']);
  endFirst();
  endThird?.();
  expect(vi.getTimerCount()).toBe(0);
});

test('ending twice ends nothing else', () => {
  const looks = new Looks();
  let count = 0;
  const end = looks.every(250, () => {});
  const endOther = looks.every(250, () => count++);
  end();
  end();
  vi.advanceTimersByTime(500);
  expect(count).toBe(2);
  endOther();
});
