// A pack to fill in, from the schema: every key with its sentence; what is needed is empty, so that check names it.
import type { z } from 'zod';
import { mandateSchema } from './mandate-pack.ts';
import { shapeOf } from './schema.ts';
import { notes } from './value.ts';

const INDENT = '  ';

/** YAML of a pack with nothing in it but its `id`. */
export const mandateTemplate = (id: string): string =>
  [
    `# A mandate pack. Fill in what is empty, remove what does not apply, and name this file in "mandates"; then`,
    '# "cordon check" tells every gap. What no text says stays an empty list ([]) or away: nothing is guessed.',
    ...keysOf(mandateSchema, '', { id, version: '' }),
    '',
  ].join('\n');

const keysOf = (schema: z.ZodType, indent: string, values: Readonly<Record<string, string>>): string[] => {
  const { shape } = shapeOf(schema);
  if (shape.kind !== 'map') return [];
  return [...shape.keys].flatMap(([name, below]) => {
    const { shape: inner, isOptional, byDefault } = shapeOf(below);
    const about = `${indent}# ${notes.get(below)?.text ?? ''}`;
    const value = values[name] ?? '';
    // What may be away is there as a comment.
    const mark = isOptional || byDefault !== undefined ? '# ' : '';
    const line = `${indent}${mark}${name}:${value === '' ? '' : ` ${value}`}`;
    if (inner.kind === 'map' && mark === '') return [about, line, ...keysOf(below, indent + INDENT, {})];
    if (inner.kind !== 'list' || mark !== '') return [about, line];
    const items = keysOf(inner.item, `${indent}${INDENT}${INDENT}`, {});
    if (items.length === 0) return [about, `${line} []`];
    return [about, line, `${indent}${INDENT}-`, ...items];
  });
};
