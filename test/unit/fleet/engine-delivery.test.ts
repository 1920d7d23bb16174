// Files of engines on other machines: who sends them, what is written where, and what is refused.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { certificatePaths, readCertificates } from '../../../src/fleet/engine-certificates.ts';
import { EngineDelivery, EngineReceiver } from '../../../src/fleet/engine-delivery.ts';
import { readEngineSettings } from '../../../src/fleet/engine-files.ts';
import {
  changeEngine,
  givenCertificates,
  hostsOf,
  planEngine,
  readEngineHere,
  readPlan,
} from '../../../src/fleet/engine-plan.ts';
import { createKeyFile, formatPublicKey, readKeyFile, type SigningKey } from '../../../src/fleet/key.ts';
import { type Member, Membership } from '../../../src/fleet/membership.ts';
import { LastSequences, Sequence } from '../../../src/fleet/signed-message.ts';
import { makeFleet } from '../../../src/fleet/start.ts';

const NOW_MS = Date.now();
const HOSTS = [
  { name: 'ns2', server: '192.0.2.2:4222' },
  { name: 'ns3', server: '[2001:db8::3]:4222' },
];
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

let directory: string;
let engine: string;
let key: SigningKey;
let receivers: Map<string, EngineReceiver>;
let alarms: string[];
let asked: [string, string][];
let reloads: number;
/** Servers of the engine, and how many of them read what they are told to. */
let servers: number;
let readers: number;
/** What happens while they read. */
let meanwhile: () => void;
let delivery: EngineDelivery;
/** How often each was taken in. */
let enrolments: Map<string, number>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-engines-'));
  const stateDirectory = join(directory, 'ns1');
  const place = { site: undefined, server: '192.0.2.1:4222', store: join(directory, 'store') };
  makeFleet({ stateDirectory, name: 'ns1', nowMs: NOW_MS, ...place });
  engine = join(stateDirectory, 'fleet/engine');
  key = readKeyFile(join(stateDirectory, 'fleet/authority-key.pem'));
  [alarms, asked, reloads, servers, readers] = [[], [], 0, 1, 1];
  meanwhile = () => undefined;
  enrolments = new Map();
  receivers = new Map(['ns2', 'ns3'].map((name) => [name, receiverOf(name)]));
  delivery = new EngineDelivery({
    directory: engine,
    key: () => key,
    membership: { find: (name) => ({ enrolment: enrolments.get(name) ?? 1 }) as Member },
    sequence: new Sequence(join(directory, 'sequence'), () => NOW_MS),
    acts: { log },
    reload: () => {
      reloads++;
      meanwhile();
      return Promise.resolve(Array.from({ length: readers }, (_, index) => `server ${index}`));
    },
    serverCount: () => servers,
  });
});
afterEach(() => {
  delivery.stop();
  rmSync(directory, { recursive: true, force: true });
});

const receiverOf = (name: string): EngineReceiver =>
  new EngineReceiver({
    ...{ name, directory: join(directory, name, 'engine'), acts: { log } },
    membership: new Membership([
      formatPublicKey(readKeyFile(join(engine, '../authority-key.pem')).publicKey),
    ]),
    sequences: new LastSequences(join(directory, `${name}-heard.json`), () => 0),
    onAlarm: (alarm) => void alarms.push(alarm),
  });

/** An engine that carries questions to whoever is there. */
const carry = {
  ask: (subject: string, text: string) => {
    asked.push([subject, text]);
    const answer = receivers.get(subject.split('.')[2] ?? '')?.take(Buffer.from(text));
    return answer === undefined
      ? Promise.reject(new RangeError('nobody'))
      : Promise.resolve(Buffer.from(answer));
  },
};

const deliver = async (): Promise<number> => {
  delivery.up(carry as never);
  return delivery.deliver();
};

const read = (name: string, file: string): string =>
  readFileSync(join(directory, name, 'engine', file), 'utf8');

test('a plan changes nothing that runs, and each host gets what its server needs, once', async () => {
  const before = readFileSync(join(engine, 'nats-server.conf'), 'utf8');
  planEngine(engine, HOSTS, NOW_MS);
  expect(readFileSync(join(engine, 'nats-server.conf'), 'utf8')).toBe(before);
  expect(readEngineSettings(engine).servers).toEqual(['192.0.2.1:4222']);
  expect(readCertificates(engine).flatMap(({ names }) => names)).toContain('192.0.2.2');
  expect(hostsOf(engine)).toEqual(HOSTS);
  await deliver();
  for (const { name, server } of HOSTS) {
    expect(readEngineHere(join(directory, name, 'engine'))).toMatchObject({ name, server });
    const text = read(name, 'nats-server.conf');
    expect(text).toContain(`listen: "${server}"`);
    expect(text).toContain(`cert_file: "${join(directory, name, 'engine/server.pem')}"`);
    expect(text).not.toContain(engine);
    expect(text.match(/nats:\/\/cordon:/g)?.length).toBe(2);
    expect(statSync(join(directory, name, 'engine/server.key')).mode & 0o777).toBe(0o640);
    expect(read(name, 'server.pem')).not.toBe(readFileSync(certificatePaths(engine).cert, 'utf8'));
    // The key of the certificate authority is for the authority alone.
    expect(existsSync(join(directory, name, 'engine/ca.key'))).toBe(false);
  }
  const count = asked.length;
  expect(await delivery.deliver()).toBe(0);
  expect(asked.length).toBe(count);
  writeFileSync(join(engine, 'users.conf'), '# somebody was removed\n');
  expect(await delivery.deliver()).toBe(2);
  expect(read('ns3', 'users.conf')).toBe('# somebody was removed\n');
  // Another machine in the place of one, at the same address.
  enrolments.set('ns2', 2);
  expect(await delivery.deliver()).toBe(1);
  expect(alarms).toEqual([]);
});

test('who was away gets them later, and holds up nobody', async () => {
  planEngine(engine, HOSTS, NOW_MS);
  const away = receivers.get('ns2');
  receivers.delete('ns2');
  await deliver();
  expect([[...delivery.lacking], existsSync(join(directory, 'ns3/engine/users.conf'))]).toEqual([
    ['ns2'],
    true,
  ]);
  if (away !== undefined) receivers.set('ns2', away);
  expect(await delivery.deliver()).toBe(1);
  expect(delivery.lacking.size).toBe(0);
  // The same of one whose certificate somebody deleted here.
  rmSync(certificatePaths(engine, '192.0.2.2').cert);
  writeFileSync(join(engine, 'users.conf'), '# another one\n');
  expect(await delivery.deliver()).toBe(1);
  expect([[...delivery.lacking], read('ns3', 'users.conf')]).toEqual([['ns2'], '# another one\n']);
});

test('an engine that has not read who may connect is told again, at once and with each round, until it has', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const round = async (): Promise<number> => {
      const before = reloads;
      vi.advanceTimersByTime(15_000);
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      return reloads - before;
    };
    await deliver();
    // What a run before has left undone is not known.
    await round();
    expect([reloads > 0, await round()]).toEqual([true, 0]);
    readers = 0;
    const before = reloads;
    expect(await delivery.reload()).toBe(0);
    expect(reloads - before).toBe(3);
    expect([await round(), await round()]).toEqual([1, 1]);
    readers = 1;
    expect([await round(), await round()]).toEqual([1, 0]);
    expect(await delivery.reload()).toBe(1);
    // One of three was not reached: who was removed is let in there.
    [servers, readers] = [3, 2];
    expect(await delivery.reload()).toBe(2);
    expect([await round(), await round()]).toEqual([1, 1]);
    readers = 3;
    expect([await round(), await round()]).toEqual([1, 0]);
  } finally {
    vi.useRealTimers();
  }
});

/** What has a server close the connections of leaf nodes when it reads another value than it has. */
const tellsLeafs = (value: string, rights: string): string =>
  `LEAF_COMPRESSION: "${value}" # for rights ${rights}\n`;

test('a server that missed one of two changes of what leaf nodes may has what it reads already, and is given another', async () => {
  const path = join(engine, 'users.conf');
  const change = async (value: string, rights: string): Promise<number> => {
    writeFileSync(path, tellsLeafs(value, rights));
    const before = reloads;
    await delivery.reload();
    return reloads - before;
  };
  [servers, readers] = [3, 3];
  expect(await change('off', 'aa')).toBe(1);
  readers = 2;
  expect(await change('s2_fast', 'bb')).toBe(1);
  readers = 3;
  expect(await change('off', 'cc')).toBe(2);
  expect(readFileSync(path, 'utf8')).toBe(tellsLeafs('s2_fast', 'cc'));
  expect(await change('off', 'dd')).toBe(1);
  // It missed both, and reads when it is told again.
  readers = 2;
  expect([await change('s2_fast', 'ee'), await change('off', 'ff')]).toEqual([1, 1]);
  readers = 3;
  expect(await change('off', 'ff')).toBe(2);
  expect(readFileSync(path, 'utf8')).toBe(tellsLeafs('s2_fast', 'ff'));
  expect(await change('s2_fast', 'ff')).toBe(1);
});

test('what is written while servers read is not held to be read by them', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    await deliver();
    await delivery.reload();
    meanwhile = () => writeFileSync(join(engine, 'users.conf'), '# somebody was removed\n');
    await delivery.reload();
    meanwhile = () => undefined;
    const before = reloads;
    vi.advanceTimersByTime(15_000);
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(reloads - before).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});

test('files that the authority did not sign, for somebody else, of before, or under other names are not written', async () => {
  planEngine(engine, HOSTS, NOW_MS);
  await deliver();
  const [, sent = ''] = asked.find(([subject]) => subject.includes('ns2')) ?? [];
  const now = read('ns2', 'users.conf');
  const message = JSON.parse(sent) as { engine: string; key: string; sequence: number; signature: string };
  const take = (name: string, change: object): string | undefined =>
    receivers.get(name)?.take(Buffer.from(JSON.stringify({ ...message, ...change })));
  expect(take('ns2', {})).toBe('refused');
  expect(take('ns2', { sequence: message.sequence + 1 })).toBe('refused');
  expect(take('ns3', {})).toBe('refused');
  expect(take('ns2', { engine: message.engine.replace('users', 'losers') })).toBe('refused');
  const thief = createKeyFile(join(directory, 'thief.pem'));
  const { signature } = { signature: thief.sign('x') };
  expect(take('ns2', { key: thief.keyId, signature })).toBe('refused');
  expect(receivers.get('ns2')?.take(Buffer.from('{'))).toBe('refused');
  // A question for an entry of policy.
  expect(receivers.get('ns2')?.take(Buffer.from('12+'))).toBeUndefined();
  expect(read('ns2', 'users.conf')).toBe(now);
  expect(new Set(alarms)).toEqual(new Set(['replayed', 'forged-entry']));
  // Also of one that was started again.
  receivers.set('ns2', receiverOf('ns2'));
  expect(take('ns2', {})).toBe('refused');
});

test('changing over and back, and a plan that cannot be', () => {
  for (const hosts of [HOSTS.slice(1), [...HOSTS, { name: 'ns4', server: '192.0.2.4:4222' }]])
    expect(() => planEngine(engine, hosts, NOW_MS)).toThrow(`${hosts.length + 1} servers`);
  const [first] = HOSTS;
  if (first === undefined) throw new Error('there is one');
  for (const other of [first, { name: 'ns3', server: '192.0.2.1:4333' }])
    expect(() => planEngine(engine, [first, other], NOW_MS)).toThrow('at one address');
  expect(readPlan(engine)).toBeUndefined();
  planEngine(engine, HOSTS, NOW_MS);
  const one = readFileSync(join(engine, 'nats-server.conf'), 'utf8');
  const changed = changeEngine(engine);
  expect(changed.servers).toEqual(['tls://192.0.2.1:4222', ...HOSTS.map(({ server }) => `tls://${server}`)]);
  const three = readFileSync(join(engine, 'nats-server.conf'), 'utf8');
  expect(three).toContain('cluster {');
  expect(three).toContain(join(directory, 'store/cluster'));
  changed.undo();
  expect([readFileSync(join(engine, 'nats-server.conf'), 'utf8'), readPlan(engine)?.servers.length]).toEqual([
    one,
    3,
  ]);
  changeEngine(engine);
  const secret = readEngineSettings(engine).clusterSecret;
  // Another machine in the place of one: what is between the servers stays.
  planEngine(engine, [first, { name: 'ns3', server: '192.0.2.33:4222' }], NOW_MS);
  expect(readPlan(engine)).toMatchObject({ clusterSecret: secret, store: join(directory, 'store/cluster') });
  const replaced = changeEngine(engine);
  const left = (): string[] => [...givenCertificates(engine)].filter(([path]) => existsSync(path)).flat();
  const [same, gone] = HOSTS.map(({ server }) =>
    certificatePaths(engine, server.slice(0, server.lastIndexOf(':')).replaceAll(/[[\]]/g, '')),
  );
  replaced.forget();
  expect([existsSync(gone?.cert ?? ''), existsSync(same?.cert ?? '')]).toEqual([false, true]);
  expect(left()).toEqual([same?.cert, 'ns2', certificatePaths(engine, '192.0.2.33').cert, 'ns3']);
  planEngine(engine, [], NOW_MS);
  changeEngine(engine).forget();
  expect([...givenCertificates(engine)]).toEqual([]);
  // Of machines that have none no certificate is shown, renewed, or to be taken anywhere.
  expect(readCertificates(engine).map(({ path }) => basename(path))).toEqual(['ca.pem', 'server.pem']);
  expect(readFileSync(join(engine, 'nats-server.conf'), 'utf8')).toBe(one);
  expect(hostsOf(engine)).toEqual([]);
  // A machine that was one of three, and may be in wrong hands, knows what is between no servers of later.
  const again = planEngine(engine, HOSTS, NOW_MS).clusterSecret;
  expect([again === undefined, again === secret]).toEqual([false, false]);
});
