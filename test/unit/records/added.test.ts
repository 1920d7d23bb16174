// What stands behind the last signature when the program starts: a crash leaves some of it, and so does who may write to the
// directory meanwhile. It is never evidence, not after it was signed with the rest either.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isAmong } from '../../../src/evidence/records/proof.ts';
import { verifyRecords } from '../../../src/evidence/records/verify.ts';
import { appendBlock } from '../../support/block-forgery.ts';
import { adminRecord, Bench, eventsOf, findingsOf, HOUR_MS, readAll } from './setup.ts';

const CHANGES = 'changes/000001-2026-11-25.sqlite';
const QUERIES = 'queries/000001-2026-11-25.sqlite';

/** A recorder that wrote for some seconds. */
const written = (): Bench => {
  const bench = new Bench();
  for (let second = 0; second < 8; second++) {
    bench.record(3);
    bench.recording.write(adminRecord(second, new Date(bench.nowMs).toISOString()));
  }
  bench.advance(1_500);
  return bench;
};
const startAgain = (bench: Bench, ms: number): Bench => {
  const start = new Date(bench.nowMs + ms).toISOString();
  const again = new Bench({ directory: bench.directory, start });
  again.record(3);
  again.advance(1_500);
  return again;
};
const forge = (bench: Bench, file: string, record: object, ms: number): void => {
  const atMs = bench.nowMs + ms;
  appendBlock(join(bench.directory, file), [{ time: new Date(atMs).toISOString(), ...record }], atMs);
};
/** Records of a class that count. */
const soundOf = async (directory: string, recordClass: 'changes' | 'queries') => {
  const { proof } = await verifyRecords(directory);
  const all = await readAll(directory, recordClass);
  return all.filter((_, index) => isAmong(proof[recordClass].sound, 1, index + 1));
};
const LIE = { kind: 'admin', action: 'lie', by: 'E. Vil' };

test('what a crash leaves is told as that, and is no evidence after the next starts either', async () => {
  const bench = written();
  // Committed, and not signed any more.
  bench.recording.write(adminRecord(99, new Date(bench.nowMs).toISOString()));
  bench.advance(300);
  bench.crash();
  let again = startAgain(bench, 60_000);
  for (let starts = 0; starts < 2; starts++) {
    const { findings, takenUp } = await verifyRecords(bench.directory);
    expect(findings).toEqual([]);
    expect(takenUp[0]).toMatchObject({ blocks: 1, records: 1, isTold: false });
    const texts = (await soundOf(bench.directory, 'changes')).map((record) => JSON.stringify(record));
    expect(texts.some((text) => text.includes('act-7'))).toBe(true);
    expect(texts.some((text) => text.includes('act-99'))).toBe(false);
    again.crash();
    again = startAgain(again, 60_000);
  }
  expect(again.recording.facts().isVerified).not.toBe(false);
});

test.each<[string, (bench: Bench) => Promise<void>]>([
  ['a stop', (bench) => bench.recording.stop()],
  ['a kill, much later', (bench) => Promise.resolve(bench.crash())],
])('a change put in after %s is found for good, and counts for nothing', async (_, end) => {
  const bench = written();
  await end(bench);
  forge(bench, CHANGES, LIE, 40 * 60_000);
  let again = startAgain(bench, HOUR_MS);
  expect(again.recording.facts().isVerified).toBe(false);
  expect(await eventsOf(bench.directory)).toContain('records damaged');
  for (let starts = 0; starts < 2; starts++) {
    expect(await findingsOf(bench.directory)).toEqual(['tail-added']);
    expect(JSON.stringify(await soundOf(bench.directory, 'changes'))).not.toContain('E. Vil');
    await again.recording.stop();
    again = startAgain(again, 60_000);
  }
});

test('refusals put in after a stop are found, and counted nowhere', async () => {
  const bench = written();
  await bench.recording.stop();
  const [refusal] = await readAll(bench.directory, 'queries');
  forge(bench, QUERIES, { ...refusal, kind: 'refusal', qname: 'evil.example' }, 60_000);
  startAgain(bench, HOUR_MS);
  expect(await findingsOf(bench.directory)).toContain('tail-added');
  expect(JSON.stringify(await soundOf(bench.directory, 'queries'))).not.toContain('evil.example');
});

test('a stop put in after a kill does not hide it, nor do times make it shorter', async () => {
  const bench = written();
  bench.crash();
  forge(bench, CHANGES, LIE, 55 * 60_000);
  forge(bench, CHANGES, { kind: 'service', event: 'stop', version: '1.2.3' }, 59 * 60_000);
  startAgain(bench, HOUR_MS);
  const changes = await readAll(bench.directory, 'changes');
  const begin = changes.find((one) => one.kind === 'enforcement' && one.event === 'gap-begin');
  const gap = changes.find((one) => one.kind === 'enforcement' && one.event === 'gap-end');
  expect(Date.parse(begin?.time ?? '')).toBeLessThanOrEqual(bench.nowMs);
  expect(gap).toMatchObject({ cause: 'crash' });
  expect((gap as { ms: number }).ms).toBeGreaterThanOrEqual(HOUR_MS);
  expect(await findingsOf(bench.directory)).toContain('tail-added');
});

/** The recorder's thread died within a run, and another one goes on. */
const resume = (bench: Bench, ms: number): Bench => {
  const start = new Date(bench.nowMs + ms).toISOString();
  const again = new Bench({ directory: bench.directory, start, isResumed: true });
  again.record(3);
  again.advance(1_500);
  return again;
};

test('what a recorder leaves that dies within a run is counted and told as at a start', async () => {
  const bench = written();
  bench.recording.write(adminRecord(99, new Date(bench.nowMs).toISOString()));
  bench.advance(300);
  bench.crash();
  const again = resume(bench, 1_000);
  const { findings, takenUp } = await verifyRecords(bench.directory);
  expect(findings).toEqual([]);
  expect(takenUp).toMatchObject([{ blocks: 1, records: 1, isTold: false }]);
  expect(JSON.stringify(await soundOf(bench.directory, 'changes'))).not.toContain('act-99');
  const changes = await readAll(bench.directory, 'changes');
  expect(changes.find((one) => one.kind === 'records' && one.event === 'restored')).toMatchObject({
    ...{ unsigned: 1, logSize: expect.any(Number) },
  });
  // Nothing was unsigned: nothing is said of it, and the next start says nothing of the one before.
  again.crash();
  resume(again, 1_000).crash();
  expect((await verifyRecords(bench.directory)).takenUp).toHaveLength(1);
});

test('a change put in while no recorder ran within a run is found for good', async () => {
  const bench = written();
  bench.crash();
  forge(bench, CHANGES, LIE, 20_000);
  const again = resume(bench, 30_000);
  expect(again.recording.facts().isVerified).toBe(false);
  expect(await findingsOf(bench.directory)).toEqual(['tail-added']);
  expect(JSON.stringify(await soundOf(bench.directory, 'changes'))).not.toContain('E. Vil');
  await again.recording.stop();
  startAgain(again, 60_000);
  expect(await findingsOf(bench.directory)).toEqual(['tail-added']);
});
