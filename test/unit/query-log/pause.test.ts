// The rest between two looks at the rings: long while little comes, and never so long that a ring fills.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pauseMs } from '../../../src/evidence/query-log/pause.ts';

/** What a ring of 8 MiB holds at 250 bytes each. */
const RING_QUERIES = 33_000;

test.each([
  ['nothing', 0, 100, 100],
  ['5,000 a second', 500, 100, 100],
  ['20,000 a second', 1_000, 50, 50],
  ['200,000 a second', 4_000, 20, 20],
  ['much at once after a clock that stood still', 2_048, 0, 20],
])('after %s', (_what, count, elapsedMs, expected) => {
  expect(pauseMs(count, elapsedMs)).toBe(expected);
});

test('a ring at the rate that was seen does not fill before it is looked at again', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2_047 }),
      fc.double({ min: 1.4, max: 1e6, noNaN: true }),
      (count, ms) => {
        const pause = pauseMs(count, ms);
        expect(pause).toBeGreaterThanOrEqual(20);
        expect(pause).toBeLessThanOrEqual(100);
        expect((count / ms) * pause).toBeLessThan(RING_QUERIES);
      },
    ),
  );
});
