// Who gets a place and who gives way: by address, by network, when all are taken, and for answers that nobody takes.

import { expect, test } from 'vitest';
import { createAddress, parseAddress } from '../../../src/base/base.ts';
import { TCP_CLOSED, TCP_REFUSAL } from '../../../src/base/words/words.ts';
import {
  ConnectionBudget,
  type StreamLimits,
  type Tenant,
} from '../../../src/resolver/server/connection-budget.ts';

const LIMITS: StreamLimits = {
  connectionsMax: 16,
  connectionsPerClientMax: 2,
  connectionsPerNetworkMax: 4,
  idleMs: 10_000,
};
const MIB = 1024 * 1024;

class Client implements Tenant {
  readonly words = createAddress();
  aliveMs = 0;
  isIdle = true;
  unreadBytes = 0;
  ended = -1;

  constructor(address: string) {
    parseAddress(address, this.words);
  }

  end(reason: number): void {
    this.ended = reason;
  }
}

const setUp = (limits: Partial<StreamLimits> = {}) => {
  const refused: number[] = [];
  const closed: number[] = [];
  const counts = { connections: 0, unread: 0 };
  const budget = new ConnectionBudget(
    { ...LIMITS, ...limits },
    {
      setTcpConnections: (count) => {
        counts.connections = count;
      },
      setTcpUnread: (bytes) => {
        counts.unread = bytes;
      },
      tcpRefused: (reason) => void refused.push(reason),
      tcpClosed: (reason) => void closed.push(reason),
    },
  );
  /** Connects at a time; undefined: there was no place. */
  const connect = (address: string, nowMs = 0): Client | undefined => {
    const client = new Client(address);
    client.aliveMs = nowMs;
    return budget.take(client, nowMs) ? client : undefined;
  };
  return { budget, connect, refused, closed, counts };
};

test('an address has so many places, and its connection that was idle for longest gives way', () => {
  const { connect, refused, closed } = setUp();
  const first = connect('192.0.2.1', 0);
  const second = connect('192.0.2.1', 100);
  expect(connect('192.0.2.1', 500)).toBeUndefined();
  expect(refused).toEqual([TCP_REFUSAL.PER_CLIENT]);
  expect(connect('192.0.2.1', 1500)).toBeDefined();
  expect([first?.ended, second?.ended]).toEqual([TCP_CLOSED.GAVE_WAY, -1]);
  expect(closed).toEqual([TCP_CLOSED.GAVE_WAY]);
});

test('a connection that waits for an answer does not give way to its own client', () => {
  const { connect, refused } = setUp();
  for (let i = 0; i < 2; i++) {
    const client = connect('192.0.2.1', 0);
    if (client !== undefined) client.isIdle = false;
  }
  expect(connect('192.0.2.1', 60_000)).toBeUndefined();
  expect(refused).toEqual([TCP_REFUSAL.PER_CLIENT]);
});

test.each([
  ['a /24 of IPv4', (i: number) => `192.0.2.${i}`, '192.0.3.1', 4],
  ['a /64 of IPv6', (i: number) => `2001:db8::${i}`, '2001:db8:0:1::1', 4],
  ['a /56 of IPv6', (i: number) => `2001:db8:0:${i}::1`, '2001:db8:0:100::1', 8],
])('%s has so many places, however many addresses', (_title, address, other, places) => {
  const { connect, refused } = setUp();
  const clients = Array.from({ length: 12 }, (_, i) => connect(address(i + 1), 0));
  expect(clients.filter((client) => client !== undefined)).toHaveLength(places);
  expect(new Set(refused)).toEqual(new Set([TCP_REFUSAL.NETWORK]));
  expect(connect(other, 0)).toBeDefined();
});

test('when all places are taken, the network that holds most gives way at once, idle connections first', () => {
  const { connect, closed } = setUp({ connectionsPerNetworkMax: 16 });
  const few = connect('198.51.100.1', 0);
  const many = Array.from({ length: 15 }, (_, i) => connect(`192.0.2.${i + 1}`, 0));
  for (const client of many.slice(0, 14)) if (client !== undefined) client.isIdle = false;
  expect(connect('203.0.113.1', 1)).toBeDefined();
  expect(many[14]?.ended).toBe(TCP_CLOSED.GAVE_WAY);
  expect(connect('203.0.113.2', 1)).toBeDefined();
  expect(closed).toHaveLength(2);
  expect(few?.ended).toBe(-1);
});

test('when all networks hold alike, only what was idle for a while gives way', () => {
  const { connect, refused } = setUp();
  const clients = Array.from({ length: 16 }, (_, i) => connect(`192.0.${i}.1`, i));
  expect(connect('198.51.100.1', 900)).toBeUndefined();
  expect(refused).toEqual([TCP_REFUSAL.CONNECTIONS]);
  expect(connect('198.51.100.1', 5000)).toBeDefined();
  expect(clients[0]?.ended).toBe(TCP_CLOSED.GAVE_WAY);
});

test('a place that is given back is free, and nothing is left of its client', () => {
  const { budget, connect, counts } = setUp({ connectionsMax: 1 });
  for (let i = 0; i < 3; i++) {
    const client = connect(`192.0.2.${i}`, 0);
    expect(counts.connections).toBe(1);
    if (client !== undefined) budget.release(client);
    expect(counts.connections).toBe(0);
  }
});

test('idle connections live shorter as places fill', () => {
  const { budget, connect } = setUp({ connectionsPerNetworkMax: 16 });
  const idle = Array.from({ length: 16 }, (_, i) => {
    connect(`192.0.2.${i}`, 0);
    return budget.idleMs;
  });
  expect(idle.slice(0, 8)).toEqual(Array(8).fill(10_000));
  expect(idle.slice(8)).toEqual([8750, 7500, 6250, 5000, 3750, 2500, 1250, 1000]);
});

test('a client that does not take its answers ends at 1 MiB', () => {
  const { budget, connect } = setUp();
  const client = connect('192.0.2.1');
  expect(client).toBeDefined();
  if (client === undefined) return;
  client.unreadBytes = MIB - 16;
  budget.noteWritten(client, MIB - 16);
  expect(client.ended).toBe(-1);
  client.unreadBytes = MIB;
  budget.noteWritten(client, 16);
  expect(client.ended).toBe(TCP_CLOSED.UNREAD);
});

test('all together hold 16 MiB at most: who holds most ends, and what was taken meanwhile does not count', () => {
  const { budget, connect, counts } = setUp({
    connectionsMax: 64,
    connectionsPerClientMax: 64,
    connectionsPerNetworkMax: 64,
  });
  const clients = Array.from({ length: 40 }, () => connect('192.0.2.1')).filter(
    (client) => client !== undefined,
  );
  for (const client of clients) {
    client.unreadBytes = MIB / 2;
    budget.noteWritten(client, MIB / 2);
  }
  expect(counts.unread).toBe(16 * MIB);
  expect(clients.filter(({ ended }) => ended === TCP_CLOSED.UNREAD)).toHaveLength(8);
  for (const client of clients) client.unreadBytes = 0;
  const last = clients.at(-1);
  if (last !== undefined) budget.noteWritten(last, 1024);
  expect(clients.filter(({ ended }) => ended === TCP_CLOSED.UNREAD)).toHaveLength(8);
  expect(counts.unread).toBe(0);
});
