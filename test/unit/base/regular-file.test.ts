// Files that are none: a pipe without a writer, a device without an end, and what grows past its bound.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileIdentity, readRegularFile } from '../../../src/base/base.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-file-'));
afterAll(() => rmSync(directory, { recursive: true }));

const place = (name: string): string => join(directory, name);
execFileSync('mkfifo', [place('pipe')]);
symlinkSync('/dev/zero', place('zero'));
symlinkSync(place('pipe'), place('link'));
writeFileSync(place('five'), '12345');

test.each([
  ['a pipe', 'pipe', 'ENOTREG'],
  ['a link to a pipe', 'link', 'ENOTREG'],
  ['a device', 'zero', 'ENOTREG'],
  ['a directory', '.', 'EISDIR'],
  ['nothing', 'gone', 'ENOENT'],
])('readRegularFile() refuses %s at once', (_what, name, code) => {
  expect(() => readRegularFile(place(name), 100)).toThrow(expect.objectContaining({ code }));
});

test('fileIdentity() tells a file from another, and from what cannot be examined', () => {
  symlinkSync('loop', place('loop'));
  const [one, ...others] = ['five', 'gone', 'five/below', 'loop'].map((name) => fileIdentity(place(name)));
  expect(one).toMatch(/^(\d+ ){4}5$/);
  expect(others).toEqual(['none', 'none', 'ELOOP']);
  expect(fileIdentity(place('five'))).toBe(one);
});

test('readRegularFile() has a bound, and reads files that say they are empty', () => {
  expect(readRegularFile(place('five'), 5).toString()).toBe('12345');
  expect(() => readRegularFile(place('five'), 4)).toThrow(expect.objectContaining({ code: 'EFBIG' }));
  expect(readRegularFile('/proc/self/status', 1 << 20).toString()).toContain('Pid:');
  expect(() => readRegularFile('/proc/self/status', 10)).toThrow(expect.objectContaining({ code: 'EFBIG' }));
  writeFileSync(place('large'), Buffer.alloc(200_000, 7));
  expect(readRegularFile(place('large'), 200_000)).toHaveLength(200_000);
});
