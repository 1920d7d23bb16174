// A leaf node of a site, and an engine that missed a reading of who may connect: a removed resolver ends there all the same.
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { connectOnce } from '../../src/fleet/engine-connection.ts';
import { SYSTEM_SEED_NAME } from '../../src/fleet/init.ts';
import { TestFleet } from '../support/fleet.ts';
import { FleetEngine } from '../support/fleet-engine.ts';
import { freePort } from '../support/ports.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** Questions to the engine within which a word that came through is heard. */
const LOOKS = 200;
const WAIT = { timeout: 30_000, interval: 50 };

let fleet: TestFleet<Cordon>;
let leaf: FleetEngine;
let leafUrl: string;

beforeAll(async () => {
  const [leafPort, ownPort] = [await freePort(), await freePort()];
  fleet = await TestFleet.startWith(startCordon, 9, {
    engine: { leafPort, leafs: { bruges: `127.0.0.1:${ownPort}` } },
  });
  for (const name of ['ns2', 'ns3']) {
    const token = await fleet.invite(name, 'bruges');
    await vi.waitUntil(() => fleet.join(name, token).catch(() => undefined), WAIT);
  }
  const directory = join(fleet.directory, 'leaf');
  mkdirSync(directory);
  for (const file of ['leaf-bruges.conf', 'leaf-bruges-users.conf'])
    copyFileSync(join(fleet.made.engineDirectory, file), join(directory, file));
  leafUrl = `nats://127.0.0.1:${ownPort}`;
  leaf = new FleetEngine(join(directory, 'leaf-bruges.conf'), ownPort);
  await leaf.start();
}, 120_000);
afterAll(async () => {
  await leaf?.kill();
  await fleet?.close();
});

const clientOf = (name: string, server: string): Promise<NatsConnection> =>
  connectOnce({
    ...{ servers: [server], caPath: undefined, name, inboxPrefix: `_INBOX_${name}` },
    ...{ seed: fleet.seedOf(name), timeoutMs: WAIT.timeout },
  });

test('what a removed resolver sends through the leaf node ends at an engine that missed the change before', async () => {
  const engine = await clientOf('authority', fleet.made.servers[0] ?? '');
  const heard = new Set<string>();
  for (const name of ['ns2', 'ns3'])
    engine.subscribe(`$KV.cordon_presence.${name}`, {
      callback: (_, message) => void heard.add(`${name} ${message.string()}`),
    });
  const clients = { ns2: await clientOf('ns2', leafUrl), ns3: await clientOf('ns3', leafUrl) };
  let round = 0;
  /** Both go one way, on which nothing overtakes: ns2, which speaks behind ns3, tells. Undefined where the way is closed. */
  const isThrough = async (): Promise<boolean | undefined> => {
    const word = `word ${++round}`;
    for (const name of ['ns3', 'ns2'] as const) {
      clients[name].publish(`$KV.cordon_presence.${name}`, word);
      await clients[name].flush();
    }
    for (let looks = 0; looks < LOOKS && !heard.has(`ns2 ${word}`); looks++) await engine.flush();
    return heard.has(`ns2 ${word}`) ? heard.has(`ns3 ${word}`) : undefined;
  };
  try {
    await vi.waitUntil(async () => (await isThrough()) === true, WAIT);
    // Without its seed the authority cannot have the engine read anything, as if that did not hear.
    const seed = join(fleet.made.engineDirectory, SYSTEM_SEED_NAME);
    renameSync(seed, `${seed}.aside`);
    await fleet.invite('ns4', 'bruges');
    renameSync(`${seed}.aside`, seed);
    const answer = await fleet.ask('authority', 'POST', '/v1/fleet/remove', {
      name: 'ns3',
      reason: 'stolen',
    });
    expect(answer).toMatchObject({ reloaded: 1 });
    await vi.waitUntil(async () => (await isThrough()) === false, WAIT);
  } finally {
    for (const client of [engine, ...Object.values(clients)]) await client.close();
  }
}, 120_000);
