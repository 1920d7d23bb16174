// Every route of the control room for every role, over real sockets, by the table of operations.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localAccount } from '../../../src/base/base.ts';
import { ALL_OPERATIONS, isAt, ROLES, type Role } from '../../../src/people/admin/admin.ts';
import { RoomClient } from '../../support/room-client.ts';
import { openTestRoom, type TestRoom } from './setup.ts';

const EXAMPLES: Readonly<Record<string, string>> = {
  ...{ list: 'tiktok', id: 'ex-000001', run: '1', reference: '7Q4K-M2', act: 'a-0123456789ab' },
  ...{
    report: 'r-0123456789ab',
    file: 'report.pdf',
    person: 'p-0123456789ab',
    token: 't-0123456789ab',
    session: 's-0123456789ab',
    sha256: '0'.repeat(64),
  },
};
const IN_ROOM = ALL_OPERATIONS.filter(([, operation]) => isAt(operation, 'room'));
const pathOf = (path: string): string =>
  `/api${path.replace(/\{(\w+)\}/g, (_, name: string) => EXAMPLES[name] ?? '1')}`;

let setup: TestRoom;
const clients = new Map<Role, RoomClient>();
const tokens = new Map<Role, string>();

beforeAll(async () => {
  setup = await openTestRoom();
  for (const role of ROLES) {
    clients.set(role, await setup.signIn(role));
  }
  const people = setup.room.controls.people;
  const holder = people?.list().find(({ roles }) => roles.includes('administrator'));
  if (people === undefined || holder === undefined) throw new TypeError('nobody is administrator');
  const by = { name: holder.name, account: localAccount(holder.id) };
  for (const role of ROLES) tokens.set(role, people.addToken(role, [role], 1, by).secret);
});

afterAll(async () => {
  await setup.close();
});

test.each(IN_ROOM)('%s is for its roles and for nobody else', async (name, operation) => {
  const { method, roles, isOpen = false } = operation;
  // Signing out would end the session that the next test needs.
  const body = name === 'endSession' ? { x: 1 } : {};
  for (const role of ROLES) {
    const client = clients.get(role);
    if (client === undefined) throw new TypeError(role);
    const reply = await client.send(method, pathOf(operation.path), method === 'GET' ? undefined : body);
    const mayNot =
      reply.status === 403 &&
      reply.body['code'] === undefined &&
      !String(reply.body['detail']).startsWith('confirming');
    expect([role, mayNot]).toEqual([role, !(isOpen || roles.includes(role))]);
    expect(reply.status).not.toBe(405);
    expect(reply.status).toBeLessThan(500);
    const byToken = await new RoomClient(client.origin).send(
      method,
      pathOf(operation.path),
      method === 'GET' ? undefined : body,
      {
        authorization: `Bearer ${tokens.get(role)}`,
      },
    );
    const isRefused =
      byToken.status === 403 &&
      byToken.body['code'] === undefined &&
      !String(byToken.body['detail']).startsWith('confirming');
    expect([role, isRefused]).toEqual([role, !(isOpen || roles.includes(role))]);
  }
});

test.each(IN_ROOM.filter(([, { isOpen }]) => isOpen !== true))(
  '%s is for nobody who is not signed in',
  async (_, { method, path }) => {
    const stranger = await new RoomClient(setup.room.origin).open();
    const reply = await stranger.send(method, pathOf(path), method === 'GET' ? undefined : {});
    expect([reply.status, reply.body['code']]).toEqual([401, 'ERR_ROOM_SIGN_IN']);
    const forged = await stranger.send(method, pathOf(path), method === 'GET' ? undefined : {}, {
      authorization: `Bearer cordon_${'A'.repeat(43)}`,
    });
    expect(forged.status).toBe(401);
  },
);

test.each(IN_ROOM.filter(([, { method, isOpen }]) => method === 'POST' && isOpen !== true))(
  '%s does nothing by GET',
  async (_, { path, roles }) => {
    const isRead = IN_ROOM.some(([, other]) => other.method === 'GET' && other.path === path);
    const reply = await clients.get(roles[0] ?? 'viewer')?.get(pathOf(path));
    if (!isRead) expect(reply?.status).toBe(404);
  },
);

test.each(IN_ROOM.filter(([, { needsProof }]) => needsProof === true))(
  '%s needs proof that is not older than five minutes, and a machine has none',
  async (_, { method, path, roles, subject }) => {
    const [role = 'viewer'] = roles;
    const reply = await new RoomClient(setup.room.origin).send(
      method,
      pathOf(path),
      {},
      {
        authorization: `Bearer ${tokens.get(role)}`,
      },
    );
    // What is about a session has none to act in, and says so first.
    const code = subject === 'session' ? 'ERR_ROOM_CSRF' : 'ERR_ROOM_STEP_UP';
    expect([reply.status, reply.body['code']]).toEqual([403, code]);
  },
);

test('proof grows old', async () => {
  const local = await openTestRoom();
  try {
    const client = await local.signIn('operator');
    expect((await client.post('/api/v1/pause', { ms: 1000, reason: 'x' })).status).toBe(409);
    local.advance(6 * 60_000);
    expect((await client.post('/api/v1/pause', { ms: 1000, reason: 'x' })).body).toMatchObject({
      code: 'ERR_ROOM_STEP_UP',
    });
  } finally {
    await local.close();
  }
});

test('what people did is recorded with role, address, reason and outcome', async () => {
  await clients.get('operator')?.post('/api/v1/pause', { ms: 1000, reason: 'a reason' });
  expect(setup.notes).toContainEqual({
    ...{ action: 'room-pause', by: 'A. operator', reason: 'a reason' },
    detail: {
      ...{ parameters: {}, roles: ['operator'], from: '127.0.0.1', status: 409 },
      account: expect.stringMatching(/^local:p-[0-9a-f]{12}$/) as unknown,
    },
  });
});
