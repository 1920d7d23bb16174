// What a resolver sends of its records, against what an engine says is confirmed.
import { createUser } from '@nats-io/nkeys';
import { expect, test } from 'vitest';
import type { Confirmation } from '../../../src/fleet/confirmation.ts';
import { toSeedKey } from '../../../src/fleet/key.ts';
import { confirmedSubject } from '../../../src/fleet/subjects.ts';
import { Uploader } from '../../../src/fleet/uploader.ts';
import { Bench } from '../records/setup.ts';

const NAME = 'ns1';
/** Longer than the first wait for a confirmation. */
const SECONDS = 60;

/** An uploader of a bench's records, with an engine that keeps nothing; confirm() is the collector. */
const upload = async (bench: Bench) => {
  const foreign: string[] = [];
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
      store: () => Promise.resolve(),
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
  return { uploader, foreign, confirm };
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
