// Durations, sizes and percentages: both ways, with bounds.
import { describe, expect, it } from 'vitest';
import {
  durationMs,
  durationSec,
  formatDurationMs,
  formatShare,
  formatSize,
  share,
  sizeBytes,
} from '../../../src/config/amount.ts';

const messageOf = (schema: ReturnType<typeof durationMs>, value: unknown): string | undefined =>
  schema.safeParse(value).error?.issues[0]?.message;

describe('durationMs()', () => {
  it.each([
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['4h', 14_400_000],
    ['1d', 86_400_000],
  ])('reads %s, and formatDurationMs() writes it back', (text, ms) => {
    expect(durationMs('0s', '1d').parse(text)).toBe(ms);
    expect(formatDurationMs(ms)).toBe(text);
  });

  it.each([
    ['30', '"30" is not a duration'],
    ['30 s', '"30 s" is not a duration'],
    ['-1s', '"-1s" is not a duration'],
    ['1.5s', '"1.5s" is not a duration'],
    ['1w', '"1w" is not a duration'],
    ['1S', '"1S" is not a duration'],
    ['1234567890s', '"1234567890s" is not a duration'],
    ['', '"" is not a duration'],
    ['999ms', '"999ms" is less than 1s'],
    ['3601s', '"3601s" is more than 1h'],
    [30, '30 has no unit'],
    [true, 'expected a duration, found true'],
    [null, 'is empty'],
    [undefined, 'is missing'],
  ])('refuses %j', (value, message) => {
    expect(messageOf(durationMs('1s', '1h'), value)).toBe(message);
  });
});

describe('durationSec()', () => {
  it('takes whole seconds only', () => {
    expect(durationSec('0s', '1h').parse('2000ms')).toBe(2);
    expect(messageOf(durationSec('0s', '1h'), '1500ms')).toBe('"1500ms" is not a whole number of seconds');
  });
});

describe('sizeBytes()', () => {
  it.each([
    ['1023KiB', 1023 * 1024],
    ['64MiB', 64 * 2 ** 20],
    ['16GiB', 16 * 2 ** 30],
  ])('reads %s, and formatSize() writes it back', (text, bytes) => {
    expect(sizeBytes('1KiB', '16GiB').parse(text)).toBe(bytes);
    expect(formatSize(bytes)).toBe(text);
  });

  it.each(['64MB', '64', '64Mib', '64M', '100000B'])('refuses %s', (text) => {
    expect(messageOf(sizeBytes('1KiB', '16GiB'), text)).toBe(`"${text}" is not a size`);
  });
});

describe('share()', () => {
  it('reads whole per cents, and formatShare() writes them back', () => {
    for (let percent = 0; percent <= 1000; percent++) {
      expect(formatShare(share('0%', '1000%').parse(`${percent}%`))).toBe(`${percent}%`);
    }
    expect(share('0%', '100%').parse('20%')).toBe(0.2);
  });

  it.each([
    ['20', '"20" is not a percentage'],
    ['2.5%', '"2.5%" is not a percentage'],
    ['20 %', '"20 %" is not a percentage'],
    ['-1%', '"-1%" is not a percentage'],
    ['101%', '"101%" is more than 100%'],
    [0.2, '0.2 has no unit'],
  ])('refuses %j', (value, message) => {
    expect(messageOf(share('0%', '100%'), value)).toBe(message);
  });
});
