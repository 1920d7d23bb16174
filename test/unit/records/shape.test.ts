import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { judgeRecord } from '../../../src/evidence/records/record-schema.ts';
import {
  between,
  integer,
  isBoolean,
  isText,
  isTrue,
  listOf,
  object,
  oneOf,
  optional,
  orNull,
  textThat,
} from '../../../src/evidence/records/shape.ts';

/** The same in the library whose rules these follow. */
const PAIRS = [
  [isText, z.string()],
  [textThat(({ length }) => length < 3), z.string().max(2)],
  [oneOf(['a', 'toString']), z.enum(['a', 'toString'])],
  [integer(0, 9), z.int().min(0).max(9)],
  [integer(-5), z.int().min(-5)],
  [between(-1, 1.5), z.number().min(-1).max(1.5)],
  [isTrue, z.literal(true)],
  [isBoolean, z.boolean()],
  [orNull(integer(0)), z.int().min(0).nullable()],
  [listOf(isText), z.array(z.string())],
  [
    object({ a: isText, b: optional(object({ c: listOf(integer(0)) })) }),
    z.object({ a: z.string(), b: z.object({ c: z.array(z.int().min(0)) }).exactOptional() }),
  ],
] as const;

const value = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'abc',
    'toString',
    0,
    -0,
    1.5,
    9,
    10,
    -1,
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ),
  fc.constantFrom<unknown>(
    true,
    false,
    null,
    undefined,
    [],
    {},
    ['a'],
    [0],
    { a: 'x' },
    { a: 'x', b: { c: [1] } },
  ),
  fc.constantFrom<unknown>({ a: 'x', b: undefined }, { a: 'x', b: { c: [-1] } }, { b: { c: [] } }, ['a', 1]),
  fc.anything(),
);

test('a shape takes what the schema of zod takes', () => {
  fc.assert(
    fc.property(value, (given) => {
      for (const [shape, schema] of PAIRS) expect(shape(given)).toBe(schema.safeParse(given).success);
    }),
  );
});

test('members that an object inherits are not its own', () => {
  const shape = object({ a: isText });
  expect(shape(Object.create({ a: 'x' }))).toBe(false);
  expect(shape(JSON.parse('{"__proto__": {"a": "x"}}'))).toBe(false);
});

const service = (member: object) => ({
  time: '2026-11-30T10:00:00.000Z',
  kind: 'service',
  event: 'certificate',
  ...member,
});
const sketch = (day: string) => ({
  ...{ time: '2026-11-30T10:00:00.000Z', kind: 'sketch', group: 'default', registers: '' },
  day,
});

/** Texts that are nearly days and moments. */
const digits = (length: number) =>
  fc.integer({ min: 0, max: 10 ** length - 1 }).map((n) => String(n).padStart(length, '0'));
const two = fc.oneof(
  fc.constantFrom('00', '01', '02', '12', '13', '23', '24', '28', '29', '30', '31', '59', '60'),
  digits(2),
);
const dayText = fc
  .tuple(fc.oneof(fc.constantFrom('0000', '1900', '2000', '2024', '2100'), digits(4)), two, two)
  .map((parts) => parts.join('-'));
const momentText = fc
  .tuple(
    dayText,
    fc.constantFrom('T', 't', ' '),
    two,
    two,
    fc.option(two),
    fc.constantFrom('', '.1', '.123456', '.', ',1'),
  )
  .chain(([day, t, hour, minute, second, fraction]) =>
    fc
      .oneof(
        fc.constantFrom('Z', '', 'z', '+0100', '+01'),
        fc.tuple(two, two).map(([h, m]) => `-${h}:${m}`),
      )
      .map((zone) => `${day}${t}${hour}:${minute}${second === null ? '' : `:${second}`}${fraction}${zone}`),
  );

test('days and moments of records are those of RFC 3339, as before', () => {
  fc.assert(
    fc.property(fc.oneof(dayText, momentText), (text) => {
      const isDay = z.iso.date().safeParse(text).success;
      expect(judgeRecord(sketch(text), 'queries') === 'fits').toBe(isDay);
      const isMoment = z.iso.datetime({ offset: true }).safeParse(text).success;
      expect(judgeRecord(service({ until: text }), 'changes') === 'fits').toBe(isMoment);
    }),
    { numRuns: 2000 },
  );
});
