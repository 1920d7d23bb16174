// The log of the records: what was signed a second ago cannot be changed, cut off or taken back unseen, and what nobody
// signed is no evidence.
import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../../src/evidence/records/checkpoint-file.ts';
import { readPublicKeys } from '../../../src/evidence/records/heads.ts';
import { isAmong } from '../../../src/evidence/records/proof.ts';
import { readStoredRecords } from '../../../src/evidence/records/search.ts';
import { verifyRecords } from '../../../src/evidence/records/verify.ts';
import {
  adminRecord,
  Bench,
  edit,
  eventsOf,
  findingsOf,
  HOUR_MS,
  readAll,
  recordsDirectory,
} from './setup.ts';

const checkpointOf = (directory: string) => {
  const found = readCheckpoint(directory, readPublicKeys(directory).values());
  if (found.kind !== 'signed') throw new Error(`no checkpoint: ${found.kind}`);
  return found.checkpoint;
};
/** A recorder that wrote for some seconds and was killed. */
const killed = (): Bench => {
  const bench = new Bench();
  for (let second = 0; second < 8; second++) {
    bench.record(3);
    bench.recording.write(adminRecord(second, new Date(bench.nowMs).toISOString()));
  }
  bench.advance(1_500);
  bench.crash();
  return bench;
};
const copyOf = (directory: string): string => {
  const copy = recordsDirectory();
  cpSync(directory, copy, { recursive: true });
  return copy;
};
const soundChanges = async (directory: string) => {
  const { proof } = await verifyRecords(directory);
  const all = await readAll(directory, 'changes');
  return all.filter((_, index) => isAmong(proof.changes.sound, 1, index + 1));
};
const LAST_CHANGES = 'changes/000001-2026-11-25.sqlite';

test('a checkpoint is a second old at most while records come, and five while none do', () => {
  const bench = new Bench();
  bench.record(3);
  const first = checkpointOf(bench.directory);
  bench.record(3);
  const second = checkpointOf(bench.directory);
  expect(second.size).toBeGreaterThan(first.size);
  expect(bench.nowMs - second.signedMs).toBeLessThanOrEqual(1_000);
  for (let i = 0; i < 40; i++) {
    bench.advance(250);
    expect(bench.nowMs - checkpointOf(bench.directory).signedMs).toBeLessThanOrEqual(6_000);
  }
});

test('what a kill leaves is whole, and the next start goes on in the same log', async () => {
  const bench = killed();
  expect(await findingsOf(bench.directory)).toEqual([]);
  const before = checkpointOf(bench.directory);
  const again = new Bench({
    directory: bench.directory,
    start: new Date(bench.nowMs + 60_000).toISOString(),
  });
  again.record(3);
  const after = checkpointOf(bench.directory);
  expect(after.size).toBeGreaterThan(before.size);
  expect(await findingsOf(bench.directory)).toEqual([]);
  const gap = (await readAll(bench.directory, 'changes')).find(
    (record) => record.kind === 'enforcement' && record.event === 'gap-begin',
  );
  expect(Date.parse(gap?.time ?? '')).toBeGreaterThanOrEqual(before.signedMs);
});

test('blocks whose leaves a crash of the machine lost get them at the next start', async () => {
  const bench = new Bench();
  bench.record(3);
  const checkpoint = readFileSync(join(bench.directory, 'checkpoint'));
  bench.record(3);
  bench.record(3);
  const tree = readFileSync(join(bench.directory, 'tree'));
  // As many seconds as lie between two checkpoints that wait for the disk.
  for (let i = 0; i < 4; i++) bench.record(3);
  bench.crash();
  writeFileSync(join(bench.directory, 'tree'), tree.subarray(0, tree.length - 7));
  writeFileSync(join(bench.directory, 'checkpoint'), checkpoint);
  const again = new Bench({ directory: bench.directory, start: new Date(bench.nowMs).toISOString() });
  again.record(3);
  expect(await findingsOf(bench.directory)).toEqual([]);
  expect(await eventsOf(bench.directory)).not.toContain('records damaged');
});

describe('by somebody who has no key', () => {
  test.each<[string, (directory: string) => void, string[]]>([
    [
      'the time of the position is now',
      (directory) => {
        const path = join(directory, 'position');
        const text = readFileSync(path, 'utf8').trimEnd();
        const time = '2027-01-01T00:00:00.000Z';
        writeFileSync(path, `${JSON.stringify({ ...(JSON.parse(text) as object), time })}\n`);
      },
      [],
    ],
    ['the checkpoint is gone', (directory) => rmSync(join(directory, 'checkpoint')), ['checkpoint-missing']],
    [
      'the checkpoint and the tree are gone',
      (directory) => {
        rmSync(join(directory, 'checkpoint'));
        rmSync(join(directory, 'tree'));
      },
      ['checkpoint-missing'],
    ],
    ['the tree is gone', (directory) => rmSync(join(directory, 'tree')), ['log-differs']],
    [
      'the tree is cut',
      (directory) => {
        const path = join(directory, 'tree');
        writeFileSync(path, readFileSync(path).subarray(0, -320));
      },
      ['log-differs'],
    ],
    [
      'a hash of the tree is another',
      (directory) => {
        const path = join(directory, 'tree');
        const bytes = readFileSync(path);
        bytes[5] = (bytes[5] ?? 0) ^ 1;
        writeFileSync(path, bytes);
      },
      ['log-differs'],
    ],
    [
      'the checkpoint says another second',
      (directory) => {
        const path = join(directory, 'checkpoint');
        const lines = readFileSync(path, 'utf8').split('\n');
        const at = lines.findLastIndex((line) => line.startsWith('—'));
        const [dash = '', name = '', encoded = ''] = (lines[at] ?? '').split(' ');
        const bytes = Buffer.from(encoded, 'base64');
        bytes[11] = (bytes[11] ?? 0) + 9;
        lines[at] = [dash, name, bytes.toString('base64')].join(' ');
        writeFileSync(path, lines.join('\n'));
      },
      ['checkpoint-signature'],
    ],
    [
      'the last block is gone, and the notes with it',
      (directory) => {
        edit(
          join(directory, LAST_CHANGES),
          'DELETE FROM blocks WHERE first = (SELECT max(first) FROM blocks)',
        );
        rmSync(join(directory, 'position'));
      },
      ['log-differs', 'note-missing'],
    ],
  ])('%s', async (_, change, wanted) => {
    const bench = killed();
    const truth = await soundChanges(bench.directory);
    const proven = checkpointOf(bench.directory).signedMs;
    change(bench.directory);
    const result = await verifyRecords(bench.directory);
    expect([...new Set(result.findings.map(({ code }) => code))].sort()).toEqual(wanted);
    // Whatever was done, nothing counts that did not count before, and nobody lived longer than was signed.
    for (const record of await soundChanges(bench.directory)) expect(truth).toContainEqual(record);
    expect(result.checkpoint?.signedMs ?? 0).toBeLessThanOrEqual(proven);
  });

  test('a block put behind the last checkpoint is no evidence', async () => {
    const bench = killed();
    const sound = await soundChanges(bench.directory);
    const path = join(bench.directory, LAST_CHANGES);
    // Made by the program's own code from a copy, as the best forger would: hashes and counts fit.
    const copy = copyOf(bench.directory);
    const forger = new Bench({ directory: copy, start: new Date(bench.nowMs).toISOString() });
    forger.recording.write(adminRecord(999, new Date(bench.nowMs).toISOString()));
    forger.advance(1);
    forger.crash();
    cpSync(join(copy, LAST_CHANGES), path);
    for (const end of ['-wal', '-shm'])
      if (existsSync(join(copy, LAST_CHANGES) + end)) cpSync(join(copy, LAST_CHANGES) + end, path + end);
    const { proof } = await verifyRecords(bench.directory);
    expect(await readAll(bench.directory, 'changes')).toContainEqual(
      expect.objectContaining({ action: 'act-999' }),
    );
    expect(proof.changes.unsigned.length + proof.changes.doubtful.length).toBeGreaterThan(0);
    expect(await soundChanges(bench.directory)).toEqual(sound);
  });

  test('the next start says what is not there any more, and lives on', async () => {
    const bench = killed();
    edit(
      join(bench.directory, LAST_CHANGES),
      'DELETE FROM blocks WHERE first = (SELECT max(first) FROM blocks)',
    );
    rmSync(join(bench.directory, 'position'));
    const again = new Bench({
      directory: bench.directory,
      start: new Date(bench.nowMs + 1_000).toISOString(),
    });
    again.record(1);
    expect(await eventsOf(bench.directory)).toContain('records damaged');
    expect(again.recording.facts().failure).toBe(undefined);
  });

  test('a log that begins again says so', async () => {
    const bench = killed();
    rmSync(join(bench.directory, 'checkpoint'));
    rmSync(join(bench.directory, 'tree'));
    const again = new Bench({
      directory: bench.directory,
      start: new Date(bench.nowMs + 1_000).toISOString(),
    });
    again.record(1);
    await again.recording.stop();
    expect(await eventsOf(bench.directory)).toContain('records damaged');
  });
});

test('a start says how many blocks no checkpoint had covered: none after a stop, those that somebody added then', async () => {
  const startsOf = async (directory: string) =>
    (await readAll(directory, 'changes')).filter((one) => one.kind === 'service' && one.event === 'start');
  const bench = new Bench();
  bench.record(3);
  await bench.recording.stop();
  const next = (ms: number) => ({
    directory: bench.directory,
    start: new Date(bench.nowMs + ms).toISOString(),
  });
  const again = new Bench(next(1_000));
  again.record(3);
  await again.recording.stop();
  for (const start of await startsOf(bench.directory)) expect(start).not.toHaveProperty('unsigned');
  // Blocks that fit, without the key: the log and its checkpoint are as they were.
  const kept = ['tree', 'checkpoint'].map(
    (name) => [name, readFileSync(join(bench.directory, name))] as const,
  );
  const forger = new Bench(next(2_000));
  forger.record(3);
  forger.crash();
  for (const [name, bytes] of kept) writeFileSync(join(bench.directory, name), bytes);
  new Bench(next(3_000)).record(1);
  expect((await startsOf(bench.directory)).at(-1)).toHaveProperty('unsigned', expect.any(Number));
});

test('what is told of a recorder that does not run is the time that was signed', () => {
  const bench = killed();
  const { signedMs } = checkpointOf(bench.directory);
  const path = join(bench.directory, 'position');
  const note = JSON.parse(readFileSync(path, 'utf8').trimEnd()) as object;
  writeFileSync(path, `${JSON.stringify({ ...note, time: '2030-01-01T00:00:00.000Z' })}\n`);
  expect(readStoredRecords(bench.directory).aliveAt).toBe(new Date(signedMs).toISOString());
  writeFileSync(join(bench.directory, 'checkpoint'), 'nothing');
  expect(readStoredRecords(bench.directory).aliveAt).toBe(null);
});

test('a clock behind the last checkpoint is recorded at the start, and the time between is nobody’s', async () => {
  const bench = killed();
  const again = new Bench({
    directory: bench.directory,
    start: new Date(bench.nowMs - 3 * HOUR_MS).toISOString(),
  });
  again.record(1);
  const damaged = (await readAll(bench.directory, 'changes')).find(
    (record) => record.kind === 'records' && record.event === 'clock-step',
  );
  expect(damaged).toMatchObject({ event: 'clock-step' });
  expect(damaged).toHaveProperty('ms');
});

test('another key beside the records signs nothing', async () => {
  const bench = killed();
  const { publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(
    join(bench.directory, 'signing-key.pub.pem'),
    publicKey.export({ type: 'spki', format: 'pem' }),
  );
  expect(await findingsOf(bench.directory)).toContain('checkpoint-signature');
});

test('records of a version without a log are judged by their heads alone', async () => {
  const bench = new Bench();
  bench.record(3);
  await bench.recording.stop();
  const path = join(bench.directory, LAST_CHANGES);
  appendFileSync(path, '');
  expect(await findingsOf(bench.directory)).toEqual([]);
});
