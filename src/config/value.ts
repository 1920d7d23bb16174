// Leaves of the schema: how one written value becomes one parsed value, or one fault, and how it is written again.
//
// A leaf never lets its faults hide others: parsing goes on, the value becomes undefined, and the checks across
// keys skip it. Each leaf carries a Kind, from which the reference page is generated, so that what is documented
// is what is checked.
import { z } from 'zod';
import type { ConfigProblemCode, Path } from './problem.ts';

/** Characters of an offending value that a message repeats. */
const QUOTE_LENGTH_MAX = 60;
/** A key or name longer than this has no near one: bounds the work of nearest(). */
const NEAREST_LENGTH_MAX = 64;

/** What the reference page says of a leaf. */
export interface Kind {
  /** A noun, such as `duration`. */
  readonly name: string;
  readonly bounds?: string;
  /** The file or folder that a parsed value names, as it is written; undefined: none. */
  readonly fileOf?: (parsed: never) => string | undefined;
}

/** What the reference page says of a key. */
export interface Note {
  /** One sentence. */
  readonly text: string;
  /** What holds when the key is absent, where the schema does not state it. */
  readonly absent?: string;
  /** What the program calls the key; undefined: as the file does, in camelCase. */
  readonly name?: string;
}

declare const NAME: unique symbol;

/** A key that the program calls by another name than the file does. */
export interface Named<Name extends string> {
  readonly [NAME]: Name;
}

/** Why a written value is refused. */
export class Fault {
  readonly code: ConfigProblemCode;
  readonly text: string;
  readonly hint: string | undefined;
  /** Where below the leaf, for leaves that are maps or lists. */
  readonly path: Path;

  constructor(code: ConfigProblemCode, text: string, hint?: string, path: Path = []) {
    this.code = code;
    this.text = text;
    this.hint = hint;
    this.path = path;
  }
}

/** The kinds of leaves. */
export const kinds = z.registry<Kind>();
/** The notes of keys. */
export const notes = z.registry<Note>();

/** Documents a key. Every key of the schema goes through here or through keyAs() once. */
export const key = <Schema extends z.ZodType>(schema: Schema, text: string, absent?: string): Schema => {
  notes.add(schema, absent === undefined ? { text } : { text, absent });
  return schema;
};

/** key() that the program calls by another name, which tells its unit, for example. */
export const keyAs = <const Name extends string, Schema extends z.ZodType>(
  name: Name,
  schema: Schema,
  text: string,
  absent?: string,
): Schema & Named<Name> => {
  notes.add(schema, absent === undefined ? { text, name } : { text, absent, name });
  return schema as Schema & Named<Name>;
};

/** How a value that means itself is written. */
export const same = <Value>(value: Value): Value => value;

/**
 * A leaf: `parse` gets the value as YAML gives it and returns what it means, or a Fault; `format` gives a value that
 * `parse` takes for the same.
 */
export const leaf = <Raw, Parsed>(
  kind: Kind,
  parse: (raw: unknown) => Parsed | Fault,
  format: (parsed: Parsed) => Raw,
) => {
  const schema = z.codec(z.custom<Raw>(), z.custom<Parsed>(), {
    decode: (raw, payload): Parsed => {
      const parsed = raw === undefined ? missing() : parse(raw);
      if (!(parsed instanceof Fault)) return parsed;
      payload.issues.push({
        code: 'custom',
        input: raw,
        path: [...parsed.path],
        message: parsed.text,
        params: { fault: parsed },
      });
      // The checks across keys see an absent value. The parse as a whole has failed already.
      payload.value = undefined as Raw;
      return undefined as Parsed;
    },
    encode: format,
  });
  kinds.add(schema, kind);
  return schema;
};

/** A leaf that is written as text. */
export const textLeaf = <Parsed>(
  kind: Kind,
  parse: (text: string) => Parsed | Fault,
  format: (parsed: Parsed) => string,
) =>
  leaf<string, Parsed>(
    kind,
    (raw) => (typeof raw === 'string' ? parse(raw) : wrongType(kind.name, raw)),
    format,
  );

/** A list of between `min` and `max` items. */
export const list = <Item extends z.ZodType>(item: Item, min: number, max: number) => {
  const schema = z.array(item).superRefine(
    (items, context) => {
      if (items.length >= min && items.length <= max) return;
      const fault =
        items.length < min
          ? new Fault('ERR_CONFIG_LIMIT', `has ${items.length} items, at least ${min} needed`)
          : new Fault('ERR_CONFIG_LIMIT', `has ${items.length} items, at most ${max} allowed`);
      context.addIssue({ code: 'custom', message: fault.text, params: { fault } });
    },
    { when: ({ value }) => Array.isArray(value) },
  );
  kinds.add(schema, { name: 'list', bounds: `${min} to ${max} items` });
  return schema;
};

/** The fault of a key that has to be there. */
export const missing = (): Fault => new Fault('ERR_CONFIG_MISSING_KEY', 'is missing');

/** The fault of a value of the wrong kind. */
export const wrongType = (wanted: string, raw: unknown, path: Path = []): Fault =>
  raw === null
    ? new Fault('ERR_CONFIG_TYPE', 'is empty', `write a ${wanted} or remove the key`, path)
    : new Fault(
        'ERR_CONFIG_TYPE',
        `expected ${withArticle(wanted)}, found ${describe(raw)}`,
        undefined,
        path,
      );

/** A written text in quotes, bounded, with control characters escaped. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > QUOTE_LENGTH_MAX ? `${text.slice(0, QUOTE_LENGTH_MAX)}…` : text);

/** The hint `did you mean "…"?` when one of the names is near, else undefined. */
export const suggest = (text: string, names: Iterable<string>): string | undefined => {
  const name = nearest(text, names);
  return name === undefined ? undefined : `did you mean ${quote(name)}?`;
};

/** `a duration`, `an integer`. */
const withArticle = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;

const describe = (raw: unknown): string => {
  if (typeof raw === 'string') return `the text ${quote(raw)}`;
  if (typeof raw === 'number' || typeof raw === 'bigint') return `the number ${raw}`;
  if (typeof raw === 'boolean') return String(raw);
  return Array.isArray(raw) ? 'a list' : 'a map';
};

const nearest = (text: string, names: Iterable<string>): string | undefined => {
  if (text.length > NEAREST_LENGTH_MAX) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const name of names) {
    if (name.length > NEAREST_LENGTH_MAX) continue;
    const distance = editDistance(text.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
};

/** Letters to insert, remove, replace or swap with their neighbor (optimal string alignment). */
const editDistance = (a: string, b: string): number => {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(replace, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
};
