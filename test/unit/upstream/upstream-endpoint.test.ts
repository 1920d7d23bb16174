import { expect, test } from 'vitest';
import type { Endpoint } from '../../../src/base/base.ts';
import type { UdpChannel } from '../../../src/resolver/upstream/udp-channel.ts';
import { OwnPorts } from '../../../src/resolver/upstream/upstream.ts';
import { UpstreamEndpoint } from '../../../src/resolver/upstream/upstream-endpoint.ts';
import { datagramKind } from '../../../src/wire/datagram/datagram.ts';
import { ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { deadEndpoint, openUpstream, plainServer } from './setup.ts';

const ignore = (): void => {};
/** The root. */
const NAME = Uint8Array.of(0);

const setUp = async (address?: Endpoint) => {
  const upstream = await openUpstream();
  const lost: UdpChannel<string>[] = [];
  const ownPorts = new OwnPorts();
  const health: boolean[] = [];
  const time = { nowMs: 1_000_000 };
  const endpoint = new UpstreamEndpoint<string>(plainServer(address ?? upstream.endpoint), 0, {
    clock: () => time.nowMs,
    observer: {
      sent: ignore,
      answered: ignore,
      failed: ignore,
      unwanted: ignore,
      nearMiss: ignore,
      guarded: ignore,
      silentZone: ignore,
      healthy: (_index, isHealthy) => health.push(isHealthy),
      hedged: ignore,
    },
    ownPorts,
    tryTimeoutMs: 1_000,
    outstandingMax: 100,
    cookieSecret: undefined,
    mixedCase: false,
    listener: {
      datagram: ignore,
      channelFault: (channel) => lost.push(channel),
      message: ignore,
      fault: ignore,
    },
  });
  return { upstream, lost, ownPorts, health, time, endpoint };
};

/** Sends a query of one byte, which is enough for whoever counts them. */
const post = (channel: UdpChannel<string>, id: number, waiter: string, byte: number): void => {
  channel.reserve()[0] = byte;
  channel.send(id, waiter, 1);
};

test('channel() gives up a socket after a minute at most, also on a quiet network', async () => {
  const { endpoint, time } = await setUp();
  const old = endpoint.channel(3);
  time.nowMs += 30_000;
  expect(endpoint.channel(3)).toBe(old);
  time.nowMs += 30_001;
  expect(endpoint.channel(3)).not.toBe(old);
  endpoint.close();
});

test('channel() gives up a socket after 10,000 queries and closes it when nothing waits on it', async () => {
  const { endpoint, upstream, ownPorts } = await setUp();
  const old = endpoint.channel(3);
  post(old, 7, 'waiter', 1);
  await expect.poll(() => upstream.count()).toBe(1);
  const port = upstream.queries[0]?.port ?? 0;
  old.sentCount = 9_999;
  expect(endpoint.channel(3)).toBe(old);
  old.sentCount = 10_000;
  const fresh = endpoint.channel(3);
  expect(fresh).not.toBe(old);
  expect(endpoint.channel(11)).toBe(fresh);
  expect(ownPorts.has(port)).toBe(true);
  old.release(7);
  expect(ownPorts.has(port)).toBe(false);
  endpoint.close();
});

test('noteFault() makes an endpoint unhealthy at the third fault in a row, noteAnswer() well again', async () => {
  const { endpoint, health } = await setUp();
  endpoint.noteFault();
  endpoint.noteFault();
  endpoint.noteAnswer(NAME, 1, false);
  endpoint.noteFault();
  endpoint.noteFault();
  expect(health).toEqual([]);
  endpoint.noteFault();
  endpoint.noteFault();
  expect(health).toEqual([false]);
  endpoint.noteAnswer(NAME, 1, false);
  endpoint.noteAnswer(NAME, 1, false);
  expect(health).toEqual([false, true]);
});

test('takeProbe() allows one probe in two seconds, only to an unhealthy endpoint', async () => {
  const { endpoint, time } = await setUp();
  time.nowMs += 60_000;
  expect(endpoint.takeProbe()).toBe(false);
  for (let i = 0; i < 3; i++) endpoint.noteFault();
  const taken: boolean[] = [];
  for (const stepMs of [1_999, 1, 0, 1_999, 1, -3_600_000, 1_999]) {
    time.nowMs += stepMs;
    taken.push(endpoint.takeProbe());
  }
  expect(taken).toEqual([false, true, false, false, true, true, false]);
});

test('channel() opens a new socket after a fault, which is reported once with what waited', async () => {
  const { endpoint, lost } = await setUp(await deadEndpoint());
  const channel = endpoint.channel(0);
  for (const id of [1, 2, 3]) post(channel, id, `waiter ${id}`, id);
  await expect.poll(() => lost).toEqual([channel]);
  expect([...channel.waiting.values()]).toEqual(['waiter 1', 'waiter 2', 'waiter 3']);
  expect(endpoint.channel(0)).not.toBe(channel);
  endpoint.close();
});

test('freeId() passes over the IDs that wait', async () => {
  const { endpoint } = await setUp();
  const channel = endpoint.channel(0);
  for (const id of [5, 6]) post(channel, id, 'waiter', id);
  const numbers = [5, 6, 5, 9];
  expect(channel.freeId({ next: () => numbers.shift() ?? 0 })).toBe(9);
  channel.release(5);
  expect(channel.freeId({ next: () => 5 })).toBe(5);
  channel.close();
});

test('channel() keeps queries of one turn on a socket, up to 16, where they leave together', async () => {
  const { endpoint, upstream } = await setUp();
  for (const slot of [1, 2]) post(endpoint.channel(slot), slot, 'waiter', slot);
  await expect.poll(() => upstream.count()).toBe(2);
  const [first, second] = [endpoint.channel(1), endpoint.channel(2)];
  expect(first).not.toBe(second);
  // Nothing was sent in this turn, so that each random number counts.
  const seen: UdpChannel<string>[] = [];
  for (let i = 0; i < 17; i++) {
    const channel = endpoint.channel(i === 0 ? 1 : 2);
    seen.push(channel);
    post(channel, 100 + i, 'waiter', i);
  }
  const shared = datagramKind().isBatched ? 16 : 1;
  expect(seen).toEqual([...Array(shared).fill(first), ...Array(17 - shared).fill(second)]);
  await expect.poll(() => upstream.count()).toBe(19);
  expect(endpoint.channel(1)).toBe(first);
  endpoint.close();
});

test('a channel reports a fault once when its upstream dies, and closes its port', async () => {
  const upstream = await ScriptedUpstream.open();
  const { endpoint, lost, ownPorts } = await setUp(upstream.endpoint);
  const channel = endpoint.channel(0);
  post(channel, 1, 'waiter', 1);
  await expect.poll(() => upstream.count()).toBe(1);
  const port = upstream.queries[0]?.port ?? 0;
  expect(ownPorts.has(port)).toBe(true);
  await upstream.close();
  for (let id = 2; id < 100; id++) post(channel, id, 'waiter', id);
  await expect.poll(() => lost.length).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(lost).toEqual([channel]);
  expect(channel.waiting.size).toBe(99);
  expect(ownPorts.has(port)).toBe(false);
});

test('a channel that is closed while its socket opens leaves no port behind', async () => {
  const { endpoint, ownPorts } = await setUp();
  const channel = endpoint.channel(0);
  post(channel, 1, 'waiter', 1);
  channel.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const left = Array.from({ length: 65_536 }, (_, port) => port).filter((port) => ownPorts.has(port));
  expect(left).toEqual([]);
});
