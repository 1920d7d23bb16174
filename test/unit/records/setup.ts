// A recorder on real files, with clocks that tests move and events that they write into a real ring.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach } from 'vitest';
import { RETENTION } from '../../../src/config/retention.ts';
import type { ChangeRecord, EvidenceRecord, RecordClass } from '../../../src/evidence/records/record.ts';
import { Recording } from '../../../src/evidence/records/recording.ts';
import type { RecordingOptions, RecordingSettings } from '../../../src/evidence/records/recording-options.ts';
import { RecordsReader } from '../../../src/evidence/records/records-reader.ts';
import { verifyRecords } from '../../../src/evidence/records/verify.ts';
import { createEventRing, EventReader, EventWriter } from '../../../src/telemetry/events/event-ring.ts';
import { eventOf, START, UNBOUNDED } from '../../support/record-events.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

const opened: Bench[] = [];
const directories: string[] = [];
afterEach(() => {
  for (const bench of opened.splice(0)) bench.recording.close();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A directory for records that goes with the test. */
export const recordsDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-records-test-'));
  directories.push(directory);
  return join(directory, 'records');
};

/** A recorder with its ring and clocks. */
export class Bench {
  readonly directory: string;
  readonly recording: Recording;
  readonly writer: EventWriter;
  readonly ring: SharedArrayBuffer;
  readonly logs: { level: string; fields: object; text: string }[] = [];
  nowMs: number;
  monotonicMs = 1_000_000;

  constructor(options: Partial<RecordingOptions> & { start?: string; ring?: SharedArrayBuffer } = {}) {
    this.directory = options.directory ?? recordsDirectory();
    this.nowMs = Date.parse(options.start ?? START);
    this.ring = options.ring ?? createEventRing(1 << 20);
    this.writer = new EventWriter(this.ring);
    const log = (level: string) => (fields: object, text: string) =>
      void this.logs.push({ level, fields, text });
    this.recording = new Recording({
      readers: [new EventReader(this.ring)],
      droppedBefore: [],
      outputs: [],
      resolver: 'ns1.agency.example',
      version: '1.2.3',
      isResumed: false,
      ...SETTINGS,
      ...options,
      directory: this.directory,
      clock: () => this.nowMs,
      monotonic: () => this.monotonicMs,
      log: { info: log('info'), warn: log('warn'), error: log('error') },
      pause: () => Promise.resolve(),
    });
    this.recording.define({
      generation: 1,
      groups: ['default', 'lab'],
      lists: [
        { id: 'tiktok', category: 'social', version: '0123456789ab' },
        { id: 'extra', version: 'ba9876543210' },
        { id: 'relays', category: 'private-relay', version: 'abcdefabcdef' },
      ],
    });
    opened.push(this);
  }

  /** Both clocks go on, and the recorder works. */
  advance(ms: number): void {
    this.nowMs += ms;
    this.monotonicMs += ms;
    this.recording.tick();
  }

  /** Somebody sets the wall clock, forwards or backwards; the one that never steps goes on. */
  step(ms: number): void {
    this.nowMs += ms;
    this.recording.tick();
  }

  /** Writes events now, without working. */
  emit(count: number, changes: Parameters<typeof eventOf>[0] = {}): void {
    for (let i = 0; i < count; i++) {
      assert.ok(this.writer.write(eventOf({ timeMs: this.nowMs, ...changes })), 'the ring has room');
    }
  }

  /** Writes events and lets the recorder commit them. */
  record(count: number, changes: Parameters<typeof eventOf>[0] = {}): void {
    this.emit(count, changes);
    this.advance(1_000);
  }

  /** Hands over a change and gives what becomes of it. */
  change(record: ChangeRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.recording.write(record, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** Looks after the files, while the recorder goes on writing. */
  async housekeep(): Promise<void> {
    let isDone = false;
    const done = this.recording.housekeep().finally(() => {
      isDone = true;
    });
    while (!isDone) {
      this.recording.tick();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
  }

  /** Ends without a word, as a crash would. */
  crash(): void {
    this.recording.close();
  }
}

/** A change that is told apart by its number. */
export const adminRecord = (number: number, time = START): ChangeRecord => ({
  time,
  kind: 'admin',
  action: `act-${number}`,
  by: 'alice',
});

/** What the operator would have set. */
export const SETTINGS: RecordingSettings = {
  identity: { kind: 'full' },
  retention: { queries: RETENTION['m-26-14'], changes: RETENTION['m-26-14'] },
  heads: { everyMs: HOUR_MS },
  bounds: UNBOUNDED,
};

/** All records of a class. */
export const readAll = async (directory: string, recordClass: RecordClass): Promise<EvidenceRecord[]> => {
  const reader = RecordsReader.open(directory);
  const records: EvidenceRecord[] = [];
  for await (const { record } of reader.records(recordClass, 0, 8e15)) records.push(record);
  reader.close();
  return records;
};

/** Records of a class without what differs from test to test. */
export const eventsOf = async (directory: string): Promise<string[]> =>
  (await readAll(directory, 'changes')).map((record) =>
    'event' in record ? `${record.kind} ${record.event}` : record.kind,
  );

/** Codes of what verification finds, each once. */
export const findingsOf = async (directory: string, options = {}): Promise<string[]> => {
  const { findings } = await verifyRecords(directory, options);
  return [...new Set(findings.map(({ code }) => code))].sort();
};

/** Changes a database of records by hand. */
export const edit = (path: string, sql: string): void => {
  const database = new DatabaseSync(path);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
};
