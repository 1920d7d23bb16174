// docs/openapi.yaml says what the table of operations says: `npm run gen` writes it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { shapesText } from '../../pages/shapes.ts';
import { needsEn } from '../../pages/text/needs/en.ts';
import { LANGUAGES } from '../../pages/text/text.ts';
import { TEXT_FILES, type TextFile, writtenTexts } from '../../pages/texts.ts';
import { FLEET_NEEDS, HEALTH_ISSUE_IDS } from '../../src/base/words/words.ts';
import { openApiText } from '../../src/people/admin/openapi.ts';
import { ALL_OPERATIONS } from '../../src/people/admin/operations.ts';
import { root } from './sources.ts';

const documentSchema = z.looseObject({
  openapi: z.literal('3.1.1'),
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ operationId: z.string() }))),
});

const written = readFileSync(join(root, 'docs/openapi.yaml'), 'utf8');

/** Needs that are no health issues, and two that are said in place of one when nothing is left. */
const OTHER_NEEDS = [
  ...['set-up', 'act-waiting', 'exemption-waiting', 'break-glass', 'mandate-review'],
  ...['upstreams-all-down', 'workers-all'],
];

test('docs/openapi.yaml is current', () => {
  expect(written, 'run npm run gen').toBe(openApiText());
});

test('what pages know of the server is written from it', () => {
  const shapes = readFileSync(join(root, 'pages/api/shapes.ts'), 'utf8');
  expect(shapes, 'run npm run gen').toBe(shapesText(written));
  expect(shapesText(written.replaceAll('refusedMandate', 'refused'))).not.toBe(shapes);
});

test('it has every operation once, under its name', () => {
  const { paths } = documentSchema.parse(parse(written));
  const names = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(names.sort()).toEqual(ALL_OPERATIONS.map(([name]) => name).sort());
});

test('each part of a path in braces is described, and nothing else is', () => {
  const { paths } = documentSchema.parse(parse(written));
  const described = z.array(z.looseObject({ name: z.string(), in: z.string() })).default([]);
  for (const [path, methods] of Object.entries(paths)) {
    const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { parameters } of Object.values(methods)) {
      const inPath = described.parse(parameters).filter(({ in: place }) => place === 'path');
      expect(inPath.map(({ name }) => name)).toEqual(parts);
    }
  }
});

test('every reference leads to a schema of the document, and every schema is referred to', () => {
  const places = [...written.matchAll(/\$ref: "#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  const { schemas } = z
    .looseObject({ components: z.object({ schemas: z.record(z.string(), z.unknown()) }) })
    .parse(parse(written)).components;
  expect([...new Set(places)].sort()).toEqual(Object.keys(schemas).sort());
  expect(written.match(/\$ref/g)).toHaveLength(places.length);
});

test('a changed operation changes the document', () => {
  const [first, ...others] = ALL_OPERATIONS;
  if (first === undefined) throw new TypeError('the table is empty');
  const [name, operation] = first;
  const changed = [[name, { ...operation, roles: [], summary: 'Something else' }] as const, ...others];
  expect(openApiText(changed)).not.toBe(written);
});

test('each sentence of a need is of a kind that the server tells', () => {
  const kinds = new Set<string>([...HEALTH_ISSUE_IDS, ...FLEET_NEEDS, ...OTHER_NEEDS]);
  expect(Object.keys(needsEn).filter((key) => !kinds.has(key.slice('need-'.length)))).toEqual([]);
});

test.each(
  Object.keys(TEXT_FILES).flatMap((file) =>
    LANGUAGES.map((language) => [file as TextFile, language] as const),
  ),
)('the written texts of %s in %s are those of all languages together', (file, language) => {
  const yaml = readFileSync(join(root, `pages/text/${file}.yaml`), 'utf8');
  const written = readFileSync(join(root, `pages/text/${file}/${language}.ts`), 'utf8');
  expect(written, 'run npm run gen').toBe(writtenTexts(file, yaml, language));
  expect(writtenTexts(file, yaml.replaceAll(': "', ': "X'), language)).not.toBe(written);
});
