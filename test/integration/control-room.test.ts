// The control room as people meet it: the first start, enrolment, sessions, what two persons have to decide.
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { run } from '../support/process.ts';
import { codeOf, RoomClient } from '../support/room-client.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const PASSWORD = 'four words without any sense';

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const WAIT = { timeout: 30_000, interval: 50 };

let cordon: Cordon;
let origin: string;
let link: string;

beforeEach(async () => {
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ./state
upstreams: ["127.0.0.1:9"]
agency: Example Agency
control-room: { listen: "127.0.0.1:0" }
`,
  });
  const opened = await cordon.waitForLog(({ msg }) => msg === 'the control room is open');
  origin = String(opened['url']);
  const first = await cordon.waitForLog(({ msg }) => msg.startsWith('nobody is administrator'));
  link = String(first['url']);
});

afterEach(async () => {
  await cordon.stop();
});

test('the first start prints a link that enrols one administrator, once', async () => {
  const client = await new RoomClient(origin).open();
  expect((await client.get('/api/session')).body).toMatchObject({
    signedIn: false,
    needsSetup: true,
    agency: 'Example Agency',
  });
  expect((await client.get('/api/v1/lists')).status).toBe(401);
  const secret = await client.enrol(link, 'A. Administrator', PASSWORD);
  expect((await client.get('/api/session')).body).toMatchObject({
    signedIn: true,
    needsSetup: false,
    person: { name: 'A. Administrator', roles: ['administrator'], kind: 'local' },
  });
  expect((await client.get('/api/v1/lists')).status).toBe(200);
  const other = await new RoomClient(origin).open();
  expect((await other.post('/api/setup', { token: link.slice(link.indexOf('#') + 1) })).status).toBe(404);
  expect(
    (
      await other.post('/api/session/password', {
        name: 'a.administrator',
        password: PASSWORD,
        code: client.lastCode,
      })
    ).status,
  ).toBe(401);
  expect(
    (
      await other.post('/api/session/password', {
        name: 'a.administrator',
        password: PASSWORD,
        code: codeOf(secret, 1),
      })
    ).body,
  ).toMatchObject({ signedIn: true });
});

test('the key of the records is there for everybody, as the command prints it, to be read only', {
  tags: 'night',
}, async () => {
  const place = `${origin}/.well-known/cordon-records-key`;
  const printed = await vi.waitFor(async () => {
    const { code, stdout } = await run(process.execPath, [program, 'records', 'key'], {
      cwd: cordon.directory,
    });
    expect(code).toBe(0);
    return stdout;
  }, WAIT);
  // The file is there a moment before the first checkpoint, from which the room has it.
  const response = await vi.waitFor(async () => {
    const found = await fetch(place);
    expect(found.status).toBe(200);
    return found;
  }, WAIT);
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(await response.text()).toBe(printed);
  expect(response.headers.get('set-cookie')).toBeNull();
  expect((await fetch(place, { method: 'HEAD' })).status).toBe(200);
  expect((await fetch(place, { method: 'POST' })).status).toBe(404);
  const told = await fetch(`${origin}/api/v1/records/key`);
  expect([told.status, await told.json()]).toEqual([200, { verifier: printed.trim() }]);
  // What lies beside it is nobody's.
  expect((await fetch(`${origin}/api/v1/records`)).status).toBe(401);
});

test('one look tells the state, and pages are told when it changes', async () => {
  const client = await new RoomClient(origin).open();
  await client.enrol(link, 'A. Administrator', PASSWORD);
  const { status, body } = await client.get('/api/v1/state');
  expect([status, body]).toMatchObject([
    200,
    { agency: 'Example Agency', networks: [{ group: 'default', inForce: true }] },
  ]);
  expect(['unproven', 'in-force']).toContain((body['headline'] as { state: string }).state);
  const response = await fetch(`${origin}/api/live`, { headers: { cookie: client.cookieText } });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('event: state')) text += (await reader?.read())?.value ?? '';
  expect(text).toContain('"headline"');
  await reader?.cancel();
  expect((await fetch(`${origin}/api/live`)).status).toBe(401);
  expect((await client.get('/api/v1/groups')).body).toMatchObject([{ name: 'default' }]);
  expect((await client.get('/api/v1/records/search?limit=2')).status).toBe(403);
});

test('two persons pause for an hour, one resumes; nobody acts for two', async () => {
  const admin = await new RoomClient(origin).open();
  await admin.enrol(link, 'A. Administrator', PASSWORD);
  const add = async (name: string, roles: string[]): Promise<RoomClient> => {
    const { status, body } = await admin.post('/api/v1/people', { name, roles, reason: 'set-up' });
    expect([name, status]).toEqual([name, 200]);
    const client = await new RoomClient(origin).open();
    await client.enrol((body['link'] as { url: string }).url, name, PASSWORD);
    return client;
  };
  const operator = await add('O. Operator', ['operator']);
  const approver = await add('P. Approver', ['approver']);
  expect(
    (await admin.post('/api/v1/people', { name: 'o.operator', roles: ['viewer'], reason: 'x' })).body,
  ).toMatchObject({ code: 'ERR_ROOM_PEOPLE' });
  expect(
    (await admin.post('/api/v1/people', { name: 'Two', roles: ['administrator', 'approver'], reason: 'x' }))
      .body,
  ).toMatchObject({ code: 'ERR_ROOM_PEOPLE' });

  expect((await admin.post('/api/v1/pause', { ms: 60_000, reason: 'x' })).status).toBe(403);
  expect((await operator.post('/api/v1/pause', { ms: 60_000, reason: 'a short look' })).body).toMatchObject({
    isPaused: true,
    by: 'O. Operator',
  });
  expect((await approver.post('/api/v1/resume', { reason: 'done' })).body).toMatchObject({ isPaused: false });

  const asked = await operator.post('/api/v1/pause', { ms: 3_600_000, reason: 'a long look' });
  expect([asked.status, asked.body]).toMatchObject([
    202,
    { pending: { by: 'O. Operator', state: 'waiting' } },
  ]);
  const { id } = asked.body['pending'] as { id: string };
  expect((await operator.post(`/api/v1/acts/${id}/confirm`, { reason: 'me too' })).status).toBe(403);
  expect((await admin.post(`/api/v1/acts/${id}/confirm`, { reason: 'no role' })).status).toBe(403);
  expect((await operator.get('/api/v1/pause')).body).toMatchObject({ isPaused: false });
  expect((await approver.post(`/api/v1/acts/${id}/confirm`, { reason: 'agreed' })).body).toMatchObject({
    status: 200,
    act: { state: 'confirmed', confirmedBy: 'P. Approver' },
  });
  const by = 'O. Operator, confirmed by P. Approver';
  expect((await operator.get('/api/v1/pause')).body).toMatchObject({ isPaused: true, by });
  expect((await operator.get('/api/v1/state')).body).toMatchObject({
    headline: { state: 'paused', pause: { by } },
  });
  expect((await approver.post(`/api/v1/acts/${id}/confirm`, { reason: 'again' })).status).toBe(409);
  await operator.post('/api/v1/resume', { reason: '' });

  await vi.waitFor(
    async () => {
      const { body } = await approver.get('/api/v1/records/search?class=changes&kind=admin');
      const found = (body['records'] as { record: unknown }[]).map(({ record }) => record);
      const detail: unknown = expect.objectContaining({
        ...{ askedBy: 'O. Operator', roles: ['approver'], from: '127.0.0.1' },
      });
      const wanted = { action: 'act-confirmed', by: 'P. Approver', reason: 'agreed', detail };
      expect(found).toContainEqual(expect.objectContaining(wanted));
    },
    { timeout: 90_000, interval: 500 },
  );
});

test('a report is asked for, made aside and downloaded', { tags: 'night' }, async () => {
  const admin = await new RoomClient(origin).open();
  await admin.enrol(link, 'A. Administrator', PASSWORD);
  const { body } = await admin.post('/api/v1/people', {
    name: 'A. Uditor',
    roles: ['auditor'],
    reason: 'set-up',
  });
  const auditor = await new RoomClient(origin).open();
  await auditor.enrol((body['link'] as { url: string }).url, 'A. Uditor', PASSWORD);
  const day = new Date().toISOString().slice(0, 10);
  const asked = await auditor.post('/api/v1/reports', {
    from: day,
    to: day,
    formats: ['json', 'html'],
    language: 'nl',
  });
  expect([asked.status, asked.body]).toMatchObject([200, { by: 'A. Uditor' }]);
  const path = `/api/v1/reports/${String(asked.body['id'])}`;
  await vi.waitFor(
    async () => {
      const { body: report } = await auditor.get(path);
      expect(report).toMatchObject({ state: 'done', progress: 1, fault: null });
    },
    { timeout: 90_000, interval: 500 },
  );
  expect((await auditor.get(`${path}/files/report.html`)).text).toContain('<html lang="nl"');
  const file = await auditor.get(`${path}/files/report.json`);
  expect([file.status, file.text.startsWith('{')]).toEqual([200, true]);
  expect((await auditor.get(`${path}/files/report.json.sig`)).status).toBe(200);
  expect((await auditor.get(`${path}/files/..%2froom.db`)).status).toBe(404);
});
