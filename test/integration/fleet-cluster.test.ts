// A fleet over three engines and a leaf node at a site, all with TLS: an engine dies under load, and the site is cut off.
//
// Each server runs from a directory of its own, as on a machine of its own, with what Cordon wrote for it.
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, nkeyAuthenticator } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { RCODE } from '../../src/dns/dns.ts';
import { joinFleet, type MadeFleet, type RunningCollector } from '../../src/fleet/fleet.ts';
import { RECORD_CLASSES, readPosition, verifyRecords } from '../../src/records/records.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { ask } from '../support/client.ts';
import { TestFleet } from '../support/fleet.ts';
import { FleetEngine, freePort } from '../support/fleet-engine.ts';
import { hasOtherUser } from '../support/other-user.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { Steady } from '../support/steady.ts';
import { Wire } from '../support/wire.ts';

const NAME = 'www.tiktok.com. A';
const WAIT = { timeout: 60_000, interval: 50 };
const HOSTS = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
const LEAF_HOST = '127.0.0.4';
const RESOLVERS = ['authority', 'ns1', 'ns2'];

let upstream: ScriptedUpstream;
let fleet: TestFleet;
let wire: Wire;
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
  fleet = await TestFleet.start(upstream.endpoint.port, {
    settings: '  tide-every: 1s',
    tls: { cert, key, ca: root.issued.certificateFile },
    engine: {
      servers: HOSTS.map((host) => `${host}:${port}`),
      ...{ clusterPort, leafPort, leafs: { bruges: `${LEAF_HOST}:${ownPort}` } },
    },
    startEngine: (made) => startCluster(made, port),
  });
  collector = await fleet.collect();
  await fleet.add('ns1');
  await fleet.join('ns2', await fleet.invite('ns2', 'bruges'));
  wire = await Wire.lay(leafPort);
  leaf = new FleetEngine(layLeaf(wire.port), ownPort, LEAF_HOST);
  await leaf.start();
  fleet.ownServers.set('ns2', [`tls://${LEAF_HOST}:${ownPort}`]);
  await fleet.run('ns2');
}, 240_000);

afterAll(async () => {
  await collector?.stop();
  wire?.close();
  await leaf?.kill();
  for (const engine of engines) await engine.kill();
  await fleet?.close();
  await upstream?.close();
});

/** Each server in a directory of its own: the file of users comes there as an operator's copying would bring it. */
const startCluster = async ({ engineDirectory }: MadeFleet, port: number): Promise<FleetEngine> => {
  for (const [index, host] of HOSTS.entries()) {
    const directory = join(engineDirectory, `machine-${index + 1}`);
    mkdirSync(directory);
    const text = readFileSync(join(engineDirectory, `nats-server-${index + 1}.conf`), 'utf8');
    const path = join(directory, 'nats-server.conf');
    writeFileSync(
      path,
      text.replace(/store_dir: .*/, `store_dir: ${JSON.stringify(join(directory, 'store'))}`),
    );
    symlinkSync(join(engineDirectory, 'users.conf'), join(directory, 'users.conf'));
    engines.push(new FleetEngine(path, port, host));
  }
  await Promise.all(engines.map((engine) => engine.start()));
  const [first] = engines;
  if (first === undefined) throw new Error('no engine');
  return first;
};

/** What an operator copies to the site; its way to the engine is a wire that can be cut. */
const layLeaf = (wirePort: number): string => {
  const { engineDirectory } = fleet.made;
  const directory = join(fleet.directory, 'leaf');
  mkdirSync(directory, { recursive: true });
  const text = readFileSync(join(engineDirectory, 'leaf-bruges.conf'), 'utf8');
  const path = join(directory, 'leaf-bruges.conf');
  writeFileSync(path, text.replace(/urls: \[[^\]]*\]/, `urls: ["tls://127.0.0.1:${wirePort}"]`));
  copyFileSync(join(engineDirectory, 'leaf-bruges-users.conf'), join(directory, 'leaf-bruges-users.conf'));
  return path;
};

const renewLeaf = async (): Promise<void> => {
  await leaf.kill('SIGTERM');
  layLeaf(wire.port);
  await leaf.start();
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
        const verified = await verifyRecords(join(fleet.collected, name));
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
  180_000,
);

test.skipIf(!hasOtherUser)(
  'a site whose leaf node is cut off answers and records, and has all of policy and evidence when it is back',
  async () => {
    const id = await fleet.grant({ clients: ['127.0.7.2'] });
    await becomes(RESOLVERS, true, '127.0.7.2');
    const steady = new Steady([fleet.programOf('ns2').dns], NAME, '127.0.7.200');
    wire.cut();
    const before = collectedRecords('ns2')[0] ?? 0;
    await fleet.revoke(id);
    await becomes(['authority', 'ns1'], false, '127.0.7.2');
    // Another client each time: what one asks again is counted in one record.
    for (let asked = 0; asked < 50; asked++) await isExempt('ns2', `127.0.9.${asked + 1}`);
    await vi.waitUntil(() => (ownRecords('ns2')[0] ?? 0) >= before + 50, WAIT);
    expect(await isExempt('ns2', '127.0.7.2')).toBe(true);
    wire.mend();
    await becomes(['ns2'], false, '127.0.7.2');
    const { asked, unanswered, unfiltered } = await steady.stop();
    process.stderr.write(`leaf node cut off: ${asked} queries asked\n`);
    expect([unanswered, unfiltered]).toEqual([0, 0]);
    await nothingIsLost(['ns2']);
  },
  180_000,
);

test('a resolver joins through the leaf node of its site, once that knows its token', async () => {
  wire.mend();
  const token = await fleet.invite('ns3', 'bruges');
  await renewLeaf();
  const servers = fleet.ownServers.get('ns2') ?? [];
  const caPath = /ca: (.*)/.exec(fleet.config('ns2'))?.[1];
  const stateDirectory = join(fleet.directory, 'ns3');
  // The leaf node has to find the engine again first.
  const joining = vi.waitUntil(
    () => joinFleet({ servers, caPath, token, stateDirectory }).catch(() => undefined),
    WAIT,
  );
  await vi.waitUntil(() => existsSync(join(stateDirectory, 'fleet/node.seed')), WAIT);
  await renewLeaf();
  expect(await joining).toMatchObject({ name: 'ns3', site: 'bruges', isConnected: true });
  // Its user knows nobody of another site.
  expect(readFileSync(join(fleet.directory, 'leaf/leaf-bruges-users.conf'), 'utf8')).not.toContain('ns1');
}, 180_000);

test.skipIf(!hasOtherUser)(
  'the leader of three engines is killed under load: policy and evidence go on, and nothing is lost',
  async () => {
    wire.mend();
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
  300_000,
);

/** The server that leads a stream. */
const leaderOf = async (stream: string): Promise<FleetEngine> => {
  const connection = await connect({
    servers: [...fleet.made.servers],
    inboxPrefix: '_INBOX_authority',
    authenticator: nkeyAuthenticator(Buffer.from(fleet.seedOf('authority').trim())),
    tls: { ca: readFileSync(/ca: (.*)/.exec(fleet.config('ns1'))?.[1] ?? '', 'utf8') },
  });
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
