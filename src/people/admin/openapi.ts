// The OpenAPI document of the table of operations (OpenAPI 3.1.1, whose schemas are JSON Schema 2020-12).
//
// Schemas with an `id` of their own are written once, under components.
import { stringify } from 'yaml';
import { z } from 'zod';
import { NOTHING, type Operation } from './operation.ts';
import { ALL_OPERATIONS } from './operations.ts';
import { titleOf } from './reply.ts';

const PROBLEM = { $ref: '#/components/schemas/Problem' };

/** The document as YAML, the same for the same table: docs/openapi.yaml. */
export const openApiText = (operations = ALL_OPERATIONS): string =>
  stringify(toDocument(operations), { lineWidth: 0, aliasDuplicateObjects: false });

/** Takes the schemas with an id. */
type Components = Map<string, unknown>;

const toDocument = (operations: typeof ALL_OPERATIONS): object => {
  const paths: Record<string, Record<string, object>> = {};
  const components: Components = new Map();
  for (const [name, operation] of operations) {
    const method = operation.method.toLowerCase();
    paths[operation.path] = { ...paths[operation.path], [method]: describe(name, operation, components) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Cordon',
      version: '1',
      summary: 'What can be asked of a running Cordon',
      description:
        'Written from the table of operations in src/people/admin by `npm run gen`. Paths below /v1 are on the control socket, a Unix socket in the state directory that only the user of the service and root can open; the others are on the listener of metrics. `x-roles` says which roles of people an operation is for; the control socket asks for none.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:9153', description: 'The listener of metrics, `listen.admin`' }],
    paths,
    components: {
      schemas: {
        Problem: {
          description: 'A problem document (RFC 9457).',
          type: 'object',
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            detail: { type: 'string' },
            code: { type: 'string', description: 'One of docs/errors.md.' },
            hint: { type: 'string', description: 'What to do.' },
          },
          required: ['type', 'title', 'status', 'detail'],
        },
        ...Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
      },
    },
  };
};

const describe = (name: string, operation: Operation, components: Components): object => {
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): unknown => toSchema(schema, io, components);
  const { door, summary, roles, parameters, query, body, result, otherStatuses = [] } = operation;
  const textType = operation.isBinary === true ? 'application/octet-stream' : 'text/plain';
  const type = operation.mediaType === undefined ? 'application/json' : textType;
  const content = { [type]: { schema: schemaOf(result, 'output') } };
  const taken = [...parametersOf(parameters, 'path', schemaOf), ...parametersOf(query, 'query', schemaOf)];
  return {
    operationId: name,
    summary,
    tags: [operation.subject],
    'x-door': door,
    ...(door === 'listener' ? {} : { 'x-roles': [...roles] }),
    ...(taken.length === 0 ? {} : { parameters: taken }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(body, 'input') } },
          },
        }),
    responses: {
      200: { description: 'Done', content },
      ...Object.fromEntries(
        otherStatuses.map((status) => [status, { description: titleOf(status), content }]),
      ),
      default: {
        description: `A problem, such as ${titleOf(404)}`,
        content: { 'application/problem+json': { schema: PROBLEM } },
      },
    },
  };
};

const parametersOf = (
  schema: z.ZodType,
  place: 'path' | 'query',
  schemaOf: (schema: z.ZodType, io: 'input') => unknown,
): object[] => {
  if (schema === NOTHING || !(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape).map(([name, member]) => ({
    name,
    in: place,
    required: place === 'path',
    schema: schemaOf(member as z.ZodType, 'input'),
  }));
};

/** A schema with what it refers to moved to the components; inside a map, a schema with an id is a reference as well. */
const toSchema = (schema: z.ZodType, io: 'input' | 'output', components: Components): unknown => {
  const { properties, $defs = {} } = z.toJSONSchema(z.object({ schema }), { io, unrepresentable: 'any' });
  for (const [id, definition] of Object.entries($defs)) {
    const entries = Object.entries(definition).filter(([name]) => name !== 'id');
    components.set(id, inComponents(Object.fromEntries(entries)));
  }
  return inComponents(properties?.['schema']);
};

const inComponents = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
