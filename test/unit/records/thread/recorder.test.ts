// The recorder's thread from the main thread: acknowledgements, deaths, a disk that hangs, and other settings.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RETENTION } from '../../../../src/config/retention.ts';
import type { ChangeRecord, EvidenceRecord } from '../../../../src/evidence/records/record.ts';
import { RecordsReader } from '../../../../src/evidence/records/records-reader.ts';
import { verifyRecords } from '../../../../src/evidence/records/verify.ts';
import { Recorder, type RecorderOptions } from '../../../../src/evidence/records-thread/recorder.ts';
import { createEventRing, EventWriter } from '../../../../src/telemetry/events/event-ring.ts';
import { createLog } from '../../../../src/telemetry/observe/observe.ts';
import { eventOf, UNBOUNDED } from '../../../support/record-events.ts';

const TIMEOUT_MS = 120_000;
/** For a thread to start and to commit: ten times what a loaded machine takes. */
const WAIT_MS_MAX = 60_000;

let directory = '';
let recorder: Recorder;
let writer: EventWriter;
let threads: Worker[] = [];
const noteThread = (thread: Worker): void => void threads.push(thread);

const settings: RecorderOptions['settings'] = {
  identity: { kind: 'full' },
  retention: { queries: RETENTION['m-26-14'], changes: RETENTION['m-26-14'] },
  heads: { everyMs: 3_600_000 },
  bounds: UNBOUNDED,
  outputs: [],
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-recorder-'));
  threads = [];
  process.on('worker', noteThread);
  const ring = createEventRing(1 << 17);
  writer = new EventWriter(ring);
  recorder = Recorder.start({
    directory: join(directory, 'records'),
    rings: [ring],
    resolver: 'ns1',
    version: '1.2.3',
    settings,
    log: createLog({ level: 'error', to: { write: () => {} } }),
  });
  recorder.define({ generation: 1, groups: ['default'], lists: [{ id: 'tiktok', version: '0123456789ab' }] });
});
afterEach(async () => {
  await recorder.stop();
  process.off('worker', noteThread);
  rmSync(directory, { recursive: true, force: true });
});

const change = (number: number): ChangeRecord => ({
  time: new Date().toISOString(),
  kind: 'admin',
  action: `act-${number}`,
  by: 'alice',
});

const recordsOf = async (recordClass: 'queries' | 'changes'): Promise<EvidenceRecord[]> => {
  const reader = RecordsReader.open(join(directory, 'records'));
  const records: EvidenceRecord[] = [];
  for await (const { record } of reader.records(recordClass, 0, 8e15)) records.push(record);
  reader.close();
  return records;
};

const actions = async (): Promise<string[]> =>
  (await recordsOf('changes')).flatMap((record) => (record.kind === 'admin' ? [record.action] : []));

const until = async (isTrue: () => boolean | Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + WAIT_MS_MAX;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`not in ${WAIT_MS_MAX} ms: ${recorder.facts().failure}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** Holds the database of changes, as a disk that hangs would hold the recorder. */
const holdDisk = async (): Promise<() => void> => {
  await recorder.write(change(0));
  const folder = join(directory, 'records', 'changes');
  // Of the day of the first record, which may be over.
  const first = readdirSync(folder).find((name) => /^000001-.*\.sqlite$/.test(name)) ?? '';
  const holder = new DatabaseSync(join(folder, first));
  holder.exec('BEGIN IMMEDIATE');
  return () => {
    holder.exec('ROLLBACK');
    holder.close();
  };
};

describe('the recorder', { timeout: TIMEOUT_MS }, () => {
  test('acknowledges a change when it can be read', async () => {
    await recorder.write(change(1));
    expect(await actions()).toEqual(['act-1']);
    await recorder.write(change(2));
    expect(await actions()).toEqual(['act-1', 'act-2']);
  });

  test('records events with the names of their generation', async () => {
    for (let i = 0; i < 100; i++) writer.write(eventOf({ timeMs: Date.now() }));
    await until(() => (recorder.facts().written.get('queries') ?? 0) >= 100);
    const refusals = (await recordsOf('queries')).filter(({ kind }) => kind === 'refusal');
    expect(refusals).toHaveLength(100);
    expect(refusals[0]).toMatchObject({ group: 'default', list: 'tiktok' });
  });

  test('is started again when it dies, and what was not acknowledged is not lost', async () => {
    await recorder.write(change(0));
    const died: Promise<number>[] = [];
    const writes: Promise<void>[] = [];
    for (let round = 0; round < 3; round++) {
      const known = threads.length;
      const thread = threads.at(-1);
      for (let number = 1; number <= 20; number++) writes.push(recorder.write(change(round * 100 + number)));
      for (let i = 0; i < 50; i++) writer.write(eventOf({ timeMs: Date.now() }));
      if (thread !== undefined) died.push(thread.terminate());
      await until(() => threads.length > known);
    }
    await Promise.all([...writes, ...died]);
    await until(
      async () => (await recordsOf('queries')).filter(({ kind }) => kind === 'refusal').length >= 150,
    );
    const found = await actions();
    for (let round = 0; round < 3; round++) {
      for (let number = 1; number <= 20; number++) expect(found).toContain(`act-${round * 100 + number}`);
    }
    expect(recorder.facts()).toMatchObject({ restarts: 3, isAlive: true });
    expect((await verifyRecords(join(directory, 'records'))).findings).toEqual([]);
  });

  test('held up by its disk delays nobody, and goes on by itself', async () => {
    const release = await holdDisk();
    const startMs = performance.now();
    const written = recorder.write(change(1));
    for (let i = 0; i < 100; i++) recorder.note(change(100 + i));
    const { backlogBytes } = recorder.facts();
    expect(performance.now() - startMs).toBeLessThan(1_000);
    expect(backlogBytes).toBe(0);
    await until(() => recorder.facts().failure !== undefined);
    release();
    await written;
    await until(async () => (await actions()).length === 102);
  });

  test('takes so many changes and no more while nothing can be written, and records how many were lost', async () => {
    const release = await holdDisk();
    for (let number = 1; number <= 5_000; number++) recorder.note(change(number));
    await expect(recorder.write(change(0))).rejects.toMatchObject({ code: 'ERR_APP_RECORDER' });
    expect(recorder.facts().dropped).toBe(5_000 - 4_096);
    release();
    await until(async () => (await actions()).length === 4_097);
    await recorder.write(change(9_999));
    await until(async () =>
      (await recordsOf('changes')).some((record) => record.kind === 'records' && record.event === 'dropped'),
    );
  });

  test('refuses a change that is too long', async () => {
    const long: ChangeRecord = {
      time: new Date().toISOString(),
      kind: 'admin',
      action: 'x'.repeat(1 << 20),
      by: 'a',
    };
    await expect(recorder.write(long)).rejects.toMatchObject({ code: 'ERR_COMPLIANCE_RECORD_SIZE' });
  });

  test('puts other settings in force', async () => {
    await recorder.write(change(1));
    const path = join(directory, 'records.jsonl');
    const output = { kind: 'jsonl', resolver: 'ns1', version: '1', name: 'lines', path } as const;
    await recorder.reconfigure({
      ...settings,
      identity: { kind: 'truncated', ipv4Bits: 24, ipv6Bits: 56 },
      outputs: [output],
    });
    writer.write(eventOf({ timeMs: Date.now() }));
    await until(() => recorder.facts().outputs.some(({ written }) => written > 0));
    const [query] = (await recordsOf('queries')) as { client: string }[];
    expect(query?.client).toBe('192.0.2.0/24');
    expect(readFileSync(path, 'utf8')).toContain('"client":"192.0.2.0/24"');
  });

  test('undoes a pseudonym once that is recorded', async () => {
    await recorder.reconfigure({ ...settings, identity: { kind: 'pseudonym', rotateMs: 3_600_000 } });
    writer.write(eventOf({ timeMs: Date.now() }));
    await until(() => (recorder.facts().written.get('queries') ?? 0) > 0);
    const [query] = (await recordsOf('queries')) as { client: string }[];
    expect(await recorder.reidentify(query?.client ?? '', 'carol', 'case 7')).toBe('192.0.2.7');
    expect(await recordsOf('changes')).toContainEqual(
      expect.objectContaining({ event: 'reidentified', by: 'carol', reason: 'case 7' }),
    );
    await expect(recorder.reidentify('p:9:AAAAAAAAAAAAAAAAAAAAAA', 'carol', '')).rejects.toMatchObject({
      code: 'ERR_COMPLIANCE_PSEUDONYM',
    });
  });

  test('writes what is in the rings when it stops, and signs it', async () => {
    await recorder.write(change(1));
    for (let i = 0; i < 30; i++) writer.write(eventOf({ timeMs: Date.now() }));
    await recorder.stop();
    expect((await recordsOf('queries')).filter(({ kind }) => kind === 'refusal')).toHaveLength(30);
    expect((await recordsOf('changes')).at(-1)).toMatchObject({ kind: 'service', event: 'stop' });
    expect((await verifyRecords(join(directory, 'records'))).findings).toEqual([]);
    await expect(recorder.write(change(2))).rejects.toMatchObject({ code: 'ERR_APP_RECORDER' });
  });

  test('tells its state', async () => {
    await recorder.write(change(1));
    // The start is a record as well, and may be told before.
    await until(() => recorder.facts().sequence.get('changes') === 2);
    expect(recorder.facts()).toMatchObject({ isAlive: true, dropped: 0, outputs: [] });
    expect(recorder.facts().written.get('changes')).toBeGreaterThan(0);
  });
});
