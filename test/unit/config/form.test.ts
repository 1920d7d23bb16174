// The form that the program works with: names, absent lists, and conversions, there and back.
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { endpointOrOff } from '../../../src/config/address-leaf.ts';
import { durationSec } from '../../../src/config/amount.ts';
import { type FormOf, fromForm, orNone, toForm, withForm } from '../../../src/config/form.ts';
import { boolean, identifier, path } from '../../../src/config/leaf.ts';
import { key, keyAs, list } from '../../../src/config/value.ts';

const CONTEXT = { directory: '/etc/cordon', facts: { shippedDefault: [] }, prefixesOf: () => undefined };

const rangeKeys = z.strictObject({
  from: keyAs('fromSec', durationSec('0s', '1d'), 'First.'),
  until: keyAs('untilSec', durationSec('0s', '1d').optional(), 'Last.'),
});

const range = withForm(rangeKeys, {
  into: ({ fromSec, untilSec }) => ({ fromSec, lengthSec: (untilSec ?? 86_400) - fromSec }),
  from: ({ fromSec, lengthSec }) => ({ fromSec, untilSec: fromSec + lengthSec }),
});

const schema = z.strictObject({
  'is-on-air': key(boolean().prefault(true), 'A key of several words.'),
  place: keyAs('placePath', path().optional(), 'A path.'),
  names: key(orNone(list(identifier(), 1, 2)), 'A list that is not written empty.'),
  ranges: key(list(range, 0, 2).prefault([]), 'Maps in a list.'),
  admin: key(endpointOrOff(1).prefault(false), 'Off by default.'),
});

const formOf = (written: z.input<typeof schema>): FormOf<typeof schema> =>
  toForm(schema, schema.parse(written), CONTEXT);
const writtenOf = (form: FormOf<typeof schema>): unknown => z.encode(schema, fromForm(schema, form));

describe('toForm()', () => {
  it('calls keys as the program does, and resolves paths against the directory of the file', () => {
    expect(formOf({ 'is-on-air': false, place: 'a/b', names: ['x'] })).toEqual({
      ...{ isOnAir: false, placePath: '/etc/cordon/a/b', names: ['x'], ranges: [], admin: undefined },
    });
  });

  it('makes one of keys that belong together, below lists as well', () => {
    expect(formOf({ ranges: [{ from: '1m', until: '3m' }, { from: '0s' }] }).ranges).toEqual([
      { fromSec: 60, lengthSec: 120 },
      { fromSec: 0, lengthSec: 86_400 },
    ]);
  });

  it('has nothing for an absent key, but an empty list where the schema says so', () => {
    expect(formOf({})).toEqual({
      isOnAir: true,
      placePath: undefined,
      names: [],
      ranges: [],
      admin: undefined,
    });
  });

  it('has a type in which names and conversions show', () => {
    type Form = FormOf<typeof schema>;
    expectTypeOf<Form['isOnAir']>().toEqualTypeOf<boolean>();
    expectTypeOf<Form['placePath']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Form['ranges'][number]>().toEqualTypeOf<{ fromSec: number; lengthSec: number }>();
  });
});

describe('fromForm()', () => {
  it.each<z.input<typeof schema>>([
    {},
    { 'is-on-air': false, place: '/a', names: ['x', 'y'], admin: '192.0.2.1:53' },
    { ranges: [{ from: '1m', until: '3m' }], admin: null },
  ])('gives what is written as a file and has the same form: %j', (written) => {
    const form = formOf(written);
    expect(formOf(writtenOf(form) as z.input<typeof schema>)).toEqual(form);
  });

  it('leaves out what cannot be written without items', () => {
    expect(writtenOf(formOf({}))).toEqual({ 'is-on-air': true, ranges: [], admin: false });
  });
});
