import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { JsonLinesOutput } from '../../../src/evidence/records/outputs/json-lines.ts';
import { PlacedRecord } from '../../../src/evidence/records/record-output.ts';

const WAIT = { timeout: 90_000, interval: 10 };
const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

const SENDER = { resolver: 'ns1.example.com', version: '1.0.0' };

const createPath = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-jsonl-'));
  directories.push(directory);
  return join(directory, 'records.jsonl');
};

const record = (sequence: number): PlacedRecord => {
  const members = { time: '2026-11-25T10:00:00.000Z', kind: 'admin', action: 'pause', by: 'ki\nm' };
  return new PlacedRecord(JSON.stringify(members), sequence, 'changes');
};
const records = (from: number, to: number): PlacedRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => record(from + i));

const sequences = (path: string): number[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { seq: number }).seq);

test('JsonLinesOutput writes one record a line with its place', async () => {
  const path = createPath();
  const output = new JsonLinesOutput({ ...SENDER, name: 'file', path });
  output.write(records(1, 3));
  await output.close();
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(lines).toHaveLength(4);
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    resolver: 'ns1.example.com',
    chain: 'changes',
    seq: 1,
    ...record(1).record,
  });
  expect([output.written, output.dropped]).toEqual([3, 0]);
});

test('JsonLinesOutput goes on in a new file after reopen(), with every line in one of the two', async () => {
  const path = createPath();
  const output = new JsonLinesOutput({ ...SENDER, name: 'file', path });
  output.write(records(1, 500));
  await vi.waitFor(() => expect(existsSync(path)).toBe(true), WAIT);
  renameSync(path, `${path}.1`);
  output.write(records(501, 600));
  output.reopen();
  output.write(records(601, 700));
  await output.close();
  expect([...sequences(`${path}.1`), ...sequences(path)]).toEqual(records(1, 700).map((one) => one.sequence));
});

test('JsonLinesOutput ends a line that a crash cut short', async () => {
  const path = createPath();
  appendFileSync(path, '{"seq":1}\n{"seq":2,"ki');
  const output = new JsonLinesOutput({ ...SENDER, name: 'file', path });
  output.write(records(3, 3));
  await output.close();
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(lines[1]).toBe('{"seq":2,"ki');
  expect(JSON.parse(lines[2] ?? '')).toMatchObject({ seq: 3 });
});

test('JsonLinesOutput drops and counts while the disk takes nothing, and says why', async () => {
  // Every write to this device fails as on a full disk.
  const output = new JsonLinesOutput({
    ...SENDER,
    name: 'file',
    path: '/dev/full',
    bounds: { count: 10, bytes: 10_000 },
    retryMs: 1,
  });
  output.write(records(1, 25));
  await vi.waitFor(() => expect(output.trouble).toMatch(/ENOSPC/), WAIT);
  expect([output.written, output.dropped, output.queued]).toEqual([0, 15, 10]);
  await output.close();
  expect([output.written, output.dropped]).toEqual([0, 25]);
});

test('JsonLinesOutput goes on when the directory of its file is there again', async () => {
  const path = createPath();
  const directory = join(path, '..', 'later');
  const output = new JsonLinesOutput({
    ...SENDER,
    name: 'file',
    path: join(directory, 'r.jsonl'),
    retryMs: 5,
  });
  output.write(records(1, 2));
  await vi.waitFor(() => expect(output.trouble).toMatch(/ENOENT/), WAIT);
  mkdirSync(directory);
  await vi.waitFor(() => expect(output.written).toBe(2), WAIT);
  expect(output.trouble).toBeUndefined();
  await output.close();
  expect(sequences(join(directory, 'r.jsonl'))).toEqual([1, 2]);
});

test('JsonLinesOutput writes records of the chains that it was made for', async () => {
  const path = createPath();
  const output = new JsonLinesOutput({ ...SENDER, name: 'file', path, classes: ['changes'] });
  output.write([record(1), new PlacedRecord(record(2).text, 2, 'queries'), record(3)]);
  await output.close();
  expect(sequences(path)).toEqual([1, 3]);
  expect([output.written, output.dropped]).toEqual([2, 0]);
});
