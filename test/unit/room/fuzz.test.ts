// The OpenAPI document as a source of requests: none of them is answered by a fault of the program.
//
// CORDON_FUZZ_RUNS says how many requests a route gets: some in the gate, more in the night, 10,000 by `npm run fuzz:room`, which runs
// one part of the routes after the other (CORDON_FUZZ_PART, such as 2/8). Behind the room is a program that refuses everything, so
// that 10,000 requests take seconds; with CORDON_FUZZ_PROGRAM it is the whole program, and requests reach what they ask for.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { openApiText, ROLES, type Role } from '../../../src/people/admin/admin.ts';
import { runsInTwo } from '../../support/night.ts';
import { openProgramRoom } from '../../support/program-room.ts';
import type { RoomClient } from '../../support/room-client.ts';
import { openTestRoom } from './setup.ts';

const { CORDON_FUZZ_RUNS: wanted } = process.env;
const RUNS = Number(wanted ?? 8);
/** A run of 10,000 on one route. */
const TIMEOUT_MS = 60_000 + RUNS * (process.env['CORDON_FUZZ_PROGRAM'] === undefined ? 50 : 500);

type Schema = Readonly<Record<string, unknown>>;

const parameterSchema = z.object({
  name: z.string(),
  in: z.enum(['path', 'query']),
  schema: z.looseObject({}),
});
const operationSchema = z.looseObject({
  operationId: z.string(),
  'x-door': z.string(),
  'x-roles': z.array(z.enum(ROLES)).default([]),
  parameters: z.array(parameterSchema).default([]),
  requestBody: z
    .object({ content: z.object({ 'application/json': z.object({ schema: z.looseObject({}) }) }) })
    .loose()
    .optional(),
});
const { paths, components } = z
  .looseObject({
    paths: z.record(z.string(), z.record(z.string(), operationSchema)),
    components: z.looseObject({ schemas: z.record(z.string(), z.looseObject({})) }),
  })
  .parse(parse(openApiText()));

const [part = 1, parts = 1] = (process.env['CORDON_FUZZ_PART'] ?? '1/1').split('/').map(Number);

const allRoutes = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, operation]) =>
    operation['x-door'] === 'room' || operation['x-door'] === 'socket'
      ? [[operation.operationId, path, method.toUpperCase(), operation] as const]
      : [],
  ),
);

/** Values that a schema takes, as far as it says so; now and then others. */
const valuesOf = (schema: Schema, depth = 0): fc.Arbitrary<unknown> => {
  const any = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: 'binary', maxLength: 300 }));
  return fc.oneof({ weight: 5, arbitrary: fitting(schema, depth) }, { weight: 1, arbitrary: any });
};

const fitting = (schema: Schema, depth: number): fc.Arbitrary<unknown> => {
  const { $ref, anyOf, oneOf, type, properties, items, pattern, minimum, maximum, required } = schema;
  const choices = (anyOf ?? oneOf) as Schema[] | undefined;
  if (typeof $ref === 'string') return fitting(components.schemas[$ref.split('/').at(-1) ?? ''] ?? {}, depth);
  if (schema['const'] !== undefined) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => fitting(choice, depth)));
  if (depth > 4) return fc.constant(null);
  switch (type) {
    case 'string':
      return typeof pattern === 'string' && !pattern.includes('\\P')
        ? fc.stringMatching(new RegExp(pattern))
        : fc.string({ unit: 'grapheme', maxLength: 80 });
    case 'integer':
    case 'number':
      return fc.integer({
        min: Math.max(-1e9, Number(minimum ?? -1e9)),
        max: Math.min(1e9, Number(maximum ?? 1e9)),
      });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valuesOf((items ?? {}) as Schema, depth + 1), { maxLength: 5 });
    case 'object': {
      const members = Object.entries((properties ?? {}) as Record<string, Schema>);
      const arbitraries = members.map(([name, member]) => [name, valuesOf(member, depth + 1)] as const);
      return fc.record(Object.fromEntries(arbitraries), { requiredKeys: (required ?? []) as string[] });
    }
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
};

const routes = allRoutes.filter((_, index) => index % parts === part - 1);

/** What was sent, and what came back by its status. */
const statuses = new Map<number, number>();

/** What is asked, and what of it is a line about a fault. */
interface Fuzzed {
  signIn(role: Role): Promise<RoomClient>;
  faults(): readonly unknown[];
  close(): Promise<void>;
}

const openFuzzed = async (): Promise<Fuzzed> => {
  if (process.env['CORDON_FUZZ_PROGRAM'] === undefined) {
    const room = await openTestRoom();
    return { ...room, faults: () => room.logged.filter(({ text }) => text.startsWith('answering')) };
  }
  const room = await openProgramRoom();
  return { ...room, faults: () => room.cordon.logs().filter(({ msg }) => msg.startsWith('answering')) };
};

let setup: Fuzzed;
const clients = new Map<Role, RoomClient>();

beforeAll(async () => {
  setup = await openFuzzed();
  for (const role of ROLES) clients.set(role, await setup.signIn(role));
});

afterAll(async () => {
  await setup.close();
  if (wanted === undefined) return;
  const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  process.stdout.write(`answered by status: ${counts.join(', ')}\n`);
});

test('the document has the routes of the room', () => {
  expect(allRoutes.length).toBeGreaterThan(50);
});

for (const [options, runs] of wanted === undefined ? runsInTwo(RUNS, 8) : [[{}, RUNS] as const])
  test.each(routes)(
    `%s (%s) is never answered by a fault: ${runs} requests`,
    { timeout: TIMEOUT_MS, ...options },
    async (name, path, method, operation) => {
      const requests = fc.record({
        parameters: fc.record(
          Object.fromEntries(operation.parameters.map((one) => [one.name, valuesOf(one.schema)])),
        ),
        body:
          operation.requestBody === undefined
            ? fc.constant({})
            : valuesOf(operation.requestBody.content['application/json'].schema),
      });
      const role = operation['x-roles'][0] ?? 'viewer';
      const client = clients.get(role);
      if (client === undefined) throw new TypeError(role);
      await fc.assert(
        fc.asyncProperty(requests, async ({ parameters, body }) => {
          const text = (value: unknown): string =>
            (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed();
          const filled = path.replace(/\{(\w+)\}/g, (_, part: string) =>
            encodeURIComponent(text(parameters[part])),
          );
          const query = operation.parameters
            .filter((one) => one.in === 'query')
            .map((one) => [one.name, text(parameters[one.name])]);
          const search =
            query.length === 0 ? '' : `?${new URLSearchParams(query as [string, string][]).toString()}`;
          // Who signs out has nothing more to ask.
          const sent = name === 'endSession' ? '[]' : body;
          const reply = await client.send(
            method,
            `/api${filled}${search}`,
            method === 'GET' ? undefined : sent,
          );
          statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
          expect([reply.status >= 200 && reply.status < 500, reply.text.slice(0, 200)]).toEqual([
            true,
            reply.text.slice(0, 200),
          ]);
        }),
        { numRuns: runs },
      );
    },
  );

test('no request left a line of an error in the log', () => {
  expect(setup.faults()).toEqual([]);
});
