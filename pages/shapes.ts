// Writes api/shapes.ts: what the server says, as types, out of docs/openapi.yaml (`npm run gen`). Only the schemas with a name of
// their own become types; what else pages name of them stands in api/members.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';

const DOCUMENT = new URL('../docs/openapi.yaml', import.meta.url);
const FILE = new URL('api/shapes.ts', import.meta.url);
const HEAD = '// Written from docs/openapi.yaml by `npm run gen`: what the server says.\n';

/** What of JSON Schema the document has. */
interface Schema {
  readonly $ref?: string | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly const?: unknown;
  readonly enum?: readonly unknown[] | undefined;
  readonly anyOf?: readonly Schema[] | undefined;
  readonly oneOf?: readonly Schema[] | undefined;
  readonly allOf?: readonly Schema[] | undefined;
  readonly items?: Schema | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly additionalProperties?: boolean | Schema | undefined;
}

const documentOf = z.object({ components: z.object({ schemas: z.record(z.string(), z.custom<Schema>()) }) });

/** The text of api/shapes.ts for an OpenAPI document. */
export const shapesText = (yaml: string): string => {
  const { schemas } = documentOf.parse(parse(yaml)).components;
  const types = Object.entries(schemas).map(([name, schema]) => `export type ${name} = ${typeOf(schema)};\n`);
  return `${HEAD}\n${types.join('\n')}`;
};

const typeOf = (schema: Schema | true, depth = 0): string => {
  if (schema === true) return 'unknown';
  const { $ref, oneOf, anyOf = oneOf, allOf, type, items, properties } = schema;
  if ($ref !== undefined) return $ref.slice($ref.lastIndexOf('/') + 1);
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ');
  if (anyOf !== undefined) return anyOf.map((one) => typeOf(one, depth)).join(' | ');
  if (allOf !== undefined) return allOf.map((one) => `(${typeOf(one, depth)})`).join(' & ');
  if (typeof type === 'object') return type.map((one) => typeOf({ ...schema, type: one }, depth)).join(' | ');
  if (type === 'array') {
    const item = typeOf(items ?? true, depth);
    return /[|&]/.test(item) && !item.startsWith('{') ? `readonly (${item})[]` : `readonly ${item}[]`;
  }
  if (type === 'object') return properties === undefined ? mapOf(schema, depth) : objectOf(schema, depth);
  return (
    { string: 'string', number: 'number', integer: 'number', boolean: 'boolean', null: 'null' }[type ?? ''] ??
    'unknown'
  );
};

const mapOf = ({ additionalProperties: value }: Schema, depth: number): string =>
  `Readonly<Record<string, ${typeof value === 'object' ? typeOf(value, depth) : 'unknown'}>>`;

const objectOf = ({ properties = {}, required = [] }: Schema, depth: number): string => {
  const indent = '  '.repeat(depth + 1);
  const members = Object.entries(properties).map(([name, member]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : `'${name}'`;
    return `${indent}readonly ${key}${required.includes(name) ? '' : '?'}: ${typeOf(member, depth + 1)};\n`;
  });
  return `{\n${members.join('')}${'  '.repeat(depth)}}`;
};

const literal = (value: unknown): string =>
  typeof value === 'string' ? `'${value.replaceAll("'", "\\'")}'` : String(value);

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(FILE, shapesText(readFileSync(DOCUMENT, 'utf8')));
