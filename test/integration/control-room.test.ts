// The control room as people meet it: the first start, enrolment, sessions, what two persons have to decide.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Cordon, startCordon } from '../support/process.ts';
import { codeOf, RoomClient } from '../support/room-client.ts';

const PASSWORD = 'four words without any sense';

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
control-room: { listen: "127.0.0.1:0", agency: Example Agency }
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
        code: codeOf(secret),
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
