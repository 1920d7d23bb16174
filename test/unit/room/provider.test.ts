// Signing in with an identity provider: oidc-provider on loopback, as an agency's would answer.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { walkProvider } from '../../support/changing-provider.ts';
import { RoomClient } from '../../support/room-client.ts';
import { openTestRoom, type TestRoom } from './setup.ts';

const PEOPLE: Readonly<Record<string, { name: string; groups: string[] }>> = {
  ada: { name: 'Ada Operator', groups: ['dns-operators', 'staff'] },
  bob: { name: 'Bob Nobody', groups: ['staff'] },
  eve: { name: 'ada  operator', groups: ['dns-operators'] },
  max: { name: 'Max Both', groups: ['dns-approvers', 'dns-admins'] },
};

let identity: Server;
let issuer: string;
let setup: TestRoom;

beforeAll(async () => {
  identity = createServer();
  await new Promise<void>((resolve) => {
    identity.listen(0, '127.0.0.1', resolve);
  });
  issuer = `http://127.0.0.1:${(identity.address() as AddressInfo).port}`;
  setup = await openTestRoom({
    provider: {
      ...{ issuer, clientId: 'cordon', clientSecret: 'a secret of the client', label: 'Agency' },
      ...{ scopes: 'openid profile', nameClaim: 'preferred_username', groupsClaim: 'groups' },
      roles: [
        { group: 'dns-operators', role: 'operator' },
        { group: 'dns-approvers', role: 'approver' },
        { group: 'dns-admins', role: 'administrator' },
      ],
    },
  });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'cordon',
        client_secret: 'a secret of the client',
        redirect_uris: [`${setup.room.origin}/oidc/callback`],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
    conformIdTokenClaims: false,
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: PEOPLE[id]?.name, groups: PEOPLE[id]?.groups }),
    }),
  });
  identity.on('request', provider.callback());
});

afterAll(async () => {
  await setup.close();
  identity.closeAllConnections();
  identity.close();
});

/** What leads back from the provider. */
const signInThere = (url: string, login: string): Promise<string> =>
  walkProvider(issuer, url, login, setup.room.origin);

const begin = async (client: RoomClient, path = '/oidc/start?to=/lists'): Promise<string> => {
  const { status, headers } = await client.get(path);
  expect(status).toBe(303);
  return headers.get('location') ?? '';
};

test('groups of the provider become roles, and the browser comes back to where it was', async () => {
  const client = await new RoomClient(setup.room.origin).open();
  const url = await begin(client);
  expect(url).toMatch(/code_challenge_method=S256/);
  const back = await client.get(await signInThere(url, 'ada'));
  expect([back.status, back.headers.get('location')]).toEqual([303, '/lists']);
  expect((await client.get('/api/session')).body).toMatchObject({
    signedIn: true,
    person: { name: 'Ada Operator', roles: ['operator'], kind: 'oidc' },
    stepUp: { code: false, oidc: true },
  });
  expect(setup.notes).toContainEqual(expect.objectContaining({ action: 'sign-in', by: 'Ada Operator' }));
  // Proof anew, by the provider.
  setup.advance(6 * 60_000);
  expect((await client.post('/api/v1/pause', { ms: 1000, reason: 'x' })).body).toMatchObject({
    code: 'ERR_ROOM_STEP_UP',
  });
  setup.advance(-6 * 60_000);
});

/** A session of ada that proves again who it is; what leads back from the provider, where somebody signed in. */
const beginProof = async (login = 'ada') => {
  const client = await new RoomClient(setup.room.origin).open();
  await client.get(await signInThere(await begin(client), 'ada'));
  await client.get('/api/session');
  setup.advance(6 * 60_000);
  onTestFinished(() => setup.advance(-6 * 60_000));
  const back = await signInThere(await begin(client, '/oidc/start?step=1&to=/acts'), login);
  const needsProof = async () =>
    (await client.post('/api/v1/pause', { ms: 1000, reason: 'x' })).body['code'] === 'ERR_ROOM_STEP_UP';
  expect(await needsProof()).toBe(true);
  return { client, back, needsProof };
};
/** As a browser goes where a page of another site sends it: without the cookie that is strict. */
const comeBack = async (client: RoomClient, path: string, session?: string): Promise<string | null> => {
  const own = client.cookies.get('cordon') ?? '';
  if (session === undefined) client.cookies.delete('cordon');
  else client.cookies.set('cordon', session);
  const { headers } = await client.get(path);
  // No session is begun by it.
  expect(client.cookies.get('cordon')).toBe(session);
  client.cookies.set('cordon', own);
  return headers.get('location');
};

test('who proves again who it is comes back from another site, without the cookie of the session', async () => {
  const { client, back, needsProof } = await beginProof();
  expect(await comeBack(client, back)).toBe('/acts');
  expect(await needsProof()).toBe(false);
  // Once.
  expect(await comeBack(client, back)).toBe('/?fault=ERR_ROOM_PROVIDER');
});

test('a proof is of the person of its session, in the browser that asked, while it lasts', async () => {
  const other = await beginProof('max');
  expect(await comeBack(other.client, other.back)).toBe('/?fault=ERR_ROOM_CREDENTIALS');
  expect(await other.needsProof()).toBe(true);
  const stolen = await beginProof();
  const thief = await new RoomClient(setup.room.origin).open();
  expect((await thief.get(stolen.back)).headers.get('location')).toBe('/?fault=ERR_ROOM_PROVIDER');
  expect(await stolen.needsProof()).toBe(true);
  // Another session of the same browser is none that asked.
  const crossed = await beginProof();
  const second = other.client.cookies.get('cordon');
  expect(await comeBack(crossed.client, crossed.back, second)).toBe('/?fault=ERR_ROOM_CREDENTIALS');
  expect(await crossed.needsProof()).toBe(true);
  const ended = await beginProof();
  await ended.client.post('/api/session/end');
  const gone = await ended.client.get(ended.back);
  expect(gone.headers.get('location')).toBe('/?fault=ERR_ROOM_CREDENTIALS');
  expect((await ended.client.get('/api/session')).body).toMatchObject({ signedIn: false });
});

test.each([
  ['bob', 'ERR_ROOM_ROLE'],
  ['max', 'ERR_ROOM_PEOPLE'],
])('%s, whose groups give no role or two that exclude each other, stays outside', async (login, code) => {
  const client = await new RoomClient(setup.room.origin).open();
  const back = await client.get(await signInThere(await begin(client), login));
  expect(back.headers.get('location')).toBe(`/?fault=${code}`);
  expect((await client.get('/api/session')).body).toMatchObject({ signedIn: false });
});

test("somebody else's name is not taken from the provider either", async () => {
  const client = await new RoomClient(setup.room.origin).open();
  const back = await client.get(await signInThere(await begin(client), 'eve'));
  expect(back.headers.get('location')).toBe('/?fault=ERR_ROOM_PEOPLE');
});

test('an answer counts once, and only in the browser that asked', async () => {
  const client = await new RoomClient(setup.room.origin).open();
  const path = await signInThere(await begin(client), 'ada');
  const thief = await new RoomClient(setup.room.origin).open();
  expect((await thief.get(path)).headers.get('location')).toBe('/?fault=ERR_ROOM_PROVIDER');
  expect((await client.get(path)).headers.get('location')).toBe('/lists');
  expect((await client.get(path)).headers.get('location')).toBe('/?fault=ERR_ROOM_PROVIDER');
});

test('beside a provider there are three local accounts, and their use alarms', async () => {
  for (const name of ['One', 'Two']) setup.room.controls.people?.add(name, ['viewer']);
  await setup.signIn('viewer', 'Three');
  expect(() => setup.room.controls.people?.add('Four', ['viewer'])).toThrow(/3 local accounts/);
  expect(setup.notes).toContainEqual(expect.objectContaining({ action: 'sign-in-break-glass', by: 'Three' }));
  expect(setup.logged.map(({ text }) => text)).toContain(
    'a local account was used beside the identity provider',
  );
});

test('who comes back with what the provider never gave has thirty tries, and the provider is asked no more', async () => {
  const client = await new RoomClient(setup.room.origin).open();
  let asked = 0;
  const count = ({ url = '' }: { url?: string }): void => {
    if (url.startsWith('/token')) asked++;
  };
  identity.on('request', count);
  const faults: (string | null)[] = [];
  for (let i = 0; i < 40; i++) {
    const state = new URL(await begin(client)).searchParams.get('state') ?? '';
    const path = `/oidc/callback?code=guessed&state=${state}&iss=${encodeURIComponent(issuer)}`;
    faults.push((await client.get(path)).headers.get('location'));
  }
  identity.off('request', count);
  expect(asked).toBeGreaterThan(5);
  expect(asked).toBeLessThanOrEqual(30);
  expect(faults.slice(30)).toEqual(Array.from({ length: 10 }, () => '/?fault=ERR_ROOM_BRAKE'));
});
