// kill -9 under load: nothing that was acknowledged is missing, and the chain says each time what happened.
//
// test/soak/records-kill.ts does the same a hundred times.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { EvidenceRecord } from '../../src/evidence/records/record.ts';
import { RecordsReader } from '../../src/evidence/records/records-reader.ts';
import { verifyRecords } from '../../src/evidence/records/verify.ts';
import { killRounds, RecordingProcess } from '../support/kill-rounds.ts';
import { requireProgram, run } from '../support/process.ts';

const ROUNDS = 6;
const TIMEOUT_MS = 240_000;

const withDirectory = async (use: (directory: string) => Promise<void>): Promise<void> => {
  const parent = mkdtempSync(join(tmpdir(), 'cordon-kill-'));
  try {
    await use(join(parent, 'records'));
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
};

test(
  'a recorder that is killed again and again loses nothing that it acknowledged',
  { tags: 'night', timeout: TIMEOUT_MS },
  () =>
    withDirectory(async (directory) => {
      await killRounds(directory, ROUNDS, Math.random);
    }),
);

test(
  'a disk that takes nothing more costs counted drops, and nothing once it does',
  { timeout: TIMEOUT_MS },
  (context) =>
    withDirectory(async (directory) => {
      requireProgram(context, 'prlimit');
      const recording = new RecordingProcess(directory, 0);
      const limit = (bytes: string) =>
        run('prlimit', ['--pid', String(recording.child.pid), `--fsize=${bytes}:unlimited`]);
      await recording.until(() => recording.numbers('ack').length > 3);
      await limit('65536');
      // One drop is enough: the ring is full, and the recorder could not empty it.
      await recording.until(() => recording.numbers('failing').some((dropped) => dropped > 0));
      const before = recording.numbers('ack').length;
      await limit('unlimited');
      await recording.until(() => recording.numbers('ack').length > before + 30);
      recording.child.kill('SIGTERM');
      await recording.until(() => recording.lines.includes('stopped'));
      await recording.kill();
      expect(recording.lines.filter((line) => line.startsWith('rejected'))).toEqual([]);
      const { findings } = await verifyRecords(directory);
      expect(findings).toEqual([]);
      const acks = recording.numbers('ack');
      expect(new Set(await actionsOf(directory))).toEqual(new Set(acks.map((number) => `act-${number}`)));
      expect(await droppedOf(directory)).toBeGreaterThan(0);
    }),
);

const actionsOf = async (directory: string): Promise<string[]> =>
  (await changesOf(directory)).flatMap((record) => (record.kind === 'admin' ? [record.action] : []));

const droppedOf = async (directory: string): Promise<number> =>
  (await changesOf(directory)).reduce(
    (sum, record) =>
      sum + (record.kind === 'records' && record.event === 'dropped' ? (record.count ?? 0) : 0),
    0,
  );

const changesOf = async (directory: string): Promise<EvidenceRecord[]> => {
  const reader = RecordsReader.open(directory);
  const records: EvidenceRecord[] = [];
  for await (const { record } of reader.records('changes', 0, 8e15)) records.push(record);
  reader.close();
  return records;
};
