// docs/configuration.md says what the schema says.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configReference } from '../../../src/config/config.ts';
import { EXAMPLE } from '../../../src/config/reference.ts';
import { configSchema, shapeOf } from '../../../src/config/schema.ts';
import { kinds, notes } from '../../../src/config/value.ts';
import { configOf } from './support.ts';

const { UPDATE_GOLDEN } = process.env;
const PAGE = join(import.meta.dirname, '../../../docs/configuration.md');

const undocumented = (schema: Parameters<typeof shapeOf>[0], path: string): string[] => {
  const { shape } = shapeOf(schema);
  if (shape.kind === 'list') return undocumented(shape.item, `${path}[]`);
  if (shape.kind === 'leaf') return kinds.has(shape.schema) ? [] : [`${path}: no kind`];
  return [...shape.keys].flatMap(([name, below]) => {
    const own = notes.has(below) ? [] : [`${path}.${name}: no note`];
    return [...own, ...undocumented(below, `${path}.${name}`)];
  });
};

describe('configReference()', () => {
  it('is docs/configuration.md', () => {
    if (UPDATE_GOLDEN === '1') writeFileSync(PAGE, configReference());
    expect(readFileSync(PAGE, 'utf8')).toBe(configReference());
  });

  it('documents every key', () => {
    expect(undocumented(configSchema, '')).toEqual([]);
  });

  it('shows an example that loads', () => {
    expect(configOf(EXAMPLE).groups.map((group) => group.name)).toEqual(['default', 'lab']);
  });
});
