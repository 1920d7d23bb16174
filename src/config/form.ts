// From parsed values to the form that the program works with, and back: one walk along the schema.
//
// Keys are parsed one by one, and a fault of one hides none of another: what is parsed may lack anything. Only a
// configuration without a fault has a form. There keys have the names of the program, and what needs more than one
// key, or the place of the file, is made. A schema whose form is another than its value says both ways where it
// stands, so that what is in force can be written as a file again.
import { z } from 'zod';
import type { PrefixList } from '../base/base.ts';
import type { Path } from './problem.ts';
import { type Named, notes } from './value.ts';

/** The first keys of a feed. */
export interface FeedRoot {
  /** Of the file of that version, hexadecimal. */
  readonly sha256: string;
  readonly version: number;
}

/** What a form is made with beside the value. */
export interface FormContext {
  /** What relative paths are relative to. */
  readonly directory: string;
  /** What a configuration that leaves it out has; read only then. */
  readonly facts: { readonly shippedDefault: readonly string[]; readonly feedRoot?: FeedRoot | undefined };
  /** What was read from the file of prefixes that the key names. */
  readonly prefixesOf: (key: Path) => PrefixList | undefined;
  /** What was read of the pack at a place of `mandates`; undefined where nothing may be read. */
  readonly mandateOf?: (index: number) => object | undefined;
}

/** Both ways between the value of a schema, its keys already named, and its form. Keys that `from` leaves out are absent. */
interface Conversion<Value, Form> {
  readonly into: (value: Value, context: FormContext, path: Path) => Form;
  readonly from: (
    form: Form,
  ) => Value extends object ? { [Key in keyof Value]?: Value[Key] | undefined } : Value;
}

declare const FORM: unique symbol;

/** A schema whose form is another than its value. */
export interface WithForm<Form> {
  readonly [FORM]: Form;
}

/** What the program works with. */
export type FormOf<Schema> =
  Schema extends WithForm<infer Form>
    ? Form
    : Schema extends z.ZodPrefault<infer Inner>
      ? FormOf<Inner>
      : Schema extends z.ZodOptional<infer Inner>
        ? FormOf<Inner> | undefined
        : Schema extends z.ZodObject<infer Keys>
          ? { readonly [Key in keyof Keys as NameOf<Keys[Key], Key>]: FormOf<Keys[Key]> }
          : Schema extends z.ZodArray<infer Item>
            ? readonly FormOf<Item>[]
            : z.output<Schema>;

type NameOf<Schema, Key> = Schema extends Named<infer Name> ? Name : CamelCase<Key>;
type CamelCase<Key> = Key extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Key & string;

const conversions = new WeakMap<z.ZodType, Conversion<unknown, unknown>>();

/** Says what the program works with in place of the value of a schema. */
export const withForm = <Schema extends z.ZodType, Form>(
  schema: Schema,
  conversion: Conversion<FormOf<Schema>, Form>,
): Schema & WithForm<Form> => {
  conversions.set(schema, conversion as Conversion<unknown, unknown>);
  return schema as Schema & WithForm<Form>;
};

/** A list that is empty in the program when its key is absent, and cannot be written without items. */
export const orNone = <Item extends z.ZodType>(list: z.ZodArray<Item>) =>
  withForm(list.optional(), {
    into: (items): readonly FormOf<Item>[] => (items ?? []) as readonly FormOf<Item>[],
    from: (items) => (items.length === 0 ? undefined : items) as never,
  });

/** The form of a value that was parsed without a fault; `path` is its place in the file. */
export const toForm = <Schema extends z.ZodType>(
  schema: Schema,
  value: z.output<Schema>,
  context: FormContext,
  path: Path = [],
): FormOf<Schema> => into(schema, value, context, path) as FormOf<Schema>;

/** The value that has the form. */
export const fromForm = <Schema extends z.ZodType>(schema: Schema, form: FormOf<Schema>): z.output<Schema> =>
  from(schema, form) as z.output<Schema>;

const into = (schema: z.ZodType, value: unknown, context: FormContext, path: Path): unknown => {
  const named = intoBelow(schema, value, context, path);
  const conversion = conversions.get(schema);
  return conversion === undefined ? named : conversion.into(named, context, path);
};

const intoBelow = (schema: z.ZodType, value: unknown, context: FormContext, path: Path): unknown => {
  if (schema instanceof z.ZodPrefault) return into(innerOf(schema), value, context, path);
  if (schema instanceof z.ZodOptional)
    return value === undefined ? undefined : into(innerOf(schema), value, context, path);
  if (schema instanceof z.ZodArray) {
    const item = schema.def.element as z.ZodType;
    return (value as unknown[]).map((below, index) => into(item, below, context, [...path, index]));
  }
  if (!(schema instanceof z.ZodObject)) return value;
  const values = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    keysOf(schema).map(([key, below]) => [
      nameOf(key, below),
      into(below, values[key], context, [...path, key]),
    ]),
  );
};

const from = (schema: z.ZodType, form: unknown): unknown => {
  if (form === undefined && schema instanceof z.ZodOptional) return undefined;
  const conversion = conversions.get(schema);
  const value = conversion === undefined ? form : conversion.from(form);
  if (schema instanceof z.ZodPrefault) return from(innerOf(schema), value);
  if (schema instanceof z.ZodOptional) return value === undefined ? undefined : from(innerOf(schema), value);
  if (schema instanceof z.ZodArray) {
    const item = schema.def.element as z.ZodType;
    return (value as unknown[]).map((below) => from(item, below));
  }
  if (!(schema instanceof z.ZodObject)) return value;
  const values = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    keysOf(schema).map(([key, below]) => [key, from(below, values[nameOf(key, below)])]),
  );
};

const innerOf = (schema: z.ZodPrefault | z.ZodOptional): z.ZodType => schema.def.innerType as z.ZodType;

const keysOf = (schema: z.ZodObject): [string, z.ZodType][] =>
  Object.entries(schema.def.shape as Readonly<Record<string, z.ZodType>>);

const nameOf = (key: string, schema: z.ZodType): string =>
  notes.get(schema)?.name ?? key.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
