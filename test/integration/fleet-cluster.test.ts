// @module-tag night
// A fleet over three engines and a leaf node at a site, all with TLS: an engine dies under load, and the site is cut off.
//
// Each server runs from a directory of its own, as on a machine of its own, with what Cordon wrote for it.
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, nkeyAuthenticator } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { RECORD_CLASSES, readPosition, verifyRecords } from '../../src/evidence/records/records.ts';
import { joinFleet, type MadeFleet, type RunningCollector } from '../../src/fleet/fleet.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { ask } from '../support/client.ts';
import { TestFleet } from '../support/fleet.ts';
import { FleetEngine, startCluster } from '../support/fleet-engine.ts';
import { hasOtherUser } from '../support/other-user.ts';
import { freePort } from '../support/ports.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { Steady } from '../support/steady.ts';
import { Wire } from '../support/wire.ts';

const NAME = 'www.tiktok.com. A';
/** Questions to the engine within which a word that came through is heard. */
const LOOKS = 200;
const WAIT = { timeout: 90_000, interval: 50 };
const HOSTS = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
const LEAF_HOST = '127.0.0.4';
const RESOLVERS = ['authority', 'ns1', 'ns2'];

let upstream: ScriptedUpstream;
let fleet: TestFleet;
/** From the site to each engine. */
let wires: Wire[];
let leaf: FleetEngine;
let collector: RunningCollector;
const engines: FleetEngine[] = [];

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
  const root = CertificateAuthority.create();
  const { certificateFile: cert, keyFile: key } = root.issue({
    names: ['DNS:localhost', ...[...HOSTS, LEAF_HOST].map((host) => `IP:${host}`)],
    purpose: 'serverAuth,clientAuth',
  });
  const [port, clusterPort, leafPort, ownPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  wires = await Promise.all(HOSTS.map((host) => Wire.lay(leafPort, host)));
  fleet = await TestFleet.start(upstream.endpoint.port, {
    settings: '  tide-every: 1s',
    tls: { cert, key, ca: root.issued.certificateFile },
    engine: {
      servers: HOSTS.map((host) => `${host}:${port}`),
      ...{ clusterPort, leafPort, leafs: { bruges: `${LEAF_HOST}:${ownPort}` } },
    },
    startEngine: (made) => startEngines(made, port),
  });
  collector = await fleet.collect();
  await fleet.add('ns1');
  await fleet.join('ns2', await fleet.invite('ns2', 'bruges'));
  leaf = new FleetEngine(layLeaf(), ownPort, LEAF_HOST);
  await leaf.start();
  fleet.ownServers.set('ns2', [`tls://${LEAF_HOST}:${ownPort}`]);
  await fleet.run('ns2');
}, 600_000);

afterAll(async () => {
  await collector?.stop();
  for (const wire of wires ?? []) wire.close();
  await leaf?.kill();
  for (const engine of engines) await engine.kill();
  await fleet?.close();
  await upstream?.close();
});

/** Each server in a directory of its own: the file of users comes there as an operator's copying would bring it. */
const startEngines = async ({ engineDirectory }: MadeFleet, port: number): Promise<FleetEngine> => {
  for (const [index, host] of HOSTS.entries()) {
    const directory = join(engineDirectory, `machine-${index + 1}`);
    mkdirSync(directory);
    const text = readFileSync(join(engineDirectory, `nats-server-${index + 1}.conf`), 'utf8');
    const path = join(directory, 'nats-server.conf');
    writeFileSync(
      path,
      text
        .replace(/store_dir: .*/, `store_dir: ${JSON.stringify(join(directory, 'store'))}`)
        // Otherwise a leaf node that comes back comes around the wire.
        .replace('leafnodes {', `leafnodes {\n  advertise: "127.0.0.1:${wires[index]?.port}"`),
    );
    symlinkSync(join(engineDirectory, 'users.conf'), join(directory, 'users.conf'));
    engines.push(new FleetEngine(path, port, host));
  }
  await startCluster(engines);
  const [first] = engines;
  if (first === undefined) throw new Error('no engine');
  return first;
};

/** Waits, and says for what where it does not come. */
const until = async (what: string, look: () => boolean | Promise<boolean>): Promise<void> => {
  await vi.waitUntil(look, WAIT).catch((cause: unknown) => {
    const said = engines.map((engine, index) => `engine ${index + 1}: ${engine.output.slice(-3_000)}`);
    throw new Error(`waited for: ${what}\n${said.join('\n')}\nleaf: ${leaf.output.slice(-3_000)}`, { cause });
  });
};

/** What an operator copies to the site; its way to the engine is a wire that can be cut. */
const layLeaf = (): string => {
  const { engineDirectory } = fleet.made;
  const directory = join(fleet.directory, 'leaf');
  mkdirSync(directory, { recursive: true });
  const text = readFileSync(join(engineDirectory, 'leaf-bruges.conf'), 'utf8');
  const path = join(directory, 'leaf-bruges.conf');
  writeFileSync(path, text.replace(/urls: \[[^\]]*\]/, `urls: ["tls://127.0.0.1:${wires[0]?.port}"]`));
  copyFileSync(join(engineDirectory, 'leaf-bruges-users.conf'), join(directory, 'leaf-bruges-users.conf'));
  return path;
};

/** What an operator does when the users of the site are others; the leaf node runs on. */
const renewLeaf = (): void => {
  layLeaf();
  leaf.reload();
};

const isExempt = async (name: string, from: string): Promise<boolean> =>
  (await ask(fleet.programOf(name).dns, NAME, { from })).rcode === RCODE.NOERROR;

const becomes = async (names: readonly string[], wanted: boolean, from: string): Promise<number> => {
  const startMs = performance.now();
  await vi.waitUntil(
    async () => (await Promise.all(names.map((name) => isExempt(name, from)))).every((is) => is === wanted),
    { ...WAIT, interval: 5 },
  );
  return Math.round(performance.now() - startMs);
};

const sequencesOf = (path: string): number[] => {
  const position = readPosition(path);
  return RECORD_CLASSES.map((one) => position?.ends[one].sequence ?? 0);
};

const ownRecords = (name: string): number[] => sequencesOf(join(fleet.directory, name, 'records/position'));
const collectedRecords = (name: string): number[] => sequencesOf(join(fleet.collected, name, 'position'));

/** Everything that the resolvers have recorded is at the collector: no record of either is missing or there twice. */
const nothingIsLost = async (names: readonly string[]): Promise<void> => {
  for (const name of names) {
    await vi
      .waitUntil(
        () => ownRecords(name).every((own, index) => own > 0 && own === collectedRecords(name)[index]),
        WAIT,
      )
      .catch((thrown: unknown) => {
        const [own, theirs] = [ownRecords(name), collectedRecords(name)].map(String);
        const output = fleet.programOf(name).output().slice(-2_000);
        throw new Error(`${name} has recorded ${own}, collected are ${theirs}\n${output}`, { cause: thrown });
      });
    const own = await verifyRecords(join(fleet.directory, name, 'records'));
    expect(own.findings).toEqual([]);
    const copy = await vi.waitUntil(
      async () => {
        const verified = await verifyRecords(join(fleet.collected, name), { isCollected: true });
        return verified.findings.length === 0 ? verified : undefined;
      },
      { ...WAIT, interval: 500 },
    );
    expect(copy.findings).toEqual([]);
  }
};

test.skipIf(!hasOtherUser)(
  'a site with a leaf node gets an exemption and its end as all others do',
  async () => {
    const id = await fleet.grant({ clients: ['127.0.7.1'] });
    const granted = await becomes(RESOLVERS, true, '127.0.7.1');
    await fleet.revoke(id);
    const revoked = await becomes(RESOLVERS, false, '127.0.7.1');
    process.stderr.write(`leaf node: granted ${granted} ms, revoked ${revoked} ms after the answer\n`);
    await nothingIsLost(['ns2']);
  },
);

test.skipIf(!hasOtherUser)(
  'a site whose leaf node is cut off answers and records, and has all of policy and evidence when it is back',
  async () => {
    const id = await fleet.grant({ clients: ['127.0.7.2'] });
    await becomes(RESOLVERS, true, '127.0.7.2');
    const steady = new Steady([fleet.programOf('ns2').dns], NAME, '127.0.7.200');
    for (const wire of wires) wire.cut();
    const before = collectedRecords('ns2')[0] ?? 0;
    await fleet.revoke(id);
    await becomes(['authority', 'ns1'], false, '127.0.7.2');
    // Another client each time: what one asks again is counted in one record.
    for (let asked = 0; asked < 50; asked++) await isExempt('ns2', `127.0.9.${asked + 1}`);
    await vi.waitUntil(() => (ownRecords('ns2')[0] ?? 0) >= before + 50, WAIT);
    expect(await isExempt('ns2', '127.0.7.2')).toBe(true);
    for (const wire of wires) wire.mend();
    await becomes(['ns2'], false, '127.0.7.2');
    const { asked, unanswered, unfiltered } = await steady.stop();
    process.stderr.write(`leaf node cut off: ${asked} queries asked\n`);
    expect([unanswered, unfiltered]).toEqual([0, 0]);
    await nothingIsLost(['ns2']);
  },
);

/** A client with a key of the fleet, at the engine or elsewhere. */
const clientOf = (name: string, servers: readonly string[]) =>
  connect({
    servers: [...servers],
    inboxPrefix: `_INBOX_${name}`,
    authenticator: nkeyAuthenticator(Buffer.from(fleet.seedOf(name).trim())),
    tls: { ca: readFileSync(/ca: (.*)/.exec(fleet.config('ns1'))?.[1] ?? '', 'utf8') },
  });

test('a resolver joins through the leaf node of its site, which only reads who its users are', async () => {
  for (const wire of wires) wire.mend();
  const token = await fleet.invite('ns3', 'bruges');
  renewLeaf();
  const servers = fleet.ownServers.get('ns2') ?? [];
  const caPath = /ca: (.*)/.exec(fleet.config('ns2'))?.[1];
  const stateDirectory = join(fleet.directory, 'ns3');
  // The engine closes the connection of the leaf node, which has to come back first. A token serves once: no answer may be lost.
  let refusal: unknown;
  const joining = vi
    .waitUntil(
      () =>
        joinFleet({ servers, caPath, token, stateDirectory }).catch((thrown: unknown) => {
          refusal = thrown;
          return undefined;
        }),
      WAIT,
    )
    .catch((cause: unknown) => {
      throw new Error(`ns3 is not taken in: ${String(refusal)}`, { cause });
    });
  await Promise.race([
    joining,
    until('ns3 has its key', () => existsSync(join(stateDirectory, 'fleet/node.seed'))),
  ]);
  renewLeaf();
  expect(await joining).toMatchObject({ name: 'ns3', site: 'bruges', isConnected: true });
  // Its user knows nobody of another site.
  expect(readFileSync(join(fleet.directory, 'leaf/leaf-bruges-users.conf'), 'utf8')).not.toContain('ns1');
});

test('what a removed resolver sends through the leaf node ends at the engine, with nothing done at the site', async () => {
  const servers = fleet.ownServers.get('ns2') ?? [];
  const engine = await clientOf('authority', fleet.made.servers);
  const heard = new Set<string>();
  for (const name of ['ns2', 'ns3']) {
    engine.subscribe(`$KV.cordon_presence.${name}`, {
      callback: (_, message) => {
        heard.add(`${name} ${message.string()}`);
      },
    });
  }
  const clients = { ns2: await clientOf('ns2', servers), ns3: await clientOf('ns3', servers) };
  let round = 0;
  /**
   * Whether what ns3 says comes through. Both go one way, on which nothing overtakes: once ns2, which speaks behind it, is heard,
   * ns3 was, or will not be. Undefined where the way is closed.
   */
  const isThrough = async (): Promise<boolean | undefined> => {
    const word = `word ${++round}`;
    for (const name of ['ns3', 'ns2'] as const) {
      clients[name].publish(`$KV.cordon_presence.${name}`, word);
      await clients[name].flush();
    }
    for (let looks = 0; looks < LOOKS && !heard.has(`ns2 ${word}`); looks++) await engine.flush();
    return heard.has(`ns2 ${word}`) ? heard.has(`ns3 ${word}`) : undefined;
  };
  await until('ns3, which has joined, is heard', async () => (await isThrough()) === true);
  await fleet.ask('authority', 'POST', '/v1/fleet/remove', { name: 'ns3', reason: 'stolen' });
  // Closed by the engine, and back with what it may by now.
  await until('ns3, which is removed, is heard no more', async () => (await isThrough()) === false);
  heard.clear();
  await until('ns2 is heard still', async () => (await isThrough()) === false);
  expect([...heard].filter((one) => one.startsWith('ns3'))).toEqual([]);
  for (const client of [engine, ...Object.values(clients)]) await client.close();
});

test.skipIf(!hasOtherUser)(
  'the leader of three engines is killed under load: policy and evidence go on, and nothing is lost',
  async () => {
    for (const wire of wires) wire.mend();
    const steady = new Steady(
      RESOLVERS.map((name) => fleet.programOf(name).dns),
      NAME,
      '127.0.7.200',
    );
    const leader = await leaderOf('CORDON_EVIDENCE');
    const id = await fleet.grant({ clients: ['127.0.7.3'] });
    await leader.kill();
    const granted = await becomes(RESOLVERS, true, '127.0.7.3');
    const before = RESOLVERS.map((name) => ownRecords(name)[0] ?? 0);
    for (const name of RESOLVERS)
      for (let asked = 0; asked < 20; asked++) await isExempt(name, `127.0.10.${asked + 1}`);
    // With one server down, what was recorded since is confirmed all the same.
    await vi.waitUntil(
      () => RESOLVERS.every((name, index) => (collectedRecords(name)[0] ?? 0) > (before[index] ?? 0)),
      WAIT,
    );
    await leader.start();
    await fleet.revoke(id);
    const revoked = await becomes(RESOLVERS, false, '127.0.7.3');
    const { asked, unanswered, unfiltered } = await steady.stop();
    process.stderr.write(
      `leader killed: ${asked} queries asked, granted ${granted} ms, revoked ${revoked} ms\n`,
    );
    expect([unanswered, unfiltered]).toEqual([0, 0]);
    await nothingIsLost(RESOLVERS);
  },
  600_000,
);

test.skipIf(!hasOtherUser)(
  'who is connected to a server that is apart from the others goes to one of them, the authority as well',
  async () => {
    const [first, , last] = engines;
    if (first === undefined || last === undefined) throw new Error('no engine');
    const path = join(fleet.made.engineDirectory, 'machine-3/nats-server.conf');
    const text = readFileSync(path, 'utf8');
    const [, clusterPort = ''] = /cluster \{[^}]*listen: "[^"]+:(\d+)"/.exec(text) ?? [];
    expect(clusterPort).not.toBe('');
    // The way to the others is closed until both are connected to the last.
    const way = await Wire.lay(first.port, HOSTS[0]);
    way.cut();
    await last.kill();
    writeFileSync(path, text.replaceAll(`:${clusterPort}`, `:${await freePort()}`));
    await last.start();
    for (const name of ['authority', 'ns1']) {
      fleet.ownServers.set(name, [`tls://${HOSTS[2]}:${last.port}`, `tls://127.0.0.1:${way.port}`]);
      await fleet.programOf(name).kill();
      await fleet.run(name);
      await until(`${name} is connected to the last server`, () =>
        fleet.programOf(name).output().includes('fleet: the engine is connected'),
      );
    }
    way.mend();
    try {
      const id = await fleet.grant({ clients: ['127.0.7.4'] });
      await becomes(RESOLVERS, true, '127.0.7.4');
      await fleet.revoke(id);
      await becomes(RESOLVERS, false, '127.0.7.4');
      await nothingIsLost(RESOLVERS);
    } finally {
      writeFileSync(path, text);
      await last.kill();
      await last.start();
      for (const name of ['authority', 'ns1']) fleet.ownServers.delete(name);
      way.close();
    }
  },
  600_000,
);

/** The server that leads a stream. */
const leaderOf = async (stream: string): Promise<FleetEngine> => {
  const connection = await clientOf('authority', fleet.made.servers);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  // Three that follow it: one of them may die.
  const name = await vi.waitUntil(async () => {
    const { cluster } = await manager.streams.info(stream);
    const isWhole = cluster?.replicas?.every(({ current, offline }) => current && offline !== true);
    return cluster?.replicas?.length === 2 && isWhole === true ? cluster.leader : undefined;
  }, WAIT);
  await connection.close();
  const engine = engines[Number(name.split('-').at(-1)) - 1];
  if (engine === undefined) throw new Error(`no engine ${name}`);
  return engine;
};
