// The collector and what it is sent: late, twice, backwards, forged, with holes; against a recorder's real files.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BlockHasher } from '../../../src/evidence/records/partition.ts';
import { judgeRecord } from '../../../src/evidence/records/record-schema.ts';
import {
  CHAIN_START,
  ChainFeed,
  type ChainHole,
  readOwnHeads,
  readOwnKeys,
  verifyRecords,
} from '../../../src/evidence/records/records.ts';
import { Collector } from '../../../src/fleet/collector.ts';
import type { ConfirmedClass } from '../../../src/fleet/confirmation.ts';
import { DirectoryStore } from '../../../src/fleet/directory-store.ts';
import { NO_END, signEntry } from '../../../src/fleet/entry.ts';
import { type EvidencePiece, packEvidence } from '../../../src/fleet/evidence-message.ts';
import { createKeyFile, formatPublicKey, type SigningKey, toSeedKey } from '../../../src/fleet/key.ts';
import { Membership } from '../../../src/fleet/membership.ts';
import { evidenceSubject } from '../../../src/fleet/subjects.ts';
import { Bench, DAY_MS, edit } from '../records/setup.ts';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');

let directory: string;
let collector: Collector;
let key: SigningKey;
let confirmed: Map<string, number>;
let membership: Membership;
let missing: ChainHole | undefined;
let done: number;
/** How often the authority was asked for entries, and what comes then. */
let asked: number;
let comes: () => void;
let authority: SigningKey;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-collector-'));
  authority = createKeyFile(join(directory, 'authority.pem'));
  const pair = createUser();
  key = toSeedKey(Buffer.from(pair.getSeed()).toString());
  const body = JSON.stringify({ name: 'ns1', key: pair.getPublicKey(), enrolment: 1 });
  membership = new Membership([formatPublicKey(authority.publicKey)]);
  membership.take(
    signEntry(NO_END, { time: '2026-11-25T00:00:00.000Z', kind: 'node', must: true, body }, authority),
  );
  confirmed = new Map();
  [done, asked, comes] = [0, 0, () => undefined];
  collector = open();
});

afterEach(async () => {
  await collector.close();
  rmSync(directory, { recursive: true });
});

const open = (): Collector =>
  new Collector({
    directory: join(directory, 'collected'),
    store: new DirectoryStore(join(directory, 'collected'), judgeRecord),
    membership,
    clock: () => NOW_MS,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    catchUp: () => {
      asked++;
      comes();
      return Promise.resolve();
    },
    onConfirmed: (node, recordClass, _, sequence, _hash, hole) => {
      confirmed.set(`${node}.${recordClass}`, sequence);
      if (recordClass === 'queries') missing = hole;
    },
  });

/** A recorder's directory with several days, and everything that its resolver sends of it. */
const record = async (
  days = 3,
  salt = 1,
): Promise<{ source: string; pieces: [ConfirmedClass, EvidencePiece][] }> => {
  const bench = new Bench();
  for (let day = 0; day < days; day++) {
    for (let round = 0; round < 5; round++) bench.record(100, { client: `192.0.2.${round + salt}` });
    bench.advance(DAY_MS);
  }
  for (let round = 0; round < 3; round++) bench.record(100, { client: `192.0.2.${round + salt}` });
  await bench.recording.stop();
  return { source: bench.directory, pieces: await piecesOf(bench.directory) };
};

const piecesOf = async (source: string): Promise<[ConfirmedClass, EvidencePiece][]> => {
  const pieces: [ConfirmedClass, EvidencePiece][] = readOwnKeys(source).map((pem) => [
    'heads',
    { kind: 'key', pem },
  ]);
  for (const recordClass of ['queries', 'changes'] as const) {
    const feed = new ChainFeed(source, recordClass, CHAIN_START);
    for (;;) {
      const next = await feed.next(7);
      if (next === undefined || next.length === 0) break;
      for (const piece of next) pieces.push([recordClass, piece as EvidencePiece]);
    }
    feed.close();
  }
  for (const head of readOwnHeads(source, 0)) pieces.push(['heads', { kind: 'head', head }]);
  return pieces;
};

const send = async (
  pieces: readonly (readonly [ConfirmedClass, EvidencePiece])[],
  by = key,
  node = 'ns1',
  enrolment = 1,
  storedMs = NOW_MS,
): Promise<void> => {
  for (const [recordClass, piece] of pieces) {
    const subject = evidenceSubject(node, recordClass);
    const { bytes, signature } = packEvidence(subject, enrolment, piece, by);
    collector.take({ subject, bytes, signature, storedMs, done: () => void done++, again: () => undefined });
  }
  await collector.flush();
};

const shuffle = <Item>(items: readonly Item[]): Item[] => {
  const left = [...items];
  const out: Item[] = [];
  for (let seed = 7; left.length > 0; ) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    out.push(...left.splice(seed % left.length, 1));
  }
  return out;
};

const copy = (): string => join(directory, 'collected/ns1');
const alarms = (): string[] => [...collector.alarms.counts.keys()];

test.each([
  ['in order', (pieces: [ConfirmedClass, EvidencePiece][]) => pieces],
  ['backwards', (pieces: [ConfirmedClass, EvidencePiece][]) => pieces.toReversed()],
  ['shuffled', shuffle],
  ['shuffled and each twice', (pieces: [ConfirmedClass, EvidencePiece][]) => shuffle([...pieces, ...pieces])],
])('pieces that come %s make the directory that the resolver has', async (_, order) => {
  const { source, pieces } = await record();
  // The keys of heads come again with each run.
  await send([...order(pieces), ...pieces.filter(([recordClass]) => recordClass === 'heads')]);
  const [own, theirs] = [await verifyRecords(source), await verifyRecords(copy(), { isCollected: true })];
  expect(theirs.findings).toEqual([]);
  expect([theirs.records, theirs.blocks, theirs.heads]).toEqual([own.records, own.blocks, own.heads]);
  expect(own.records).toBeGreaterThan(500);
  expect(readFileSync(join(copy(), 'heads.jsonl'), 'utf8')).toBe(
    readFileSync(join(source, 'heads.jsonl'), 'utf8'),
  );
  expect(confirmed.get('ns1.queries')).toBeGreaterThan(0);
});

test('a collector that has nothing of a resolver says that it has nothing', async () => {
  await collector.confirmAll();
  await collector.flush();
  expect(Object.fromEntries(confirmed)).toEqual({ 'ns1.queries': 0, 'ns1.changes': 0, 'ns1.heads': 0 });
});

test('what does not follow yet is acknowledged and not confirmed; a collector that is started again goes on', async () => {
  const { pieces } = await record();
  const queries = pieces.filter(([recordClass]) => recordClass === 'queries');
  await send(queries.filter((_, index) => index !== 1));
  expect(confirmed.get('ns1.queries') ?? 0).toBe(0);
  expect(done).toBe(queries.length - 1);
  await collector.close();
  collector = open();
  await send(pieces);
  expect((await verifyRecords(copy(), { isCollected: true })).findings).toEqual([]);
});

test('a message that the key of the resolver did not sign is refused, and so is one of a changed block', async () => {
  const { pieces } = await record(1);
  await send(pieces, createKeyFile(join(directory, 'thief.pem')));
  expect(alarms()).toEqual(['forged-block']);
  expect(confirmed.size).toBe(0);
  const forged = pieces.map(([recordClass, piece]): [ConfirmedClass, EvidencePiece] =>
    piece.kind === 'block'
      ? [
          recordClass,
          { kind: 'block', block: { ...piece.block, body: piece.block.body.replace('tiktok', 'ticktock') } },
        ]
      : [recordClass, piece],
  );
  await send(forged);
  expect(confirmed.get('ns1.queries')).toBe(0);
  expect(readFileSync(join(directory, 'collected/alarms.jsonl'), 'utf8')).toContain('forged-block');
});

test('other records under numbers that are taken are kept as a conflict, and change nothing', async () => {
  const first = await record(1);
  const second = await record(2, 50);
  await send(first.pieces);
  const before = await verifyRecords(copy(), { isCollected: true });
  await send(second.pieces);
  expect(alarms()).toContain('conflict');
  expect(readdirSync(join(directory, 'collected/conflicts')).length).toBeGreaterThan(0);
  const after = await verifyRecords(copy(), { isCollected: true });
  expect([after.findings, after.records]).toEqual([[], before.records]);
});

test('a hole that the resolver tells of is noted, and the chain goes on behind it', async () => {
  const { pieces } = await record();
  const queries = pieces.filter(([recordClass, piece]) => recordClass === 'queries' && piece.kind !== 'hole');
  const second = queries.findIndex(([, piece]) => piece.kind === 'opening' && piece.meta.ordinal === 2);
  const [, opening] = queries[second] ?? [];
  if (opening?.kind !== 'opening') throw new Error('there is a second partition');
  const lost = queries[second - 1];
  const hole: EvidencePiece = { kind: 'hole', after: CHAIN_START, ordinal: 2, first: opening.meta.first };
  await send([
    ...queries.slice(0, second).filter((piece) => piece !== lost),
    ['queries', hole],
    ...queries.slice(second),
  ]);
  expect(alarms()).toEqual(['hole']);
  expect(readFileSync(join(copy(), 'holes.jsonl'), 'utf8')).toContain('are missing');
  expect(confirmed.get('ns1.queries')).toBeGreaterThan(opening.meta.first);
});

test('records of a resolver that is not in the fleet, or of chains before its last enrolment, are refused', async () => {
  const { pieces } = await record(1);
  await send(pieces.slice(0, 3), key, 'ns9');
  await send(pieces.slice(0, 3), key, 'ns1', 2);
  expect(alarms()).toEqual(['removed-node']);
  expect(confirmed.size).toBe(0);
});

const decide = (kind: string, body: object, atMs = NOW_MS - 1_000): void => {
  const time = new Date(atMs).toISOString();
  const before = { number: 1, hash: '0'.repeat(64) };
  membership.take(signEntry(before, { time, kind, must: true, body: JSON.stringify(body) }, authority));
};

const remove = (atMs?: number): void =>
  decide('node-removed', { name: 'ns1', by: 'x', reason: 'stolen' }, atMs);

/** Another machine is taken in under the name; `isRemoved`: the one before was shut out first. Gives its key. */
const replaceMachine = (isRemoved: boolean, removedMs?: number): SigningKey => {
  const pair = createUser();
  if (isRemoved) remove(removedMs);
  decide('node', { name: 'ns1', key: pair.getPublicKey(), enrolment: 2 });
  return toSeedKey(Buffer.from(pair.getSeed()).toString());
};

/** Minutes between the removal of a resolver and what it sent; below 0: before. */
test.each([
  ['hours before', -180, []],
  ['a moment before', 0, []],
  ['before the engine shut it out', 0.9, []],
  ['when the engine must have shut it out', 1.1, ['removed-node']],
  ['a day after', 1_440, ['removed-node']],
])(
  'evidence that the engine got %s a resolver was removed is refused, and an alarm only when it goes on',
  async (_, minutes, told) => {
    const { pieces } = await record(1);
    remove(NOW_MS - DAY_MS);
    await send(pieces, key, 'ns1', 1, NOW_MS - DAY_MS + minutes * 60_000);
    expect([alarms(), done, confirmed.size]).toEqual([told, pieces.length, 0]);
    expect(readdirSync(join(directory, 'collected'))).not.toContain('ns1');
  },
);

test('what its key did not sign is an alarm at the moment of a removal as well', async () => {
  const { pieces } = await record(1);
  remove();
  await send(pieces.slice(0, 1), toSeedKey(Buffer.from(createUser().getSeed()).toString()));
  expect(alarms()).toEqual(['removed-node']);
});

test('what a machine sent before another took its place is kept with its own chains, and confirms nothing', async () => {
  const [before, after] = [await record(1), await record(1, 50)];
  const next = replaceMachine(false);
  await send(before.pieces);
  expect(alarms()).toEqual([]);
  expect(confirmed.size).toBe(0);
  await send(after.pieces, next, 'ns1', 2);
  expect(alarms()).toEqual([]);
  expect(confirmed.get('ns1.queries')).toBeGreaterThan(0);
  for (const label of ['ns1', 'ns1.2']) {
    const { findings, records } = await verifyRecords(join(directory, 'collected', label), {
      isCollected: true,
    });
    expect([label, findings, records > 0]).toEqual([label, [], true]);
  }
  // The key of the one before signs nothing of the next one.
  await send(after.pieces.slice(0, 1), key, 'ns1', 2);
  expect(alarms()).toEqual(['removed-node']);
});

test.each([
  ['had under way', 0, []],
  ['sends an hour later', 60, ['forged-block']],
])(
  'of a machine that was shut out before another took its place nothing is kept that it %s',
  async (_, minutes, told) => {
    const { pieces } = await record(1);
    replaceMachine(true, NOW_MS - DAY_MS);
    await send(pieces, key, 'ns1', 1, NOW_MS - DAY_MS + minutes * 60_000);
    expect(alarms()).toEqual(told);
    expect(readdirSync(join(directory, 'collected'))).not.toContain('ns1');
  },
);

test('a directory that takes nothing is said, with its resolver and why, until it takes something again', async () => {
  const { pieces } = await record(1);
  const place = join(directory, 'collected/ns1');
  // A file where its directory is to be: root as well is told no.
  writeFileSync(place, '');
  await send(pieces);
  expect(collector.trouble).toMatch(/^keeps nothing of ns1: .*(?:EEXIST|ENOTDIR)/);
  expect(done).toBe(0);
  rmSync(place);
  await send(pieces);
  expect(collector.trouble).toBeUndefined();
  expect(confirmed.get('ns1.queries')).toBeGreaterThan(0);
});

test('evidence by a key whose entry is on its way is no forgery, and the authority is asked once for many', async () => {
  const { pieces } = await record(1);
  const next = createUser();
  const nextKey = toSeedKey(Buffer.from(next.getSeed()).toString());
  comes = () => {
    const body = JSON.stringify({ name: 'ns1', key: next.getPublicKey(), enrolment: 1 });
    const before = { number: 1, hash: '0'.repeat(64) };
    const about = { time: '2026-11-26T11:59:59.000Z', kind: 'node', must: true, body };
    membership.take(signEntry(before, about, authority));
  };
  await send(pieces, nextKey);
  expect(alarms()).toEqual([]);
  expect(confirmed.get('ns1.queries')).toBeGreaterThan(0);
  expect(asked).toBe(1);
  // What was signed before it is under way still.
  await send(pieces, key);
  expect(alarms()).toEqual([]);
  const other = toSeedKey(Buffer.from(createUser().getSeed()).toString());
  await send(pieces, other);
  expect(alarms()).toEqual(['forged-block']);
  expect(asked).toBe(1);
});

/** The files of the queries' partitions that the collector has. */
const partitions = (): string[] =>
  readdirSync(join(copy(), 'queries'))
    .filter((name) => name.endsWith('.sqlite'))
    .sort()
    .map((name) => join(copy(), 'queries', name));

/** Blocks that begin within a hole. */
const within = (pieces: readonly [ConfirmedClass, EvidencePiece][], { after, until }: ChainHole) =>
  pieces.filter(
    ([of, piece]) =>
      of === 'queries' &&
      piece.kind === 'block' &&
      piece.block.first > after.sequence &&
      piece.block.first <= until,
  );

const findings = async (): Promise<string[]> =>
  (await verifyRecords(copy(), { isCollected: true })).findings.map(({ code }) => code);

test.each([
  ['amid a partition that is closed', 0, '= (SELECT first FROM blocks ORDER BY first LIMIT 1 OFFSET 2)'],
  ['at the beginning of one', 1, '= (SELECT min(first) FROM blocks)'],
  ['at the end of one that is closed', 0, '= (SELECT max(first) FROM blocks)'],
  ['several at once', 1, 'IN (SELECT first FROM blocks ORDER BY first LIMIT 3 OFFSET 1)'],
  ['all of a partition that is closed', 0, '> 0'],
  ['amid the one that grows', -1, '= (SELECT first FROM blocks ORDER BY first LIMIT 1 OFFSET 1)'],
])('rows that somebody took out, %s, are asked for and put back', async (_, partition, rows) => {
  const { pieces } = await record();
  await send([...pieces, ...pieces.filter(([recordClass]) => recordClass === 'heads')]);
  const whole = await verifyRecords(copy(), { isCollected: true });
  expect(whole.findings).toEqual([]);
  await collector.lookThrough();
  expect(missing).toBeUndefined();
  edit(partitions().at(partition) ?? '', `DELETE FROM blocks WHERE first ${rows}`);
  // The same of one that is started again.
  await collector.close();
  collector = open();
  expect(await findings()).not.toEqual([]);
  await collector.lookThrough();
  expect(missing).toBeDefined();
  if (missing === undefined) return;
  const asked = missing;
  expect(collector.alarms.last.at(-1)).toMatchObject({
    alarm: 'hole',
    node: 'ns1',
    text: `queries: records ${asked.after.sequence + 1} to ${asked.until} were taken out here, and ns1 is asked for them`,
  });
  const lost = within(pieces, asked);
  expect(lost.length).toBeGreaterThan(0);
  // One that its resolver did not record, and all but the last.
  const [recordClass, piece] = lost[0] ?? [];
  if (recordClass === undefined || piece?.kind !== 'block') throw new Error('it is a block');
  const body = piece.block.body.replace('tiktok', 'ticktock');
  await send([[recordClass, { kind: 'block', block: { ...piece.block, body } }], ...lost.slice(1)]);
  expect(missing).toEqual(asked);
  await send(lost.slice(0, -1));
  expect(missing).toEqual(asked);
  expect(await findings()).not.toEqual([]);
  await send(lost.toReversed());
  expect(missing).toBeUndefined();
  const after = await verifyRecords(copy(), { isCollected: true });
  expect([after.findings, after.records, after.blocks]).toEqual([[], whole.records, whole.blocks]);
  expect(collector.alarms.last.at(-1)).toMatchObject({ alarm: 'put-back', node: 'ns1' });
  await collector.lookThrough();
  expect(missing).toBeUndefined();
});

test('a block that follows and is not the one that was there is not put back: it does not lead to what is behind', async () => {
  const { pieces } = await record();
  await send(pieces);
  edit(partitions()[0] ?? '', 'DELETE FROM blocks WHERE first = (SELECT max(first) FROM blocks)');
  await collector.lookThrough();
  const asked = missing;
  if (asked === undefined) throw new Error('it is noticed');
  const [[recordClass, piece] = []] = within(pieces, asked);
  if (recordClass === undefined || piece?.kind !== 'block') throw new Error('it is a block');
  const body = piece.block.body.replace('tiktok', 'ticktock');
  const { first, count } = piece.block;
  const hash = new BlockHasher()
    .hash(Buffer.from(asked.after.hash, 'hex'), first, count, body)
    .toString('hex');
  await send([[recordClass, { kind: 'block', block: { ...piece.block, body, hash } }]]);
  expect([missing, alarms()]).toEqual([asked, ['hole', 'conflict']]);
  expect(await findings()).not.toEqual([]);
  await send([[recordClass, piece]]);
  expect([missing, await findings()]).toEqual([undefined, []]);
});

test('what its resolver does not have either stays named, is asked for once, and keeps nothing else from being put back', async () => {
  const { pieces } = await record();
  await send(pieces);
  for (const at of [0, 2])
    edit(
      partitions()[at] ?? '',
      'DELETE FROM blocks WHERE first IN (SELECT first FROM blocks ORDER BY first LIMIT 2)',
    );
  await collector.lookThrough();
  const first = missing;
  if (first === undefined) throw new Error('it is noticed');
  expect(within(pieces, first).length).toBe(2);
  const { after, ordinal, until } = first;
  // Some of it came before: it is no other record under a number that is taken.
  await send([
    ...within(pieces, first).slice(0, 1),
    ['queries', { kind: 'hole', after, ordinal, first: until + 1 }],
  ]);
  expect(missing).toBeUndefined();
  expect(collector.alarms.last.at(-1)?.text).toContain('ns1 cannot give them again');
  expect(alarms()).toEqual(['hole']);
  await collector.lookThrough();
  const second = missing;
  if (second === undefined) throw new Error('the other one is noticed');
  expect(second.ordinal).toBe(ordinal + 2);
  await send(within(pieces, second));
  expect(missing).toBeUndefined();
  // What is named is of the first one alone.
  const left = (await verifyRecords(copy(), { isCollected: true })).findings.map((one) => one.ordinal);
  expect(new Set(left)).toEqual(new Set([ordinal]));
  // The chain goes on meanwhile.
  expect(confirmed.get('ns1.queries')).toBeGreaterThan(second.until);
});
