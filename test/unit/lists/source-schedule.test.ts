import { describe, expect, it } from 'vitest';
import { isStale, nextFetchMs, parseRetryAfter } from '../../../src/policy/lists/source-schedule.ts';

const NOW = Date.UTC(2026, 7, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SEEDS = Array.from({ length: 1000 }, (_value, index) => index);

const waits = (refreshMs: number, failures: number, retryAfterMs?: number): number[] =>
  SEEDS.map((seed) => nextFetchMs(NOW, refreshMs, seed, failures, retryAfterMs) - NOW);

describe('nextFetchMs()', () => {
  it('spreads fetches by a tenth of the interval to both sides', () => {
    const all = waits(4 * HOUR, 0);
    expect(Math.min(...all)).toBeGreaterThanOrEqual(3.6 * HOUR);
    expect(Math.min(...all)).toBeLessThan(3.61 * HOUR);
    expect(Math.max(...all)).toBeLessThanOrEqual(4.4 * HOUR);
    expect(Math.max(...all)).toBeGreaterThan(4.39 * HOUR);
    expect(all.filter((wait) => wait < 4 * HOUR).length).toBeGreaterThan(400);
    expect(all.filter((wait) => wait > 4 * HOUR).length).toBeGreaterThan(400);
  });

  it('gives the same time for the same seed', () => {
    expect(nextFetchMs(NOW, HOUR, 7, 0)).toBe(nextFetchMs(NOW, HOUR, 7, 0));
    expect(nextFetchMs(NOW, HOUR, 7, 0)).not.toBe(nextFetchMs(NOW, HOUR, 8, 0));
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [6, 32],
    [7, 60],
    [1000, 60],
  ])('waits after %i failures about %i minutes, never above the interval', (failures, minutes) => {
    for (const wait of waits(HOUR, failures)) {
      expect(wait).toBeGreaterThanOrEqual(0.9 * minutes * MINUTE);
      expect(wait).toBeLessThanOrEqual(1.1 * minutes * MINUTE);
    }
  });

  it('does not wait longer after a failure than a short interval', () => {
    expect(Math.max(...waits(10_000, 5))).toBeLessThanOrEqual(11_000);
  });

  it('honors what the source asks for, a day or the interval at most', () => {
    expect(waits(HOUR, 1, 2 * HOUR).every((wait) => wait === 2 * HOUR)).toBe(true);
    expect(waits(HOUR, 1, 1000).every((wait) => wait >= 0.9 * MINUTE)).toBe(true);
    expect(Math.max(...waits(HOUR, 1, 1000 * HOUR))).toBe(24 * HOUR);
    expect(Math.max(...waits(100 * HOUR, 1, 1000 * HOUR))).toBe(100 * HOUR);
  });
});

describe('isStale()', () => {
  it.each([
    ['just now', 0, false],
    ['three intervals ago', -3 * HOUR, false],
    ['more than three intervals ago', -3 * HOUR - 1, true],
    ['in a moment, by a clock that was set back a little', MINUTE, false],
    ['far in the future', HOUR + 1, true],
  ])('a success %s', (_name, offsetMs, stale) => {
    expect(isStale(NOW + offsetMs, NOW, HOUR)).toBe(stale);
  });

  it('takes the number of intervals', () => {
    expect(isStale(NOW - 3 * HOUR, NOW, HOUR, 2)).toBe(true);
  });
});

describe('parseRetryAfter()', () => {
  it.each([
    ['120', 120_000],
    ['Sat, 01 Aug 2026 01:00:00 GMT', HOUR],
    ['Fri, 31 Jul 2026 01:00:00 GMT', undefined],
    ['0', undefined],
    ['', undefined],
    ['soon', undefined],
    ['-5', undefined],
  ])('%j is %j', (text, waitMs) => {
    expect(parseRetryAfter(text, NOW)).toBe(waitMs);
  });
});
