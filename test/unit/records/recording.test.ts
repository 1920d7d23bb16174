// The recorder: what is acknowledged is on the disk, whatever the disk, the clock or the process does.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { headText, type SignedHead } from '../../../src/evidence/records/heads.ts';
import { readHeadLines } from '../../../src/evidence/records/heads-file.ts';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import type { PlacedRecord, RecordOutput } from '../../../src/evidence/records/record-output.ts';
import { verifyRecords } from '../../../src/evidence/records/verify.ts';
import { createEventRing, EventReader } from '../../../src/telemetry/events/event-ring.ts';
import { requireProgram } from '../../support/process.ts';
import { START, UNBOUNDED } from '../../support/record-events.ts';
import { adminRecord, Bench, DAY_MS, edit, eventsOf, findingsOf, HOUR_MS, readAll } from './setup.ts';

const partitionsOf = (directory: string, recordClass = 'queries'): string[] =>
  readdirSync(join(directory, recordClass))
    .filter((name) => !/-(?:wal|shm)$/.test(name))
    .sort();

const actionsOf = async (directory: string): Promise<string[]> =>
  (await readAll(directory, 'changes')).flatMap((record) => (record.kind === 'admin' ? [record.action] : []));

test('the chain of a first run begins with the start and ends with the stop', async () => {
  const bench = new Bench();
  bench.record(100);
  const written = bench.change(adminRecord(1));
  bench.advance(300);
  await written;
  await bench.recording.stop();
  expect(await eventsOf(bench.directory)).toEqual(['service start', 'admin', 'service stop']);
  const result = await verifyRecords(bench.directory);
  expect(result).toMatchObject({ findings: [], partitions: 2, heads: 3 });
  // 100 queries, two estimates, three changes.
  expect(result.records).toBe(105);
});

test('a recorder rests while nothing is to be recorded, and the first event or change ends its rest', async () => {
  const bench = new Bench({ bounds: { ...UNBOUNDED, repeatMs: HOUR_MS } });
  const { recording } = bench;
  const step = (ms: number): number => {
    bench.nowMs += ms;
    bench.monotonicMs += ms;
    return recording.tick();
  };
  bench.record(1);
  expect(recording.bellBytes).toBeGreaterThan(1 << 16);
  // Long enough for the checkpoint that covers the record.
  for (let waited = 0; waited < 1_900; waited += 100) expect(step(100)).toBeLessThanOrEqual(250);
  expect(recording.facts().checkpoint?.size).toBeGreaterThan(0);
  step(200);
  expect([step(1_000), step(1_000), recording.bellBytes]).toEqual([1_000, 1_000, 1]);

  // The first event rings amid the rest, sooner than a commit is due: it is committed in the time that any other has.
  const before = recording.facts().sequence.get('queries') ?? 0;
  bench.emit(1, { qname: 'one.example' });
  const delayMs = step(10);
  expect(delayMs).toBeLessThanOrEqual(250);
  expect(recording.bellBytes).toBeGreaterThan(1 << 16);
  expect(step(delayMs)).toBeLessThanOrEqual(250);
  expect(recording.facts().sequence.get('queries')).toBe(before + 1);

  // What comes again is counted and written later; it ends the rest all the same, or each would ring.
  step(3_000);
  expect(recording.bellBytes).toBe(1);
  bench.emit(1, { qname: 'one.example' });
  step(300);
  expect(recording.facts().sequence.get('queries')).toBe(before + 1);
  expect(recording.bellBytes).toBeGreaterThan(1);

  step(3_000);
  const written = bench.change(adminRecord(1));
  expect(step(10)).toBeLessThanOrEqual(250);
  await written;
});

test('files are for the user of the service alone', async () => {
  const bench = new Bench({ identity: { kind: 'pseudonym', rotateMs: HOUR_MS } });
  bench.record(1);
  for (const name of readdirSync(bench.directory, { recursive: true, encoding: 'utf8' })) {
    const { mode } = statSync(join(bench.directory, name));
    if (name.endsWith('.pub.pem')) continue;
    expect([name, mode & 0o077]).toEqual([name, 0]);
  }
  expect(statSync(bench.directory).mode & 0o777).toBe(0o700);
  await bench.recording.stop();
});

test('a record longer than its bound is refused', async () => {
  const bench = new Bench();
  const long: ChangeRecord = { ...adminRecord(1), kind: 'admin', action: 'x'.repeat(1 << 20), by: 'alice' };
  await expect(bench.change(long)).rejects.toMatchObject({ code: 'ERR_COMPLIANCE_RECORD_SIZE' });
});

test('damage is located to 64 records: no block has more', async () => {
  const bench = new Bench();
  bench.record(1_000);
  const { blocks, records } = await verifyRecords(bench.directory, { classes: ['queries'] });
  expect(records).toBe(1_002);
  expect(blocks).toBe(16);
});

describe('events leave their ring', () => {
  test('only when they are on the disk', () => {
    const bench = new Bench();
    bench.advance(1_000);
    bench.emit(10);
    const { backlogBytes } = new EventReader(bench.ring);
    expect(backlogBytes).toBeGreaterThan(0);
    bench.advance(1_000);
    expect(new EventReader(bench.ring).backlogBytes).toBe(0);
  });

  test('and are read again by the recorder that takes the place of one that died', async () => {
    const bench = new Bench();
    bench.record(5);
    bench.emit(7);
    bench.crash();
    const again = new Bench({ directory: bench.directory, ring: bench.ring, isResumed: true });
    again.advance(1_000);
    expect((await readAll(bench.directory, 'queries')).filter(({ kind }) => kind === 'refusal')).toHaveLength(
      12,
    );
    expect(await eventsOf(bench.directory)).toEqual(['service start', 'records restored']);
  });
});

describe('what found no room is recorded', () => {
  test('with its number and the time in which it was lost', async () => {
    const bench = new Bench({ ring: createEventRing(4_096) });
    bench.advance(1_000);
    let lost = 0;
    for (let i = 0; i < 200; i++) if (!tryEmit(bench)) lost++;
    bench.advance(100);
    bench.advance(1_000);
    expect(lost).toBeGreaterThan(100);
    const dropped = (await readAll(bench.directory, 'changes')).find(
      (record) => record.kind === 'records' && record.event === 'dropped',
    );
    expect(dropped).toMatchObject({
      count: lost,
      from: '2026-11-25T12:00:01.000Z',
      until: '2026-11-25T12:00:01.100Z',
    });
    expect(bench.recording.facts().dropped).toBe(lost);
  });

  test('once, also when the recorder died in between', async () => {
    const bench = new Bench({ ring: createEventRing(4_096) });
    bench.advance(1_000);
    for (let i = 0; i < 200; i++) tryEmit(bench);
    bench.advance(1_000);
    const { droppedOfRings, dropped } = bench.recording.facts();
    bench.crash();
    const again = new Bench({
      directory: bench.directory,
      ring: bench.ring,
      isResumed: true,
      droppedBefore: droppedOfRings,
    });
    again.advance(20_000);
    const counts = (await readAll(bench.directory, 'changes')).flatMap((record) =>
      record.kind === 'records' && record.event === 'dropped' ? [record.count] : [],
    );
    expect(counts).toEqual([dropped]);
  });
});

const tryEmit = (bench: Bench): boolean => {
  try {
    bench.emit(1);
    return true;
  } catch {
    return false;
  }
};

describe('a full disk', () => {
  test('loses nothing that was acknowledged, says so, and is forgotten when there is room', async () => {
    const bench = new Bench({ pageCountMax: 24, ring: createEventRing(1 << 17) });
    const acknowledged: number[] = [];
    let lost = 0;
    for (let number = 0; number < 40; number++) {
      bench.change(adminRecord(number)).then(
        () => acknowledged.push(number),
        () => {},
      );
      for (let i = 0; i < 60; i++) if (!tryEmit(bench)) lost++;
      bench.advance(1_000);
    }
    await Promise.resolve();
    expect(bench.recording.facts().failure).toMatch(/full/);
    expect(lost).toBeGreaterThan(0);
    expect(acknowledged.length).toBeLessThan(40);
    expect(await actionsOf(bench.directory)).toEqual(acknowledged.map((number) => `act-${number}`));
    expect(bench.logs.filter(({ level }) => level === 'error')).toHaveLength(1);
    bench.crash();
    const again = new Bench({ directory: bench.directory, ring: bench.ring });
    again.advance(1_000);
    again.advance(20_000);
    expect(again.recording.facts().failure).toBeUndefined();
    const events = await eventsOf(bench.directory);
    expect(events).toContain('records dropped');
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('is over at the next try: what waited is written, in its order', async () => {
    const bench = new Bench();
    bench.record(3);
    // A program that holds the file is as good as a disk that takes nothing.
    const [name = ''] = partitionsOf(bench.directory, 'changes');
    const holder = new (await import('node:sqlite')).DatabaseSync(join(bench.directory, 'changes', name));
    holder.exec('BEGIN IMMEDIATE');
    const outcomes: string[] = [];
    for (const number of [1, 2, 3])
      void bench.change(adminRecord(number)).then(() => outcomes.push(`act-${number}`));
    bench.advance(1_000);
    expect(bench.recording.facts().failure).toMatch(/locked/);
    expect(outcomes).toEqual([]);
    holder.exec('ROLLBACK');
    holder.close();
    bench.advance(20_000);
    await Promise.resolve();
    await Promise.resolve();
    expect(bench.recording.facts().failure).toBeUndefined();
    expect(outcomes).toEqual(['act-1', 'act-2', 'act-3']);
    expect(await actionsOf(bench.directory)).toEqual(outcomes);
  });
});

describe('a crash', () => {
  test('is stated by the next start, with the gap to the last sign of life', async () => {
    const bench = new Bench();
    bench.record(5);
    for (let second = 0; second < 30; second += 2) bench.advance(2_000);
    const aliveMs = bench.nowMs;
    bench.crash();
    const again = new Bench({
      directory: bench.directory,
      start: new Date(aliveMs + 90_000).toISOString(),
    });
    again.advance(0);
    const changes = await readAll(bench.directory, 'changes');
    const [, end, begin, gapEnd, start] = changes;
    expect(end).toMatchObject({ kind: 'service', event: 'unclean-end' });
    expect(begin).toMatchObject({ kind: 'enforcement', event: 'gap-begin', cause: 'crash' });
    expect(gapEnd).toMatchObject({ event: 'gap-end', time: new Date(aliveMs + 90_000).toISOString() });
    expect(start).toMatchObject({ event: 'start' });
    const stated = Date.parse(begin?.time ?? '');
    expect(aliveMs - stated).toBeGreaterThanOrEqual(0);
    expect(aliveMs - stated).toBeLessThanOrEqual(10_000);
    expect(gapEnd).toHaveProperty('ms', aliveMs + 90_000 - stated);
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('begins no earlier than the last record that was signed: a checkpoint has seconds only', async () => {
    const bench = new Bench();
    bench.advance(0);
    const time = new Date(bench.nowMs + 2_700).toISOString();
    bench.recording.write(adminRecord(1, time));
    bench.advance(2_700);
    bench.crash();
    const start = new Date(bench.nowMs + 60_000).toISOString();
    new Bench({ directory: bench.directory, start }).advance(0);
    const changes = await readAll(bench.directory, 'changes');
    expect(changes).toContainEqual(expect.objectContaining({ event: 'unclean-end', lastWritten: time }));
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('is not stated after a clean stop', async () => {
    const bench = new Bench();
    await bench.recording.stop();
    new Bench({ directory: bench.directory }).advance(0);
    expect(await eventsOf(bench.directory)).toEqual(['service start', 'service stop', 'service start']);
  });

  test('on another day is stated as well', async () => {
    const bench = new Bench();
    bench.record(1);
    bench.crash();
    const again = new Bench({ directory: bench.directory, start: '2026-11-28T06:00:00.000Z' });
    again.advance(0);
    expect(partitionsOf(bench.directory)).toEqual(['000001-2026-11-25.sqlite', '000002-2026-11-28.sqlite']);
    expect(await eventsOf(bench.directory)).toContain('service unclean-end');
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('that tears the WAL loses its end, and the next start says how much', async () => {
    const bench = new Bench();
    for (let i = 0; i < 20; i++) bench.record(10);
    const path = join(bench.directory, 'queries', '000001-2026-11-25.sqlite');
    const copies = ['', '-wal', '-shm'].map((end) => [end, readFileSync(path + end)] as const);
    bench.crash();
    for (const [end, bytes] of copies) writeFileSync(path + end, bytes);
    const size = statSync(`${path}-wal`).size;
    truncateSync(`${path}-wal`, Math.floor(size * 0.7));
    rmSync(`${path}-shm`);
    const again = new Bench({ directory: bench.directory });
    again.record(1);
    const damaged = (await readAll(bench.directory, 'changes')).find(
      (record) => record.kind === 'records' && record.event === 'damaged',
    );
    expect(damaged).toMatchObject({ file: 'queries/000001-2026-11-25.sqlite' });
    const kept = (await readAll(bench.directory, 'queries')).length;
    expect(damaged).toHaveProperty('count', 202 + 3 - kept);
    expect(await findingsOf(bench.directory)).toEqual(['chain-broken', 'head-missing', 'log-differs']);
  });

  test.each([
    ['the tail of the database', (path: string) => truncateSync(path, statSync(path).size - 12_000)],
    ['its head', (path: string) => writeAt(path, 0, 200)],
    ['its middle', (path: string) => writeAt(path, 30_000, 40_000)],
  ])('that garbles %s sets the file aside and begins a new one', async (_, garble) => {
    const bench = new Bench();
    for (let i = 0; i < 20; i++) bench.record(100);
    await bench.recording.stop();
    const path = join(bench.directory, 'queries', '000001-2026-11-25.sqlite');
    garble(path);
    const again = new Bench({ directory: bench.directory });
    again.record(3);
    again.record(3);
    expect(again.recording.facts().failure).toBeUndefined();
    const names = partitionsOf(bench.directory);
    expect(names).toHaveLength(2);
    expect(names[0]).toMatch(/^000001-2026-11-25\.sqlite(\.damaged-20261125T1200\d\dZ)?$/);
    expect(names[1]).toBe('000002-2026-11-25.sqlite');
    expect(await eventsOf(bench.directory)).toContain('records damaged');
    expect(await findingsOf(bench.directory)).not.toEqual([]);
    const { findings } = await verifyRecords(bench.directory);
    expect(findings.filter(({ ordinal }) => ordinal === 2)).toEqual([]);
  });

  test('of the disk under a running recorder begins a new file', async () => {
    const bench = new Bench();
    bench.record(10);
    renameSync(join(bench.directory, 'queries', '000001-2026-11-25.sqlite'), join(bench.directory, 'gone'));
    bench.advance(10_000);
    bench.record(5);
    expect(partitionsOf(bench.directory)).toEqual(['000002-2026-11-25.sqlite']);
    expect(await eventsOf(bench.directory)).toContain('records damaged');
    expect(await findingsOf(bench.directory)).toContain('partition-missing');
  });
});

const writeAt = (path: string, position: number, length: number): void => {
  const bytes = readFileSync(path);
  bytes.fill(0x5a, position, position + length);
  writeFileSync(path, bytes);
};

describe('days', () => {
  test('turn at midnight, without a gap in the chain', async () => {
    const bench = new Bench({ start: '2026-11-25T23:59:58.000Z' });
    bench.record(5);
    bench.record(5);
    bench.record(5);
    expect(partitionsOf(bench.directory)).toEqual(['000001-2026-11-25.sqlite', '000002-2026-11-26.sqlite']);
    expect(partitionsOf(bench.directory, 'changes')).toHaveLength(2);
    const heads = readHeadLines(join(bench.directory, 'heads.jsonl')).map(({ head }) => head);
    expect(
      heads
        .filter((head) => head?.state === 'closed')
        .map((head) => head?.class)
        .sort(),
    ).toEqual(['changes', 'queries']);
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('that the clock skips or repeats have partitions in the order of writing', async () => {
    const bench = new Bench();
    bench.record(3);
    // Two years on and back again, while the monotonic clock goes on.
    bench.nowMs += 730 * DAY_MS;
    bench.record(3);
    bench.nowMs -= 730 * DAY_MS;
    bench.record(3);
    expect(partitionsOf(bench.directory)).toEqual([
      '000001-2026-11-25.sqlite',
      '000002-2028-11-24.sqlite',
      '000003-2026-11-25.sqlite',
    ]);
    const steps = (await readAll(bench.directory, 'changes')).flatMap((record) =>
      record.kind === 'records' && record.event === 'clock-step' ? [record.ms] : [],
    );
    expect(steps).toEqual([730 * DAY_MS, -730 * DAY_MS]);
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('a step of two seconds is recorded, a slewed clock is not', async () => {
    const bench = new Bench();
    bench.advance(1_000);
    bench.nowMs += 1_500;
    bench.advance(1_000);
    bench.nowMs -= 4_000;
    bench.advance(1_000);
    const steps = (await readAll(bench.directory, 'changes')).flatMap((record) =>
      record.kind === 'records' && record.event === 'clock-step' ? [record.ms] : [],
    );
    expect(steps).toEqual([-4_000]);
    expect(bench.recording.facts().clockStepMs).toBe(-4_000);
  });
});

test('a second recorder for the same directory writes nothing', () => {
  const bench = new Bench();
  bench.record(1);
  const second = new Bench({ directory: bench.directory });
  second.advance(1_000);
  expect(second.recording.facts().failure).toMatch(/locking/);
  bench.crash();
  second.advance(1_000);
  expect(second.recording.facts().failure).toBeUndefined();
});

describe('heads', () => {
  test('are signed each hour while something changes, and when the program stops', async () => {
    const bench = new Bench();
    bench.advance(1_000);
    for (let hour = 0; hour < 3; hour++) {
      bench.record(2);
      bench.advance(HOUR_MS);
    }
    bench.advance(HOUR_MS);
    await bench.recording.stop();
    const heads = readHeadLines(join(bench.directory, 'heads.jsonl')).flatMap(({ head }) => head ?? []);
    expect(heads.filter((head) => head.class === 'queries')).toHaveLength(4);
    expect(heads.map(({ number }) => number)).toEqual(heads.map((_, index) => index + 1));
  });

  test('can be checked with openssl', async (context) => {
    requireProgram(context, 'openssl');
    const bench = new Bench();
    bench.record(2);
    await bench.recording.stop();
    const [line = ''] = readFileSync(join(bench.directory, 'heads.jsonl'), 'utf8').split('\n');
    const head = JSON.parse(line) as SignedHead;
    const text = join(bench.directory, 'head.txt');
    const signature = join(bench.directory, 'head.sig');
    writeFileSync(text, headText(head));
    writeFileSync(signature, Buffer.from(head.signature, 'base64'));
    const check = (): string =>
      execFileSync(
        'openssl',
        [
          ...['pkeyutl', '-verify', '-pubin', '-inkey', join(bench.directory, 'signing-key.pub.pem')],
          ...['-rawin', '-in', text, '-sigfile', signature],
        ],
        { encoding: 'utf8', stdio: 'pipe' },
      );
    expect(check()).toMatch(/Verified Successfully/);
    writeFileSync(text, headText({ ...head, last: head.last + 1 }));
    expect(check).toThrow();
  });

  test('go to a file elsewhere as well, and records are kept when that cannot be written', async () => {
    const bench = new Bench();
    const elsewhere = join(bench.directory, '..', 'heads-elsewhere.jsonl');
    bench.recording.reconfigure(settingsWith(elsewhere), []);
    bench.record(1);
    expect(bench.recording.facts().outputs).toMatchObject([
      { name: `heads:${elsewhere}`, trouble: undefined },
    ]);
    await bench.recording.stop();
    expect(readFileSync(elsewhere, 'utf8')).toBe(readFileSync(join(bench.directory, 'heads.jsonl'), 'utf8'));
    const again = new Bench({
      directory: bench.directory,
      heads: { everyMs: HOUR_MS, file: '/nonexistent/h' },
    });
    again.record(1);
    expect(again.recording.facts().failure).toBeUndefined();
    const untold = { name: 'heads:/nonexistent/h', written: 0, dropped: 0, queued: 2 };
    expect(again.recording.facts().outputs).toEqual([
      { ...untold, trouble: expect.stringContaining('/nonexistent/h') },
    ]);
    await again.recording.stop();
    expect(again.recording.facts().outputs).toEqual([]);
  });

  test('that were signed while their place elsewhere was away are added when it is back, also after a restart', async () => {
    const bench = new Bench();
    const mount = join(bench.directory, '..', 'mount');
    const elsewhere = join(mount, 'heads.jsonl');
    bench.recording.reconfigure(settingsWith(elsewhere), []);
    const own = (): string => readFileSync(join(bench.directory, 'heads.jsonl'), 'utf8');
    const signed = (one: Bench): unknown => {
      one.record(1);
      one.advance(HOUR_MS);
      return one.recording.facts().outputs;
    };
    signed(bench);
    expect(signed(bench)).toMatchObject([
      {
        written: 0,
        dropped: 0,
        queued: own().split('\n').length - 1,
        trouble: expect.stringContaining('ENOENT'),
      },
    ]);
    mkdirSync(mount);
    expect(signed(bench)).toMatchObject([
      { written: own().split('\n').length - 1, dropped: 0, queued: 0, trouble: undefined },
    ]);
    expect(readFileSync(elsewhere, 'utf8')).toBe(own());
    // Begun anew by somebody: the last ones are there again.
    rmSync(elsewhere);
    signed(bench);
    expect(readFileSync(elsewhere, 'utf8')).toBe(own());
    // Away, and a crash on both sides meanwhile.
    renameSync(mount, `${mount}-away`);
    signed(bench);
    bench.crash();
    const again = new Bench({
      directory: bench.directory,
      heads: { everyMs: HOUR_MS, file: elsewhere },
    });
    signed(again);
    renameSync(`${mount}-away`, mount);
    appendFileSync(elsewhere, '{"number":3,"cla');
    expect(signed(again)).toMatchObject([{ dropped: 0, queued: 0, trouble: undefined }]);
    expect(readFileSync(elsewhere, 'utf8').replace('{"number":3,"cla\n', '')).toBe(own());
    await again.recording.stop();
  });

  test('of a crash in the middle of a line are read up to it', async () => {
    const bench = new Bench();
    bench.record(1);
    bench.crash();
    appendFileSync(join(bench.directory, 'heads.jsonl'), '{"number":3,"cla');
    const again = new Bench({ directory: bench.directory });
    again.record(1);
    expect(readHeadLines(join(bench.directory, 'heads.jsonl')).every(({ head }) => head !== undefined)).toBe(
      true,
    );
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('are not signed with a key that cannot be read, and records are kept', async () => {
    const bench = new Bench();
    bench.record(1);
    await bench.recording.stop();
    writeFileSync(join(bench.directory, 'signing-key.pem'), 'no key');
    const again = new Bench({ directory: bench.directory });
    again.record(1);
    expect(again.recording.facts().failure).toBeUndefined();
    expect(again.logs.some(({ text }) => text === 'heads of records are not signed')).toBe(true);
  });
});

const settingsWith = (file: string) => ({
  bounds: UNBOUNDED,
  identity: { kind: 'full' as const },
  retention: {
    queries: { searchableMs: DAY_MS, archivedMs: DAY_MS },
    changes: { searchableMs: DAY_MS, archivedMs: DAY_MS },
  },
  heads: { everyMs: HOUR_MS, file },
});

describe('outputs', () => {
  test('get what was committed, with its place, and the heads', async () => {
    const got: PlacedRecord[] = [];
    const heads: SignedHead[] = [];
    const output: RecordOutput = {
      name: 'test',
      write: (records) => void got.push(...records),
      head: (head) => void heads.push(head),
      dropped: 0,
      written: 0,
      queued: 0,
      trouble: undefined,
      close: () => Promise.resolve(),
    };
    const bench = new Bench({ outputs: [output] });
    bench.record(70);
    bench.record(1);
    await bench.recording.stop();
    const queries = got.filter((placed) => placed.class === 'queries');
    expect(queries.map(({ sequence }) => sequence)).toEqual(queries.map((_, index) => index + 1));
    expect(queries.map(({ record }) => record)).toEqual(await readAll(bench.directory, 'queries'));
    expect(heads).toHaveLength(4);
  });

  test('that drop are recorded as doing so', async () => {
    const output = { name: 'syslog', dropped: 0, written: 0, queued: 0, trouble: undefined };
    const bench = new Bench({
      outputs: [
        {
          ...output,
          write: () => {},
          close: () => Promise.resolve(),
          get dropped() {
            return output.dropped;
          },
        },
      ],
    });
    bench.record(1);
    output.dropped = 7;
    bench.advance(60_000);
    expect(await readAll(bench.directory, 'changes')).toContainEqual(
      expect.objectContaining({ event: 'output-dropped', output: 'syslog', count: 7 }),
    );
  });
});

test('a schema that is newer than the program is left alone', () => {
  const bench = new Bench();
  bench.record(1);
  bench.crash();
  const path = join(bench.directory, 'queries', '000001-2026-11-25.sqlite');
  edit(path, 'PRAGMA user_version = 99');
  const again = new Bench({ directory: bench.directory });
  again.record(1);
  expect(again.recording.facts().failure).toMatch(/schema 99/);
  expect(existsSync(path)).toBe(true);
});

test(`the time of ${START} is that of the records`, async () => {
  const bench = new Bench();
  bench.record(1);
  expect((await readAll(bench.directory, 'queries'))[0]).toHaveProperty('time', START);
});

test('what all files take is known within ten seconds, also while a check goes on, and while the disk fails', async () => {
  const released = Promise.withResolvers<void>();
  const bench = new Bench({ pause: () => released.promise });
  bench.advance(1_000);
  await bench.housekeep();
  const before = bench.recording.facts().bytes;
  // Housekeeping is busy for as long as the pause of its check; a file that nobody counts as a partition grows.
  writeFileSync(join(bench.directory, 'queries', 'left-behind.tmp'), Buffer.alloc(1 << 20));
  bench.advance(10_000);
  void bench.recording.housekeep();
  const { bytes } = bench.recording.facts();
  expect(bytes).toBeGreaterThanOrEqual(before + (1 << 20));
  let sum = 0;
  for (const entry of readdirSync(bench.directory, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) sum += statSync(join(entry.parentPath, entry.name)).size;
  expect(Math.abs(bytes - sum)).toBeLessThanOrEqual(65_536);
  released.resolve();
});
