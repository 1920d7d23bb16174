// Changing how one signs in oneself: with proof, without losing the last way in, and so that nothing old opens anything.
import { expect, test } from 'vitest';
import { codeOf, RoomClient } from '../../support/room-client.ts';
import { openTestRoom, PASSWORD } from './setup.ts';

const OTHER = 'another four words of no sense';
const NAME = 'O. Ne';

test("a password and an app of one's own take the place of those before, and other sessions end", async () => {
  const local = await openTestRoom();
  try {
    const client = await local.signIn('operator', NAME);
    const elsewhere = await new RoomClient(local.room.origin).open();
    const old = await client.get('/api/session/keys');
    expect(old.body).toEqual({ isLocal: true, hasPassword: true, passkeys: [] });
    const { body } = await client.post('/api/session/keys/password', { password: OTHER });
    const secret = String(body['secret']);
    // Until the app was shown to work, nothing has changed.
    expect((await client.post('/api/session/keys/password/confirm', { code: '000000' })).status).toBe(401);
    const confirmed = await client.post('/api/session/keys/password/confirm', { code: codeOf(secret) });
    expect(confirmed.status).toBe(200);
    const signIn = (password: string) =>
      elsewhere.post('/api/session/password', { name: NAME, password, code: codeOf(secret, 1) });
    expect((await signIn(PASSWORD)).status).toBe(401);
    expect((await signIn(OTHER)).status).toBe(200);
    // Once used, the proposal is gone.
    expect(
      (await client.post('/api/session/keys/password/confirm', { code: codeOf(secret, 1) })).status,
    ).toBe(401);
    // And whoever was signed in elsewhere is out, but not who did it.
    const { body: again } = await client.post('/api/session/keys/password', { password: PASSWORD });
    const code = codeOf(String(again['secret']));
    expect((await client.post('/api/session/keys/password/confirm', { code })).status).toBe(200);
    expect((await elsewhere.get('/api/session')).body['signedIn']).toBe(false);
    expect((await client.get('/api/session')).body['signedIn']).toBe(true);
    expect(local.notes.filter(({ action }) => action === 'keys-changed')).toHaveLength(2);
    expect(JSON.stringify(local.notes)).not.toContain(OTHER);
  } finally {
    await local.close();
  }
});

test('nobody does it without proof, with a bad password, or with a passkey of somebody else', async () => {
  const local = await openTestRoom();
  try {
    const client = await local.signIn('operator', NAME);
    const codeIn = async (path: string, body: object) => (await client.post(path, body)).body['code'];
    expect(await codeIn('/api/session/keys/password', { password: `${NAME} and more words` })).toBe(
      'ERR_ROOM_PASSWORD',
    );
    expect((await client.post('/api/session/keys/password', { password: 'short' })).status).toBe(400);
    expect(await codeIn('/api/session/keys/remove', { id: 'x' })).toBe('ERR_ROOM_UNKNOWN');
    local.advance(6 * 60_000);
    for (const [path, body] of [
      ['/api/session/keys/password', { password: OTHER }],
      ['/api/session/keys/password/confirm', { code: '000000' }],
      ['/api/session/keys/passkey/options', {}],
      ['/api/session/keys/remove', { id: 'x' }],
    ] as const)
      expect([path, await codeIn(path, body)]).toEqual([path, 'ERR_ROOM_STEP_UP']);
    const nobody = await new RoomClient(local.room.origin).open();
    expect((await nobody.get('/api/session/keys')).status).toBe(401);
  } finally {
    await local.close();
  }
});

test('a proposal is over after a quarter of an hour, and opens nothing as a link', async () => {
  const local = await openTestRoom();
  try {
    const added = local.room.controls.people?.add(NAME, ['operator']);
    const client = await new RoomClient(local.room.origin).open();
    const old = await client.enrol(added?.link.url ?? '', NAME, PASSWORD);
    const { body } = await client.post('/api/session/keys/password', { password: OTHER });
    const me = (await client.get('/api/session')).body['person'] as { readonly id: string };
    const stranger = await new RoomClient(local.room.origin).open();
    expect((await stranger.post('/api/setup', { token: `own ${me.id}` })).body['code']).toBe(
      'ERR_ROOM_TOKEN',
    );
    local.advance(16 * 60_000);
    expect((await client.post('/api/session/step-up', { code: codeOf(old, 32) })).status).toBe(200);
    const late = await client.post('/api/session/keys/password/confirm', {
      code: codeOf(String(body['secret']), 32),
    });
    expect(late.body['code']).toBe('ERR_ROOM_CREDENTIALS');
  } finally {
    await local.close();
  }
});
