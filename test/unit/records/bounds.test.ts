// Records have bounds, and every query is in some record all the same: repeats, floods, and the end of the disk.
import { describe, expect, test } from 'vitest';
import type { QueryRecord } from '../../../src/evidence/records/record.ts';
import { RecordsReader } from '../../../src/evidence/records/records-reader.ts';
import { START, UNBOUNDED } from '../../support/record-events.ts';
import { Bench, eventsOf, findingsOf, HOUR_MS, readAll } from './setup.ts';

const MINUTE_MS = 60_000;
/** Of one record, as docs/records.md has it. */
const RECORD_BYTES = 320;

const queriesOf = async (bench: Bench): Promise<QueryRecord[]> =>
  (await readAll(bench.directory, 'queries')).filter(
    (record): record is QueryRecord => record.kind !== 'sketch',
  );

const sumOf = (records: readonly QueryRecord[]): number =>
  records.reduce((sum, { count = 1 }) => sum + count, 0);

/** What reports count. */
const countsOf = async (bench: Bench): Promise<number> => {
  const reader = RecordsReader.open(bench.directory);
  const counts = await reader.counts(0, 8e15);
  reader.close();
  return counts.reduce((sum, { count }) => sum + count, 0);
};

const bytesOf = (records: readonly object[]): number =>
  records.reduce((sum: number, record) => sum + JSON.stringify(record).length, 0);

const bounded = (
  changes: Partial<typeof UNBOUNDED> = {},
  more: ConstructorParameters<typeof Bench>[0] = {},
) => new Bench({ bounds: { ...UNBOUNDED, repeatMs: MINUTE_MS, ...changes }, ...more });

describe('equal queries', () => {
  test('are one record at once and one with the others when the window ends', async () => {
    const bench = bounded();
    bench.record(1);
    bench.record(1_000, { port: 7 });
    bench.record(1_000, { port: 8 });
    expect(await queriesOf(bench)).toHaveLength(1);
    bench.advance(MINUTE_MS);
    const [first, repeats, ...more] = await queriesOf(bench);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ time: START, port: 40_000 });
    expect(first).not.toHaveProperty('count');
    expect(repeats).toMatchObject({
      time: '2026-11-25T12:00:01.000Z',
      count: 2_000,
      until: '2026-11-25T12:00:02.000Z',
      qname: 'www.tiktok.example',
      line: 12,
      rcode: 'NXDOMAIN',
    });
    expect(repeats).not.toHaveProperty('port');
    expect(await countsOf(bench)).toBe(2_001);
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test.each([
    ['client', { client: '192.0.2.8' }],
    ['name', { qname: 'cdn.tiktok.example' }],
    ['type', { qtype: 28 }],
    ['list', { list: 1 }],
    ['line', { line: 13 }],
    ['answer', { rcode: 0 }],
    ['extended error', { edeCode: 17 }],
    ['transport', { transport: 1 }],
    ['group', { group: 1 }],
    ['kind', { kind: 1 }],
    ['exemption', { exemption: 4 }],
    ['generation', { generation: 2 }],
    ['target', { trigger: 1, targetName: 'edge.tiktok.example' }],
  ])('are not those of another %s', async (_what, changes) => {
    const bench = bounded();
    bench.record(2);
    bench.record(2, changes);
    bench.advance(MINUTE_MS);
    expect((await queriesOf(bench)).map(({ count = 1 }) => count)).toEqual([1, 1, 1, 1]);
    expect(await countsOf(bench)).toBe(4);
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('of another window begin anew; nothing is told of a window without repeats', async () => {
    const bench = bounded();
    for (let minute = 0; minute < 3; minute++) {
      bench.record(1);
      bench.advance(MINUTE_MS);
    }
    expect(await queriesOf(bench)).toHaveLength(3);
    expect(await countsOf(bench)).toBe(3);
  });

  test('are counted in the hour in which they were made', async () => {
    const bench = bounded({ repeatMs: HOUR_MS }, { start: '2026-11-25T12:59:59.500Z' });
    bench.emit(5);
    bench.nowMs += 600;
    bench.emit(7);
    bench.advance(1_000);
    bench.advance(HOUR_MS);
    const reader = RecordsReader.open(bench.directory);
    const counts = await reader.counts(0, 8e15);
    reader.close();
    expect(counts.map(({ count }) => count)).toEqual([5, 7]);
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('are written when the program stops', async () => {
    const bench = bounded();
    bench.emit(20_000 / 8);
    await bench.recording.stop();
    expect(sumOf(await queriesOf(bench))).toBe(2_500);
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('that a recorder had counted when it died are told as dropped', async () => {
    const waiting = new Float64Array(1);
    const bench = bounded({}, { waiting });
    bench.record(100);
    expect(waiting[0]).toBe(99);
    bench.crash();
    const again = new Bench({ directory: bench.directory, waiting, isResumed: true });
    again.advance(20_000);
    again.advance(1_000);
    expect(await readAll(bench.directory, 'changes')).toContainEqual(
      expect.objectContaining({ kind: 'records', event: 'dropped', count: 99 }),
    );
    expect(waiting[0]).toBe(0);
  });
});

describe('a client that asks something else each time', () => {
  const flood = (bench: Bench, count: number, changes: object = {}): void => {
    for (let i = 0; i < count; i++) {
      bench.emit(1, { qname: `x${i}.tiktok.example`, ...changes });
      if (i % 1_000 === 999) bench.advance(300);
    }
  };

  test('has a share of records, and what is beyond it is one record a minute', async () => {
    const clientBytesPerDay = 4 * 100 * RECORD_BYTES;
    const bench = bounded({ clientBytesPerDay });
    flood(bench, 20_000);
    bench.record(3, { client: '192.0.2.9' });
    bench.advance(MINUTE_MS);
    const records = await queriesOf(bench);
    const own = records.filter(({ client }) => client === '192.0.2.7');
    expect(bytesOf(own)).toBeLessThan(clientBytesPerDay);
    expect(sumOf(own)).toBe(20_000);
    const sums = own.filter(({ summary }) => summary === 'client');
    expect(sums).toHaveLength(1);
    expect(sums[0]?.count).toBeGreaterThan(19_000);
    // Another client pays nothing for it.
    expect(records.filter(({ client }) => client === '192.0.2.9').map(({ count = 1 }) => count)).toEqual([
      1, 2,
    ]);
    expect(await countsOf(bench)).toBe(20_003);
    expect(await findingsOf(bench.directory)).toEqual([]);
    expect(Object.fromEntries(bench.recording.facts().queries)).toMatchObject({ repeat: 2, total: 0 });
  });

  test('cannot have more by other addresses of its /64', async () => {
    const bench = bounded({ clientBytesPerDay: 4 * 100 * RECORD_BYTES });
    for (let i = 0; i < 5_000; i++) {
      bench.emit(1, { qname: `x${i}.tiktok.example`, client: `2001:db8::${(i + 1).toString(16)}` });
      if (i % 1_000 === 999) bench.advance(300);
    }
    bench.advance(MINUTE_MS);
    const records = await queriesOf(bench);
    expect(records.filter(({ summary }) => summary === undefined).length).toBeLessThan(150);
    expect(sumOf(records)).toBe(5_000);
  });

  test('as many clients: all together have a bound, and distinct clients are counted still', async () => {
    const bytesPerDay = 4 * 200 * RECORD_BYTES;
    const bench = bounded({ bytesPerDay });
    for (let i = 0; i < 20_000; i++) {
      bench.emit(1, { qname: `x${i}.tiktok.example`, client: `10.1.${(i >> 8) & 255}.${i & 255}` });
      if (i % 1_000 === 999) bench.advance(300);
    }
    bench.advance(MINUTE_MS);
    const records = await queriesOf(bench);
    expect(bytesOf(records)).toBeLessThan(bytesPerDay);
    expect(records.at(-1)).toMatchObject({ client: 'other', summary: 'total' });
    expect(sumOf(records)).toBe(20_000);
    expect(await countsOf(bench)).toBe(20_000);
    const estimate = bench.recording.facts().distinctClients.get('*') ?? 0;
    expect(Math.abs(estimate - 20_000)).toBeLessThan(2_000);
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('leaves room for those who have asked little', async () => {
    // The flooders could take everything together: from half on they get nothing.
    const bench = bounded({
      bytesPerDay: 4 * 2_000 * RECORD_BYTES,
      clientBytesPerDay: 4 * 500 * RECORD_BYTES,
    });
    for (let i = 0; i < 20_000; i++) {
      bench.emit(1, { qname: `x${i}.tiktok.example`, client: `10.1.1.${i % 10}` });
      if (i % 1_000 === 999) bench.advance(300);
    }
    for (let i = 0; i < 50; i++) bench.emit(1, { qname: `y${i}.tiktok.example`, client: '192.0.2.99' });
    bench.advance(MINUTE_MS);
    const quiet = (await queriesOf(bench)).filter(({ client }) => client === '192.0.2.99');
    expect(quiet).toHaveLength(50);
  });

  test('gets records again when time has passed', async () => {
    const bench = bounded({ clientBytesPerDay: 4 * 100 * RECORD_BYTES });
    flood(bench, 1_000);
    bench.advance(12 * HOUR_MS);
    const before = (await queriesOf(bench)).length;
    bench.record(1, { qname: 'later.tiktok.example' });
    const records = await queriesOf(bench);
    expect(records.length).toBe(before + 1);
    expect(records.at(-1)).not.toHaveProperty('summary');
  });
});

describe('networks that may not ask', () => {
  test('are within the same bound', async () => {
    const bench = bounded({ bytesPerDay: 4 * 100 * RECORD_BYTES });
    const unlisted = { kind: 3, signal: 4, list: -1, line: 0, rcode: 5, edeCode: 18 } as const;
    for (let network = 0; network < 2_000; network++) {
      bench.emit(1, { ...unlisted, client: `10.${network >> 8}.${network & 255}.1` });
      if (network % 1_000 === 999) bench.advance(300);
    }
    bench.advance(MINUTE_MS);
    const records = await queriesOf(bench);
    expect(records.length).toBeLessThan(110);
    expect(records.at(-1)).toMatchObject({ client: 'other' });
    expect(sumOf(records)).toBe(2_000);
  });
});

describe('a disk that is nearly full', () => {
  test('is left to changes: an alarm at twice the reserve, sums below it, records again with room', async () => {
    let freeBytes = 3_000;
    const bench = bounded({ reserveBytes: 1_000 }, { diskSpace: () => ({ freeBytes, allBytes: 100_000 }) });
    const logged = (): string[] => bench.logs.map(({ level, text }) => `${level} ${text}`);
    bench.record(1);
    freeBytes = 1_500;
    bench.advance(5_000);
    expect(logged()).toContain('warn the disk of the records will soon be full');
    bench.record(1, { qname: 'a.tiktok.example' });
    freeBytes = 900;
    bench.advance(5_000);
    expect(logged().at(-1)).toBe(
      'error the disk of the records is nearly full: queries are recorded as sums only',
    );
    for (let i = 0; i < 300; i++) bench.emit(1, { qname: `x${i}.tiktok.example` });
    bench.advance(1_000);
    const change = bench.change({ time: START, kind: 'admin', action: 'act', by: 'alice' });
    bench.advance(MINUTE_MS);
    await change;
    freeBytes = 5_000;
    bench.advance(5_000);
    bench.advance(1_000);
    bench.record(1, { qname: 'b.tiktok.example' });
    const records = await queriesOf(bench);
    expect(records.map(({ qname, count = 1, summary }) => [qname, count, summary])).toEqual([
      ['www.tiktok.example', 1, undefined],
      ['a.tiktok.example', 1, undefined],
      ['x0.tiktok.example', 300, 'total'],
      ['b.tiktok.example', 1, undefined],
    ]);
    expect(await eventsOf(bench.directory)).toEqual(
      expect.arrayContaining(['records reserve-begin', 'records reserve-end']),
    );
    expect(bench.recording.facts()).toMatchObject({ freeBytes: 5_000, reserveBytes: 1_000 });
  });

  test('has a reserve of a tenth at most', () => {
    const bench = bounded(
      { reserveBytes: 1_000_000 },
      { diskSpace: () => ({ freeBytes: 50_000, allBytes: 100_000 }) },
    );
    bench.record(1);
    expect(bench.recording.facts().reserveBytes).toBe(10_000);
    expect(bench.logs.filter(({ level }) => level !== 'info')).toEqual([]);
  });
});
