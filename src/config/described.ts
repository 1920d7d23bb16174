// The keys of a configuration in force for people who look at it: value, whether that is the default, what the key means.
import type { z } from 'zod';
import { flatConfig } from './difference.ts';
import { type Config, configSchema, shapeOf } from './schema.ts';
import { notes } from './value.ts';
import { withholdValue } from './withheld.ts';

/** Keys that are described: more than any configuration that people write has. */
const KEYS_MAX = 5_000;
/** Characters of a value. */
const VALUE_LENGTH_MAX = 400;

/** One key. */
export interface DescribedKey {
  /** `lists[tiktok].mandate` */
  readonly key: string;
  /** Without secrets. */
  readonly value: string;
  readonly isDefault: boolean;
  /** The sentence of the reference page. */
  readonly about: string;
  /** Its section there, which is the first part of the key. */
  readonly section: string;
}

/** Describes what is in force; `defaults` is the configuration of an empty file. */
export const describeConfig = (config: Config, defaults: Config): readonly DescribedKey[] => {
  const byDefault = flatConfig(defaults);
  return [...flatConfig(config)].slice(0, KEYS_MAX).map(([key, value]) => {
    const shown = withholdValue(key, value);
    return {
      key,
      value: shown.length <= VALUE_LENGTH_MAX ? shown : `${shown.slice(0, VALUE_LENGTH_MAX - 1)}…`,
      isDefault: byDefault.get(key) === value,
      about: aboutOf(key),
      section: key.split(/[.[]/, 1)[0] ?? key,
    };
  });
};

/** Of the key, or of the nearest one above it that has a sentence. */
const aboutOf = (key: string): string => {
  let schema: z.ZodType = configSchema;
  let about = '';
  for (const part of key.replace(/\[[^\]]*\]/g, '').split('.')) {
    let { shape } = shapeOf(schema);
    if (shape.kind === 'list') ({ shape } = shapeOf(shape.item));
    const below = shape.kind === 'map' ? shape.keys.get(part) : undefined;
    if (below === undefined) return about;
    about = notes.get(below)?.text ?? about;
    schema = below;
  }
  return about;
};
