// The self-probe on the control socket: what is shown, what can be asked for, what is refused.
import { expect, test } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import { dispatch } from '../../../src/people/admin/dispatch.ts';
import type { ProbeControl } from '../../../src/people/admin/evidence-operations.ts';
import { ROLES } from '../../../src/people/admin/operation.ts';

const asked: (string | undefined)[] = [];
/** Results are passed on as they are. */
const probe = {
  status: () => ({ running: null }),
  run: (number: number) => (number === 7 ? { run: 7 } : undefined),
  requestSweep: (group: string | undefined) => {
    if (group === 'nobody') throw new AppError('ERR_APP_PROBE', 'there is none', { hint: 'Groups are lab.' });
    asked.push(group);
    return { run: 8 };
  },
} as unknown as ProbeControl;

const ACTOR = { name: 'A. Person', account: undefined, roles: ROLES, from: 'test', via: 'socket' } as const;

const ask = async (method: string, path: string, body = '') => {
  const readBody = () => Promise.resolve(body);
  const reply = await dispatch('socket', { method, path, query: '', readBody }, ACTOR, { probe });
  return { status: reply.status, body: JSON.parse(String(reply.body)) as unknown, allow: reply.allow };
};

test('shows what runs and what ran', async () => {
  expect(await ask('GET', '/v1/probe')).toMatchObject({ status: 200, body: { running: null } });
  expect(await ask('GET', '/v1/probe/7')).toMatchObject({ status: 200, body: { run: 7 } });
  expect(await ask('GET', '/v1/probe/8')).toMatchObject({ status: 404 });
});

test('takes a wish for a sweep, of all groups or of one', async () => {
  expect(await ask('POST', '/v1/probe', '{}')).toMatchObject({ status: 200, body: { run: 8 } });
  expect(await ask('POST', '/v1/probe', '{"group":"lab"}')).toMatchObject({ status: 200 });
  expect(asked).toEqual([undefined, 'lab']);
  expect(await ask('POST', '/v1/probe', '{"group":"nobody"}')).toMatchObject({
    status: 409,
    body: { code: 'ERR_APP_PROBE', detail: 'there is none', hint: 'Groups are lab.' },
  });
});

test.each(['', '[]', '{"group":""}', '{"groups":["lab"]}', '{"group":7}'])(
  'refuses the body %s',
  async (body) => {
    expect(await ask('POST', '/v1/probe', body)).toMatchObject({ status: 400 });
  },
);

test('has no other paths, and refuses other methods', async () => {
  expect(await ask('GET', '/v1/probes')).toMatchObject({ status: 404 });
  expect(await ask('DELETE', '/v1/probe')).toMatchObject({ status: 405, allow: 'GET, HEAD, POST' });
  expect(await ask('POST', '/v1/probe/7', '{}')).toMatchObject({ status: 405, allow: 'GET, HEAD' });
});
