// When a server of the engine is left for another one. `integration/fleet-bus` has real servers.
import { expect, test } from 'vitest';
import { ServerChoice } from '../../../src/fleet/reconnecting.ts';

const SERVERS = ['192.0.2.1:4222', '192.0.2.2:4222', '192.0.2.3:4222'].map((listen) => ({ listen }));

/** A connection to one of three servers, of which none acknowledges anything. */
const begin = () => {
  const left: string[] = [];
  const state = { nowMs: 0, server: SERVERS[0]?.listen ?? '', isConnected: true };
  const choice = new ServerChoice(() => state.nowMs, { onDown: () => void left.push(state.server) });
  const connection = {
    getServer: () => state.server,
    getServers: () => SERVERS,
    rtt: () => (state.isConnected ? Promise.resolve() : Promise.reject(new Error('disconnected'))),
    reconnect: () => {
      state.server = choice.next(SERVERS)?.listen ?? state.server;
      return Promise.resolve();
    },
  };
  const lose = async (nowMs: number): Promise<void> => {
    state.nowMs = nowMs;
    choice.lost(connection);
    await new Promise(setImmediate);
  };
  return { choice, left, lose, state };
};

test('a server is left after twenty seconds, the next ones after twice as long each, and after an acknowledgement after twenty again', async () => {
  const { choice, left, lose } = begin();
  const [one, two] = SERVERS.map(({ listen }) => listen);
  for (const atMs of [0, 19_999]) await lose(atMs);
  expect(left).toEqual([]);
  await lose(20_000);
  expect(left).toEqual([one]);
  for (const atMs of [30_000, 69_999]) await lose(atMs);
  expect(left).toEqual([one]);
  await lose(70_000);
  expect(left).toEqual([one, two]);
  choice.heard();
  for (const atMs of [80_000, 100_000]) await lose(atMs);
  expect(left).toEqual([one, two, one]);
});

test('what one server did not acknowledge is not held against the next, nor the time in which none was connected', async () => {
  const { left, lose, state } = begin();
  await lose(0);
  state.server = SERVERS[1]?.listen ?? '';
  for (const atMs of [20_000, 39_999]) await lose(atMs);
  state.isConnected = false;
  await lose(50_000);
  state.isConnected = true;
  for (const atMs of [60_000, 79_999]) await lose(atMs);
  expect(left).toEqual([]);
  await lose(80_000);
  expect(left).toEqual([SERVERS[1]?.listen]);
});
