// One person stays one person: by two spellings of a name, by another name at the identity provider, by the key of a machine;
// and roles that were taken away are taken away everywhere. A real room, a real register, and a provider that changes its mind.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Account } from '../../../src/base/base.ts';
import { ExemptionService, REGISTER_NAME } from '../../../src/evidence/exemptions/exemptions.ts';
import type { Controls } from '../../../src/people/admin/admin.ts';
import { createExemptionControl, exemptionSettings } from '../../../src/people/controls/exemption-control.ts';
import type { RoomOptions } from '../../../src/people/room/room.ts';
import { hashOf } from '../../../src/people/room/store.ts';
import { type ChangingProvider, openChangingProvider } from '../../support/changing-provider.ts';
import { RoomClient, type RoomReply } from '../../support/room-client.ts';
import { configOf } from '../app/setup.ts';
import { openTestRoom, type TestRoom } from './setup.ts';

const ROLES = [
  { group: 'operators', role: 'operator' },
  { group: 'approvers', role: 'approver' },
  { group: 'admins', role: 'administrator' },
] as const;
const PAPER = {
  grounds: 'law-enforcement',
  justification: 'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
  alternatives: 'Records asked of the company by warrant take weeks.',
  mitigations: ['Two standalone devices on a separate network.'],
  groups: ['lab'],
};
const CONFIG = `
upstreams: ["127.0.0.1:9"]
compliance: { profile: us-federal }
groups: [{ name: default, lists: [tiktok] }, { name: lab, clients: ["127.0.2.0/24"], lists: [tiktok] }]
lists: [{ id: tiktok, shipped: tiktok, mandate: true }]
`;
const MINUTE_MS = 60_000;

let identity: ChangingProvider;
let setup: TestRoom;
let directory: string;

/** A register of exemptions in the directory of the room. */
const openRegister = async (config = CONFIG): Promise<{ controls: Controls; keeper: ExemptionService }> => {
  const settings = configOf(config);
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const keeper = ExemptionService.open({
    ...{ path: join(mkdtempSync(join(directory, 'register-')), REGISTER_NAME), clock: Date.now, log },
    ...{ onEvent: () => undefined, onChange: () => Promise.resolve() },
  });
  await keeper.follow(exemptionSettings(settings));
  onTestFinished(() => keeper.close());
  const surroundings = { config: () => settings, asked: undefined, requireDecisions: () => undefined };
  return { controls: { exemptions: createExemptionControl(keeper, surroundings) }, keeper };
};

const openRoomHere = async (options: Partial<RoomOptions> = {}): Promise<TestRoom> => {
  const opened = await openTestRoom({
    ...{ stateDirectory: directory, provider: identity.settings(ROLES), ...options },
  });
  identity.serve(opened.room.origin);
  return opened;
};

/** The same room with other settings, as after a new start. */
const restart = async (options: Partial<RoomOptions>): Promise<void> => {
  await setup.close();
  setup = await openRoomHere(options);
};

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-one-person-'));
  identity = await openChangingProvider();
  identity.people.set('ada', { name: 'Ada Approver', groups: ['approvers'] });
  identity.people.set('oli', { name: 'Oli Operator', groups: ['operators'] });
  identity.people.set('ann', { name: 'Ann Administrator', groups: ['admins'] });
  identity.people.set('amy', { name: 'Amy Administrator', groups: ['admins'] });
});

afterEach(async () => {
  await setup.close();
  await identity.close();
  rmSync(directory, { recursive: true });
});

const signIn = async (login: string): Promise<RoomClient> => {
  const client = await new RoomClient(setup.room.origin).open();
  const { headers } = await identity.signIn(client, login);
  expect(headers.get('location')).toBe('/lists');
  await client.get('/api/session');
  return client;
};

/** The browser comes from another room with the same cookies: after a new start its port is another one. */
const carry = async (client: RoomClient): Promise<RoomClient> => {
  const carried = new RoomClient(setup.room.origin);
  for (const [name, value] of client.cookies) carried.cookies.set(name, value);
  await carried.get('/api/session');
  return carried;
};

const days = (count: number): string => new Date(Date.now() + count * 86_400_000).toISOString();
const askFor = (client: RoomClient): Promise<RoomReply> =>
  client.post('/api/v1/exemptions', { ...PAPER, until: days(10) });
const approve = (client: RoomClient, id: unknown): Promise<RoomReply> =>
  client.post(`/api/v1/exemptions/${String(id)}/approve`, { role: 'agency-head' });
const codesOf = ({ body }: RoomReply): unknown[] =>
  ((body['problems'] ?? []) as { code: unknown }[]).map(({ code }) => code);
const recorded = (action: string): object[] =>
  setup.notes.filter((note) => note.action === action).map(({ by, reason }) => ({ by, reason }));

describe('who asked for an exemption does not grant it', () => {
  test.each([
    ['one blank less', 'AdaApprover'],
    ['another case', 'ADA APPROVER'],
    ['a letter that looks the same to Unicode', 'Ada\u2003Ａpprover'],
    ['another name', 'Dr. Ada Lovelace'],
  ])('after the provider has given the account %s', async (_, name) => {
    const { controls } = await openRegister();
    setup = await openRoomHere({ controls: () => controls });
    const asked = await askFor(await signIn('ada'));
    expect(asked).toMatchObject({ status: 200, body: { requestedBy: 'Ada Approver' } });
    identity.people.set('ada', { name, groups: ['approvers'] });
    const reply = await approve(await signIn('ada'), asked.body['id']);
    expect([reply.status, codesOf(reply)]).toEqual([422, ['ERR_EXEMPTION_SELF_APPROVAL']]);
    expect(recorded('renamed')).toHaveLength(1);
  });

  test('after the account was removed here and came back', async () => {
    const { controls } = await openRegister();
    setup = await openRoomHere({ controls: () => controls });
    const asked = await askFor(await signIn('ada'));
    const people = setup.room.controls.people;
    people?.remove(people.list().find(({ name }) => name === 'Ada Approver')?.id ?? '');
    identity.people.set('ada', { name: 'Somebody Else', groups: ['approvers'] });
    const reply = await approve(await signIn('ada'), asked.body['id']);
    expect([reply.status, codesOf(reply)]).toEqual([422, ['ERR_EXEMPTION_SELF_APPROVAL']]);
  });

  test('but another person does', async () => {
    const { controls } = await openRegister();
    setup = await openRoomHere({ controls: () => controls });
    const asked = await askFor(await signIn('oli'));
    expect(await approve(await signIn('ada'), asked.body['id'])).toMatchObject({
      status: 200,
      body: {
        ...{ requestedBy: 'Oli Operator', requesterAccount: `oidc:${identity.issuer} oli` },
        ...{ approvedBy: 'Ada Approver', approverAccount: `oidc:${identity.issuer} ada` },
      },
    });
  });

  test('nor does the holder of the key that asked', async () => {
    const { controls } = await openRegister();
    setup = await openRoomHere({ controls: () => controls });
    const client = await signIn('ann');
    const token = { name: 'tickets', roles: ['operator'], days: 1, reason: 'x' };
    const made = await client.post('/api/v1/tokens', token);
    const headers = { authorization: `Bearer ${String(made.body['secret'])}` };
    const machine = new RoomClient(setup.room.origin);
    const asked = await machine.send('POST', '/api/v1/exemptions', { ...PAPER, until: days(10) }, headers);
    expect(asked).toMatchObject({ status: 200, body: { requestedBy: 'token tickets' } });
    identity.people.set('ann', { name: 'Ann', groups: ['approvers'] });
    const reply = await approve(await signIn('ann'), asked.body['id']);
    expect([reply.status, codesOf(reply)]).toEqual([422, ['ERR_EXEMPTION_SELF_APPROVAL']]);
    // The key went with what it was held by.
    const again = await machine.send('GET', '/api/v1/acts', undefined, headers);
    expect(again.status).toBe(401);
    expect(recorded('token-ended')).toEqual([
      { by: 'Ann Administrator', reason: 'its holder is no administrator any more' },
    ]);
  });
});

describe('accounts that the configuration names as one person', () => {
  const persons = (): (readonly Account[])[] => [
    [`oidc:${identity.issuer} ann`, `oidc:${identity.issuer} ada`],
    [`oidc:${identity.issuer} oli`, 'system:1001'],
  ];

  test('do not confirm what they ask for', async () => {
    const { controls } = await openRegister();
    setup = await openRoomHere({ controls: () => controls, persons: persons() });
    identity.people.set('ada', { name: 'Ada Approver', groups: ['admins'] });
    const [ann, ada, amy] = [await signIn('ann'), await signIn('ada'), await signIn('amy')];
    const person = { name: 'N. Ew', roles: ['viewer'], reason: 'new' };
    const asked = await ann.post('/api/v1/people', person);
    const { id } = (asked.body as { pending: { id: string } }).pending;
    const path = `/api/v1/acts/${id}/confirm`;
    expect((await ada.post(path, { reason: 'x' })).body).toMatchObject({ code: 'ERR_ROOM_ROLE' });
    expect((await amy.post(path, { reason: 'x' })).status).toBe(200);
  });

  test('have one sum of what a person does alone, also of what was done before they were named', async () => {
    const status = { isPaused: true, state: 'paused', text: 'x' } as const;
    const pause = {
      status: () => status,
      pause: () => Promise.resolve(status),
      resume: () => Promise.resolve(status),
    };
    const named: (readonly Account[])[] = [];
    setup = await openRoomHere({ controls: () => ({ pause }), persons: named });
    const takeOnHost = (uid: number) => setup.room.spend('pause', `system:${uid}@dns1`, 10 * MINUTE_MS);
    expect(takeOnHost(1001)).toBeDefined();
    named.push(...persons());
    const oli = await signIn('oli');
    expect((await oli.post('/api/v1/pause', { ms: 10 * MINUTE_MS, reason: 'x' })).status).toBe(202);
    expect((await oli.post('/api/v1/pause', { ms: 4 * MINUTE_MS, reason: 'x' })).status).toBe(200);
    expect([takeOnHost(1001), takeOnHost(1002) === undefined]).toEqual([undefined, false]);
  });
});

describe('roles that the provider took away', () => {
  const took = { name: 'Oli Operator', groups: [] };

  test('are gone from older sessions when the person is turned away at the door', async () => {
    setup = await openRoomHere();
    const older = await signIn('oli');
    expect((await older.get('/api/v1/acts')).status).toBe(200);
    identity.people.set('oli', took);
    const { headers } = await identity.signIn(await new RoomClient(setup.room.origin).open(), 'oli');
    expect(headers.get('location')).toBe('/?fault=ERR_ROOM_ROLE');
    expect((await older.get('/api/v1/acts')).status).toBe(401);
    expect(recorded('session-ended')).toEqual([
      { by: 'Oli Operator', reason: 'the account has no role any more' },
    ]);
  });

  test('are gone a minute later, without anybody signing in', async () => {
    setup = await openRoomHere();
    const client = await signIn('oli');
    identity.people.set('oli', took);
    expect((await client.get('/api/v1/acts')).status).toBe(200);
    setup.advance(MINUTE_MS);
    expect((await client.get('/api/v1/acts')).status).toBe(401);
  });

  test('are gone for who only looks: the page and what is live', async () => {
    setup = await openRoomHere();
    const client = await signIn('oli');
    identity.people.set('oli', took);
    setup.advance(MINUTE_MS);
    expect((await client.get('/api/live')).status).toBe(401);
    expect(recorded('session-ended')).toHaveLength(1);
  });

  test('are others a minute later where the groups are others', async () => {
    setup = await openRoomHere();
    const client = await signIn('oli');
    identity.people.set('oli', { name: 'Oli', groups: ['approvers'] });
    setup.advance(MINUTE_MS);
    const { body } = await client.get('/api/session');
    expect(body).toMatchObject({ person: { roles: ['approver'] } });
    expect(recorded('roles-told')).toEqual([{ by: 'Oli Operator', reason: '' }]);
  });

  test('are gone when two of them exclude each other', async () => {
    setup = await openRoomHere();
    const client = await signIn('ann');
    identity.people.set('ann', { name: 'Ann', groups: ['admins', 'approvers'] });
    setup.advance(MINUTE_MS);
    expect((await client.get('/api/v1/acts')).status).toBe(401);
  });

  test('are gone from acts that wait, which end on the record', async () => {
    setup = await openRoomHere();
    const [ann, amy] = [await signIn('ann'), await signIn('amy')];
    const person = { name: 'N. Ew', roles: ['viewer'], reason: 'a colleague' };
    const asked = await ann.post('/api/v1/people', person);
    expect(asked.status).toBe(202);
    const { id } = asked.body['pending'] as { id: string };
    identity.people.set('ann', { name: 'Ann', groups: ['operators'] });
    setup.advance(MINUTE_MS);
    const reply = await amy.post(`/api/v1/acts/${id}/confirm`, { reason: 'welcome' });
    expect([reply.status, reply.body['code']]).toEqual([409, 'ERR_ROOM_ACT']);
    expect(setup.room.controls.people?.list().map(({ name }) => name)).not.toContain('N. Ew');
    expect(setup.room.acts).toMatchObject([{ id, state: 'lapsed' }]);
    expect(recorded('act-lapsed')).toEqual([
      { by: 'Ann Administrator', reason: 'the account that asked may not ask for it any more' },
    ]);
  });

  test('are gone where the access token is over and the provider renews it', async () => {
    await identity.close();
    identity = await openChangingProvider(true);
    identity.people.set('oli', { name: 'Oli Operator', groups: ['operators', 'approvers'] });
    identity.people.set('ann', { name: 'Ann Administrator', groups: ['admins'] });
    setup = await openRoomHere();
    const client = await signIn('oli');
    identity.hasOldTokens = true;
    const roles = async (): Promise<unknown> => {
      setup.advance(MINUTE_MS);
      return ((await client.get('/api/session')).body['person'] as { roles?: unknown } | undefined)?.roles;
    };
    expect(await roles()).toEqual(['operator', 'approver']);
    identity.people.set('oli', { name: 'Oli Operator', groups: ['approvers'] });
    expect(await roles()).toEqual(['approver']);
    identity.people.set('oli', took);
    expect(await roles()).toBeUndefined();
    // Locked there: the session ends, and the roles still count, so that nobody becomes the only administrator by it.
    const ann = await signIn('ann');
    identity.people.delete('ann');
    setup.advance(MINUTE_MS);
    expect((await ann.get('/api/v1/acts')).status).toBe(401);
    expect(setup.room.hasAdministrator).toBe(true);
  });

  test('are not known where the access token is over and nobody renews it', async () => {
    setup = await openRoomHere();
    const client = await signIn('oli');
    Object.assign(identity, { hasOldTokens: true });
    identity.people.set('oli', took);
    setup.advance(29 * MINUTE_MS);
    expect((await client.get('/api/v1/acts')).status).toBe(200);
    setup.advance(29 * MINUTE_MS);
    expect((await client.get('/api/v1/acts')).status).toBe(200);
    setup.advance(2 * MINUTE_MS);
    expect((await client.get('/api/v1/acts')).status).toBe(401);
  });

  test('a provider that is down says nothing for an hour, and then no session stays', async () => {
    setup = await openRoomHere();
    const client = await signIn('oli');
    identity.isDown = true;
    for (let minutes = 0; minutes < 55; minutes += 5) {
      setup.advance(5 * MINUTE_MS);
      expect((await client.get('/api/v1/acts')).status).toBe(200);
    }
    setup.advance(5 * MINUTE_MS);
    expect((await client.get('/api/v1/acts')).status).toBe(401);
    expect(recorded('session-ended')).toEqual([
      { by: 'Oli Operator', reason: 'the identity provider does not vouch for the account any more' },
    ]);
  });

  /** Ann has made a key, and is not at work any more; what a use of it is answered. */
  const keyOfAnn = async (): Promise<() => Promise<number>> => {
    setup = await openRoomHere();
    const ann = await signIn('ann');
    const token = { name: 'siem', roles: ['viewer'], days: 90, reason: 'x' };
    const secret = String((await ann.post('/api/v1/tokens', token)).body['secret']);
    await ann.post('/api/session/end');
    const headers = { authorization: `Bearer ${secret}` };
    return async () =>
      (await new RoomClient(setup.room.origin).send('GET', '/api/v1/acts', undefined, headers)).status;
  };

  test('are gone from a key that is used while its holder is not at work', async () => {
    const use = await keyOfAnn();
    expect(await use()).toBe(200);
    identity.people.set('ann', { name: 'Ann', groups: ['operators'] });
    expect(await use()).toBe(200);
    setup.advance(MINUTE_MS);
    expect(await use()).toBe(401);
    expect(recorded('token-ended')).toEqual([
      { by: 'Ann Administrator', reason: 'its holder is no administrator any more' },
    ]);
  });

  test('a key rests when nobody has vouched for its holder for two weeks, until the next sign-in', async () => {
    await identity.close();
    identity = await openChangingProvider(true);
    identity.people.set('ann', { name: 'Ann Administrator', groups: ['admins'] });
    const use = await keyOfAnn();
    setup.advance(13 * 24 * 60 * MINUTE_MS);
    expect(await use()).toBe(200);
    // Locked, or a login that ran out: what counts is the last sign-in.
    identity.people.delete('ann');
    setup.advance(MINUTE_MS);
    expect(await use()).toBe(200);
    setup.advance(24 * 60 * MINUTE_MS);
    expect(await use()).toBe(401);
    expect(await use()).toBe(401);
    expect(setup.room.controls.people?.tokens()).toMatchObject([{ isResting: true }]);
    // Who looks why a machine gets nothing finds it, once.
    expect(recorded('token-rests')).toEqual([
      { by: 'Ann Administrator', reason: expect.stringContaining('has to sign in') as string },
    ]);
    expect(setup.room.controls.people?.list().map(({ roles }) => roles)).toEqual([['administrator']]);
    identity.people.set('ann', { name: 'Ann Administrator', groups: ['admins'] });
    await signIn('ann');
    expect(setup.room.controls.people?.tokens()).toMatchObject([{ isResting: false }]);
    expect(await use()).toBe(200);
    expect(recorded('token-ended')).toEqual([]);
  });

  test('an act of somebody of whom the provider has not spoken lately waits for the next sign-in', async () => {
    setup = await openRoomHere();
    const ann = await signIn('ann');
    const amy = await signIn('amy');
    const person = { name: 'N. Ew', roles: ['viewer'], reason: 'a colleague' };
    const { id } = (await ann.post('/api/v1/people', person)).body['pending'] as { id: string };
    // Locked there: no token of hers says anything any more.
    identity.people.delete('ann');
    setup.advance(61 * MINUTE_MS);
    const later = await signIn('amy');
    expect((await amy.get('/api/v1/acts')).status).toBe(401);
    const reply = await later.post(`/api/v1/acts/${id}/confirm`, { reason: 'welcome' });
    expect([reply.status, reply.body['code']]).toEqual([409, 'ERR_ROOM_ACT']);
    expect(setup.room.acts).toMatchObject([{ id, state: 'waiting' }]);
    identity.people.set('ann', { name: 'Ann Administrator', groups: ['admins'] });
    await signIn('ann');
    expect(await later.post(`/api/v1/acts/${id}/confirm`, { reason: 'welcome' })).toMatchObject({
      status: 200,
      body: { status: 200 },
    });
  });
});

describe('what the configuration took away', () => {
  /** Ann asks for something that Amy could confirm, and has made a key. */
  const begin = async () => {
    setup = await openRoomHere();
    const ann = await signIn('ann');
    const token = { name: 'siem', roles: ['viewer'], days: 30, reason: 'x' };
    const headers = {
      authorization: `Bearer ${String((await ann.post('/api/v1/tokens', token)).body['secret'])}`,
    };
    await signIn('amy');
    const person = { name: 'N. Ew', roles: ['viewer'], reason: 'a colleague' };
    expect((await ann.post('/api/v1/people', person)).status).toBe(202);
    const byKey = () => new RoomClient(setup.room.origin).send('GET', '/api/v1/acts', undefined, headers);
    expect((await byKey()).status).toBe(200);
    return { ann, byKey };
  };

  test('with the provider: its people, their sessions, acts and keys', async () => {
    const { ann, byKey } = await begin();
    await restart({ provider: undefined });
    expect((await (await carry(ann)).get('/api/v1/acts')).status).toBe(401);
    expect((await byKey()).status).toBe(401);
    expect(setup.room.acts).toMatchObject([{ state: 'lapsed' }]);
    expect(setup.room.hasAdministrator).toBe(false);
    expect(setup.notes.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['session-ended', 'act-lapsed', 'token-ended', 'setup-link']),
    );
    expect(setup.room.controls.people?.list().map(({ roles }) => roles)).toEqual([[], []]);
  });

  test('with the group that gave a role', async () => {
    const { ann, byKey } = await begin();
    await restart({ provider: identity.settings([{ group: 'chiefs', role: 'administrator' }]) });
    expect((await (await carry(ann)).get('/api/v1/acts')).status).toBe(401);
    expect((await byKey()).status).toBe(401);
    expect(setup.room.acts).toMatchObject([{ state: 'lapsed' }]);
  });

  test('with another provider, whose subjects are other people', async () => {
    const { ann } = await begin();
    const other = await openChangingProvider();
    await restart({ provider: other.settings(ROLES) });
    expect((await (await carry(ann)).get('/api/v1/acts')).status).toBe(401);
    await other.close();
  });

  test('and nothing of what it left', async () => {
    const { ann, byKey } = await begin();
    await restart({});
    expect((await (await carry(ann)).get('/api/v1/acts')).status).toBe(200);
    expect((await byKey()).status).toBe(200);
    expect(setup.room.acts).toMatchObject([{ state: 'waiting' }]);
    expect(setup.notes).toEqual([]);
  });
});

describe('a store of an earlier version', () => {
  const NOW_MS = Date.now();
  const oidc = (subject: string, name: string, roles: string[], issuer = identity.issuer) => ({
    ...{ name, roles, kind: 'oidc', subject: `${issuer} ${subject}`, createdMs: NOW_MS, signedInMs: NOW_MS },
  });
  const SECRET = 'cordon_'.padEnd(50, 'x');
  const COOKIE = 'c'.repeat(43);

  /** As versions wrote it that knew neither accounts nor what gave a role. */
  const write = (rows: readonly (readonly [kind: string, key: string, body: object])[]): void => {
    const database = new DatabaseSync(join(directory, 'room.db'));
    database.exec(
      'PRAGMA application_id = 1129464914; PRAGMA user_version = 1; CREATE TABLE rows (kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT;',
    );
    const put = database.prepare('INSERT INTO rows VALUES (?, ?, ?)');
    for (const [kind, key, body] of rows) put.run(kind, key, JSON.stringify(body));
    database.close();
  };

  const token = (by: string) => ({
    ...{ id: 't-0123456789ab', name: 'siem', roles: ['operator'], by },
    ...{ createdMs: NOW_MS, endsMs: NOW_MS + 86_400_000 },
  });
  const byKey = (method: string, path: string, body?: object) =>
    new RoomClient(setup.room.origin).send(method, path, body, { authorization: `Bearer ${SECRET}` });

  test('gives everybody an account, the roles that some group still gives, and no session', async () => {
    write([
      ['person', 'p-00000000000a', oidc('ann', 'Ann Administrator', ['administrator'])],
      ['person', 'p-00000000000b', oidc('oli', 'Oli Operator', ['operator', 'auditor'])],
      ['person', 'p-00000000000c', oidc('x', 'Of Another', ['operator'], 'https://other.example')],
      ['person', 'p-00000000000d', { name: 'Lou Local', roles: ['viewer'], kind: 'local', createdMs: 1 }],
      [
        ...(['session', hashOf(COOKIE)] as const),
        {
          ...{ id: 's-0123456789ab', person: 'p-00000000000b', by: 'oidc', from: '127.0.0.1' },
          ...{ startedMs: NOW_MS, seenMs: NOW_MS, provenMs: NOW_MS },
        },
      ],
    ]);
    setup = await openRoomHere();
    expect(setup.room.controls.people?.list().map(({ account, roles }) => [account, roles])).toEqual([
      [`oidc:${identity.issuer} ann`, ['administrator']],
      [`oidc:${identity.issuer} oli`, ['operator']],
      ['oidc:https://other.example x', []],
      ['local:p-00000000000d', ['viewer']],
    ]);
    const client = new RoomClient(setup.room.origin);
    client.cookies.set('cordon', COOKIE);
    expect((await client.get('/api/v1/acts')).status).toBe(401);
    expect(recorded('session-ended')).toEqual([
      { by: 'Oli Operator', reason: 'the identity provider does not vouch for the account any more' },
    ]);
    // Who signs in is the one whose row it is.
    await signIn('oli');
    expect(setup.room.controls.people?.list()).toHaveLength(4);
  });

  test('has keys that go on while who made them is there, and whose requests nobody can approve', async () => {
    write([
      ['person', 'p-00000000000a', oidc('ann', 'Ann Administrator', ['administrator'])],
      ['token', hashOf(SECRET), token('Ann Administrator')],
    ]);
    const { controls } = await openRegister();
    setup = await openRoomHere({ controls: () => controls });
    const asked = await byKey('POST', '/api/v1/exemptions', { ...PAPER, until: days(10) });
    expect(asked.status).toBe(200);
    const reply = await approve(await signIn('ada'), asked.body['id']);
    expect([reply.status, codesOf(reply)]).toEqual([422, ['ERR_EXEMPTION_SELF_APPROVAL']]);
    expect(String(reply.body['detail'])).toContain('cannot be told apart from who requested it');
  });

  test('has no keys of people who left', async () => {
    write([['token', hashOf(SECRET), token('Gone Long Ago')]]);
    setup = await openRoomHere();
    expect((await byKey('GET', '/api/v1/acts')).status).toBe(401);
    expect(recorded('token-ended')).toEqual([{ by: 'Gone Long Ago', reason: 'its holder was removed' }]);
  });

  test('has an act that another one confirms, once the provider has spoken of who asked', async () => {
    const act = {
      ...{ operation: 'addPerson', parameters: {}, from: '127.0.0.1', reason: 'x', state: 'waiting' },
      body: { name: 'N. Ew', roles: ['viewer'], reason: 'x' },
      ...{ by: 'Ann Administrator', byId: 'p-00000000000a', roles: ['administrator'] },
      ...{ confirmRoles: ['administrator'], askedMs: NOW_MS, endsMs: NOW_MS + 86_400_000 },
    };
    write([
      ['person', 'p-00000000000a', oidc('ann', 'Ann Administrator', ['administrator'])],
      ['person', 'p-00000000000b', oidc('amy', 'Amy Administrator', ['administrator'])],
      ['act', 'a-0123456789ab', act],
    ]);
    setup = await openRoomHere();
    const confirm = (client: RoomClient) =>
      client.post('/api/v1/acts/a-0123456789ab/confirm', { reason: 'x' });
    const amy = await signIn('amy');
    expect((await confirm(amy)).status).toBe(409);
    identity.people.set('ann', { name: 'Ann Renamed', groups: ['admins'] });
    const ann = await signIn('ann');
    expect((await confirm(ann)).status).toBe(403);
    expect(await confirm(amy)).toMatchObject({ status: 200, body: { status: 200 } });
  });
});

test('a link that makes an administrator is a record, and so is whose link it was', async () => {
  setup = await openRoomHere({ provider: undefined });
  expect(recorded('setup-link')).toEqual([{ by: 'cordon', reason: '' }]);
  const by = { name: 'root', account: 'system:0@dns1' } as const;
  const link = setup.room.controls.people?.createSetupLink(by);
  expect(setup.notes).toContainEqual({
    ...{ action: 'setup-link', by: 'root', reason: '' },
    detail: { account: 'system:0@dns1', until: link?.expiresAt },
  });
  const client = await new RoomClient(setup.room.origin).open();
  await client.enrol(link?.url ?? '', 'A. Second', 'four words without any sense');
  expect(setup.notes.find(({ action }) => action === 'enrol')).toMatchObject({
    by: 'A. Second',
    detail: { roles: ['administrator'], madeBy: 'system:0@dns1' },
  });
});
