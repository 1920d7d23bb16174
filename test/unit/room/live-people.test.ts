// Pages that are open hear of people, links, tokens and sessions that another person changed.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openTestRoom, type TestRoom } from './setup.ts';

let room: TestRoom;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  room = await openTestRoom();
});
afterEach(async () => {
  await room.close();
  vi.useRealTimers();
});

test('each change of a person, a link, a token or a session is told, and no use of these', async () => {
  const client = await room.signIn('administrator');
  const response = await fetch(`${room.room.origin}/api/live`, { headers: { cookie: client.cookieText } });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let told = '';
  void (async () => {
    for (;;) {
      const { done, value = '' } = (await reader?.read()) ?? { done: true };
      if (done) return;
      told += value;
    }
  })();
  const look = async (): Promise<boolean> => {
    told = '';
    // A tick at the latest comes with the fifth look: what is told before it has arrived.
    while (!told.includes('event: tick')) {
      await vi.advanceTimersByTimeAsync(1_000);
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    }
    return told.includes('"people"');
  };
  await look();
  expect(await look()).toBe(false);
  const { people } = room.room.controls;
  const other = await room.signIn('viewer', 'B. Other');
  expect(await look()).toBe(true);
  const found = people?.list().find(({ name }) => name === 'B. Other');
  people?.setRoles(found?.id ?? '', ['auditor']);
  expect(await look()).toBe(true);
  people?.addToken('collector', ['viewer'], 30, { name: 'A. administrator' } as never);
  expect(await look()).toBe(true);
  await other.get('/api/session');
  expect(await look()).toBe(false);
  await other.post('/api/session/end');
  expect(await look()).toBe(true);
});
