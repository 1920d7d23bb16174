import { expect, test } from 'vitest';
import { readPeriod } from '../../../src/evidence/report/period.ts';

const utc = (text: string): number => Date.parse(text);

test.each([
  ['2026-10-01', '2026-12-31', '2026-10-01T00:00:00Z', '2027-01-01T00:00:00Z'],
  ['2026-11-25', '2026-11-25', '2026-11-25T00:00:00Z', '2026-11-26T00:00:00Z'],
  ['2026-11-25T08:00:00Z', '2026-11-25T09:30:00Z', '2026-11-25T08:00:00Z', '2026-11-25T09:30:00Z'],
  ['2026-11-25T08:00+01:00', '2026-11-25', '2026-11-25T07:00:00Z', '2026-11-26T00:00:00Z'],
  ['2024-02-29', '2024-02-29', '2024-02-29T00:00:00Z', '2024-03-01T00:00:00Z'],
])('readPeriod() takes %s to %s for %s until before %s', (from, to, start, end) => {
  expect(readPeriod(from, to)).toEqual({ fromMs: utc(start), untilMs: utc(end) });
});

test.each([
  ['2026-02-30', '2026-03-01', /--from "2026-02-30" is neither/],
  ['2026-02-29T00:00:00Z', '2026-03-01', /--from/],
  ['2026-11-25T08:00:00', '2026-11-26', /with its zone/],
  ['2026-11-25', 'yesterday', /--to "yesterday"/],
  ['2026-11-25', '2026-11-24', /--to is before --from/],
  ['2026-11-25T08:00:00Z', '2026-11-25T08:00:00Z', /--to is before --from/],
  ['2000-01-01', '2026-01-01', /3660 days at most/],
  ['2026-11-25T24:00:00Z', '2026-11-26', /--from/],
  ['2026-1-1', '2026-11-26', /--from/],
])('readPeriod() refuses %s to %s', (from, to, expected) => {
  expect(readPeriod(from, to)).toMatch(expected);
});
