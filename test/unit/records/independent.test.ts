// docs/verify_records.py, which shares nothing with the program, says the same of records as the program does.

import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readPublicKeys } from '../../../src/evidence/records/heads.ts';
import { readLogVerifier } from '../../../src/evidence/records/records.ts';
import { verifyRecords } from '../../../src/evidence/records/verify.ts';
import { inTwo } from '../../support/night.ts';
import { requireProgram, run } from '../../support/process.ts';
import { adminRecord, Bench, DAY_MS, edit, findingsOf, HOUR_MS, recordsDirectory } from './setup.ts';

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
  run('python3', ['-B', script, directory, verifier, ...more]);

const LIES: readonly [string, (directory: string) => void][] = [
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
];
for (const [options, lies] of inTwo(LIES, (_, index) => index % 2 === 0))
  test.each(lies)('%s is found by both', options, async (_, change) => {
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

/** A month of an office: a kill, a recorder that dies within a run, a stop, and days on which nobody asked. */
const month = async (): Promise<Bench> => {
  let bench = new Bench();
  const again = (ms: number, isResumed = false): void => {
    bench.advance(300);
    bench.crash();
    const start = new Date(bench.nowMs + ms).toISOString();
    bench = new Bench({ directory: bench.directory, start, isResumed });
    bench.advance(1_500);
  };
  for (let day = 0; day < 30; day++) {
    for (let hour = 0; hour < 3 && day % 7 < 5; hour++) {
      bench.record(40 + day, { client: `192.0.2.${day + hour + 1}` });
      bench.recording.write(adminRecord(day, new Date(bench.nowMs).toISOString()));
      bench.advance(HOUR_MS);
    }
    bench.recording.write(adminRecord(100 + day, new Date(bench.nowMs).toISOString()));
    if (day === 9) again(60_000);
    if (day === 16) again(500, true);
    bench.advance(DAY_MS - 3 * HOUR_MS);
  }
  await bench.recording.stop();
  return bench;
};

test('a month is whole to both, with what a kill and a dead recorder left; and each lie in it is found by both', {
  tags: 'night',
  timeout: 120_000,
}, async () => {
  const { directory } = await month();
  const verifier = verifierOf(directory);
  const whole = await check(directory, verifier);
  expect(whole.stdout.match(/found 1 blocks that nobody had signed: they are no evidence/g)).toHaveLength(2);
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  const { findings, takenUp } = await verifyRecords(directory);
  expect({ findings, taken: takenUp.map(({ blocks }) => blocks) }).toEqual({ findings: [], taken: [1, 1] });
  const lies: [string, string][] = [
    ['changes/000011-2026-12-05.sqlite', "UPDATE blocks SET body = replace(body, 'alice', 'mary')"],
    ['queries/000018-2026-12-12.sqlite', 'UPDATE rollup SET count = count - 1'],
    ['queries/000001-2026-11-25.sqlite', 'UPDATE blocks SET until_ms = until_ms + 1'],
  ];
  for (const [file, sql] of lies) {
    const copy = recordsDirectory();
    cpSync(directory, copy, { recursive: true });
    edit(join(copy, file), sql);
    expect(await findingsOf(copy), file).not.toEqual([]);
    expect((await check(copy, verifier)).stdout, file).toMatch(/\d findings\n$/);
  }
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
