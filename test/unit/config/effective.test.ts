// The effective configuration: every key, read back to the same, hashed.
import { describe, expect, expectTypeOf, it } from 'vitest';
import { parse } from 'yaml';
import { type Config, configHash, effectiveConfig, type RawConfig } from '../../../src/config/config.ts';
import { configSchema, shapeOf } from '../../../src/config/schema.ts';
import { kinds } from '../../../src/config/value.ts';
import { configOf, expectGolden, readGolden } from './support.ts';

/** Paths of all keys of the schema that this version has, without indexes: `lists.ede.code`. */
const schemaPaths = (schema: Parameters<typeof shapeOf>[0], path = ''): string[] => {
  const { shape } = shapeOf(schema);
  if (shape.kind === 'list') return [path, ...schemaPaths(shape.item, path)];
  if (shape.kind === 'leaf') return kinds.get(shape.schema)?.name === 'none' ? [] : [path];
  return [...shape.keys].flatMap(([name, below]) =>
    schemaPaths(below, path === '' ? name : `${path}.${name}`),
  );
};

/** Paths of all keys that a value sets. */
const valuePaths = (value: unknown, path = ''): string[] => {
  if (Array.isArray(value)) return [path, ...value.flatMap((item: unknown) => valuePaths(item, path))];
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, below]) =>
    valuePaths(below, path === '' ? name : `${path}.${name}`),
  );
};

const withoutDirectory = (text: string): string =>
  text.replaceAll(/\/\S*\/cordon-config-\w+\//g, '/DIRECTORY/');

describe('effectiveConfig()', () => {
  it('prints every key, from files that set every key', () => {
    // Those of acme.in exclude others.
    const texts = ['every-key', 'acme'].map((name) => [name, readGolden(`${name}.in`)] as const);
    const set = new Set(texts.flatMap(([, text]) => valuePaths(parse(text))));
    expect(
      schemaPaths(configSchema).filter((path) => !set.has(path) && !path.startsWith('extra-lists')),
    ).toEqual([]);
    for (const [name, text] of texts) {
      const effective = effectiveConfig(configOf(text));
      expectGolden(
        `${name}.out`,
        `# Locks the effective form of ${name}.in.\n${withoutDirectory(effective)}`,
      );
    }
  });

  it.each(['every-key.in', 'acme.in', 'defaults.out'])(
    'is a configuration that reads back to the same: %s',
    (name) => {
      const first = configOf(readGolden(name));
      const second = configOf(effectiveConfig(first));
      expect(second).toEqual(first);
      expect(configHash(second)).toBe(configHash(first));
    },
  );
});

it('leaves the default group out where as many others are written as there may be', () => {
  const groups = Array.from(
    { length: 255 },
    (_, i) => `{ name: g${i}, clients: ["192.0.2.${i}"], lists: [] }`,
  );
  const config = configOf(`groups: [${groups.join()}]`);
  expect(config.groups).toHaveLength(256);
  expect(configOf(effectiveConfig(config))).toEqual(config);
});

describe('configHash()', () => {
  it('is the same however a configuration is written, and another when it means something else', () => {
    const hash = (text: string) => configHash(configOf(`state: /s\n${text}`));
    expect(hash('cache: { size: 64MiB }')).toBe(hash('# default\ncache: { size: 65536KiB }'));
    expect(hash('upstreams: ["2001:db8:0:0::1"]')).toBe(hash('upstreams: ["[2001:DB8::1]:53"]'));
    expect(hash('cache: { size: 65MiB }')).not.toBe(hash(''));
    expect(hash('')).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('RawConfig and Config', () => {
  it('cannot be taken for each other', () => {
    expectTypeOf<RawConfig>().not.toExtend<Config>();
    expectTypeOf<Config>().not.toExtend<RawConfig>();
  });
});
