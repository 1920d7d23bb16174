// docs/verify_records.py, which shares nothing with the program, says the same of records as the program does.
import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readPublicKeys } from '../../../src/records/heads.ts';
import { readLogVerifier } from '../../../src/records/records.ts';
import { requireProgram, run } from '../../support/process.ts';
import { adminRecord, Bench, DAY_MS, edit, findingsOf, recordsDirectory } from './setup.ts';

const script = fileURLToPath(new URL('../../../docs/verify_records.py', import.meta.url));
const FIRST_DAY = 'changes/000001-2026-11-25.sqlite';

/** Two days, then a kill. */
const written = (): Bench => {
  const bench = new Bench();
  for (let day = 0; day < 2; day++) {
    for (let hour = 0; hour < 4; hour++) {
      bench.record(150);
      bench.recording.write(adminRecord(hour, new Date(bench.nowMs).toISOString()));
      bench.advance(1_500);
    }
    bench.advance(DAY_MS);
  }
  bench.record(3);
  bench.advance(1_500);
  bench.crash();
  return bench;
};
const verifierOf = (directory: string): string => {
  for (const key of readPublicKeys(directory).values()) {
    const verifier = readLogVerifier(directory, key);
    if (verifier !== undefined) return verifier;
  }
  throw new Error('no key');
};
const check = (directory: string, verifier: string, ...more: string[]) =>
  run('python3', [script, directory, verifier, ...more]);

test.each<[string, (directory: string) => void]>([
  [
    'a word in a record',
    (directory) =>
      edit(join(directory, FIRST_DAY), "UPDATE blocks SET body = replace(body, 'act-1', 'act-9')"),
  ],
  [
    'a block that is gone',
    (directory) =>
      edit(join(directory, FIRST_DAY), 'DELETE FROM blocks WHERE first = (SELECT max(first) FROM blocks)'),
  ],
  ['a day that is gone', (directory) => rmSync(join(directory, FIRST_DAY))],
  ['a checkpoint that is gone', (directory) => rmSync(join(directory, 'checkpoint'))],
  [
    'a tree that is cut',
    (directory) =>
      writeFileSync(join(directory, 'tree'), readFileSync(join(directory, 'tree')).subarray(0, 640)),
  ],
  [
    'a checkpoint of another size',
    (directory) =>
      writeFileSync(
        join(directory, 'checkpoint'),
        readFileSync(join(directory, 'checkpoint'), 'utf8').replace(/^(\d)(\d*)$/m, '1$2'),
      ),
  ],
])('%s is found by both', async (_, change) => {
  const bench = written();
  const verifier = verifierOf(bench.directory);
  const whole = await check(bench.directory, verifier);
  expect(whole.stdout).toMatch(/nothing was changed\n$/);
  expect(whole.code).toBe(0);
  expect(await findingsOf(bench.directory)).toEqual([]);
  change(bench.directory);
  const found = await check(bench.directory, verifier);
  expect(found.code, found.stderr).toBe(1);
  expect(found.stdout).toMatch(/\d findings\n$/);
  expect(await findingsOf(bench.directory)).not.toEqual([]);
});

test('an older state is whole to both, and a checkpoint that was kept elsewhere finds it in both', async (context) => {
  requireProgram(context, 'python3');
  const bench = new Bench();
  bench.record(10);
  bench.advance(1_500);
  const older = recordsDirectory();
  cpSync(bench.directory, older, { recursive: true });
  bench.record(10);
  bench.advance(1_500);
  const kept = join(older, '..', 'kept');
  cpSync(join(bench.directory, 'checkpoint'), kept);
  const verifier = verifierOf(older);
  expect((await check(older, verifier)).code).toBe(0);
  expect(await findingsOf(older)).toEqual([]);
  expect((await check(older, verifier, kept)).stdout).toMatch(/blocks were signed, and the log has/);
  expect(await findingsOf(older, { checkpointFile: kept })).toEqual(['tail-cut']);
  // Another key signed nothing here.
  const other = new Bench();
  other.record(1);
  expect((await check(older, verifierOf(other.directory))).stdout).toMatch(/counts for nothing/);
  appendFileSync(kept, '');
});
