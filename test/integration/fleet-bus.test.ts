// The bus in memory keeps what NATS keeps: the same calls on both, so that what schedules find there is true here.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, nkeyAuthenticator } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { EvidenceMessage, MessageBus } from '../../src/fleet/bus.ts';
import { initFleet, SYSTEM_SEED_NAME } from '../../src/fleet/init.ts';
import { askOnce } from '../../src/fleet/join.ts';
import { NatsBus } from '../../src/fleet/nats-bus.ts';
import { CHECKPOINT_SUBJECT, policySubject, presenceSubject, STREAM } from '../../src/fleet/subjects.ts';
import { reloadServers } from '../../src/fleet/system-link.ts';
import { FleetEngine } from '../support/fleet-engine.ts';
import { MemoryBus } from '../support/memory-bus.ts';
import { freePort } from '../support/ports.ts';
import { Wire } from '../support/wire.ts';

const TEST = 60_000;
const EVENTS = { onUp: () => undefined, onDown: () => undefined, onFault: () => undefined };

let directory: string;
let engine: FleetEngine;
let port: number;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-bus-'));
  port = await freePort();
  const { engineDirectory } = initFleet({
    ...{ stateDirectory: directory, name: 'authority', site: undefined, store: join(directory, 'store') },
    ...{ servers: [`127.0.0.1:${port}`], clusterPort: 0, leafPort: undefined, leafs: {}, tls: undefined },
    safeKeyPath: join(directory, 'safe.pem'),
  });
  engine = new FleetEngine(join(engineDirectory, 'nats-server.conf'), port);
  await engine.start();
}, 120_000);
afterAll(async () => {
  await engine?.kill();
  rmSync(directory, { recursive: true, force: true });
});

const connectNats = (name: string, seedFile: string): Promise<MessageBus> => {
  const seed = (): string => readFileSync(join(directory, 'fleet', seedFile), 'utf8').trim();
  const servers = [`nats://127.0.0.1:${port}`];
  return NatsBus.connect({ servers, caPath: undefined, name, seed }, EVENTS, true);
};

const BUSES: readonly (readonly [string, () => Promise<readonly [MessageBus, MessageBus]>])[] = [
  [
    'NATS',
    () => Promise.all([connectNats('authority', 'node.seed'), connectNats('collector', 'collector.seed')]),
  ],
  [
    'memory',
    () => {
      const bus = new MemoryBus();
      return Promise.resolve([bus.connect('authority', EVENTS), bus.connect('collector', EVENTS)] as const);
    },
  ],
];

test('an engine whose servers have all answered reads its users without a pause; one that lacks is waited for, whatever leaf nodes say', {
  timeout: TEST,
}, async () => {
  const servers = [`nats://127.0.0.1:${port}`];
  const seedPath = join(directory, 'fleet/engine', SYSTEM_SEED_NAME);
  const reload = async (serverCount: number): Promise<number> =>
    (await reloadServers({ servers, caPath: undefined, seedPath, serverCount })).length;
  const seed = Buffer.from(readFileSync(seedPath, 'utf8').trim());
  const system = await connect({ servers, authenticator: nkeyAuthenticator(seed) });
  // The time for those that have not answered does not pass.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    expect(await reload(1)).toBe(1);
    const leaf = { id: `N${'A'.repeat(55)}`, name: 'cordon-leaf-bruges' };
    system.subscribe('$SYS.REQ.SERVER.PING', {
      callback: (_, message) => {
        message.respond(JSON.stringify({ server: leaf, statsz: { active_servers: 1 } }));
      },
    });
    let answers = 0;
    system.subscribe('_INBOX.>', { callback: () => void answers++ });
    await system.flush();
    let isDone = false;
    const reloading = reload(2).finally(() => {
      isDone = true;
    });
    await vi.waitUntil(() => answers >= 2, { timeout: TEST });
    // Nothing else is under way than what has a timer.
    await system.flush();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([answers, isDone]).toEqual([2, false]);
    await vi.waitUntil(
      () => {
        vi.advanceTimersByTime(100);
        return isDone;
      },
      { timeout: TEST },
    );
    expect(await reloading).toBe(1);
  } finally {
    vi.useRealTimers();
    await system.close();
  }
});

test('a server that says who it is and does not read keeps the others from nothing', {
  timeout: TEST,
}, async () => {
  const servers = [`nats://127.0.0.1:${port}`];
  const seedPath = join(directory, 'fleet/engine', SYSTEM_SEED_NAME);
  const seed = Buffer.from(readFileSync(seedPath, 'utf8').trim());
  const system = await connect({ servers, authenticator: nkeyAuthenticator(seed) });
  // Its death is not noticed yet, or it is slow: as many as a cluster has, asked before and behind the one that is well.
  const slow = ['A', 'B'].map((letter) => `N${letter.repeat(55)}`);
  system.subscribe('$SYS.REQ.SERVER.PING', {
    callback: (_, message) => {
      for (const id of slow) message.respond(JSON.stringify({ server: { id, name: 'cordon-2' } }));
    },
  });
  for (const [index, id] of slow.entries())
    system.subscribe(`$SYS.REQ.SERVER.${id}.RELOAD`, {
      callback: (_, message) => void (index === 0 && message.respond(JSON.stringify({ error: 'busy' }))),
    });
  await system.flush();
  const reads = (): number => engine.output.split('Reloaded server configuration').length;
  const before = reads();
  try {
    const read = await reloadServers({ servers, caPath: undefined, seedPath, serverCount: 3 });
    expect(read.filter((id) => !slow.includes(id))).toHaveLength(1);
    expect([read.length, reads()]).toEqual([1, before + 1]);
  } finally {
    await system.close();
  }
});

/** A way to the engine on which what the first clients say of who they are waits until the engine has read its users again. */
const openSlowWay = async (count: number) => {
  const sockets = new Set<Socket>();
  let ended = 0;
  const relay = createServer((client) => {
    const server = connectSocket(port, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    const isSlow = ended < count;
    server.on('data', (bytes) => {
      client.write(bytes);
      if (!isSlow) return;
      if (bytes.includes('INFO ')) engine.reload();
      if (bytes.includes('-ERR')) ended++;
    });
    server.on('close', () => client.destroy());
    client.on('close', () => server.destroy());
    if (!isSlow) client.pipe(server);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const address = relay.address();
  const at = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    servers: [`nats://127.0.0.1:${at}`],
    ended: () => ended,
    close: () => {
      for (const socket of sockets) socket.destroy();
      relay.close();
    },
  };
};

const WAYS: readonly (readonly [string, (servers: readonly string[]) => Promise<unknown>])[] = [
  [
    'one question, such as to be taken in',
    async (servers) => {
      const seed = readFileSync(join(directory, 'fleet/node.seed'), 'utf8');
      const user = await connectNats('authority', 'node.seed');
      user.serve('cordon.join.new', (bytes) => Promise.resolve(bytes));
      try {
        expect(await askOnce(servers, undefined, 'authority', seed, 'cordon.join.new', 'asked')).toBe(
          'asked',
        );
      } finally {
        await user.close();
      }
    },
  ],
  [
    'reading who may connect',
    async (servers) => {
      const seedPath = join(directory, 'fleet/engine', SYSTEM_SEED_NAME);
      expect(await reloadServers({ servers, caPath: undefined, seedPath, serverCount: 1 })).toHaveLength(1);
    },
  ],
  [
    'a resolver that begins',
    async (servers) => {
      const seed = (): string => readFileSync(join(directory, 'fleet/node.seed'), 'utf8').trim();
      await (
        await NatsBus.connect({ servers, caPath: undefined, name: 'authority', seed }, EVENTS, true)
      ).close();
    },
  ],
];

test.each(WAYS)(
  '%s: an engine that reads its users meanwhile ends the connection, and it is made again',
  {
    timeout: TEST,
  },
  async (_, act) => {
    const way = await openSlowWay(2);
    try {
      await act(way.servers);
      expect(way.ended()).toBe(2);
    } finally {
      way.close();
    }
  },
);

test('who is let in by no engine is told so behind a few tries', { timeout: TEST }, async () => {
  const way = await openSlowWay(Number.POSITIVE_INFINITY);
  const seed = readFileSync(join(directory, 'fleet/node.seed'), 'utf8');
  try {
    const asked = askOnce(way.servers, undefined, 'authority', seed, 'cordon.join.new', 'asked');
    await expect(asked).rejects.toMatchObject({
      code: 'ERR_FLEET_ENGINE',
      hint: expect.stringContaining('Ask for another'),
    });
    expect(way.ended()).toBe(6);
  } finally {
    way.close();
  }
});

describe.each(BUSES)('%s', (_, open) => {
  let bus: MessageBus;
  let other: MessageBus;
  beforeAll(async () => {
    [bus, other] = await open();
  }, TEST);
  afterAll(async () => {
    await bus.close();
    await other.close();
  });

  const textOf = async (subject: string): Promise<string | undefined> => {
    const found = await bus.read(STREAM.POLICY, subject);
    return found && Buffer.from(found.bytes).toString();
  };

  test('without streams nothing is kept or read, and that is told', { timeout: TEST }, async () => {
    expect(await bus.lacksStreams()).toBe(true);
    await expect(bus.store(policySubject(1), 'one')).rejects.toMatchObject({ code: 'ERR_FLEET_ENGINE' });
    await expect(bus.read(STREAM.POLICY, policySubject(1))).rejects.toMatchObject({
      code: 'ERR_FLEET_ENGINE',
    });
    await bus.makeStreams(1);
    expect(await bus.lacksStreams()).toBe(false);
  });

  test('an entry is never replaced, and takes its place again once it is taken out', {
    timeout: TEST,
  }, async () => {
    expect(await textOf(policySubject(1))).toBeUndefined();
    await bus.store(policySubject(1), 'one');
    await expect(bus.store(policySubject(1), 'other')).rejects.toMatchObject({ code: 'ERR_FLEET_ENGINE' });
    expect(await textOf(policySubject(1))).toBe('one');
    await bus.remove(STREAM.POLICY, policySubject(1));
    expect(await textOf(policySubject(1))).toBeUndefined();
    await bus.store(policySubject(1), 'one');
    expect(await textOf(policySubject(1))).toBe('one');
  });

  test('of what else is kept the last of each subject stays, with its stamp', { timeout: TEST }, async () => {
    const stamp = (sequence: number) => ({ sequence, signature: 'c2lnbmVk' });
    for (const name of ['ns1', 'ns2'])
      for (const sequence of [1, 2])
        await bus.store(presenceSubject(name), `${name} ${sequence}`, { stamp: stamp(sequence) });
    const all = await bus.readAll(STREAM.PRESENCE);
    expect(all.map(({ subject, bytes, stamp: of }) => [subject, Buffer.from(bytes).toString(), of])).toEqual(
      ['ns1', 'ns2'].map((name) => [presenceSubject(name), `${name} 2`, stamp(2)]),
    );
  });

  test('who listens hears also what is not kept, and who asks nobody is told so', {
    timeout: TEST,
  }, async () => {
    const heard: string[] = [];
    other.subscribe(policySubject('*'), (bytes) => void heard.push(Buffer.from(bytes).toString()));
    other.subscribe(CHECKPOINT_SUBJECT, (bytes) => void heard.push(Buffer.from(bytes).toString()));
    // A subscription is there once the engine has read something behind it.
    await other.read(STREAM.POLICY, policySubject(1));
    await bus.store(policySubject(1), 'again').catch(() => undefined);
    await bus.store(CHECKPOINT_SUBJECT, 'checkpoint');
    await vi.waitUntil(() => heard.length === 2, { timeout: TEST });
    expect(heard).toEqual(['again', 'checkpoint']);
    await expect(bus.ask('cordon.node.ns9.entry', '1', 1_000)).rejects.toMatchObject({
      code: 'ERR_FLEET_ENGINE',
    });
  });

  test('evidence comes until it is acknowledged, and one message once', { timeout: TEST }, async () => {
    const taken: string[] = [];
    let isFirst = true;
    const end = await other.collect((message: EvidenceMessage) => {
      taken.push(Buffer.from(message.bytes).toString());
      if (isFirst) message.again();
      else message.done();
      isFirst = false;
    });
    await bus.store('cordon.evidence.ns1.queries', 'a block', { id: 'x', signature: 'c2lnbmVk' });
    await bus.store('cordon.evidence.ns1.queries', 'a block', { id: 'x', signature: 'c2lnbmVk' });
    await vi.waitUntil(() => taken.length === 2, { timeout: TEST });
    expect(taken).toEqual(['a block', 'a block']);
    await end();
  });
});

describe('a server of the engine that is cut off from the others', () => {
  let cutOff: FleetEngine;
  let wire: Wire;
  /** The server that is cut off, and a way to one that is not. */
  let servers: string[];

  beforeAll(async () => {
    const engineDirectory = join(directory, 'fleet/engine');
    const cutOffPort = await freePort();
    const text = readFileSync(join(engineDirectory, 'nats-server.conf'), 'utf8');
    const path = join(engineDirectory, 'cut-off.conf');
    // As one whose others are not reached, it lets its users in and has no streams.
    writeFileSync(
      path,
      text.replace(`127.0.0.1:${port}`, `127.0.0.1:${cutOffPort}`).replace(/^jetstream \{[^}]*\}/m, ''),
    );
    cutOff = new FleetEngine(path, cutOffPort);
    await cutOff.start();
    wire = await Wire.lay(port);
    servers = [`nats://127.0.0.1:${cutOffPort}`, `nats://127.0.0.1:${wire.port}`];
    const authority = await connectNats('authority', 'node.seed');
    await authority.makeStreams(1);
    await authority.close();
  }, TEST);
  afterAll(async () => {
    wire?.close();
    await cutOff?.kill();
  });

  test.for([
    ['acknowledged', (bus: MessageBus) => bus.store(presenceSubject('authority'), 'here')],
    // The thread that sends records asks first what is confirmed, over a connection of its own.
    ['read', (bus: MessageBus) => bus.read(STREAM.PRESENCE, presenceSubject('authority'))],
  ] as const)(
    'is left when it has %s nothing for twenty seconds, and not before',
    {
      timeout: TEST,
    },
    async ([, act]) => {
      let nowMs = 0;
      let ups = 0;
      const events = { ...EVENTS, onUp: () => void ups++ };
      const seed = (): string => readFileSync(join(directory, 'fleet/node.seed'), 'utf8').trim();
      wire.cut();
      const access = { servers, caPath: undefined, name: 'authority', seed };
      const bus = await NatsBus.connect(access, events, true, () => nowMs);
      wire.mend();
      const isDone = (): Promise<boolean> =>
        act(bus).then(
          () => true,
          () => false,
        );
      try {
        for (const atMs of [0, 10_000, 19_999]) {
          nowMs = atMs;
          expect(await isDone()).toBe(false);
        }
        expect(ups).toBe(1);
        nowMs = 20_000;
        expect(await isDone()).toBe(false);
        await vi.waitUntil(() => ups === 2, { timeout: TEST });
        expect(await isDone()).toBe(true);
        // It is the same for one that acknowledged before.
        await bus.store(presenceSubject('authority'), 'here');
        wire.cut();
        await vi.waitUntil(() => ups === 3, { timeout: TEST });
        wire.mend();
        for (const atMs of [40_000, 60_000]) {
          nowMs = atMs;
          expect(await isDone()).toBe(false);
        }
        await vi.waitUntil(() => ups === 4, { timeout: TEST });
        expect(await isDone()).toBe(true);
      } finally {
        await bus.close();
      }
    },
  );

  test('is not said to be silent for the time in which no server was reached', {
    timeout: TEST,
  }, async () => {
    let nowMs = 0;
    let ups = 0;
    const told: string[] = [];
    const ways = [await Wire.lay(cutOff.port), await Wire.lay(port)] as const;
    ways[1].cut();
    const bus = await NatsBus.connect(
      {
        servers: ways.map((way) => `nats://127.0.0.1:${way.port}`),
        ...{ caPath: undefined, name: 'authority' },
        seed: () => readFileSync(join(directory, 'fleet/node.seed'), 'utf8').trim(),
      },
      { ...EVENTS, onUp: () => void ups++, onDown: (text) => void told.push(text) },
      true,
      () => nowMs,
    );
    const store = (atMs: number): Promise<boolean> =>
      bus.store(presenceSubject('authority'), 'here').then(
        () => true,
        () => {
          nowMs = atMs;
          return false;
        },
      );
    const isSilent = (): boolean => told.some((text) => text.includes('acknowledges nothing'));
    // What waits for an answer, and for the next try to connect, waits for as long as is said here.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const passUntil = (isDone: () => boolean) =>
      vi.waitUntil(
        () => {
          vi.advanceTimersByTime(100);
          return isDone();
        },
        { timeout: TEST, interval: 1 },
      );
    try {
      ways[0].cut();
      await vi.waitUntil(() => told.length > 0, { timeout: TEST });
      let rejected = 0;
      const stores = [50_000, 100_000, 100_000].map(async (atMs) => {
        await store(atMs);
        rejected++;
      });
      await passUntil(() => rejected === stores.length);
      await Promise.all(stores);
      ways[0].mend();
      await passUntil(() => ups === 2);
      for (const atMs of [119_999, 119_999, 119_999, 120_000]) {
        expect(await store(atMs)).toBe(false);
        expect(isSilent()).toBe(false);
      }
      ways[1].mend();
      expect(await store(nowMs)).toBe(false);
      await passUntil(() => ups === 3);
      expect(isSilent()).toBe(true);
      expect(await store(nowMs)).toBe(true);
    } finally {
      vi.useRealTimers();
      await bus.close();
      for (const way of ways) way.close();
    }
  });

  test('keeps nobody from joining over another', { timeout: TEST }, async () => {
    const seed = readFileSync(join(directory, 'fleet/node.seed'), 'utf8');
    const user = await connectNats('authority', 'node.seed');
    user.serve('cordon.join.new', (bytes) => Promise.resolve(bytes));
    try {
      for (let times = 0; times < 12; times++)
        expect(await askOnce(servers, undefined, 'authority', seed, 'cordon.join.new', 'asked')).toBe(
          'asked',
        );
    } finally {
      await user.close();
    }
  });
});
