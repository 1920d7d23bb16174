// The authority of a fleet is lost: put back from an old copy, or another one in its place. Real engine, real programs.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type FleetRecord, RecordsReader, verifyRecords } from '../../src/evidence/records/records.ts';
import { type LogEnd, signEntry } from '../../src/fleet/entry.ts';
import { readKeyFile, toSeedKey } from '../../src/fleet/key.ts';
import { NatsBus } from '../../src/fleet/nats-bus.ts';
import { stampMessage } from '../../src/fleet/signed-message.ts';
import { policySubject, presenceSubject } from '../../src/fleet/subjects.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric } from '../support/client.ts';
import { TestFleet } from '../support/fleet.ts';
import { FleetEngine } from '../support/fleet-engine.ts';
import { freePort } from '../support/ports.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const NAME = 'www.tiktok.com. A';
const WAIT = { timeout: 90_000, interval: 50 };

let upstream: ScriptedUpstream;
let fleet: TestFleet<Cordon>;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
  fleet = await TestFleet.startWith(startCordon, upstream.endpoint.port, { settings: '  tide-every: 1s' });
  await fleet.add('ns1');
});

afterAll(async () => {
  await second?.kill();
  await fleet.close();
  await upstream.close();
});

const isExempt = async (name: string, from: string): Promise<boolean> =>
  (await ask(fleet.programOf(name).dns, NAME, { from })).rcode === RCODE.NOERROR;

const becomes = (name: string, wanted: boolean, from: string): Promise<unknown> =>
  vi.waitUntil(async () => (await isExempt(name, from)) === wanted, WAIT);

const statusOf = (name: string) =>
  fleet.ask<{ policy: { number: number }; holdMs: number; isConnected: boolean }>(name, 'GET', '/v1/fleet');

/** Number and hash of each entry, as a resolver has them on its disk. */
const logOf = (name: string): string[] => {
  const database = new DatabaseSync(join(fleet.directory, name, 'fleet/policy.sqlite'), {
    readOnly: true,
    timeout: 60_000,
  });
  try {
    return database
      .prepare('SELECT number, hash FROM entries ORDER BY number')
      .all()
      .map(({ number, hash }) => `${String(number)} ${String(hash)}`);
  } finally {
    database.close();
  }
};

const recorded = async (name: string, event: FleetRecord['event']): Promise<boolean> => {
  const reader = RecordsReader.open(join(fleet.directory, name, 'records'));
  try {
    for await (const { record } of reader.records('changes', 0, Number.MAX_SAFE_INTEGER))
      if (record.kind === 'fleet' && record.event === event) return true;
    return false;
  } finally {
    reader.close();
  }
};

/** The authority's machine is gone; what there is of it is a backup. */
const putBack = async (backup: string): Promise<void> => {
  await fleet.programOf('authority').kill();
  rmSync(join(fleet.directory, 'authority'), { recursive: true });
  const restored = await fleet.command('authority', ['restore', backup]);
  expect(restored.stdout + restored.stderr).toContain('restored to');
};

/** With the key of a resolver, as who has stolen it. */
const connectAs = (name: string, url: string): Promise<NatsBus> =>
  NatsBus.connect(
    { servers: [url], caPath: undefined, name, seed: () => fleet.seedOf(name) },
    { onUp: () => undefined, onDown: () => undefined, onFault: () => undefined },
    false,
  );

/** Until all have the same log, which no entry was lost of. */
const agree = (names: readonly string[]): Promise<unknown> =>
  vi.waitUntil(() => new Set(names.map((name) => logOf(name).join('\n'))).size === 1, WAIT);

test('an authority that is put back from an old copy takes back what nodes and engine have, and gives no number twice', {
  tags: 'night',
  timeout: 600_000,
}, async () => {
  const collector = await fleet.collect();
  const old = await fleet.grant({ clients: ['127.0.4.1'] });
  const token = await fleet.invite('ns2');
  const backup = join(fleet.directory, 'yesterday.tar.gz');
  expect((await fleet.command('authority', ['backup', backup])).code).toBe(0);
  // A day of decisions that the backup knows nothing of: one granted, one revoked, a resolver taken in.
  await fleet.join('ns2', token);
  await fleet.run('ns2');
  const later = await fleet.grant({ clients: ['127.0.4.2'] });
  await fleet.revoke(old);
  for (const name of ['ns1', 'ns2']) {
    await becomes(name, true, '127.0.4.2');
    await becomes(name, false, '127.0.4.1');
  }
  const before = logOf('ns2');

  for (const isEngineLost of [false, true]) {
    await putBack(backup);
    if (isEngineLost) {
      await fleet.engine.kill();
      rmSync(join(fleet.directory, 'store'), { recursive: true });
      await fleet.run('authority');
      // Without an engine nobody can say which numbers are taken: new papers wait, and it is said for what.
      await expect(fleet.request({ clients: ['127.0.4.9'] })).rejects.toThrow(/ERR_FLEET_HOLD.*engine/s);
      await fleet.engine.start();
    } else await fleet.run('authority');
    await becomes('authority', true, '127.0.4.2');
    await becomes('authority', false, '127.0.4.1');
    await vi.waitUntil(() => logOf('authority').length >= before.length, WAIT);
    expect(logOf('authority').slice(0, before.length)).toEqual(before);
    await vi.waitUntil(() => recorded('authority', 'recovered'), WAIT);
    const from = isEngineLost ? '127.0.4.4' : '127.0.4.3';
    const next = await fleet.grant({ clients: [from] });
    expect([old, later]).not.toContain(next);
    // The resolver that came after the copy was made is let in again, too.
    for (const name of ['authority', 'ns1', 'ns2']) await becomes(name, true, from);
    await agree(['authority', 'ns1', 'ns2']);
    for (const name of ['authority', 'ns1', 'ns2'])
      expect(
        (await readMetric(fleet.programOf(name), 'cordon_fleet_alarms_total', { alarm: 'fork' })) ?? 0,
      ).toBe(0);
    before.splice(0, before.length, ...logOf('ns1'));
  }
  // Its token was used after the copy was made: who has it is told no.
  await expect(fleet.join('thief', token)).rejects.toMatchObject({ code: 'ERR_FLEET_TOKEN' });

  // The copy's own records stand under numbers that the collector has other records of.
  expect((await fleet.command('authority', ['fleet', 'renew'])).stderr).toContain('ERR_FLEET_RUNNING');
  await fleet.programOf('authority').stop();
  expect((await fleet.command('authority', ['fleet', 'renew'])).code).toBe(0);
  await fleet.run('authority');
  await vi.waitUntil(
    () =>
      verifyRecords(join(fleet.collected, 'authority.2'), { isCollected: true })
        .then(({ heads }) => heads > 0)
        .catch(() => false),
    WAIT,
  );
  await collector.stop();
});

/** The test before takes in a second resolver as well, where it runs. */
const haveTwo = async (): Promise<void> => {
  if (!fleet.members.has('ns2')) await fleet.add('ns2');
};

test('a node that lies about its log makes no fork of it, and nobody waits for it', async () => {
  await haveTwo();
  const { policy } = await statusOf('authority');
  const engine = await connectAs('ns1', fleet.servers[0] ?? '');
  const lie = {
    name: 'ns1',
    role: 'node',
    enrolment: 1,
    time: new Date().toISOString(),
    version: '0',
    generation: 1,
    state: 'well',
    isSuspended: false,
    isForked: false,
    refused: [],
    lists: {},
    records: { queries: 0, changes: 0 },
    confirmed: { queries: 0, changes: 0 },
  };
  // With its own key, behind all that it said before.
  const key = toSeedKey(fleet.seedOf('ns1'));
  let sequence = Date.now();
  const tell = (end: { number: number; hash: string }) => {
    const text = JSON.stringify({ ...lie, policy: end });
    const stamp = stampMessage(presenceSubject('ns1'), text, ++sequence, key);
    return engine.store(presenceSubject('ns1'), text, { stamp });
  };
  await tell({ number: policy.number - 1, hash: 'f'.repeat(64) });
  await vi.waitUntil(
    async () =>
      (await readMetric(fleet.programOf('authority'), 'cordon_fleet_alarms_total', {
        alarm: 'forged-entry',
      })) === 1,
    WAIT,
  );
  await tell({ number: 1_000_000, hash: 'f'.repeat(64) });
  const id = await fleet.grant({ clients: ['127.0.4.6'] });
  await becomes('ns2', true, '127.0.4.6');
  await fleet.revoke(id);
  await becomes('ns2', false, '127.0.4.6');
  await engine.close();
});

/** Of the node that takes over. */
let second: FleetEngine | undefined;
let secondUrl = '';
/** What it granted. */
const decided: string[] = [];
/** What somebody has who was at the lost authority's machine. */
const stolenKey = (): string => join(fleet.directory, 'authority/fleet/authority-key.pem');

const takeOver = async (): Promise<void> => {
  await haveTwo();
  const kept = await fleet.grant({ clients: ['127.0.4.7'] });
  for (const name of ['ns1', 'ns2']) await becomes(name, true, '127.0.4.7');
  const lost = fleet.programOf('authority');
  await lost.kill();
  await fleet.engine.kill();
  expect(await isExempt('ns2', '127.0.4.7')).toBe(true);

  // At another machine, with an engine of its own.
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  const safe = join(fleet.directory, 'safe-key.pem');
  const args = ['fleet', 'take-over', '--safe', safe, '--server', `127.0.0.1:${port}`];
  const store = ['--store', join(fleet.directory, 'store-2')];
  expect((await fleet.command('ns1', [...args, ...store])).stderr).toContain('ERR_FLEET_RUNNING');
  await fleet.programOf('ns1').stop();
  const wrong = args.with(3, join(fleet.directory, 'ns1/records/key.pem'));
  expect((await fleet.command('ns1', [...wrong, ...store])).code).not.toBe(0);
  const taken = await fleet.command('ns1', [...args, ...store]);
  expect(taken.stdout).toContain('role: authority');
  second = new FleetEngine(join(fleet.directory, 'ns1/fleet/engine/nats-server.conf'), port);
  secondUrl = url;
  await second.start();
  fleet.authority = 'ns1';
  fleet.servers = [fleet.made.servers[0] ?? '', url];
  await fleet.programOf('ns2').stop();
  await fleet.run('ns2');
  await fleet.run('ns1');
  expect(await isExempt('ns1', '127.0.4.7')).toBe(true);
  // What the lost authority granted is known here, by its number, and can be ended.
  await fleet.revoke(kept);
  await becomes('ns2', false, '127.0.4.7');
  decided.push(await fleet.grant({ clients: ['127.0.4.8'] }));
  await becomes('ns2', true, '127.0.4.8');
};

/** Once, whichever tests are run. */
let done: Promise<void> | undefined;
const overtaken = (): Promise<void> => (done ??= takeOver());

test('a node takes over with the key from the safe', overtaken, 600_000);

test('an authority that comes back after a take-over finds out that it is none', {
  tags: 'night',
  timeout: 600_000,
}, async () => {
  await overtaken();
  const next = decided.at(-1) ?? '';
  // The lost one comes back as it was, and believes that it decides.
  fleet.authority = 'authority';
  await fleet.run('authority');
  await becomes('authority', true, '127.0.4.8');
  await becomes('authority', false, '127.0.4.7');
  await vi.waitUntil(() => recorded('authority', 'replaced'), WAIT);
  await expect(fleet.request({ clients: ['127.0.4.10'] })).rejects.toThrow(/ERR_FLEET_REPLACED/);
  expect(
    await readMetric(fleet.programOf('authority'), 'cordon_fleet_alarms_total', { alarm: 'replaced' }),
  ).toBe(1);
  expect((await fleet.command('authority', ['fleet', 'status'])).stdout).toContain(
    'another one has taken over',
  );
  // And what the new one decides holds there, too.
  fleet.authority = 'ns1';
  await fleet.revoke(next);
  for (const name of ['authority', 'ns2']) await becomes(name, false, '127.0.4.8');
  await agree(['authority', 'ns1', 'ns2']);
  // Who has the lost key has nothing, even with the engine: no resolver takes what it signs.
  const { policy } = await statusOf('ns1');
  const body = JSON.stringify({ for: 'all', yaml: '', by: 'thief' });
  const about = { time: new Date().toISOString(), kind: 'overlay', must: false, body };
  const forged = signEntry(policy as LogEnd, about, readKeyFile(stolenKey()));
  const thief = await connectAs('ns1', secondUrl);
  await thief.store(policySubject(forged.number), JSON.stringify(forged));
  await vi.waitUntil(() => recorded('ns2', 'refused'), WAIT);
  await thief.close();
  const last = await fleet.grant({ clients: ['127.0.4.11'] });
  await becomes('ns2', true, '127.0.4.11');
  await fleet.revoke(last);
});
