// What a resolver sends of its records, against what an engine says is confirmed.
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { expect, test } from 'vitest';
import {
  CHAIN_START,
  ChainFeed,
  type ChainPlace,
  readOwnHeads,
} from '../../../src/evidence/records/records.ts';
import type { Take } from '../../../src/fleet/bus.ts';
import type { Confirmation, ConfirmedClass } from '../../../src/fleet/confirmation.ts';
import { type EvidencePiece, unpackEvidence } from '../../../src/fleet/evidence-message.ts';
import { toSeedKey } from '../../../src/fleet/key.ts';
import { LastSequences, type Stamp, stampMessage } from '../../../src/fleet/signed-message.ts';
import { confirmedSubject } from '../../../src/fleet/subjects.ts';
import { Uploader } from '../../../src/fleet/uploader.ts';
import { Bench } from '../records/setup.ts';

const NAME = 'ns1';
/** Longer than the first wait for a confirmation. */
const SECONDS = 60;

const toldOf = (piece: EvidencePiece | undefined): string =>
  piece?.kind === 'head'
    ? `head ${String((JSON.parse(piece.head) as { number: number }).number)}`
    : String(piece?.kind);

/** An uploader of a bench's records, with an engine that keeps nothing; confirm() is the collector. */
const upload = async (bench: Bench) => {
  const foreign: string[] = [];
  const sent: string[] = [];
  const heads: string[] = [];
  const pieces: EvidencePiece[] = [];
  const doubts: string[] = [];
  const numbers: number[] = [];
  let take: Take = () => undefined;
  const collector = toSeedKey(Buffer.from(createUser().getSeed()).toString());
  const key = toSeedKey(Buffer.from(createUser().getSeed()).toString());
  const uploader = new Uploader({
    name: NAME,
    enrolment: 1,
    directory: bench.directory,
    engine: {
      subscribe: (_subject, taken) => {
        take = taken;
      },
      read: () => Promise.resolve(undefined),
      store: (subject, bytes) => {
        const of = subject.split('.').at(-1) ?? '';
        sent.push(of);
        const piece = unpackEvidence(Buffer.from(bytes))?.piece;
        if (of === 'heads') heads.push(toldOf(piece));
        if (of === 'queries' && piece !== undefined) pieces.push(piece);
        return Promise.resolve();
      },
    },
    key: () => key,
    collectors: () => [collector.publicKey],
    sequences: new LastSequences(join(bench.directory, 'confirmed.json'), () => bench.monotonicMs),
    onUnbelieved: (_, why) => doubts.push(why),
    monotonic: () => bench.monotonicMs,
    onConfirmed: (_, { sequence }) => numbers.push(sequence),
    onForeign: (recordClass) => foreign.push(recordClass),
    warn: () => undefined,
  });
  uploader.listen();
  await uploader.recall();
  let sequence = 1_000;
  const queries = confirmedSubject(NAME, 'queries');
  const stampOf = (bytes: Uint8Array, by = collector, number = ++sequence, subject = queries): Stamp =>
    stampMessage(subject, bytes, number, by);
  const hear = (bytes: Uint8Array, stamp: Stamp | undefined, subject = queries): void =>
    void take(bytes, subject, stamp);
  const confirm = (confirmation: Confirmation, of: ConfirmedClass = 'queries'): void => {
    const bytes = Buffer.from(JSON.stringify(confirmation));
    const subject = confirmedSubject(NAME, of);
    hear(bytes, stampOf(bytes, collector, ++sequence, subject), subject);
  };
  return { uploader, foreign, sent, heads, pieces, confirm, hear, stampOf, doubts, numbers, key };
};

test('another chain under these numbers is noticed while records are written without a pause', async () => {
  const bench = new Bench();
  const { uploader, foreign, confirm } = await upload(bench);
  bench.record(100);
  await uploader.send();
  confirm({ enrolment: 1, sequence: 1, hash: 'f'.repeat(64) });
  for (let second = 0; second < SECONDS; second++) {
    bench.record(100, { client: `192.0.2.${second}` });
    await uploader.send();
  }
  expect(foreign).toEqual(['queries']);
  uploader.close();
});

const NOTHING: Confirmation = { enrolment: 1, sequence: 0, hash: '0'.repeat(64) };

test('what a collector only says again is no sign that it takes anything: what it has not confirmed is sent again', async () => {
  const bench = new Bench();
  const { uploader, sent, confirm } = await upload(bench);
  bench.record(100);
  await uploader.send();
  const once = sent.filter((one) => one === 'queries').length;
  expect(once).toBeGreaterThan(0);
  for (let second = 0; second < SECONDS; second++) {
    if (second % 15 === 0) confirm(NOTHING);
    bench.advance(1_000);
    await uploader.send();
  }
  expect(sent.filter((one) => one === 'queries').length).toBeGreaterThanOrEqual(2 * once);
  uploader.close();
});

test('a collector that has nothing any more is sent everything from the beginning', async () => {
  const bench = new Bench();
  const { uploader, sent, foreign, confirm } = await upload(bench);
  bench.record(100);
  await uploader.send();
  const all = sent.filter((one) => one === 'queries').length;
  confirm({ enrolment: 1, ...(await endOf(bench)) });
  for (let second = 0; second < SECONDS; second++) {
    bench.advance(1_000);
    await uploader.send();
  }
  const before = sent.filter((one) => one === 'queries').length;
  for (let second = 0; second < SECONDS; second++) {
    if (second % 15 === 0) confirm(NOTHING);
    bench.advance(1_000);
    await uploader.send();
  }
  expect(foreign).toEqual([]);
  expect(sent.filter((one) => one === 'queries').length - before).toBeGreaterThanOrEqual(all);
  uploader.close();
});

test('a collector that has nothing any more is sent the keys before the heads that they signed', async () => {
  const bench = new Bench({ heads: { everyMs: 5_000 } });
  const { uploader, heads, confirm } = await upload(bench);
  const run = async (seconds: number, each: (second: number) => void = () => undefined): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      each(second);
      bench.record(10);
      await uploader.send();
    }
  };
  await run(30);
  confirm({ enrolment: 1, ...(await endOf(bench)) });
  confirm({ enrolment: 1, sequence: 3, hash: 'a'.repeat(64) }, 'heads');
  await run(30);
  expect(heads).toContain('head 4');
  heads.length = 0;
  // In its place is one whose database is empty.
  await run(SECONDS, (second) => {
    if (second % 15 !== 0) return;
    for (const of of ['queries', 'changes', 'heads'] as const) confirm(NOTHING, of);
  });
  expect(heads).toContain('head 1');
  expect(heads.slice(0, heads.indexOf('head 1'))).toContain('key');
  uploader.close();
});

test('one that was started again sends heads and keys to a collector that lost them, without a new head', async () => {
  const bench = new Bench({ heads: { everyMs: 5_000 } });
  for (let second = 0; second < 30; second++) bench.record(10);
  const { uploader, heads, confirm } = await upload(bench);
  const end = { enrolment: 1, ...(await endOf(bench)) };
  const count = readOwnHeads(bench.directory, 0).length;
  expect(count).toBeGreaterThan(3);
  confirm(end);
  confirm({ enrolment: 1, sequence: count, hash: 'a'.repeat(64) }, 'heads');
  await uploader.send();
  expect(heads.filter((one) => one !== 'key')).toEqual([]);
  heads.length = 0;
  confirm(NOTHING, 'heads');
  await uploader.send();
  expect(heads.indexOf('key')).toBe(0);
  expect(heads.filter((one) => one !== 'key').length).toBe(count);
  uploader.close();
});

/** Where the chain of queries ends. */
const endOf = async ({ directory }: Bench): Promise<ChainPlace> => {
  const feed = new ChainFeed(directory, 'queries', CHAIN_START);
  while (((await feed.next(64)) ?? []).length > 0);
  const { place } = feed;
  feed.close();
  return { sequence: place.sequence, hash: place.hash };
};

test('a confirmation that the collector did not sign, one without a signature and one that was heard before confirm nothing', async () => {
  const bench = new Bench();
  bench.record(100);
  const { uploader, hear, stampOf, doubts, numbers, key, confirm } = await upload(bench);
  const all = Buffer.from(JSON.stringify({ enrolment: 1, ...(await endOf(bench)) }));
  hear(all, undefined);
  // By the key of the resolver itself, as somebody has it who has stolen that.
  hear(all, stampOf(all, key));
  hear(all, { ...stampOf(all), sequence: 9_999 });
  hear(Buffer.from('{}'), stampOf(Buffer.from('{}')));
  expect([numbers, doubts]).toEqual([[], ['older', 'forged', 'forged', 'forged']]);
  const early = stampOf(all);
  hear(all, early);
  // The collector has lost its disk.
  confirm(NOTHING);
  hear(all, early);
  hear(all, undefined);
  expect([numbers, doubts.slice(4)]).toEqual([
    [(await endOf(bench)).sequence, 0],
    ['replayed', 'forged'],
  ]);
  uploader.close();
});

/** The blocks that were sent, by the number of their first record, and what else was. */
const told = (pieces: EvidencePiece[]): (number | string)[] =>
  pieces.splice(0).map((piece) => (piece.kind === 'block' ? piece.block.first : piece.kind));

test('a collector that lacks records amid the chain is sent these again, not at each time that it says so', async () => {
  const bench = new Bench();
  const { uploader, pieces, foreign, confirm } = await upload(bench);
  for (let block = 0; block < 6; block++) bench.record(100, { client: `192.0.2.${block}` });
  await uploader.send();
  const blocks = pieces.flatMap((piece) => (piece.kind === 'block' ? [piece.block] : []));
  expect(blocks.length).toBeGreaterThan(5);
  const [, before, first, second] = blocks;
  if (before === undefined || first === undefined || second === undefined) throw new Error('it has blocks');
  const after = { sequence: before.first + before.count - 1, hash: before.hash };
  const missing = { ordinal: 1, after, until: second.first + second.count - 1 };
  const end = { enrolment: 1, ...(await endOf(bench)) };
  confirm(end);
  await uploader.send();
  pieces.length = 0;
  confirm({ ...end, missing });
  await uploader.send();
  expect(told(pieces)).toEqual([first.first, second.first]);
  // It says so every 15 seconds.
  for (let time = 0; time < 10; time++) {
    confirm({ ...end, missing });
    bench.monotonicMs += 15_000;
    await uploader.send();
  }
  expect(told(pieces).filter((one) => one === first.first).length).toBe(2);
  confirm(end);
  bench.monotonicMs += 3_600_000;
  await uploader.send();
  expect([told(pieces), foreign]).toEqual([[], []]);
  // The very first ones, behind the opening.
  const [start] = blocks;
  if (start === undefined) throw new Error('it has blocks');
  const missingFirst = { ordinal: 1, after: { sequence: 0, hash: 'c'.repeat(64) }, until: start.count };
  confirm({ ...end, missing: missingFirst });
  await uploader.send();
  expect(told(pieces)).toEqual([1]);
  // What is not on this chain, and what is gone.
  confirm({ ...end, missing: { ...missing, after: { ...after, hash: 'f'.repeat(64) } } });
  await uploader.send();
  confirm({ ...end, missing: { ...missing, until: 9_999_999 } });
  await uploader.send();
  expect(told(pieces).filter((one) => one === 'hole')).toEqual(['hole', 'hole']);
  expect(foreign).toEqual([]);
  uploader.close();
});

test('the first hundred blocks of a chain are sent again, and not told to be gone', async () => {
  const bench = new Bench();
  const { uploader, pieces, confirm } = await upload(bench);
  for (let block = 0; block < 100; block++) bench.record(1, { client: `192.0.2.${block}` });
  for (let time = 0; time < 4; time++) await uploader.send();
  const firsts = pieces.flatMap((piece) => (piece.kind === 'block' ? [piece.block.first] : []));
  expect(firsts.length).toBeGreaterThanOrEqual(100);
  const end = { enrolment: 1, ...(await endOf(bench)) };
  confirm(end);
  await uploader.send();
  pieces.length = 0;
  const until = (firsts[99] ?? 0) - 1;
  confirm({ ...end, missing: { ordinal: 1, after: { sequence: 0, hash: 'c'.repeat(64) }, until } });
  await uploader.send();
  expect(told(pieces)).toEqual(firsts.slice(0, 99));
  uploader.close();
});

test('who is not the collector has nothing sent again', async () => {
  const bench = new Bench();
  const { uploader, pieces, hear, stampOf, key, confirm } = await upload(bench);
  bench.record(100);
  await uploader.send();
  const end = { enrolment: 1, ...(await endOf(bench)) };
  confirm(end);
  pieces.length = 0;
  const missing = { ordinal: 1, after: CHAIN_START, until: end.sequence };
  const asked = Buffer.from(JSON.stringify({ ...end, missing }));
  hear(asked, stampOf(asked, key));
  await uploader.send();
  expect(told(pieces)).toEqual([]);
  uploader.close();
});
