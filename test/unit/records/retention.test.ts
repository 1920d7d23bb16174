// Retention: partitions are compressed, then deleted, when their time is over and the clock can be trusted with that.
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RecordsReader } from '../../../src/evidence/records/records-reader.ts';
import { START } from '../../support/record-events.ts';
import { adminRecord, Bench, DAY_MS, edit, eventsOf, findingsOf, readAll } from './setup.ts';

const times = { searchableMs: 2 * DAY_MS, archivedMs: 3 * DAY_MS };
const retention = { queries: times, changes: { searchableMs: 2 * DAY_MS, archivedMs: 10 * DAY_MS } };

const namesOf = (directory: string, recordClass = 'queries'): string[] =>
  readdirSync(join(directory, recordClass))
    .filter((name) => !/-(?:wal|shm)$/.test(name))
    .sort();

/** Lets the recorder live for days, with records each day and its files looked after each hour. */
const live = async (bench: Bench, days: number): Promise<void> => {
  for (let hour = 0; hour < days * 24; hour++) {
    if (hour % 24 === 0) {
      bench.emit(3);
      bench.recording.write(adminRecord(hour, new Date(bench.nowMs).toISOString()));
    }
    bench.advance(DAY_MS / 24);
    await bench.housekeep();
  }
};

test('partitions are archived and then deleted, and each of that is recorded', async () => {
  const bench = new Bench({ retention });
  await live(bench, 8);
  const names = namesOf(bench.directory);
  expect(names.filter((name) => name.endsWith('.sqlite'))).toHaveLength(3);
  expect(names.filter((name) => name.endsWith('.zst'))).toHaveLength(3);
  expect(names[0]).toMatch(/^000004/);
  expect(namesOf(bench.directory, 'changes')).toHaveLength(9);
  const events = await eventsOf(bench.directory);
  expect(events.filter((event) => event === 'records deleted')).toHaveLength(3);
  expect(events.filter((event) => event === 'records archived').length).toBeGreaterThan(5);
  expect(await findingsOf(bench.directory)).toEqual([]);
});

test('a partition that cannot be archived holds up no other one, and is told once', async () => {
  const bench = new Bench({ retention });
  await live(bench, 1);
  const [name = ''] = namesOf(bench.directory, 'changes');
  const inTheWay = join(bench.directory, 'changes', `${name}.zst.new`);
  mkdirSync(inTheWay);
  await live(bench, 4);
  const names = namesOf(bench.directory, 'changes').filter((one) => !one.endsWith('.new'));
  expect(names.map((one) => one.endsWith('.zst'))).toEqual([false, true, true, false, false, false]);
  expect(bench.logs.filter(({ text }) => text === 'a partition is kept longer')).toHaveLength(1);
  rmSync(inTheWay, { recursive: true });
  bench.advance(DAY_MS / 24);
  await bench.housekeep();
  expect(namesOf(bench.directory, 'changes')[0]).toBe(`${name}.zst`);
});

test('the deletion of a partition that the file system does not let go of is recorded once', async () => {
  const bench = new Bench({ retention });
  await live(bench, 5);
  const [oldest = ''] = namesOf(bench.directory);
  const path = join(bench.directory, 'queries', oldest);
  const aside = join(bench.directory, 'aside');
  renameSync(path, aside);
  mkdirSync(path);
  await live(bench, 3);
  const deletions = async () =>
    (await eventsOf(bench.directory)).filter((event) => event === 'records deleted').length;
  expect(namesOf(bench.directory)[0]).toBe(oldest);
  expect(await deletions()).toBe(1);
  expect(bench.logs.filter(({ text }) => text === 'a partition is kept longer')).toHaveLength(1);
  rmdirSync(path);
  renameSync(aside, path);
  // A hole behind it would be what somebody had changed.
  expect(await findingsOf(bench.directory)).toEqual([]);
  await live(bench, 1);
  expect(namesOf(bench.directory)[0]).toMatch(/^000005/);
  expect(await deletions()).toBe(4);
  expect(await findingsOf(bench.directory)).toEqual([]);
});

test('archived partitions are read and verified as others are', async () => {
  const bench = new Bench({ retention });
  await live(bench, 4);
  expect(namesOf(bench.directory)[0]).toMatch(/\.zst$/);
  const records = await readAll(bench.directory, 'queries');
  expect(records[0]?.time).toBe(START);
  const reader = RecordsReader.open(bench.directory);
  const counts = await reader.counts(Date.parse(START), Date.parse(START) + DAY_MS);
  expect(counts.map(({ count }) => count)).toEqual([3]);
  expect(reader.oldestSearchableMs('queries')).toBeGreaterThan(Date.parse(START) + DAY_MS);
  reader.close();
  expect(bench.recording.facts().oldestSearchableMs).toBeGreaterThan(Date.parse(START) + DAY_MS);
  expect(await findingsOf(bench.directory)).toEqual([]);
});

test('a deleted partition that no record tells of is found, also where older deletions are forgotten', async () => {
  const bench = new Bench({ retention: { queries: times, changes: times } });
  await live(bench, 12);
  expect(await findingsOf(bench.directory)).toEqual([]);
  expect(namesOf(bench.directory, 'changes')[0]).not.toMatch(/^000001/);
  const [oldest = ''] = namesOf(bench.directory);
  rmSync(join(bench.directory, 'queries', oldest));
  expect(await findingsOf(bench.directory)).toContain('partition-missing');
});

describe('a clock that cannot be trusted deletes nothing', () => {
  test('when it goes two years forward and back', { tags: 'night' }, async () => {
    const bench = new Bench({ retention });
    await live(bench, 2);
    const before = namesOf(bench.directory);
    bench.nowMs += 730 * DAY_MS;
    for (let hour = 0; hour < 4; hour++) {
      bench.advance(DAY_MS / 24);
      await bench.housekeep();
    }
    expect(bench.recording.facts().isClockTrusted).toBe(false);
    bench.nowMs -= 730 * DAY_MS;
    bench.advance(1_000);
    await bench.housekeep();
    expect(namesOf(bench.directory)).toEqual(expect.arrayContaining(before));
    await live(bench, 3);
    expect(bench.recording.facts().isClockTrusted).toBe(true);
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('nor when the program starts with it', async () => {
    const bench = new Bench({ retention });
    await live(bench, 3);
    await bench.recording.stop();
    const before = namesOf(bench.directory);
    const again = new Bench({ directory: bench.directory, retention, start: '2028-11-25T12:00:00.000Z' });
    again.record(1);
    await again.housekeep();
    const once = new Bench({ directory: bench.directory, retention, start: '2028-11-25T13:00:00.000Z' });
    again.crash();
    once.record(1);
    await once.housekeep();
    expect(namesOf(bench.directory)).toEqual(expect.arrayContaining(before));
  });
});

test('a partition that was changed after it closed is found by the recorder itself', async () => {
  const bench = new Bench();
  bench.record(3);
  bench.advance(DAY_MS);
  await bench.housekeep();
  expect(bench.recording.facts()).toMatchObject({ isVerified: true });
  await bench.recording.stop();
  const [name = ''] = namesOf(bench.directory);
  edit(join(bench.directory, 'queries', name), "UPDATE blocks SET body = replace(body, '12', '13')");
  const again = new Bench({ directory: bench.directory, start: new Date(bench.nowMs).toISOString() });
  again.record(1);
  await again.housekeep();
  again.advance(1_000);
  expect(again.recording.facts()).toMatchObject({ isVerified: false });
  expect(await readAll(bench.directory, 'changes')).toContainEqual(
    expect.objectContaining({ event: 'damaged', text: expect.stringContaining('hash-mismatch') }),
  );
});

test('keys of pseudonyms are destroyed when no record needs them', async () => {
  const identity = { kind: 'pseudonym', rotateMs: DAY_MS } as const;
  const bench = new Bench({ identity, retention });
  await live(bench, 8);
  const texts = (await readAll(bench.directory, 'changes')).flatMap((record) =>
    record.kind === 'records' && record.event === 'pseudonym-key' ? [record.text ?? ''] : [],
  );
  expect(texts).toContain('key 1 was destroyed');
  expect(texts).not.toContain('key 5 was destroyed');
});

/** Partitions of queries that were deleted although no collector had confirmed them, as the records of changes say. */
const deletedUnconfirmed = async (directory: string): Promise<number> =>
  (await readAll(directory, 'changes')).filter((record) =>
    JSON.stringify(record).includes('no collector of the fleet has confirmed it'),
  ).length;

test('what no collector has confirmed is not deleted, and as soon as it is confirmed it is', async () => {
  const confirmed = new Float64Array(3);
  const bench = new Bench({ retention, confirmed, unconfirmedMsMax: 90 * DAY_MS });
  // Five days are its time.
  await live(bench, 9);
  expect(namesOf(bench.directory)[0]).toMatch(/^000001/);
  expect(await eventsOf(bench.directory)).not.toContain('records deleted');
  confirmed[0] = Number.MAX_SAFE_INTEGER;
  await live(bench, 2);
  expect(namesOf(bench.directory)[0]).not.toMatch(/^000001/);
  expect(await deletedUnconfirmed(bench.directory)).toBe(0);
  expect(await findingsOf(bench.directory)).toEqual([]);
});

test('what no collector ever confirms is deleted at its last bound, on the record', {
  tags: 'night',
}, async () => {
  const bench = new Bench({ retention, confirmed: new Float64Array(3), unconfirmedMsMax: 2 * DAY_MS });
  await live(bench, 10);
  const first = Number(namesOf(bench.directory)[0]?.slice(0, 6));
  expect(first).toBeGreaterThan(1);
  expect(await deletedUnconfirmed(bench.directory)).toBe(first - 1);
  expect(await findingsOf(bench.directory)).toEqual([]);
});
