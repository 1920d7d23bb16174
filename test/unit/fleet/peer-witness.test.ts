// Resolvers of a fleet witness each other without anybody naming them: an older state and another history are found, and who
// has one resolver's key can begin no log and say nothing in another's name.
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import { LogReader } from '../../../src/evidence/records/records.ts';
import type { FleetActs } from '../../../src/fleet/acts.ts';
import { NO_END, signEntry } from '../../../src/fleet/entry.ts';
import { createKeyFile, formatPublicKey, type SigningKey, toSeedKey } from '../../../src/fleet/key.ts';
import { Membership } from '../../../src/fleet/membership.ts';
import { PeerWitness } from '../../../src/fleet/peer-witness.ts';
import { PeerWitnesses, witnessesOf } from '../../../src/fleet/peer-witnesses.ts';
import { formatQuestion } from '../../../src/fleet/witness-message.ts';
import {
  createVerifier,
  formatVerifier,
  SIGNATURE_TYPE,
} from '../../../src/wire/transparency/transparency.ts';
import { Bench, recordsDirectory } from '../records/setup.ts';

const NAMES = ['ns1', 'ns2', 'ns3'];

let directory: string;
let membership: Membership;
let authority: SigningKey;
let keys: Map<string, SigningKey>;
let witnesses: Map<string, PeerWitness>;
let bench: Bench;
let damages: string[];
/** What the engine makes of an answer. */
let carry: (answer: string) => string | undefined;

const enrol = (name: string, enrolment: number): void => {
  const pair = createUser();
  keys.set(name, toSeedKey(Buffer.from(pair.getSeed()).toString()));
  const body = JSON.stringify({ name, key: pair.getPublicKey(), enrolment });
  membership.take(
    signEntry(NO_END, { time: '2026-11-25T00:00:00.000Z', kind: 'node', must: true, body }, authority),
  );
};

const keyOf = (name: string): SigningKey => {
  const key = keys.get(name);
  if (key === undefined) throw new Error('a key of the test');
  return key;
};

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** How a resolver with those records asks; ns1 unless told otherwise. */
const asks = (
  recordsDirectory: string,
  name = 'ns1',
  warn: (text: string) => void = () => undefined,
): PeerWitnesses =>
  new PeerWitnesses({
    ...{ recordsDirectory, name, key: () => keyOf(name), membership },
    acts: {
      log: { ...quiet, warn: (_: object, text: string) => warn(text) },
      ...{ clock: () => bench.nowMs, monotonic: () => bench.monotonicMs },
      damaged: (file: string, text: string) => void damages.push(`${file}: ${text}`),
    } as unknown as FleetActs,
    engine: () => ({
      ask: (subject, bytes) => {
        const said = witnesses.get(subject.split('.').at(-1) ?? '')?.answer(Buffer.from(bytes));
        const carried = said === undefined ? undefined : carry(said);
        if (carried === undefined)
          return Promise.reject(new AppError('ERR_FLEET_ENGINE', 'asking: nobody answers'));
        return Promise.resolve(Buffer.from(carried));
      },
    }),
  });

/** Looks some times, with time in between. */
const look = async (peers: PeerWitnesses): Promise<void> => {
  for (let i = 0; i < 8; i++) {
    peers.look();
    await new Promise(setImmediate);
    bench.monotonicMs += 15_000;
  }
};

const copyOf = (of: string): string => {
  const copy = recordsDirectory();
  cpSync(of, copy, { recursive: true });
  return copy;
};

const createWitness = (name: string, folder: string): PeerWitness =>
  new PeerWitness({
    directory: join(directory, folder),
    ...{ name, key: () => keyOf(name), membership, clock: () => bench.nowMs, log: quiet },
  });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-peers-'));
  authority = createKeyFile(join(directory, 'authority.pem'));
  membership = new Membership([formatPublicKey(authority.publicKey)]);
  keys = new Map();
  damages = [];
  carry = (answer) => answer;
  for (const name of NAMES) enrol(name, 1);
  bench = new Bench();
  witnesses = new Map(NAMES.map((name) => [name, createWitness(name, name)]));
  bench.record(3);
});

afterEach(() => rmSync(directory, { recursive: true }));

test('the two behind a name, round the end of the names; nobody who was removed', () => {
  const members = ['d', 'b', 'a', 'c'].map((name) => ({ name, until: name === 'c' ? 'then' : undefined }));
  const of = (name: string): readonly string[] => witnessesOf(name, { members } as unknown as Membership);
  expect([of('a'), of('b'), of('d'), of('e')]).toEqual([
    ['b', 'd'],
    ['d', 'a'],
    ['a', 'b'],
    ['a', 'b'],
  ]);
  expect(witnessesOf('a', { members: members.slice(2, 3) } as unknown as Membership)).toEqual([]);
});

test('both cosign, and again what came meanwhile', async () => {
  const peers = asks(bench.directory);
  await look(peers);
  const first = peers.facts();
  expect(first).toMatchObject(
    ['fleet/ns2', 'fleet/ns3'].map((name) => ({
      name,
      trouble: undefined,
      finding: undefined,
      isOfFleet: true,
    })),
  );
  bench.record(3);
  await look(peers);
  const size = new LogReader(bench.directory).read()?.last?.size;
  expect(peers.facts().map((one) => one.size)).toEqual([size, size]);
  expect(size).toBeGreaterThan(first[0]?.size ?? Number.POSITIVE_INFINITY);
  expect(damages).toEqual([]);
});

test('a witness on another machine has another key, and forgot nothing: it cosigns from there', async () => {
  const peers = asks(bench.directory);
  await look(peers);
  enrol('ns2', 2);
  witnesses.set('ns2', createWitness('ns2', 'ns2 anew'));
  bench.record(3);
  for (let i = 0; i < 4; i++) {
    await look(peers);
    expect(peers.facts().map(({ finding }) => finding)).toEqual([undefined, undefined]);
  }
  expect(peers.facts().map(({ trouble, size }) => ({ trouble, size }))).toEqual(
    Array(2).fill({ trouble: undefined, size: peers.facts()[1]?.size }),
  );
  expect(damages).toEqual([]);
});

test('an older copy of the records is found, also by a resolver that starts with it', async () => {
  await look(asks(bench.directory));
  const older = copyOf(bench.directory);
  bench.record(3);
  await look(asks(bench.directory));
  rmSync(join(older, 'cosigned'), { recursive: true });
  const peers = asks(older);
  await look(peers);
  for (const { finding } of peers.facts())
    expect(finding).toMatch(/has cosigned \d+ blocks, and there are \d+/);
  expect(damages).toHaveLength(2);
});

test('another history is found, and so are records that another key signs', async () => {
  const fork = copyOf(bench.directory);
  bench.record(3);
  await look(asks(bench.directory));
  const other = new Bench({ directory: fork, start: new Date(bench.nowMs).toISOString() });
  for (let i = 0; i < 9; i++) other.record(2);
  const forked = asks(fork);
  await look(forked);
  expect(forked.facts().map(({ finding }) => finding !== undefined)).toEqual([true, true]);
  const renewed = new Bench({ start: new Date(bench.nowMs).toISOString() });
  for (let i = 0; i < 30; i++) renewed.record(2);
  const begunAnew = asks(renewed.directory);
  await look(begunAnew);
  for (const { finding } of begunAnew.facts()) expect(finding).toMatch(/another key/);
  // Who is taken in anew begins anew.
  damages.length = 0;
  enrol('ns1', 2);
  await look(begunAnew);
  expect(begunAnew.facts().map(({ finding }) => finding)).toEqual([undefined, undefined]);
  expect(damages).toEqual([]);
});

test('two resolvers that show one log get one history of it cosigned', async () => {
  const fork = copyOf(bench.directory);
  bench.record(3);
  await look(asks(bench.directory));
  const other = new Bench({ directory: fork, start: new Date(bench.nowMs).toISOString() });
  for (let i = 0; i < 9; i++) other.record(2);
  const forked = asks(fork, 'ns3');
  await look(forked);
  // ns2 is a witness of both; ns1 has cosigned nothing of its own records.
  expect(forked.facts().find(({ name }) => name === 'fleet/ns2')?.finding).toBeDefined();
  // Whose records they are hears nothing of it, whoever showed them first.
  const peers = asks(bench.directory);
  await look(peers);
  expect(peers.facts().map(({ finding }) => finding)).toEqual([undefined, undefined]);
  const renewed = new Bench({ start: new Date(bench.nowMs).toISOString() });
  renewed.record(2);
  enrol('ns3', 2);
  enrol('ns1', 2);
  await look(asks(renewed.directory, 'ns3'));
  const own = asks(renewed.directory);
  await look(own);
  expect(own.facts().map(({ finding, trouble }) => finding ?? trouble)).toEqual([undefined, undefined]);
});

test('nobody begins a log in the name of another, and who was removed gets no answer', () => {
  const question = { from: 'ns1', log: 'ns1+00000000+AA==', submission: '' };
  const of = (to: string, key: string): string | undefined =>
    witnesses.get('ns2')?.answer(Buffer.from(formatQuestion(to, question, keyOf(key))));
  expect(of('ns2', 'ns1')).toBeDefined();
  expect(of('ns2', 'ns3')).toBeUndefined();
  // Nor is what was asked of one told to another.
  expect(of('ns3', 'ns1')).toBeUndefined();
  const gone = {
    time: '2026-11-25T01:00:00.000Z',
    kind: 'node-removed',
    must: true,
    body: '{"name":"ns1","by":"a","reason":"gone"}',
  };
  membership.take(signEntry(NO_END, gone, authority));
  expect(of('ns2', 'ns1')).toBeUndefined();
});

test('who carries the messages can keep a witness away, and no more', async () => {
  const peers = asks(bench.directory);
  await look(peers);
  bench.record(3);
  carry = (answer) => JSON.stringify({ ...JSON.parse(answer), status: 409, body: '900\n' });
  await look(peers);
  expect(peers.facts()).toMatchObject(
    [1, 2].map(() => ({ trouble: 'what it answered is not signed by it', finding: undefined })),
  );
  carry = () => undefined;
  await look(peers);
  expect(peers.facts()[0]).toMatchObject({ trouble: 'it does not answer' });
  carry = (answer) => answer;
  await look(peers);
  expect(peers.facts().map(({ trouble }) => trouble)).toEqual([undefined, undefined]);
  expect(damages).toEqual([]);
});

test('records that are not there are told of once, not each second', () => {
  const told: string[] = [];
  const peers = asks(join(directory, 'nothing'), 'ns1', (text) => told.push(text));
  for (let second = 0; second < 5; second++) peers.look();
  expect(told).toHaveLength(1);
});

test('of logs that nobody has, nothing is kept', () => {
  for (let i = 0; i < 3; i++) {
    const log = formatVerifier(
      createVerifier(`log${i}`, generateKeyPairSync('ed25519').publicKey, SIGNATURE_TYPE.ed25519),
    );
    const question = { from: 'ns1', log, submission: 'old 0\n\nlog\n0\n\n' };
    const said = witnesses.get('ns2')?.answer(Buffer.from(formatQuestion('ns2', question, keyOf('ns1'))));
    expect(JSON.parse(said ?? '{}')).toMatchObject({ status: 400 });
  }
  expect(readdirSync(join(directory, 'ns2'))).toHaveLength(1);
});

test('what is no question is not answered', () => {
  const witness = witnesses.get('ns2');
  for (const text of [
    '',
    '{}',
    '[]',
    'null',
    '{"from":"ns1","log":1,"submission":"","signature":""}',
    'x'.repeat(1 << 20),
  ])
    expect(witness?.answer(Buffer.from(text))).toBeUndefined();
});
