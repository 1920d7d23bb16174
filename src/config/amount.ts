// Amounts with units: durations ("250ms", "30s", "4h", "1d"), sizes ("64MiB") and percentages ("20%"), both ways.
//
// A number without a unit is refused: nobody can tell what it counts. Amounts are whole numbers.
import { Fault, leaf, quote, wrongType } from './value.ts';

type Units = Readonly<Record<string, number>>;

interface Measure {
  readonly noun: string;
  /** Each unit in the smallest one, in rising order. */
  readonly units: Units;
  readonly hint: string;
  /** Words that stand for an amount beyond the bounds. */
  readonly words?: Units;
}

const DURATION: Measure = {
  noun: 'duration',
  units: { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 },
  hint: 'write a whole number and one of the units ms, s, m, h, d, such as "30s"',
};
const SIZE: Measure = {
  noun: 'size',
  units: { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 },
  hint: 'write a whole number and one of the units KiB, MiB, GiB, such as "64MiB"',
};
const PERCENTAGE: Measure = {
  noun: 'percentage',
  units: { '%': 1 },
  hint: 'write a whole number and "%", such as "20%"',
};

/** A duration in milliseconds between two durations. */
export const durationMs = (min: string, max: string) =>
  amount(DURATION, min, max, (ms) => ms, formatDurationMs);

/** As durationMs(), or `never`: infinite. */
export const durationOrNeverMs = (min: string, max: string) =>
  amount(
    { ...DURATION, words: { never: Number.POSITIVE_INFINITY } },
    min,
    max,
    (ms) => ms,
    (ms) => (ms === Number.POSITIVE_INFINITY ? 'never' : formatDurationMs(ms)),
  );

/** A duration in whole seconds between two durations. */
export const durationSec = (min: string, max: string) =>
  amount(
    DURATION,
    min,
    max,
    (ms, text) =>
      ms % 1000 === 0
        ? ms / 1000
        : new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not a whole number of seconds`),
    formatDurationSec,
  );

/** A size in bytes between two sizes. */
export const sizeBytes = (min: string, max: string) => amount(SIZE, min, max, (bytes) => bytes, formatSize);

/** A share of 1, written in whole per cents between two percentages. */
export const share = (min: string, max: string) =>
  amount(PERCENTAGE, min, max, (percent) => percent / 100, formatShare);

/** The text that durationMs reads back. */
export const formatDurationMs = (ms: number): string => (ms === 0 ? '0s' : formatAmount(DURATION.units, ms));

/** The text that durationSec reads back. */
export const formatDurationSec = (sec: number): string => formatDurationMs(sec * 1000);

/** The text that sizeBytes reads back. `bytes` is a multiple of 1024, as every parsed size is. */
export const formatSize = (bytes: number): string => formatAmount(SIZE.units, bytes);

/** The text that share() reads back. */
export const formatShare = (value: number): string => `${Math.round(value * 100)}%`;

/** `convert` gets the amount in the smallest unit and the text. */
const amount = (
  { noun, units, hint, words = {} }: Measure,
  min: string,
  max: string,
  convert: (amount: number, text: string) => number | Fault,
  format: (value: number) => string,
) =>
  leaf<string, number>(
    {
      name: noun,
      bounds: [`${min} to ${max}`, ...Object.keys(words).map((word) => `\`${word}\``)].join(', or '),
    },
    (raw) => {
      if (typeof raw === 'string' && Object.hasOwn(words, raw)) return words[raw] ?? 0;
      if (typeof raw === 'number') return new Fault('ERR_CONFIG_TYPE', `${raw} has no unit`, hint);
      if (typeof raw !== 'string') return wrongType(noun, raw);
      const found = readAmount(units, raw);
      if (found === undefined) return new Fault('ERR_CONFIG_VALUE', `${quote(raw)} is not a ${noun}`, hint);
      if (found < (readAmount(units, min) ?? 0))
        return new Fault('ERR_CONFIG_VALUE', `${quote(raw)} is less than ${min}`);
      if (found > (readAmount(units, max) ?? 0))
        return new Fault('ERR_CONFIG_VALUE', `${quote(raw)} is more than ${max}`);
      return convert(found, raw);
    },
    format,
  );

const readAmount = (units: Units, text: string): number | undefined => {
  const match = /^(\d{1,9})([A-Za-z]{1,3}|%)$/.exec(text);
  const unit = match?.[2] ?? '';
  return match === null || !Object.hasOwn(units, unit) ? undefined : Number(match[1]) * (units[unit] ?? 0);
};

const formatAmount = (units: Units, amount: number): string => {
  let text = String(amount);
  for (const [unit, factor] of Object.entries(units)) {
    if (amount % factor === 0) text = `${amount / factor}${unit}`;
  }
  return text;
};
