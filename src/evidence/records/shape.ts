// What a value that was read as JSON looks like, member by member: tests that the compiler reads types from.
//
// Records are judged by these and by no library: each recorder judges its own records once after a start, in a thread of its own, where
// schemas of zod take 2 MiB for as long as the program runs. Members that are not known pass, and nothing here throws.

/** True for a value of the type. */
export type Shape<Value> = (value: unknown) => value is Value;

/** The type that a shape is of. */
export type ValueOf<Of> = Of extends Shape<infer Value> ? Value : never;

/** A member that may be absent. */
interface Optional<Value> {
  readonly optional: Shape<Value>;
}

type Members = Readonly<Record<string, Shape<unknown> | Optional<unknown>>>;
type ObjectOf<Of extends Members> = {
  [Name in keyof Of as Of[Name] extends Optional<unknown> ? never : Name]: ValueOf<Of[Name]>;
} & {
  [Name in keyof Of as Of[Name] extends Optional<unknown> ? Name : never]?: Of[Name] extends Optional<
    infer Value
  >
    ? Value
    : never;
};

/** Of anything that is written in quotes. */
export const isText: Shape<string> = (value) => typeof value === 'string';

/** Of a text that passes. */
export const textThat =
  (passes: (text: string) => boolean): Shape<string> =>
  (value): value is string =>
    isText(value) && passes(value);

/** Of one of these words. */
export const oneOf = <const Word extends string>(
  words: readonly Word[],
): Shape<Word> & { readonly words: readonly Word[] } => {
  const known = new Set<unknown>(words);
  return Object.assign((value: unknown): value is Word => known.has(value), { words });
};

/** Of a number that has no fraction and is exact. */
export const integer =
  (min: number, max = Number.MAX_SAFE_INTEGER): Shape<number> =>
  (value): value is number =>
    Number.isSafeInteger(value) && isWithin(value, min, max);

/** Of a number within bounds. */
export const between =
  (min: number, max: number): Shape<number> =>
  (value): value is number =>
    isWithin(value, min, max);

const isWithin = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'number' && value >= min && value <= max;

/** Of true alone. */
export const isTrue: Shape<true> = (value) => value === true;

/** Of true or false. */
export const isBoolean: Shape<boolean> = (value) => typeof value === 'boolean';

/** The same, or null. */
export const orNull =
  <Value>(shape: Shape<Value>): Shape<Value | null> =>
  (value): value is Value | null =>
    value === null || shape(value);

/** A member that may be absent, and is no undefined. */
export const optional = <Value>(shape: Shape<Value>): Optional<Value> => ({ optional: shape });

/** Of a list. */
export const listOf =
  <Value>(shape: Shape<Value>): Shape<Value[]> =>
  (value): value is Value[] =>
    Array.isArray(value) && value.every(shape);

/** Of an object with these members of its own. */
export const object = <const Of extends Members>(
  members: Of,
): Shape<ObjectOf<Of>> & { readonly members: Of } => {
  const tests = Object.entries(members).map(
    ([name, member]) =>
      [name, typeof member === 'function' ? member : member.optional, typeof member !== 'function'] as const,
  );
  const test = (value: unknown): value is ObjectOf<Of> => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const object = value as Readonly<Record<string, unknown>>;
    return tests.every(([name, shape, mayLack]) =>
      Object.hasOwn(object, name) ? shape(object[name]) : mayLack,
    );
  };
  return Object.assign(test, { members });
};
