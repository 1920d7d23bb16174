// A fleet that lives: overlays and lists, another key, a resolver removed, late and repeated evidence, an engine whose disk is
// full; at the end the sum over all resolvers, recomputed from their own records. Real engine, real programs.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  connect,
  createInbox,
  headers,
  type MsgHdrs,
  type NatsConnection,
  nkeyAuthenticator,
} from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  type FleetRecord,
  RECORD_CLASSES,
  RecordsReader,
  readPosition,
  verifyRecords,
} from '../../src/evidence/records/records.ts';
import type { RunningCollector } from '../../src/fleet/fleet.ts';
import { sha256Of } from '../../src/fleet/list-fetcher.ts';
import { NatsBus } from '../../src/fleet/nats-bus.ts';
import { listSubject } from '../../src/fleet/subjects.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { TestFleet } from '../support/fleet.ts';
import { FleetEngine } from '../support/fleet-engine.ts';
import { fillDisk } from '../support/full-disk.ts';
import { run } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';
import { Steady } from '../support/steady.ts';
import { Wire } from '../support/wire.ts';

const NAME = 'www.tiktok.com. A';
const FIRST = 'one.example.com. A';
const EXTRA = 'www.example.com. A';
const WAIT = { timeout: 90_000, interval: 50 };
const SCRIPT = fileURLToPath(new URL('../support/recompute-fleet.py', import.meta.url));

let upstream: ScriptedUpstream;
let fleet: TestFleet<Cordon>;
let wire: Wire;
let collector: RunningCollector;
let store = '';
let given = '';
let intruder: NatsConnection;
/** Every message of evidence that went through the engine, as somebody has it who listens there. */
const heard: { subject: string; data: Uint8Array; headers: MsgHdrs | undefined }[] = [];

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  const answers = new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']);
  upstream.onQuery(
    answers
      .set(EXTRA, ['www.example.com. 60 IN A 192.0.2.2'])
      .set(FIRST, ['one.example.com. 60 IN A 192.0.2.3']).handler,
  );
  given = join(mkdtempSync(join(tmpdir(), 'cordon-list-')), 'extra.txt');
  writeFileSync(given, 'one.example.com\n');
  fleet = await TestFleet.startWith(startCordon, upstream.endpoint.port, {
    settings: '  tide-every: 1s',
    more: authorityMore(),
    startEngine: async ({ engineDirectory, servers }) => {
      const path = join(engineDirectory, 'nats-server.conf');
      store = JSON.parse(/store_dir: (.*)/.exec(readFileSync(path, 'utf8'))?.[1] ?? '""') as string;
      mkdirSync(store);
      // Far less than the streams would like to set aside.
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', store]);
      const engine = new FleetEngine(path, Number(servers[0]?.split(':').at(-1)));
      await engine.start();
      return engine;
    },
  });
  intruder = await connect({
    servers: [...fleet.servers],
    authenticator: nkeyAuthenticator(Buffer.from(fleet.seedOf('authority').trim())),
    maxReconnectAttempts: -1,
  });
  intruder.subscribe('cordon.evidence.>', {
    callback: (_, { subject, data, headers }) => {
      heard.push({ subject, data: Uint8Array.from(data), headers });
    },
  });
  collector = await fleet.collect();
  await fleet.add('ns1', 'bruges', listOf('ns1'));
  wire = await Wire.lay(fleet.engine.port);
  fleet.ownServers.set('ns2', [`nats://127.0.0.1:${wire.port}`]);
  await fleet.add('ns2', 'ghent', listOf('ns2'));
  // Each has something to lose, whichever tests are run.
  for (const name of ['authority', 'ns1', 'ns2']) await becomes(name, NAME, RCODE.NXDOMAIN);
});

afterAll(async () => {
  await intruder?.close();
  await collector?.stop();
  wire?.close();
  await fleet?.engine.kill();
  if (store !== '') execFileSync('umount', [store]);
  await fleet?.close();
  await upstream?.close();
});

/** What the authority has more: it gives the list. */
const authorityMore = (): string =>
  `  lists: [extra]\nextra-lists:\n  - { id: extra, file: ${given}, format: domains }\n`;

/** The key that reads what the authority gives of a list. */
const listOf = (name: string): string =>
  `extra-lists:\n  - { id: extra, file: ${join(fleet.directory, name, 'fleet/lists/extra')}, format: domains }\n`;

const rcodeOf = async (name: string, question: string, from = '127.0.8.200'): Promise<number> =>
  (await ask(fleet.programOf(name).dns, question, { from })).rcode;

const becomes = (name: string, question: string, rcode: number, from?: string): Promise<unknown> =>
  vi.waitUntil(async () => (await rcodeOf(name, question, from)) === rcode, WAIT);

const fleetRecords = async (name: string): Promise<FleetRecord[]> => {
  const reader = RecordsReader.open(join(fleet.directory, name, 'records'));
  const found: FleetRecord[] = [];
  for await (const { record } of reader.records('changes', 0, Number.MAX_SAFE_INTEGER))
    if (record.kind === 'fleet') found.push(record);
  reader.close();
  return found;
};

const recorded = (name: string, is: (record: FleetRecord) => boolean): Promise<unknown> =>
  vi.waitUntil(async () => (await fleetRecords(name)).some(is), WAIT);

const sequencesOf = (path: string): number[] => {
  const position = readPosition(path);
  return RECORD_CLASSES.map((one) => position?.ends[one].sequence ?? 0);
};
const ownRecords = (name: string): number[] => sequencesOf(join(fleet.directory, name, 'records/position'));
const collectedRecords = (name: string): number[] => sequencesOf(join(fleet.collected, name, 'position'));

/** Everything that a resolver has recorded is at the collector, and nothing is there twice. */
const nothingIsLost = async (name: string): Promise<void> => {
  await vi.waitUntil(
    () => ownRecords(name).every((own, index) => own > 0 && own === collectedRecords(name)[index]),
    WAIT,
  );
  expect((await verifyRecords(join(fleet.directory, name, 'records'))).findings).toEqual([]);
  await vi.waitUntil(
    async () =>
      (await verifyRecords(join(fleet.collected, name), { isCollected: true })).findings.length === 0,
    {
      ...WAIT,
      interval: 500,
    },
  );
};

/** What the collector refused so far. */
const alarms = (): string => {
  try {
    return readFileSync(join(fleet.collected, 'alarms.jsonl'), 'utf8');
  } catch {
    return '';
  }
};

const overlay = (target: string, yaml: string): Promise<{ number: number }> =>
  fleet.ask('authority', 'POST', '/v1/fleet/overlay', { for: target, yaml, reason: 'tried' });

test('each resolver has its records cosigned by the others, and nobody named them', {
  tags: 'night',
}, async () => {
  const others = new Map([
    ['authority', ['ns1', 'ns2']],
    ['ns1', ['ns2', 'authority']],
    ['ns2', ['authority', 'ns1']],
  ]);
  const cosignedSec = (name: string, by: string): Promise<number> =>
    readMetric(fleet.programOf(name), 'cordon_records_witness_timestamp_seconds', { witness: `fleet/${by}` });
  for (const [name, witnesses] of others)
    for (const by of witnesses) await vi.waitUntil(async () => (await cosignedSec(name, by)) > 0, WAIT);
  const status = await runCommandHere(['records', 'status'], {
    cwd: fleet.programOf('ns1').directory,
  });
  expect(status.stdout).toMatch(/fleet\/authority/);
});

test('an overlay of a site is in force there and nowhere else, and one that does not pass leaves what was', {
  tags: 'night',
}, async () => {
  await overlay('site:bruges', 'block: { mode: refused }');
  await becomes('ns1', NAME, RCODE.REFUSED);
  expect(await rcodeOf('ns2', NAME)).toBe(RCODE.NXDOMAIN);
  expect(await rcodeOf('authority', NAME)).toBe(RCODE.NXDOMAIN);
  const { number } = await overlay('site:bruges', 'upstreams: ["192.0.2.53"]');
  await recorded('ns1', (one) => one.event === 'refused' && one.number === number);
  const [refused] = (await fleetRecords('ns1')).filter((one) => one.number === number);
  expect(refused?.reason).toContain('an overlay may not set this key');
  expect(await rcodeOf('ns1', NAME)).toBe(RCODE.REFUSED);
  const shown = await fleet.command('authority', ['fleet', 'status']);
  expect(shown.stdout).toContain(`ns1: refuses entry ${number}`);
  await overlay('site:bruges', '');
  await becomes('ns1', NAME, RCODE.NXDOMAIN);
});

test('an overlay that the configuration of a resolver does not fit holds there once it was mended and reloaded', {
  tags: 'night',
}, async () => {
  const place = fleet.programOf('ns2').directory;
  const before = readFileSync(join(place, 'cordon.yaml'), 'utf8');
  const { number } = await overlay('node:ns2', 'groups: [{ name: default, lists: [tiktok, own] }]');
  await recorded('ns2', (one) => one.event === 'refused' && one.number === number);
  const issues = async (): Promise<string> => (await fleet.command('ns2', ['status'])).stdout;
  expect(await issues()).toContain(`entry ${number} does not hold here`);
  writeFileSync(join(place, 'own.txt'), 'www.example.com\n');
  const own = `extra-lists:\n  - { id: own, file: ${join(place, 'own.txt')}, format: domains }\n`;
  writeFileSync(join(place, 'cordon.yaml'), before.replace('extra-lists:\n', own));
  await fleet.ask('ns2', 'POST', '/v1/reload', {});
  await becomes('ns2', EXTRA, RCODE.NXDOMAIN);
  expect(await issues()).not.toContain('does not hold here');
  // What somebody puts in its place does not stay.
  writeFileSync(join(fleet.directory, 'ns2/fleet/overlays.json'), '[]\n');
  await fleet.ask('ns2', 'POST', '/v1/reload', {});
  await becomes('ns2', EXTRA, RCODE.NXDOMAIN);
  await overlay('node:ns2', '');
  writeFileSync(join(place, 'cordon.yaml'), before);
  await becomes('ns2', EXTRA, RCODE.NOERROR);
  await fleet.ask('ns2', 'POST', '/v1/reload', {});
  const verified = await fleet.command('ns2', [
    ...['records', 'verify', '--directory', join(fleet.collected, 'ns2')],
  ]);
  expect([verified.code, verified.stderr]).toEqual([0, '']);
});

test('refusals of a site are suspended and given again from the authority, on the record there', async () => {
  expect(await rcodeOf('ns1', NAME)).toBe(RCODE.NXDOMAIN);
  const begun = await fleet.command('authority', [
    ...['pause', '10m', '--for', 'site:bruges', '--reason', 'incident 8'],
  ]);
  expect([begun.code, begun.stderr]).toEqual([0, '']);
  await becomes('ns1', NAME, RCODE.NOERROR);
  expect(await rcodeOf('ns2', NAME)).toBe(RCODE.NXDOMAIN);
  expect((await fleet.command('ns1', ['pause'])).stdout).toMatch(
    /SUSPENDED until .*: incident 8 \(fleet, for site:bruges/,
  );
  expect((await fleet.command('authority', ['fleet', 'status'])).stdout).toMatch(
    /SUSPENDED for site:bruges until/,
  );
  const node = await fleet.command('ns1', ['pause', '1m', '--for', 'all', '--reason', 'x']);
  expect([node.code, node.stderr]).toEqual([1, expect.stringContaining('ERR_FLEET_NODE')]);
  await fleet.command('authority', ['resume', '--for', 'all']);
  await becomes('ns1', NAME, RCODE.NXDOMAIN);
  await recorded('ns1', (one) => one.event === 'applied' && one.entry === 'pause');
});

test('another list of fleet.lists is given by a reload, and put in force by who reads it', {
  tags: 'night',
}, async () => {
  const [authority, node] = ['authority', 'ns1'].map((name) => fleet.programOf(name).directory) as [
    string,
    string,
  ];
  const path = join(authority, 'cordon.yaml');
  const before = readFileSync(path, 'utf8');
  const more = join(authority, 'more.txt');
  writeFileSync(more, 'more.example.com\n');
  const own = `extra-lists:\n  - { id: more, file: ${more}, format: domains }\n`;
  writeFileSync(
    path,
    before.replace('lists: [extra]', 'lists: [extra, more]').replace('extra-lists:\n', own),
  );
  await fleet.ask('authority', 'POST', '/v1/reload', {});
  // Nobody reads it yet, and says so.
  await recorded('ns1', (one) => one.event === 'refused' && one.subject === 'more');
  const nodePath = join(node, 'cordon.yaml');
  const nodeText = readFileSync(nodePath, 'utf8');
  const file = join(fleet.directory, 'ns1/fleet/lists/more');
  const read = `extra-lists:\n  - { id: more, file: ${file}, format: domains }\n`;
  writeFileSync(nodePath, nodeText.replace('extra-lists:\n', read));
  await fleet.ask('ns1', 'POST', '/v1/reload', {});
  await recorded('ns1', (one) => one.event === 'applied' && one.subject === 'more');
  expect(readFileSync(file, 'utf8')).toBe('more.example.com\n');
  // A content that changes later comes as that of the others does.
  writeFileSync(more, 'more.example.com\nother.example.com\n');
  await fleet.ask('authority', 'POST', '/v1/reload', {});
  await vi.waitUntil(() => readFileSync(file, 'utf8').includes('other.example.com'), WAIT);
  // One that is taken out of fleet.lists changes no more at the nodes, and is missing at none that never read it.
  writeFileSync(path, before);
  await fleet.ask('authority', 'POST', '/v1/reload', {});
  const status = async (): Promise<string> => (await fleet.command('authority', ['fleet', 'status'])).stdout;
  await vi.waitUntil(async () => !/list more|refuses entry/.test(await status()), {
    ...{ ...WAIT, interval: 500 },
  });
  expect(readFileSync(file, 'utf8')).toContain('other.example.com');
});

const readExtra = async (): Promise<void> => {
  await overlay('all', 'groups: [{ name: default, lists: [tiktok, extra] }]');
  for (const name of ['ns1', 'ns2']) await becomes(name, FIRST, RCODE.NXDOMAIN);
};

test('a list that the authority gives is in force wherever it is read, and nothing else of it', async () => {
  await readExtra();
  expect(await rcodeOf('ns2', EXTRA)).toBe(RCODE.NOERROR);
});

test('a list is given by its hash; another content is refused, recorded and an alarm, until the right one is there', {
  tags: 'night',
}, async () => {
  await readExtra();
  expect(await rcodeOf('ns2', EXTRA)).toBe(RCODE.NOERROR);
  const alarms = (): Promise<number> =>
    readMetric(fleet.programOf('ns2'), 'cordon_fleet_alarms_total', { alarm: 'refused-entry' });
  const alarmsBefore = await alarms();
  wire.cut();
  writeFileSync(given, 'one.example.com\nwww.example.com\n');
  await fleet.ask('authority', 'POST', '/v1/reload', {});
  await becomes('ns1', EXTRA, RCODE.NXDOMAIN);
  const sha256 = sha256Of(readFileSync(given));
  const subject = listSubject(sha256, 0);
  const right = readFileSync(given);
  // Whoever has the engine gives the node that comes back something else.
  await intruder.request(subject, 'nothing.example.com\n');
  wire.mend();
  await recorded('ns2', (one) => one.event === 'refused' && one.subject === 'extra');
  const refused = (await fleetRecords('ns2')).findLast(
    (one) => one.event === 'refused' && one.subject === 'extra',
  );
  expect(refused).toMatchObject({ code: 'ERR_FLEET_LIST', subject: 'extra', entry: 'list' });
  expect(refused?.reason).toContain(sha256);
  expect(await alarms()).toBe(alarmsBefore + 1);
  expect(await rcodeOf('ns2', EXTRA)).toBe(RCODE.NOERROR);
  expect(await rcodeOf('ns2', FIRST)).toBe(RCODE.NXDOMAIN);
  await intruder.request(subject, right);
  await becomes('ns2', EXTRA, RCODE.NXDOMAIN);
  // The node says so a moment after its workers have the list.
  await vi.waitFor(
    async () => {
      const needs = await fleet.command('ns2', ['fleet', 'status']);
      expect(needs.stdout).not.toContain('refuses entry');
    },
    { timeout: 60_000, interval: 500 },
  );
});

test('a resolver with another key goes on, and the key before opens nothing', async () => {
  const before = fleet.seedOf('ns1');
  const { code, stdout, stderr } = await fleet.command('ns1', ['fleet', 'rotate']);
  expect([code, stdout, stderr]).toEqual([0, 'This resolver has another key.\n', '']);
  expect(fleet.seedOf('ns1')).not.toBe(before);
  // As if the command had been interrupted before it wrote the key: the next one takes that up.
  const now = fleet.seedOf('ns1');
  writeFileSync(join(fleet.directory, 'ns1/fleet/node.seed.next'), now, { mode: 0o600 });
  writeFileSync(join(fleet.directory, 'ns1/fleet/node.seed'), before, { mode: 0o600 });
  expect((await fleet.command('ns1', ['fleet', 'rotate'])).code).toBe(0);
  expect(fleet.seedOf('ns1')).toBe(now);
  const silent = { onUp: () => undefined, onDown: () => undefined, onFault: () => undefined };
  const access = { servers: fleet.servers, caPath: undefined, name: 'ns1', seed: () => before };
  await expect(NatsBus.connect(access, silent, false)).rejects.toMatchObject({ code: 'ERR_FLEET_ENGINE' });
  const id = await fleet.grant({ clients: ['127.0.8.1'] });
  await becomes('ns1', NAME, RCODE.NOERROR, '127.0.8.1');
  await fleet.revoke(id);
  await becomes('ns1', NAME, RCODE.NXDOMAIN, '127.0.8.1');
  await nothingIsLost('ns1');
  expect(alarms()).toBe('');
});

test('the authority signs by another key, which all know by the log: also with the configuration of before, and without a log', {
  tags: 'night',
}, async () => {
  const { code, stdout } = await fleet.command('authority', ['fleet', 'rotate', '--authority']);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^Policy is signed by ed25519:\S+ from here on\. .*no configuration has to be changed/,
  );
  expect(stdout).toContain('Leave the keys of "fleet.trust"');
  const follows = async (): Promise<void> => {
    const id = await fleet.grant({ clients: ['127.0.8.2'] });
    for (const name of ['ns1', 'ns2']) await becomes(name, NAME, RCODE.NOERROR, '127.0.8.2');
    await fleet.revoke(id);
    for (const name of ['ns1', 'ns2']) await becomes(name, NAME, RCODE.NXDOMAIN, '127.0.8.2');
  };
  await follows();
  await fleet.programOf('authority').stop();
  await fleet.programOf('ns1').stop();
  rmSync(join(fleet.directory, 'ns1/fleet/policy.sqlite'));
  await fleet.run('authority', authorityMore());
  await fleet.run('ns1', listOf('ns1'));
  await follows();
  expect(alarms()).toBe('');
});

test('evidence that comes late, in another order and again is there once', { tags: 'night' }, async () => {
  await nothingIsLost('ns2');
  wire.cut();
  for (let asked = 0; asked < 40; asked++) await rcodeOf('ns2', NAME, `127.0.9.${asked + 1}`);
  await vi.waitUntil(() => (ownRecords('ns2')[0] ?? 0) > (collectedRecords('ns2')[0] ?? 0), WAIT);
  await fleet.programOf('ns2').kill();
  for (let asked = 0; asked < 40; asked++) await rcodeOf('ns1', NAME, `127.0.9.${asked + 1}`);
  await nothingIsLost('ns1');
  expect(ownRecords('ns2')[0]).toBeGreaterThan(collectedRecords('ns2')[0] ?? 0);
  wire.mend();
  await fleet.run('ns2', listOf('ns2'));
  await nothingIsLost('ns2');
  const replayed = heard.splice(0).reverse();
  expect(replayed.length).toBeGreaterThan(10);
  const inbox = createInbox();
  let stored = 0;
  intruder.subscribe(inbox, {
    callback: () => {
      stored++;
    },
  });
  for (const { subject, data, headers } of replayed) {
    // Without the identifier by which the engine would know it again.
    headers?.delete('Nats-Msg-Id');
    intruder.publish(subject, data, { reply: inbox, ...(headers === undefined ? {} : { headers }) });
  }
  await vi.waitUntil(() => stored === replayed.length, WAIT);
  for (let asked = 0; asked < 10; asked++) await rcodeOf('ns2', NAME, `127.0.9.${asked + 1}`);
  for (const name of ['authority', 'ns1', 'ns2']) await nothingIsLost(name);
  expect(alarms()).toBe('');
});

test('while the disk of the engine is full revocations pass, records wait, and all are there when it has room', {
  tags: 'night',
  timeout: 600_000,
}, async () => {
  const id = await fleet.grant({ clients: ['127.0.8.3'] });
  for (const name of ['ns1', 'ns2']) await becomes(name, NAME, RCODE.NOERROR, '127.0.8.3');
  const steady = new Steady(
    ['ns1', 'ns2'].map((name) => fleet.programOf(name).dns),
    NAME,
    '127.0.8.200',
  );
  const said = fleet.engine.output.length;
  const makeRoom = fillDisk(store);
  const before = ownRecords('ns1')[0] ?? 0;
  for (let asked = 0; asked < 60; asked++) await rcodeOf('ns1', NAME, `127.0.10.${asked + 1}`);
  await vi.waitUntil(() => (ownRecords('ns1')[0] ?? 0) >= before + 60, WAIT);
  await fleet.revoke(id);
  for (const name of ['ns1', 'ns2']) await becomes(name, NAME, RCODE.NXDOMAIN, '127.0.8.3');
  let asked = 0;
  await vi.waitUntil(async () => {
    // What the engine gives back, because evidence was collected, is taken as well.
    fillDisk(store);
    await rcodeOf('ns1', NAME, `127.0.12.${(asked++ % 250) + 1}`);
    const metric = 'cordon_fleet_unconfirmed_records';
    const waiting = await readMetric(fleet.programOf('ns1'), metric, { chain: 'queries' });
    return /no space left/i.test(fleet.engine.output.slice(said)) && (waiting ?? 0) > 10;
  }, WAIT);
  makeRoom();
  await fleet.engine.kill('SIGTERM');
  await fleet.engine.start();
  await vi.waitUntil(() => (collectedRecords('ns1')[0] ?? 0) >= before + 60, WAIT);
  const seen = await steady.stop();
  process.stderr.write(`engine's disk full: ${seen.asked} queries asked\n`);
  expect([seen.unanswered, seen.unfiltered]).toEqual([0, 0]);
  for (const name of ['authority', 'ns1', 'ns2']) await nothingIsLost(name);
});

/** A sum as the command gives it. */
const report = async (fromMs: number, untilMs: number) => {
  const day = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);
  const period = ['--from', day(fromMs), '--to', day(untilMs)];
  const { stdout, stderr } = await fleet.command('authority', [
    ...['fleet', 'report', ...period, '--directory', fleet.collected, '--json'],
  ]);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as {
    queries: number;
    totals: unknown;
    resolvers: { name: string; isComplete: boolean; gaps: string[] }[];
  };
};

test("a quarter's sum over all resolvers is what their own records say", { tags: 'night' }, async () => {
  const names = ['authority', 'ns1', 'ns2'];
  for (const name of names) await nothingIsLost(name);
  const now = new Date();
  const month = now.getUTCMonth() - (now.getUTCMonth() % 3);
  const [from, to] = [Date.UTC(now.getUTCFullYear(), month, 1), Date.UTC(now.getUTCFullYear(), month + 3, 1)];
  const made = await report(from, to);
  const own = names.map((name) => join(fleet.directory, name, 'records'));
  const counted = await run('python3', [SCRIPT, String(from), String(to), ...own]);
  expect(JSON.parse(counted.stdout)).toEqual(made.totals);
  expect(made.queries).toBeGreaterThan(100);
});

test('a resolver that lost some of its records says so, and nobody claims that they are all there', {
  tags: 'night',
}, async () => {
  const own = join(fleet.directory, 'ns2/records/queries');
  for (let asked = 0; asked < 5; asked++) await rcodeOf('ns2', NAME, `127.0.13.${asked + 1}`);
  await nothingIsLost('ns2');
  wire.cut();
  for (let asked = 0; asked < 30; asked++) await rcodeOf('ns2', NAME, `127.0.11.${asked + 1}`);
  await vi.waitUntil(() => (ownRecords('ns2')[0] ?? 0) >= (collectedRecords('ns2')[0] ?? 0) + 30, WAIT);
  await fleet.programOf('ns2').kill();
  // Somebody takes the last file away before it was sent.
  const [last = ''] = readdirSync(own).sort().reverse();
  for (const name of readdirSync(own)) if (name.startsWith(last.slice(0, 6))) rmSync(join(own, name));
  wire.mend();
  await fleet.run('ns2', listOf('ns2'));
  for (let asked = 0; asked < 5; asked++) await rcodeOf('ns2', NAME, `127.0.11.${asked + 1}`);
  await recorded(
    'authority',
    (one) => one.event === 'evidence-refused' && one.reason?.startsWith('hole') === true,
  );
  const { resolvers } = await report(Date.now() - 86_400_000, Date.now() + 86_400_000);
  const gapsOf = (name: string): string => resolvers.find((one) => one.name === name)?.gaps.join() ?? '';
  expect(gapsOf('ns2')).toMatch(/records \d+ to \d+ are missing/);
  expect(gapsOf('ns1')).not.toContain('missing');
  expect(resolvers.find((one) => one.name === 'ns2')?.isComplete).toBe(false);
});

test('a resolver that is removed is let in no more; what is under way is refused, and what its key did not sign is an alarm', async () => {
  const late = heard.findLast(({ subject }) => subject.startsWith('cordon.evidence.ns2.'));
  if (late === undefined) throw new Error('nothing of ns2 was heard');
  const { code } = await fleet.command('authority', ['fleet', 'remove', 'ns2', '--reason', 'it was stolen']);
  expect(code).toBe(0);
  await vi.waitUntil(
    async () => !(await fleet.ask<{ isConnected: boolean }>('ns2', 'GET', '/v1/fleet')).isConnected,
    WAIT,
  );
  const silent = { onUp: () => undefined, onDown: () => undefined, onFault: () => undefined };
  const access = { servers: fleet.servers, caPath: undefined, name: 'ns2', seed: () => fleet.seedOf('ns2') };
  await expect(NatsBus.connect(access, silent, false)).rejects.toMatchObject({ code: 'ERR_FLEET_ENGINE' });
  // Its names are refused as before; nothing that is decided from here on reaches it.
  expect(await rcodeOf('ns2', NAME)).toBe(RCODE.NXDOMAIN);
  const kept = collectedRecords('ns2');
  late.headers?.delete('Nats-Msg-Id');
  await intruder.request(late.subject, late.data, {
    timeout: 60_000,
    ...(late.headers === undefined ? {} : { headers: late.headers }),
  });
  const forged = headers();
  forged.set('Cordon-Signature', 'AAAA');
  await intruder.request(late.subject, late.data, { timeout: 60_000, headers: forged });
  await vi.waitUntil(() => alarms().includes('"removed-node"'), WAIT);
  await recorded('authority', (one) => one.event === 'evidence-refused' && one.subject === 'ns2');
  // Of the second alone, which is judged behind the first.
  expect(alarms().match(/"removed-node"/g)).toHaveLength(1);
  expect(collectedRecords('ns2')).toEqual(kept);
  const shown = await fleet.command('authority', ['fleet', 'status']);
  expect(shown.stdout).toMatch(/ns2 .*removed 20/);
});
