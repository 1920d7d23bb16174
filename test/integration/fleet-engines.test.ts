// @module-tag night
// From one engine to three while resolvers run, with one of them lost and replaced, and back to one: nothing that was recorded is lost.
//
// Real engines with the files that Cordon wrote, each as on a machine of its own; the command that does it as root is a thin layer
// over the same functions, and is walked by `npm run fleet -- sites`.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readPosition, verifyRecords } from '../../src/evidence/records/records.ts';
import { certificatePaths, issueServer, makeAuthority } from '../../src/fleet/engine-certificates.ts';
import { readEngineSettings, writeEngineFiles } from '../../src/fleet/engine-files.ts';
import { changeEngine, planEngine, readEngineHere, readPlan } from '../../src/fleet/engine-plan.ts';
import { joinFleet, type MadeFleet, type RunningCollector } from '../../src/fleet/fleet.ts';
import { streamCopies } from '../../src/fleet/stream-copies.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask } from '../support/client.ts';
import { requireMachineClock } from '../support/fake-time.ts';
import { TestFleet } from '../support/fleet.ts';
import { FleetEngine } from '../support/fleet-engine.ts';
import { hasOtherUser } from '../support/other-user.ts';
import { freePort } from '../support/ports.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { Steady } from '../support/steady.ts';

const NAME = 'www.tiktok.com. A';
const WAIT = { timeout: 90_000, interval: 50 };
const RESOLVERS = ['authority', 'ns2', 'ns3'];
/** Where the engine of each stands. */
const HOSTS: Readonly<Record<string, string>> = {
  authority: '127.0.0.1',
  ns2: '127.0.0.2',
  ns3: '127.0.0.3',
};

let upstream: ScriptedUpstream;
let fleet: TestFleet;
let collector: RunningCollector;
let port: number;
const engines = new Map<string, FleetEngine>();
const tls = { cert: '', key: '', ca: '' };

/** One engine, as `cordon fleet start` makes it. */
const startEngine = async (made: MadeFleet): Promise<FleetEngine> => {
  const directory = made.engineDirectory;
  makeAuthority(directory, 'authority', Date.now());
  issueServer(directory, ['127.0.0.1'], Date.now());
  Object.assign(tls, certificatePaths(directory));
  writeEngineFiles(directory, { ...readEngineSettings(directory), tls, clusterPort: await freePort() });
  const engine = new FleetEngine(join(directory, 'nats-server.conf'), port);
  engines.set('authority', engine);
  await engine.start();
  return engine;
};

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
  port = await freePort();
  fleet = await TestFleet.start(upstream.endpoint.port, {
    settings: '  tide-every: 1s',
    tls,
    engine: { servers: [`127.0.0.1:${port}`] },
    startEngine,
  });
  collector = await fleet.collect();
  await fleet.add('ns2');
  await fleet.add('ns3');
}, 600_000);

afterAll(async () => {
  await collector?.stop();
  await fleet?.close();
  for (const engine of engines.values()) await engine.kill();
  await upstream?.close();
});

const directoryOf = (name: string): string => join(fleet.directory, name, 'fleet/engine');

/** The engine beside a node, from the files that it was given; the store of each is its own. */
const engineBeside = async (name: string): Promise<void> => {
  const directory = directoryOf(name);
  const text = readFileSync(join(directory, 'nats-server.conf'), 'utf8');
  const path = join(directory, 'of-this-machine.conf');
  writeFileSync(path, text.replace(/store_dir: .*/, `store_dir: "${storeOf(name)}"`));
  const engine = new FleetEngine(path, port, HOSTS[name]);
  engines.set(name, engine);
  await engine.start();
};

const storeOf = (name: string): string => join(fleet.directory, `store-${name}`);

const isExempt = async (name: string, from: string): Promise<boolean> =>
  (await ask(fleet.programOf(name).dns, NAME, { from })).rcode === RCODE.NOERROR;

const becomes = async (wanted: boolean, from: string): Promise<void> => {
  await vi.waitUntil(
    async () =>
      (await Promise.all(RESOLVERS.map((name) => isExempt(name, from)))).every((is) => is === wanted),
    WAIT,
  );
};

const queriesOf = (path: string): number => readPosition(path)?.ends.queries.sequence ?? 0;

const nothingIsLost = async (): Promise<void> => {
  for (const name of RESOLVERS) {
    const own = (): number => queriesOf(join(fleet.directory, name, 'records/position'));
    const copy = join(fleet.collected, name);
    await vi.waitUntil(() => own() > 0 && own() === queriesOf(join(copy, 'position')), {
      timeout: 180_000,
      interval: 250,
    });
    await vi.waitUntil(async () => (await verifyRecords(copy, { isCollected: true })).findings.length === 0, {
      timeout: 90_000,
      interval: 500,
    });
    expect(existsSync(join(copy, 'holes.jsonl'))).toBe(false);
  }
};

/** The authority's machine changes over to what is planned, as the command does it. */
const changeOver = async (): Promise<void> => {
  const changed = changeEngine(directoryOf('authority'));
  fleet.servers = changed.servers;
  await engines.get('authority')?.kill('SIGTERM');
  await engines.get('authority')?.start();
  await fleet.programOf('authority').stop();
  await fleet.run('authority');
  await collector.stop();
  collector = await fleet.collect();
};

const copies = (count: number): Promise<unknown> =>
  vi.waitUntil(async () => {
    const found = await streamCopies(join(fleet.directory, 'authority'), fleet.servers, tls.ca).catch(
      () => [],
    );
    return found.length > 5 && found.every((one) => one.copies === count && one.isCurrent);
  }, WAIT);

test.skipIf(!hasOtherUser)(
  'one engine becomes three while queries are answered, one is lost and replaced, and three become one',
  async (context) => {
    // Servers of one engine look at the certificates that the authority made for each other.
    requireMachineClock(context, 'nats-server');
    const steady = new Steady(
      RESOLVERS.map((name) => fleet.programOf(name).dns).slice(1),
      NAME,
      '127.0.7.200',
    );
    await fleet.grant({ clients: ['127.0.7.1'] });
    await becomes(true, '127.0.7.1');
    const directory = directoryOf('authority');
    // Nothing is changed by a plan that cannot be.
    expect(() => planEngine(directory, [{ name: 'ns2', server: `127.0.0.2:${port}` }], Date.now())).toThrow(
      '2 servers',
    );
    planEngine(
      directory,
      ['ns2', 'ns3'].map((name) => ({ name, server: `${HOSTS[name]}:${port}` })),
      Date.now(),
    );
    for (const name of ['ns2', 'ns3']) {
      await vi.waitUntil(() => readEngineHere(directoryOf(name)) !== undefined, WAIT);
      expect(readEngineHere(directoryOf(name))).toMatchObject({ name, server: `${HOSTS[name]}:${port}` });
      await engineBeside(name);
    }
    expect(readEngineSettings(directory).servers.length).toBe(1);
    await changeOver();
    expect([readPlan(directory), readEngineSettings(directory).servers.length]).toEqual([undefined, 3]);
    await copies(3);
    const second = await fleet.grant({ clients: ['127.0.7.2'] });
    await becomes(true, '127.0.7.2');
    await nothingIsLost();

    // Who is invited now is known to each engine: here to one that is no machine of the authority.
    const token = await fleet.invite('ns4');
    const servers = [`tls://127.0.0.2:${port}`];
    await vi.waitUntil(
      () => readFileSync(join(directoryOf('ns2'), 'users.conf'), 'utf8').includes('a token for ns4'),
      WAIT,
    );
    const joined = await joinFleet({
      servers,
      caPath: tls.ca,
      token,
      stateDirectory: join(fleet.directory, 'ns4'),
    });
    expect(joined).toMatchObject({ name: 'ns4', isConnected: true });

    // The engine of the authority dies: decisions go on.
    await engines.get('authority')?.kill();
    await fleet.revoke(second);
    await becomes(false, '127.0.7.2');
    await engines.get('authority')?.start();
    // Another one dies with its disk, and an empty machine takes its place.
    await engines.get('ns3')?.kill();
    rmSync(storeOf('ns3'), { recursive: true, force: true });
    await engines.get('ns3')?.start();
    await copies(3);
    await nothingIsLost();

    planEngine(directory, [], Date.now());
    await changeOver();
    for (const name of ['ns2', 'ns3']) await engines.get(name)?.kill('SIGTERM');
    await copies(1);
    await fleet.grant({ clients: ['127.0.7.3'] });
    await becomes(true, '127.0.7.3');
    await nothingIsLost();
    const { asked, unanswered, unfiltered } = await steady.stop();
    process.stderr.write(`one engine, three and one: ${asked} queries asked\n`);
    expect([asked > 100, unanswered, unfiltered]).toEqual([true, 0, 0]);
  },
  600_000,
);
