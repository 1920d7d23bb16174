// Schedules: dates, days of the week and hours as the clocks of a time zone show them.
import { describe, expect, test } from 'vitest';
import { isInForce, type Schedule } from '../../../src/policy/policy.ts';

const UTC = { timeZone: 'UTC' };
const WORKDAYS = [1, 2, 3, 4, 5];
const at = (text: string): number => Date.parse(text);

describe('isInForce()', () => {
  test.each<[string, Schedule, string, boolean]>([
    ['without restriction', UTC, '2026-11-24T00:00:00Z', true],
    [
      'before its first day',
      { ...UTC, fromMs: at('2026-12-01T00:00:00Z') },
      '2026-11-30T23:59:59.999Z',
      false,
    ],
    ['from its first moment', { ...UTC, fromMs: at('2026-12-01T00:00:00Z') }, '2026-12-01T00:00:00Z', true],
    ['before its end', { ...UTC, untilMs: at('2026-12-01T00:00:00Z') }, '2026-11-30T23:59:59.999Z', true],
    ['at its end', { ...UTC, untilMs: at('2026-12-01T00:00:00Z') }, '2026-12-01T00:00:00Z', false],
    ['on a day', { ...UTC, weekdays: WORKDAYS }, '2026-11-24T12:00:00Z', true],
    ['on another day', { ...UTC, weekdays: WORKDAYS }, '2026-11-28T12:00:00Z', false],
    ['a day is that of the zone', { timeZone: 'Asia/Tokyo', weekdays: [3] }, '2026-11-24T15:00:00Z', true],
    [
      'a day is that of the zone, before',
      { timeZone: 'Asia/Tokyo', weekdays: [3] },
      '2026-11-24T14:59:59Z',
      false,
    ],
    [
      'from the first minute',
      { ...UTC, hours: { fromMin: 480, untilMin: 1080 } },
      '2026-11-24T08:00:00Z',
      true,
    ],
    ['to the last minute', { ...UTC, hours: { fromMin: 480, untilMin: 1080 } }, '2026-11-24T17:59:59Z', true],
    ['after the hours', { ...UTC, hours: { fromMin: 480, untilMin: 1080 } }, '2026-11-24T18:00:00Z', false],
    ['past midnight', { ...UTC, hours: { fromMin: 1320, untilMin: 360 } }, '2026-11-24T23:00:00Z', true],
    [
      'past midnight, morning',
      { ...UTC, hours: { fromMin: 1320, untilMin: 360 } },
      '2026-11-24T05:59:00Z',
      true,
    ],
    [
      'past midnight, day',
      { ...UTC, hours: { fromMin: 1320, untilMin: 360 } },
      '2026-11-24T06:00:00Z',
      false,
    ],
    [
      'the morning belongs to the day before',
      { ...UTC, weekdays: [2], hours: { fromMin: 1320, untilMin: 360 } },
      '2026-11-25T05:00:00Z',
      true,
    ],
    [
      'the morning of the day itself does not',
      { ...UTC, weekdays: [2], hours: { fromMin: 1320, untilMin: 360 } },
      '2026-11-24T05:00:00Z',
      false,
    ],
    [
      'in summer time',
      { timeZone: 'Europe/Brussels', hours: { fromMin: 480, untilMin: 540 } },
      '2026-07-01T06:30:00Z',
      true,
    ],
    [
      'in winter time',
      { timeZone: 'Europe/Brussels', hours: { fromMin: 480, untilMin: 540 } },
      '2026-12-01T06:30:00Z',
      false,
    ],
  ])('%s', (_name, schedule, time, expected) => {
    expect(isInForce(schedule, at(time))).toBe(expected);
  });
});
