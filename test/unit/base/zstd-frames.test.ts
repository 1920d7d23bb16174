// Packed files that are read from any place: what zstd unpacks is what was packed, whatever the lines, and a table that does not
// fit its file is none.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { FramedFile, packFrames } from '../../../src/base/base.ts';
import { needing } from '../../support/process.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-frames-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const plain = join(directory, 'plain');
const packed = join(directory, 'packed.zst');

const LINE = 'x'.repeat(600);
/** Three frames and a half. */
const LINES = Array.from({ length: 6_000 }, (_, at) => `${at} ${LINE}`);

const framesOf = (path: string): string[] => {
  const file = FramedFile.open(path);
  if (file === undefined) throw new Error('it has no table');
  try {
    const texts = file.frames.map((frame) => file.read(frame).toString());
    expect(file.size).toBe(texts.join('').length);
    return texts;
  } finally {
    file.close();
  }
};

test.each([
  ['lines', `${LINES.join('\n')}\n`],
  ['a last line without an end', LINES.join('\n')],
  ['a line that is longer than a frame', `${'y'.repeat(3 << 20)}\nz\n`],
  ['nothing', ''],
])('%s: the frames together are the file, and lines are whole', needing('zstd'), async (what, text) => {
  writeFileSync(plain, text);
  await packFrames(plain, packed, 0o640, 1);
  const frames = framesOf(packed);
  expect(frames.join('')).toBe(text);
  if (what === 'lines') {
    expect(frames.length).toBe(4);
    for (const frame of frames) expect(frame).toMatch(/^\d+ x+\n(?:.*\n)*.*\n$/);
  }
  expect(execFileSync('zstd', ['-dc', packed], { maxBuffer: 16 << 20 }).toString()).toBe(text);
  expect(statSync(packed).mode & 0o777).toBe(0o640);
});

test('a file without a table, with a part of one or with one that does not fit has none', async () => {
  writeFileSync(plain, `${LINES.join('\n')}\n`);
  await packFrames(plain, packed, 0o640, 1);
  const whole = readFileSync(packed);
  const other = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(whole);
    change(bytes);
    return bytes;
  };
  const path = join(directory, 'other');
  for (const bytes of [
    Buffer.alloc(0),
    zstdCompressSync('a\n'),
    whole.subarray(0, -1),
    whole.subarray(1),
    other((one) => one.writeUInt32LE(2, one.length - 9)),
    other((one) => one.writeUInt32LE(0xffff_ffff, one.length - 9)),
    other((one) => one.writeUInt32LE(0x4000_0000, one.length - 13)),
    other((one) => one.writeUInt32LE(0, one.length - 13)),
  ]) {
    writeFileSync(path, bytes);
    expect(FramedFile.open(path)).toBeUndefined();
  }
});

test('a frame that has fewer bytes than its table says is an error, and no shorter frame', async () => {
  writeFileSync(plain, `${LINES.join('\n')}\n`);
  await packFrames(plain, packed, 0o640, 1);
  const bytes = readFileSync(packed);
  // The last entry is before the footer: lengths of the frame, packed and unpacked.
  bytes.writeUInt32LE(bytes.readUInt32LE(bytes.length - 13) + 1, bytes.length - 13);
  const path = join(directory, 'other');
  writeFileSync(path, bytes);
  expect(() => framesOf(path)).toThrow('its table says');
});
