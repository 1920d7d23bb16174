// What a resolver sends of its records, against what an engine says is confirmed.
import { createUser } from '@nats-io/nkeys';
import { expect, test } from 'vitest';
import type { Confirmation } from '../../../src/fleet/confirmation.ts';
import { toSeedKey } from '../../../src/fleet/key.ts';
import { confirmedSubject } from '../../../src/fleet/subjects.ts';
import { Uploader } from '../../../src/fleet/uploader.ts';
import { CHAIN_START, ChainFeed, type ChainPlace } from '../../../src/records/records.ts';
import { Bench } from '../records/setup.ts';

const NAME = 'ns1';
/** Longer than the first wait for a confirmation. */
const SECONDS = 60;

/** An uploader of a bench's records, with an engine that keeps nothing; confirm() is the collector. */
const upload = async (bench: Bench) => {
  const foreign: string[] = [];
  const sent: string[] = [];
  let take: (bytes: Uint8Array, subject: string) => void = () => undefined;
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
      store: (subject) => {
        sent.push(subject.split('.').at(-1) ?? '');
        return Promise.resolve();
      },
    },
    key: () => key,
    monotonic: () => bench.monotonicMs,
    onConfirmed: () => undefined,
    onForeign: (recordClass) => foreign.push(recordClass),
    warn: () => undefined,
  });
  await uploader.begin();
  const confirm = (confirmation: Confirmation): void => {
    take(Buffer.from(JSON.stringify(confirmation)), confirmedSubject(NAME, 'queries'));
  };
  return { uploader, foreign, sent, confirm };
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

/** Where the chain of queries ends. */
const endOf = async ({ directory }: Bench): Promise<ChainPlace> => {
  const feed = new ChainFeed(directory, 'queries', CHAIN_START);
  while (((await feed.next(64)) ?? []).length > 0);
  const { place } = feed;
  feed.close();
  return { sequence: place.sequence, hash: place.hash };
};
