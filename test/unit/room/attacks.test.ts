// The control room against those who should not get in, or not so far: over real sockets.
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import type { Controls } from '../../../src/people/admin/admin.ts';
import { codeOf, RoomClient } from '../../support/room-client.ts';
import { openTestRoom, PASSWORD, type TestRoom } from './setup.ts';

let setup: TestRoom;
let origin: string;

beforeAll(async () => {
  setup = await openTestRoom();
  origin = setup.room.origin;
});

afterAll(async () => {
  await setup.close();
});

/** With headers that fetch() does not send as they are, such as another Host. */
const raw = (
  path: string,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const sent = request({ hostname, port, path, method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? '{}' : undefined);
  });

test('a page of another site cannot act: its origin, its kind of request, its lack of the text', async () => {
  const client = await setup.signIn('operator', 'C. Srf');
  const body = { ms: 1000, reason: 'x' };
  expect((await client.post('/api/v1/pause', body)).status).toBe(409);
  for (const headers of [
    { origin: 'https://attacker.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'x-csrf-token': '' },
    { 'x-csrf-token': 'A'.repeat(43) },
  ]) {
    const reply = await client.send('POST', '/api/v1/pause', body, headers);
    expect([headers, reply.status, reply.body['code']]).toEqual([headers, 403, 'ERR_ROOM_CSRF']);
  }
  // A form of another site cannot send JSON, and nothing else is read.
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
    expect((await client.send('POST', '/api/v1/pause', 'x', { 'content-type': type })).status).toBe(415);
  // The text of another session is worth nothing.
  const other = await setup.signIn('operator', 'O. Ther');
  expect((await client.send('POST', '/api/v1/pause', body, { 'x-csrf-token': other.csrf })).status).toBe(403);
});

test('signing in by a forged form is refused as well', async () => {
  const stranger = new RoomClient(origin);
  const body = { name: 'x', password: 'y', code: '000000' };
  expect((await stranger.post('/api/session/password', body)).body).toMatchObject({
    status: 403,
    code: 'ERR_ROOM_CSRF',
  });
});

test.each([
  'attacker.example',
  'attacker.example:80',
  '127.0.0.1.attacker.example',
  'localhost.attacker.example',
])('a name that was led here, %s, is told nothing (DNS rebinding)', async (host) => {
  expect((await raw('/api/session', { host })).status).toBe(421);
  expect((await raw('/', { host })).status).toBe(421);
  expect((await raw('/api/session/end', { host, 'content-type': 'application/json' }, 'POST')).status).toBe(
    421,
  );
});

test.each([
  ...['/../secret.txt', '/assets/../../secret.txt', '/%2e%2e/secret.txt', '/assets/..%2f..%2fsecret.txt'],
  ...['/..%5csecret.txt', '/assets/%00', '/room.db', '//etc/passwd', '/assets/app-1.js/../../../secret.txt'],
])('no path leads out of the folder of the pages: %s', async (path) => {
  const reply = await raw(path, {});
  expect(reply.text).not.toContain('nobody reads this');
  expect([200, 400, 404]).toContain(reply.status);
  if (reply.status === 200) expect(reply.text).toContain('The pages');
});

test('a token that somebody planted is not the one that signs in (session fixation)', async () => {
  const client = await new RoomClient(origin).open();
  const planted = client.cookieText;
  setup.room.controls.people?.add('F. Ixed', ['viewer']);
  const person = setup.room.controls.people?.list().find(({ name }) => name === 'F. Ixed');
  const link = setup.room.controls.people?.enrol(person?.id ?? '');
  await client.enrol(link?.url ?? '', 'F. Ixed', PASSWORD);
  expect(client.cookieText).not.toBe(planted);
  const attacker = new RoomClient(origin);
  const reply = await attacker.send('GET', '/api/session', undefined, { cookie: planted });
  expect(reply.body).toMatchObject({ signedIn: false });
  const flags = (await new RoomClient(origin).get('/api/session')).headers.getSetCookie().join();
  expect(flags).toMatch(/HttpOnly/);
  expect(flags).toMatch(/SameSite=Strict/);
});

test('who signed out, lost the account or waited half an hour is out; eight hours end every session', async () => {
  const local = await openTestRoom();
  try {
    const [left, idle, removed, other] = [
      await local.signIn('viewer', 'L. Eft'),
      await local.signIn('viewer', 'I. Dle'),
      await local.signIn('viewer', 'R. Emoved'),
      await local.signIn('viewer', 'O. Ther'),
    ];
    const cookie = left.cookieText;
    await left.post('/api/session/end');
    expect((await left.send('GET', '/api/v1/acts', undefined, { cookie })).status).toBe(401);
    const people = local.room.controls.people;
    people?.remove(people.list().find(({ name }) => name === 'R. Emoved')?.id ?? '');
    expect((await removed.get('/api/v1/acts')).status).toBe(401);
    expect((await idle.get('/api/v1/acts')).status).toBe(200);
    local.advance(29 * 60_000);
    expect((await other.get('/api/v1/acts')).status).toBe(200);
    expect((await idle.get('/api/v1/acts')).status).toBe(200);
    for (let minutes = 0; minutes < 8 * 60 - 40; minutes += 20) {
      local.advance(20 * 60_000);
      expect((await idle.get('/api/v1/acts')).status).toBe(200);
    }
    // Half an hour after its last use, long before its end.
    expect((await other.get('/api/v1/acts')).status).toBe(401);
    local.advance(21 * 60_000);
    expect((await idle.get('/api/v1/acts')).status).toBe(401);
  } finally {
    await local.close();
  }
});

test('members that nobody asked for are refused, and none of them gives a role (mass assignment)', async () => {
  const admin = await setup.signIn('administrator', 'M. Ass');
  const person = { name: 'N. Ew', roles: ['viewer'], reason: 'x' };
  for (const more of [
    { kind: 'oidc' },
    { id: 'p-000000000000' },
    { password: 'x' },
    { roles: ['root'] },
    { __proto__: null, isAdmin: true },
  ])
    expect((await admin.post('/api/v1/people', { ...person, ...more })).status).toBe(400);
  expect(
    (
      await admin.post(
        '/api/v1/people',
        '{"name":"N. Ew","roles":["viewer"],"reason":"x","__proto__":{"roles":["administrator"]}}',
      )
    ).status,
  ).toBe(400);
  expect(
    (
      await admin.post('/api/setup/password', {
        token: 'x',
        name: 'x',
        password: PASSWORD,
        roles: ['administrator'],
      })
    ).status,
  ).toBe(400);
});

test('what somebody asked for who has left or lost the role is not done', async () => {
  const local = await openTestRoom();
  try {
    const [left, stays] = [
      await local.signIn('administrator', 'L. Eft'),
      await local.signIn('administrator', 'S. Tays'),
    ];
    const person = { name: 'N. Ew', roles: ['viewer'], reason: 'a colleague' };
    const asked = await left.post('/api/v1/people', person);
    expect(asked.status).toBe(202);
    const { id } = asked.body['pending'] as { id: string };
    const people = local.room.controls.people;
    people?.remove(people.list().find(({ name }) => name === 'L. Eft')?.id ?? '');
    const reply = await stays.post(`/api/v1/acts/${id}/confirm`, { reason: 'welcome' });
    expect([reply.status, reply.body['code']]).toEqual([409, 'ERR_ROOM_ACT']);
    expect(people?.list().map(({ name }) => name)).not.toContain('N. Ew');
  } finally {
    await local.close();
  }
});

test('who acts is who is signed in, whatever a request says', async () => {
  const client = await setup.signIn('operator', 'W. Ho');
  const reply = await client.post('/api/v1/pause', { ms: 1000, reason: 'x', by: 'Somebody Else' });
  expect([reply.status, reply.body['detail']]).toEqual([400, expect.stringContaining('the body is not')]);
});

test('five wrong passwords keep this address from this name for a quarter of an hour (brute force)', async () => {
  const local = await openTestRoom();
  try {
    const owner = await local.signIn('viewer', 'B. Rute');
    const client = await new RoomClient(local.room.origin).open();
    const body = { name: 'B. Rute', password: 'wrong wrong wrong', code: '123456' };
    for (let attempt = 0; attempt < 5; attempt++)
      expect((await client.post('/api/session/password', body)).status).toBe(401);
    const reply = await client.post('/api/session/password', body);
    expect([reply.status, reply.body['code']]).toEqual([429, 'ERR_ROOM_BRAKE']);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await owner.get('/api/v1/acts')).status).toBe(200);
    expect(local.notes.filter(({ action }) => action === 'sign-in-failed')).toHaveLength(5);
    local.advance(16 * 60_000);
    expect((await client.post('/api/session/password', body)).status).toBe(401);
  } finally {
    await local.close();
  }
});

test('a code counts once', async () => {
  const local = await openTestRoom();
  try {
    const added = local.room.controls.people?.add('O. Nce', ['viewer']);
    const secret = await (await new RoomClient(local.room.origin).open()).enrol(
      added?.link.url ?? '',
      'O. Nce',
      PASSWORD,
    );
    const signIn = async (code: string): Promise<number> => {
      const client = await new RoomClient(local.room.origin).open();
      return (await client.post('/api/session/password', { name: 'O. Nce', password: PASSWORD, code }))
        .status;
    };
    const code = codeOf(secret, 1);
    expect([await signIn(codeOf(secret)), await signIn(code), await signIn(code)]).toEqual([401, 200, 401]);
  } finally {
    await local.close();
  }
});

test('a name that nobody has is answered in the same words as a wrong password, after the same work', async () => {
  const local = await openTestRoom();
  try {
    await local.signIn('viewer', 'K. Nown');
    const answer = async (name: string) => {
      const client = await new RoomClient(local.room.origin).open();
      const { status, text } = await client.post('/api/session/password', {
        name,
        password: 'x'.repeat(20),
        code: '000000',
      });
      return { status, text };
    };
    expect(await answer('nobody')).toEqual(await answer('K. Nown'));
  } finally {
    await local.close();
  }
});

test('nothing is asked of a page of another site, and nothing is shown in one', async () => {
  for (const path of ['/', '/lists', '/assets/app-1.js', '/api/session']) {
    const { headers } = await new RoomClient(origin).get(path);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';/);
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*|data:/);
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-frame-options')).toBe('DENY');
  }
  expect(
    (
      await new RoomClient(origin).send('OPTIONS', '/api/session', undefined, {
        origin: 'https://attacker.example',
      })
    ).status,
  ).toBe(403);
});

test.each([
  '/oidc/start?to=https://attacker.example',
  '/oidc/start?to=//attacker.example',
  '/oidc/callback?code=x&state=y',
])('the way to the identity provider leads nowhere else: %s', async (path) => {
  const { status, headers } = await new RoomClient(origin).get(path);
  expect([status, headers.get('location')?.startsWith('/?fault=ERR_ROOM_')]).toEqual([303, true]);
});

test('connections that say nothing keep nobody out', async () => {
  const { hostname, port } = new URL(origin);
  const silent = Array.from({ length: 600 }, () => connect(Number(port), hostname));
  try {
    await Promise.all(
      silent.map(
        (socket) =>
          new Promise((resolve) => {
            socket.once('connect', resolve).once('error', resolve);
          }),
      ),
    );
    expect((await new RoomClient(origin).get('/api/session')).status).toBe(200);
  } finally {
    for (const socket of silent) socket.destroy();
  }
});

test('a body of more than it may have is refused', async () => {
  const client = await setup.signIn('viewer', 'L. Ong');
  expect((await client.post('/api/v1/exemptions', { justification: 'x'.repeat(70_000) })).status).toBe(413);
});

test('what waits in too great number is asked for later, and is no fault of the program', async () => {
  const busy = {
    make: () => {
      throw new AppError('ERR_ROOM_BUSY', 'making a report: 10 others wait');
    },
  };
  const local = await openTestRoom({ controls: () => ({ reports: busy }) as unknown as Controls });
  try {
    const client = await local.signIn('auditor');
    const day = { from: '2026-11-01', to: '2026-11-01', formats: ['html'] };
    const reply = await client.post('/api/v1/reports', day);
    expect([reply.status, reply.body['code'], reply.headers.get('retry-after')]).toEqual([
      ...[429, 'ERR_ROOM_BUSY', '60'],
    ]);
  } finally {
    await local.close();
  }
});
