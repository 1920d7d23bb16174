// Keys of schedules, and the instants that dates mean by the clocks of a place.
import { describe, expect, it } from 'vitest';
import type { GroupConfig } from '../../../src/config/config.ts';
import { configOf, problemsOf } from './support.ts';

const LISTS =
  'lists: [{ id: a, file: a.txt }, { id: b, file: b.txt, mandate: true }, { id: c, file: c.txt }]\n';

/** Line 2 of the file; the keys begin in column 58. */
const textOf = (keys: string): string =>
  `${LISTS}groups: [{ name: default, lists: [a, b], schedules: [{ ${keys} }] }]`;

const scheduleOf = (keys: string): GroupConfig['schedules'][number]['schedule'] | undefined =>
  configOf(textOf(`list: a, ${keys}`)).groups[0]?.schedules[0]?.schedule;

const instantOf = (text: string, zone: string): string => {
  const { fromMs = Number.NaN } = scheduleOf(`from: "${text}", timezone: ${zone}`) ?? {};
  return new Date(fromMs).toISOString();
};

describe('a schedule', () => {
  it('takes dates, days and hours of a place', () => {
    expect(
      configOf(
        textOf(
          'list: a, from: 2026-12-01, until: 2027-03-01, weekdays: [tue, mon], hours: "08:00-18:00", timezone: "Europe/Brussels"',
        ),
      ).groups[0]?.schedules,
    ).toEqual([
      {
        list: 'a',
        schedule: {
          fromMs: Date.UTC(2026, 10, 30, 23),
          untilMs: Date.UTC(2027, 1, 28, 23),
          weekdays: [1, 2],
          hours: { fromMin: 480, untilMin: 1080 },
          timeZone: 'Europe/Brussels',
        },
      },
    ]);
  });

  it('restricts nothing that it does not say, and is of UTC', () => {
    expect(scheduleOf('weekdays: [sun, sat]')).toEqual({
      fromMs: undefined,
      untilMs: undefined,
      weekdays: [0, 6],
      hours: undefined,
      timeZone: 'UTC',
    });
  });

  it('may stand several times for one list', () => {
    const schedules = configOf(textOf('list: a, hours: "08:00-12:00" }, { list: a, hours: "14:00-18:00"'))
      .groups[0]?.schedules;
    expect(schedules?.map(({ schedule }) => schedule.hours?.fromMin)).toEqual([480, 840]);
  });

  it.each([
    ['00:00-24:00', 0, 1440],
    ['22:30-06:00', 1350, 360],
    ['23:59-00:00', 1439, 0],
  ])('reads the hours %s', (text, fromMin, untilMin) => {
    expect(scheduleOf(`hours: "${text}"`)?.hours).toEqual({ fromMin, untilMin });
  });

  it.each([
    // In winter and in summer.
    ['2026-12-01', 'America/New_York', '2026-12-01T05:00:00.000Z'],
    ['2026-07-01', 'America/New_York', '2026-07-01T04:00:00.000Z'],
    ['2026-12-01', 'Asia/Kolkata', '2026-11-30T18:30:00.000Z'],
    // The days on which clocks change, which they do after the day has begun.
    ['2026-03-29', 'Europe/Brussels', '2026-03-28T23:00:00.000Z'],
    ['2026-03-30', 'Europe/Brussels', '2026-03-29T22:00:00.000Z'],
    // Clocks are put forward from midnight to one: the day begins at one.
    ['2026-04-24', 'Africa/Cairo', '2026-04-23T22:00:00.000Z'],
    // Clocks are put back from one to midnight: the day begins at the first midnight.
    ['2026-11-01', 'America/Havana', '2026-11-01T04:00:00.000Z'],
    // Clocks are put back from midnight to eleven: that midnight does not count.
    ['2026-10-30', 'Africa/Cairo', '2026-10-29T22:00:00.000Z'],
    // A time says itself what it means.
    ['2026-12-01T08:00:00+01:00', 'Asia/Tokyo', '2026-12-01T07:00:00.000Z'],
    ['2026-12-01t08:00:00.25z', 'Asia/Tokyo', '2026-12-01T08:00:00.250Z'],
  ])('%s in %s is %s', (text, zone, instant) => {
    expect(instantOf(text, zone)).toBe(instant);
  });

  it.each([
    '2026-02-29',
    '2026-13-01',
    '2026-2-1',
    '1026-12-01',
    '01.12.2026',
    '2026-12-01T08:00',
    '2026-12-01T08:00:00',
    '2026-12-01T24:00:00Z',
    '2026-02-30T08:00:00Z',
    '',
  ])('refuses %j as a date or a time', (text) => {
    expect(problemsOf(textOf(`list: a, from: "${text}"`))).toEqual([
      `cordon.yaml:2:71: groups[0].schedules[0].from: "${text}" is not a date or a time; write it such as "2026-12-01" or "2026-12-01T08:00:00+01:00"`,
    ]);
  });

  it.each(['8:00-18:00', '08:00', '08:00-24:01', '24:00-08:00', '08:60-09:00', '08:00 - 18:00'])(
    'refuses %j as hours',
    (text) => {
      expect(problemsOf(textOf(`list: a, hours: "${text}"`))).toEqual([
        `cordon.yaml:2:72: groups[0].schedules[0].hours: "${text}" is not a range of hours; write them such as "08:00-18:00"`,
      ]);
    },
  );

  it.each([
    [
      'list: a, hours: "08:00-08:00"',
      '72: groups[0].schedules[0].hours: "08:00-08:00" has no hour; write "00:00-24:00" for all of them',
    ],
    [
      'list: a, weekdays: [mon, tues]',
      '81: groups[0].schedules[0].weekdays[1]: "tues" is not known; did you mean "tue"?',
    ],
    [
      'list: a, weekdays: [mon, mon]',
      '81: groups[0].schedules[0].weekdays[1]: "mon" is named already at groups[0].schedules[0].weekdays[0]',
    ],
    ['list: a, weekdays: []', '75: groups[0].schedules[0].weekdays: has 0 items, at least 1 needed'],
    [
      'list: a, from: 2026-12-01, timezone: Europe/Brusels',
      '93: groups[0].schedules[0].timezone: "Europe/Brusels" is not a time zone; did you mean "Europe/Brussels"?',
    ],
    [
      'list: a, from: 2026-12-01, timezone: "+01:00"',
      '93: groups[0].schedules[0].timezone: "+01:00" is not a time zone; write its name, such as "Europe/Brussels"',
    ],
    [
      'list: a, from: 2026-12-02, until: 2026-12-02',
      '90: groups[0].schedules[0].until: is not after "from"; "until" is the first day or time without',
    ],
    [
      'list: a, from: "2026-12-01T23:30:00Z", until: 2026-12-02, timezone: Europe/Brussels',
      '102: groups[0].schedules[0].until: is not after "from"; "until" is the first day or time without',
    ],
    [
      'list: a',
      '54: groups[0].schedules[0]: has no time; write at least one of "from", "until", "weekdays" and "hours"',
    ],
    ['from: 2026-12-01', '54: groups[0].schedules[0].list: is missing'],
    [
      'list: b, from: 2026-12-01',
      '62: groups[0].schedules[0].list: "b" is a mandate list, which is always in force; remove the schedule',
    ],
    [
      'list: c, from: 2026-12-01',
      '62: groups[0].schedules[0].list: the group has no list "c"; add it to the "lists" of the group',
    ],
    [
      'list: d, from: 2026-12-01',
      '62: groups[0].schedules[0].list: no list has the id "d"; did you mean "a"?',
    ],
  ])('refuses { %s }', (keys, problem) => {
    expect(problemsOf(textOf(keys))).toEqual([`cordon.yaml:2:${problem}`]);
  });

  it('is one of at most 64 of a group', () => {
    const many = (count: number): string =>
      `${LISTS}groups: [{ name: default, lists: [a], schedules: [${Array<string>(count).fill('{ list: a, hours: "08:00-09:00" }').join()}] }]`;
    expect(configOf(many(64)).groups[0]?.schedules).toHaveLength(64);
    expect(problemsOf(many(65))).toEqual([
      'cordon.yaml:2:50: groups[0].schedules: has 65 items, at most 64 allowed',
    ]);
  });
});
