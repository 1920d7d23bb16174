// One person against the rules that two are for: again and again, at the same time, under other spellings, from other
// addresses. Over real sockets.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localAccount } from '../../../src/base/base.ts';
import type { Controls } from '../../../src/people/admin/admin.ts';
import { codeOf, RoomClient, type RoomReply } from '../../support/room-client.ts';
import { openTestRoom, PASSWORD, type TestRoom } from './setup.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Of an authenticator app. */
const PERIODS_A_DAY = DAY_MS / 30_000;

/** A program whose refusals can be suspended. */
const pausing = (): { readonly asked: number[]; readonly by: string[]; controls(): Controls } => {
  const asked: number[] = [];
  const by: string[] = [];
  const status = { isPaused: true, state: 'paused', text: 'x' } as const;
  const pause = {
    status: () => status,
    pause: (ms: number, who: string) => {
      asked.push(ms);
      by.push(who);
      return Promise.resolve(status);
    },
    resume: () => Promise.resolve(status),
  };
  return { asked, by, controls: () => ({ pause }) };
};

const codeIn = ({ status, body }: RoomReply): unknown[] => [status, body['code']];

describe('what one person may do alone is summed', () => {
  test('a pause of 15 minutes is not asked for again and again', async () => {
    const { asked, controls } = pausing();
    const local = await openTestRoom({ controls });
    try {
      const client = await local.signIn('operator');
      const pause = (ms: number) => client.post('/api/v1/pause', { ms, reason: 'x' });
      expect((await pause(900_000)).status).toBe(200);
      for (let round = 0; round < 5; round++) expect((await pause(900_000)).status).toBe(202);
      expect((await pause(1)).status).toBe(202);
      expect(asked).toEqual([900_000]);
    } finally {
      await local.close();
    }
  });

  test('what two did has the names of both, wherever it is told', async () => {
    const { by, controls } = pausing();
    const local = await openTestRoom({ controls });
    try {
      const [one, other] = [
        await local.signIn('operator', 'O. Ne'),
        await local.signIn('approver', 'O. Ther'),
      ];
      const { body } = await one.post('/api/v1/pause', { ms: 1_800_000, reason: 'x' });
      const { id } = body['pending'] as { readonly id: string };
      expect((await other.post(`/api/v1/acts/${id}/confirm`, { reason: 'seen' })).status).toBe(200);
      expect(by).toEqual(['O. Ne, confirmed by O. Ther']);
    } finally {
      await local.close();
    }
  });

  test('in small pieces, at the same time, and after what was asked for failed', async () => {
    const { asked, controls } = pausing();
    const local = await openTestRoom({ controls });
    try {
      const client = await local.signIn('operator');
      const pause = (ms: number) => client.post('/api/v1/pause', { ms, reason: 'x' });
      const replies = await Promise.all(Array.from({ length: 8 }, () => pause(4 * MINUTE_MS)));
      expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 202, 202, 202, 202, 202]);
      expect(asked.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(15 * MINUTE_MS);
    } finally {
      await local.close();
    }
  });

  test('a day later it begins anew, and what another one did is not counted', async () => {
    const { controls } = pausing();
    const local = await openTestRoom({ controls });
    try {
      const [one, other] = [
        await local.signIn('operator', 'O. Ne'),
        await local.signIn('operator', 'O. Ther'),
      ];
      const body = { ms: 900_000, reason: 'x' };
      expect((await one.post('/api/v1/pause', body)).status).toBe(200);
      expect((await other.post('/api/v1/pause', body)).status).toBe(200);
      expect((await one.post('/api/v1/pause', body)).status).toBe(202);
      expect(local.room.acts.map(({ operation, state }) => [operation, state])).toEqual([
        ['pause', 'waiting'],
      ]);
      local.advance(DAY_MS);
      const again = await new RoomClient(local.room.origin).open();
      expect(codeIn(await again.post('/api/v1/pause', body))).toEqual([401, 'ERR_ROOM_SIGN_IN']);
      const { people } = local.room.controls;
      const id = people?.list().find(({ name }) => name === 'O. Ne')?.id ?? '';
      await again.enrol(people?.enrol(id).url ?? '', 'O. Ne', PASSWORD, PERIODS_A_DAY);
      expect((await again.post('/api/v1/pause', body)).status).toBe(200);
    } finally {
      await local.close();
    }
  });

  test('keys of configuration of a whole fleet are no matter of one administrator', async () => {
    const overlays: string[] = [];
    const fleet = { overlay: ({ yaml }: { yaml: string }) => void overlays.push(yaml) };
    const local = await openTestRoom({ controls: () => ({ fleet }) as unknown as Controls });
    try {
      const client = await local.signIn('administrator');
      const body = { for: 'all', yaml: 'groups: [{ name: default, lists: [] }]', reason: 'x' };
      const reply = await client.post('/api/v1/fleet/overlay', body);
      expect(reply.body).toMatchObject({ pending: { confirmRoles: ['approver'] } });
      expect(overlays).toEqual([]);
    } finally {
      await local.close();
    }
  });

  test('the one administrator sets up alone for a day, and then takes away alone but gives nothing', async () => {
    const local = await openTestRoom();
    try {
      const admin = await local.signIn('administrator');
      const add = (name: string, client = admin) =>
        client.post('/api/v1/people', { name, roles: ['viewer'], reason: 'x' });
      expect((await add('F. Irst')).status).toBe(200);
      local.advance(DAY_MS);
      const { people } = local.room.controls;
      const id = people?.list().find(({ roles }) => roles.includes('administrator'))?.id ?? '';
      const again = await new RoomClient(local.room.origin).open();
      await again.enrol(people?.enrol(id).url ?? '', 'A. administrator', PASSWORD, PERIODS_A_DAY);
      expect(codeIn(await add('S. Econd', again))).toEqual([409, 'ERR_ROOM_ACT']);
      const token = { name: 'x', roles: ['approver'], days: 1, reason: 'x' };
      expect(codeIn(await again.post('/api/v1/tokens', token))).toEqual([409, 'ERR_ROOM_ACT']);
      const first = people?.list().find(({ name }) => name === 'F. Irst')?.id ?? '';
      for (const [path, body] of [
        ['roles', { roles: ['approver'], reason: 'x' }],
        ['enrol', { reason: 'x' }],
      ] as const) {
        const reply = await again.post(`/api/v1/people/${first}/${path}`, body);
        expect([path, ...codeIn(reply)]).toEqual([path, 409, 'ERR_ROOM_ACT']);
      }
      expect((await again.post(`/api/v1/people/${first}/remove`, { reason: 'left' })).status).toBe(200);
    } finally {
      await local.close();
    }
  });

  test('an only administrator who takes all other accounts away makes no first day', async () => {
    const local = await openTestRoom();
    try {
      const { people } = local.room.controls;
      const old = people?.add('O. Ld', ['approver']).person.id ?? '';
      local.advance(DAY_MS);
      const added = people?.add('N. Ewcomer', ['administrator']);
      const client = await new RoomClient(local.room.origin).open();
      await client.enrol(added?.link.url ?? '', 'N. Ewcomer', PASSWORD, PERIODS_A_DAY);
      expect((await client.post(`/api/v1/people/${old}/remove`, { reason: 'left' })).status).toBe(200);
      const person = { name: 'P. Uppet', roles: ['approver'], reason: 'x' };
      expect(codeIn(await client.post('/api/v1/people', person))).toEqual([409, 'ERR_ROOM_ACT']);
    } finally {
      await local.close();
    }
  });
});

describe('guessing is counted by account and by network', () => {
  let setup: TestRoom;
  beforeAll(async () => {
    setup = await openTestRoom();
  });
  afterAll(async () => {
    await setup.close();
  });
  const guess = async (name: string): Promise<number> => {
    const client = await new RoomClient(setup.room.origin).open();
    const body = { name, password: 'wrong wrong wrong', code: '123456' };
    return (await client.post('/api/session/password', body)).status;
  };

  test('blanks and letters make no other account', async () => {
    await setup.signIn('viewer', 'M. Oving');
    const names = ['M. Oving', 'm. oving', 'm.oving', 'M .Oving', ' M . O v i n g', 'm. ov ing', 'ｍ.oving'];
    const statuses: number[] = [];
    for (const name of names) statuses.push(await guess(name));
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });

  test('tries at the same time are tries', async () => {
    await setup.signIn('viewer', 'P. Arallel');
    const statuses = await Promise.all(Array.from({ length: 12 }, () => guess('P. Arallel')));
    expect(statuses.filter((status) => status === 401)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(7);
  });
});

describe('what was read before a wait is looked at again', () => {
  test('two who use the one set-up link at the same time are one administrator', async () => {
    for (let round = 0; round < 4; round++) {
      const local = await openTestRoom();
      try {
        const line = local.logged.find(({ text }) => text.startsWith('nobody is administrator'));
        const token = String((line?.fields as { url?: string } | undefined)?.url).split('#')[1] ?? '';
        const [one, other] = [
          await new RoomClient(local.room.origin).open(),
          await new RoomClient(local.room.origin).open(),
        ];
        const ask = (client: RoomClient, name: string) =>
          client.post('/api/setup/password', { token, name, password: PASSWORD });
        const confirm = (client: RoomClient, { body }: RoomReply) =>
          client.post('/api/setup/confirm', { token, code: codeOf(String(body['secret'])) });
        const first = await ask(one, 'O. Ne');
        // The second asks while the first confirms: what it writes comes after the link was used up.
        const [late] = await Promise.all([ask(other, 'O. Ther'), confirm(one, first)]);
        if (late.status === 200) await confirm(other, late);
        const people = local.room.controls.people?.list() ?? [];
        expect(people.filter(({ roles }) => roles.includes('administrator'))).toHaveLength(1);
      } finally {
        await local.close();
      }
    }
  });
});

test('by one link ten passwords are chosen, each a hash', async () => {
  const local = await openTestRoom();
  try {
    const line = local.logged.find(({ text }) => text.startsWith('nobody is administrator'));
    const token = String((line?.fields as { url?: string } | undefined)?.url).split('#')[1] ?? '';
    const client = await new RoomClient(local.room.origin).open();
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++) {
      const sent = await client.post('/api/setup/password', { token, name: 'O. Ne', password: PASSWORD });
      statuses.push(sent.status);
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 429]);
  } finally {
    await local.close();
  }
}, 60_000);

describe('a header does not switch off what keeps forged requests out', () => {
  test.each([
    ['Bearer x', 401, 'ERR_ROOM_SIGN_IN'],
    ['bearer', 401, 'ERR_ROOM_SIGN_IN'],
    ['Basic eDp5', 403, 'ERR_ROOM_CSRF'],
    ['x', 403, 'ERR_ROOM_CSRF'],
  ])('%s beside a cookie does nothing in its name', async (header, status, code) => {
    const local = await openTestRoom();
    try {
      const client = await local.signIn('operator');
      const headers = { authorization: header, 'x-csrf-token': '' };
      const reply = await client.send('POST', '/api/v1/pause', { ms: 1, reason: 'x' }, headers);
      expect(codeIn(reply)).toEqual([status, code]);
      const end = await client.send('POST', '/api/session/end', {}, headers);
      expect(codeIn(end)).toEqual([403, 'ERR_ROOM_CSRF']);
      expect((await client.get('/api/v1/acts')).status).toBe(200);
    } finally {
      await local.close();
    }
  });

  test('a token beside a cookie acts as the machine, and the session stays', async () => {
    const local = await openTestRoom();
    try {
      const client = await local.signIn('operator');
      const { people } = local.room.controls;
      const maker = people?.add('M. Aker', ['administrator']).person;
      const by = { name: 'M. Aker', account: localAccount(maker?.id ?? '') };
      const token = people?.addToken('m', ['viewer'], 1, by).secret ?? '';
      const headers = { authorization: `Bearer ${token}`, 'x-csrf-token': '' };
      expect((await client.send('POST', '/api/v1/resume', {}, headers)).status).toBe(403);
      expect(codeIn(await client.send('POST', '/api/session/end', {}, headers))).toEqual([
        403,
        'ERR_ROOM_CSRF',
      ]);
      expect((await client.get('/api/v1/acts')).status).toBe(200);
    } finally {
      await local.close();
    }
  });
});
