// Whatever is asked of the table of operations gets a reply: its own refusal, or the program's. Nothing else gets through.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError } from '../../src/base/base.ts';
import { dispatch } from '../../src/people/admin/dispatch.ts';
import { ROLES } from '../../src/people/admin/operation.ts';
import { ALL_OPERATIONS, type Controls } from '../../src/people/admin/operations.ts';

const RUNS = 2_000;

/** A program that refuses in its own words whatever reaches it. */
const PROGRAM = new Proxy(
  {},
  {
    get: () => () => {
      throw new AppError('ERR_APP_TEST', 'asked');
    },
  },
);
const CONTROLS = Object.fromEntries(ALL_OPERATIONS.map(([, { subject }]) => [subject, PROGRAM])) as Controls;

const ACTOR = { name: 'A. Person', account: undefined, roles: ROLES, from: 'test', via: 'socket' } as const;

const word = fc.oneof(
  fc.constantFrom('by', 'reason', 'sha256', 'ms', 'group', 'name', 'types', '__proto__', 'constructor'),
  fc.string(),
);
const bodies = fc.oneof(
  fc.string(),
  fc.json(),
  fc.dictionary(word, fc.jsonValue({ maxDepth: 2 })).map((value) => JSON.stringify(value)),
);
const parts = fc.oneof(
  fc.constantFrom('tiktok', 'ex-000001', '1', '..', '%2e%2e', '__proto__', '{list}', ''),
  fc.string(),
);
const requests = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', '', '__proto__'),
  pattern: fc.constantFrom(...ALL_OPERATIONS.map(([, { path }]) => path), '/', '', '/v1/{list}'),
  part: parts,
  query: fc.oneof(fc.constant(''), fc.constant('state=active'), fc.string(), fc.webQueryParameters()),
  body: bodies,
});

test('a request gets a reply of the table or of the program, and defects have no way in', async () => {
  await fc.assert(
    fc.asyncProperty(requests, async ({ method, pattern, part, query, body }) => {
      // A function, because `$` in a text would stand for something.
      const path = pattern.replace(/\{\w+\}/g, () => part);
      const asked = { method, path, query, readBody: () => Promise.resolve(body) };
      const reply = await dispatch('socket', asked, ACTOR, CONTROLS);
      const { code, status } = JSON.parse(String(reply.body)) as { code?: string; status: number };
      expect(status).toBe(reply.status);
      expect(code === 'ERR_APP_TEST' ? [409, 500] : [400, 404, 405]).toContain(status);
    }),
    { numRuns: RUNS },
  );
});
