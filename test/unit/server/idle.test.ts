// Idle TCP connections end by the caller's clock; bytes of an unfinished query do not count as life.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConnectionBudget } from '../../../src/resolver/server/connection-budget.ts';
import type { StreamListener } from '../../../src/resolver/server/stream.ts';
import { claimEndpoint } from '../../../src/resolver/workers/claim.ts';
import { buildQuery } from '../../support/records.ts';
import { frame } from '../../support/scripted-upstream.ts';
import { Bench } from '../pipeline/setup.ts';

const IDLE_MS = 10_000;
/** The listener looks once a second. */
const SWEEP_MS = 1000;

let nowMs = 0;
let listener: StreamListener;
let socket: Socket;
let isClosed = false;
let closed: Promise<void>;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  nowMs = 1_000_000;
  isClosed = false;
  const { port } = await claimEndpoint({ address: '127.0.0.1', port: 0, family: 4 });
  const limits = {
    connectionsMax: 4,
    connectionsPerClientMax: 4,
    connectionsPerNetworkMax: 4,
    idleMs: IDLE_MS,
  };
  // With a timer of looks of its own, which no other test of this process has begun.
  vi.resetModules();
  const stream = await import('../../../src/resolver/server/stream.ts');
  listener = await stream.StreamListener.open({
    endpoint: { address: '127.0.0.1', port, family: 4 },
    name: 'idle',
    shared: false,
    pipeline: new Bench({ lists: [['tiktok.example']] }).pipeline,
    budget: new ConnectionBudget(limits, {
      setTcpConnections: () => {},
      setTcpUnread: () => {},
      tcpRefused: () => {},
      tcpClosed: () => {},
    }),
    clock: () => nowMs,
    mayAsk: () => true,
  });
  socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  // A connection that is cut while bytes are on their way ends with a reset: only that it ends matters.
  closed = new Promise((resolve) => {
    socket.on('close', () => {
      isClosed = true;
      resolve();
    });
  });
  await once(socket, 'connect');
  // An answer proves that the listener has the connection; the client outside access.allow is REFUSED.
  await exchange();
});

afterEach(async () => {
  socket.destroy();
  await listener.close();
  vi.useRealTimers();
});

const exchange = async (): Promise<void> => {
  socket.write(frame(buildQuery('www.example.com. A')));
  await once(socket, 'data');
};

/** Two turns of the event loop: what was written on loopback has been read after them. */
const turns = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });

const sweepAfter = async (ms: number): Promise<void> => {
  nowMs += ms;
  vi.advanceTimersByTime(SWEEP_MS);
  await turns();
};

describe('a connection', () => {
  test('lives until it was idle for longer than the limit', async () => {
    await sweepAfter(IDLE_MS);
    expect(isClosed).toBe(false);
    await sweepAfter(1);
    await closed;
  });

  test('starts anew with each query', async () => {
    nowMs += IDLE_MS;
    await exchange();
    await sweepAfter(IDLE_MS);
    expect(isClosed).toBe(false);
    await exchange();
  });

  test('does not live on pieces of a query', async () => {
    nowMs += IDLE_MS;
    await new Promise<void>((resolve) => {
      socket.write(Uint8Array.of(0, 40, 1), () => resolve());
    });
    await turns();
    await sweepAfter(1);
    await closed;
  });
});
