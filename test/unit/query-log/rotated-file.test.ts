// Files of a query log by real files and a clock of the test: what is full or old is put aside, packed, moved and deleted.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ARCHIVE_NAME, RotatedFile, type Rotation } from '../../../src/evidence/query-log/rotated-file.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 10, 30, 8);
const ROTATION: Rotation = {
  ...{ rotateMs: DAY_MS, rotateBytes: 10 },
  ...{ searchableMs: 7 * DAY_MS, archivedMs: 7 * DAY_MS },
};

let directory: string;
let path: string;
let warnings: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-query-log-'));
  path = join(directory, 'queries.jsonl');
  warnings = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (rotation = ROTATION, monotonic?: () => number): RotatedFile => {
  const warn = (_: object, text: string): void => void warnings.push(text);
  return new RotatedFile(path, rotation, { info: () => {}, warn, error: () => {} }, { monotonic });
};

const write = async (file: RotatedFile, line: string): Promise<void> => {
  const bytes = Buffer.from(`${line}\n`);
  file.push({ length: bytes.length, take: () => bytes }, 1);
  await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toContain(line));
};

/** All lines in files that are not of the archive, in the order of their names. */
const linesIn = (place: string): string[] =>
  readdirSync(place)
    .filter((name) => name.startsWith('queries'))
    .sort()
    .flatMap((name) => {
      const bytes = readFileSync(join(place, name));
      const text = (name.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString();
      return text.split('\n').filter((line) => line !== '');
    });

test('files that are full within one second, and after a clock that went back, keep every line', async () => {
  const file = open();
  for (const [at, line] of [
    [START_MS, 'first-of-the-second'],
    [START_MS + 20, 'second-of-the-second'],
    [START_MS + 40, 'third-of-the-second'],
    [START_MS + 1_000, 'a-second-later'],
    [START_MS, 'after-the-clock-went-back'],
    [START_MS + 2_000, 'last-of-all'],
  ] as const) {
    await write(file, line);
    await file.keep(at);
  }
  await file.close();
  expect(linesIn(directory).sort()).toEqual(
    [
      ...['first-of-the-second', 'second-of-the-second', 'third-of-the-second'],
      ...['a-second-later', 'after-the-clock-went-back', 'last-of-all'],
    ].sort(),
  );
  expect(warnings).toEqual([]);
});

test('what is put aside is packed, moved to the archive and deleted in its time; other files stay', async () => {
  let monotonicMs = 0;
  const file = open(ROTATION, () => monotonicMs);
  writeFileSync(join(directory, 'queries-of-mine.jsonl'), 'mine\n');
  await write(file, 'one-long-line');
  await file.keep(START_MS);
  expect(readdirSync(directory).sort()).toContain('queries-20261130T080000Z.jsonl.zst');
  expect(linesIn(directory)).toContain('one-long-line');
  monotonicMs = 7 * DAY_MS;
  await file.keep(START_MS + 7 * DAY_MS - 1);
  expect(existsSync(join(directory, ARCHIVE_NAME))).toBe(false);
  await file.keep(START_MS + 7 * DAY_MS);
  expect(linesIn(join(directory, ARCHIVE_NAME))).toEqual(['one-long-line']);
  monotonicMs = 14 * DAY_MS;
  await file.keep(START_MS + 14 * DAY_MS);
  expect(readdirSync(join(directory, ARCHIVE_NAME))).toEqual([]);
  await file.close();
  expect(readFileSync(join(directory, 'queries-of-mine.jsonl'), 'utf8')).toBe('mine\n');
  expect(warnings).toEqual([]);
});

test('one that cannot be packed, and one that cannot be deleted, hold up no other, and are told once', async () => {
  const archive = join(directory, ARCHIVE_NAME);
  const bad = 'queries-20261129T080000Z.jsonl';
  const stuck = 'queries-20250101T080000Z.jsonl.zst';
  mkdirSync(join(directory, bad));
  mkdirSync(join(archive, stuck), { recursive: true });
  for (const hour of ['09', '10'])
    writeFileSync(join(archive, `queries-20250101T${hour}0000Z.jsonl.zst`), 'expired');
  // Never packed, and past all of its time.
  writeFileSync(join(directory, 'queries-20250101T110000Z.jsonl'), 'expired\n');
  writeFileSync(join(directory, 'queries-20261120T080000Z.jsonl'), 'old\n');
  writeFileSync(join(directory, 'queries-20261130T070000Z.jsonl'), 'young\n');
  const file = open();
  for (let turn = 0; turn < 4; turn++) await file.keep(START_MS + turn * 5_000);
  expect(readdirSync(directory).sort()).toEqual([ARCHIVE_NAME, bad, 'queries-20261130T070000Z.jsonl.zst']);
  expect(readdirSync(archive).sort()).toEqual([stuck, 'queries-20261120T080000Z.jsonl.zst']);
  expect(warnings).toEqual(['keeping files of the query log failed']);
  expect(file.overdue).toMatch(/queries-20250101T080000Z\.jsonl\.zst.*, and 1 more$/);
  rmSync(join(directory, bad), { recursive: true });
  rmSync(join(archive, stuck), { recursive: true });
  await file.keep(START_MS + 60_000);
  expect(file.overdue).toBeUndefined();
  await file.close();
});

test('a clock that is set a year ahead deletes nothing, and one that was before the start neither', async () => {
  const yearMs = 365 * DAY_MS;
  for (const name of ['queries-20261129T080000Z.jsonl', 'queries-20261130T070000Z.jsonl'])
    writeFileSync(join(directory, name), 'old\n');
  let monotonicMs = 0;
  const file = open({ ...ROTATION, archivedMs: 0 }, () => monotonicMs);
  await file.keep(START_MS);
  monotonicMs += 5_000;
  await file.keep(START_MS + yearMs);
  expect(linesIn(directory)).toHaveLength(2);
  expect(warnings).toEqual(['the clock stepped: no file of the query log is moved or deleted for a day']);
  const started = open({ ...ROTATION, archivedMs: 0 }, () => monotonicMs);
  await started.keep(START_MS + yearMs);
  expect(linesIn(directory)).toHaveLength(2);
  expect(warnings).toHaveLength(2);
  // A day later nobody set it back: one after the other.
  for (const left of [1, 0]) {
    monotonicMs += DAY_MS;
    await file.keep(START_MS + yearMs + monotonicMs);
    expect(linesIn(directory)).toHaveLength(left);
  }
  await file.close();
  await started.close();
});
