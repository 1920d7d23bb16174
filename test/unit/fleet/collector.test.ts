// The collector and what it is sent: late, twice, backwards, forged, with holes; against a recorder's real files.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { judgeRecord } from '../../../src/evidence/records/record-schema.ts';
import {
  CHAIN_START,
  ChainFeed,
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
import { Bench, DAY_MS } from '../records/setup.ts';

let directory: string;
let collector: Collector;
let key: SigningKey;
let confirmed: Map<string, number>;
let membership: Membership;
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
    clock: () => Date.parse('2026-11-26T12:00:00Z'),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    catchUp: () => {
      asked++;
      comes();
      return Promise.resolve();
    },
    onConfirmed: (node, recordClass, _, sequence) => confirmed.set(`${node}.${recordClass}`, sequence),
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
): Promise<void> => {
  for (const [recordClass, piece] of pieces) {
    const subject = evidenceSubject(node, recordClass);
    const { bytes, signature } = packEvidence(subject, enrolment, piece, by);
    collector.take({ subject, bytes, signature, done: () => void done++, again: () => undefined });
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
