import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import { type LoadedList, lineOf, loadList } from '../../../src/policy/lists/lists.ts';
import { RuleLog } from './rule-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-compressed-'));
afterAll(() => rmSync(directory, { recursive: true }));

const TEXT = Array.from({ length: 20_000 }, (_, index) => `name-${index}.tiktok.test\n`).join('');

const load = (bytes: Uint8Array): { list: LoadedList; rules: readonly string[] } => {
  const path = join(directory, 'list');
  writeFileSync(path, bytes);
  const log = new RuleLog();
  return { list: loadList({ kind: 'file', path, format: 'domains' }, log), rules: log.rules };
};

const failureOf = (bytes: Uint8Array): string => {
  try {
    load(bytes);
  } catch (thrown) {
    if (thrown instanceof AppError) return `${thrown.code} ${thrown.message.replace(directory, '')}`;
    throw thrown;
  }
  return 'no failure';
};

const halves = (pack: (text: string) => Buffer): Buffer =>
  Buffer.concat([pack(TEXT.slice(0, 100_001)), pack(TEXT.slice(100_001))]);

/** With the checksum of the content, which gzip always has. */
const packZstd = (bytes: Uint8Array): Buffer =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });

describe.each([
  ['gzip', (bytes: Uint8Array): Buffer => gzipSync(bytes)],
  ['zstd', packZstd],
])('loadList() with a %s file', (name, packBytes) => {
  const pack = (text: string | Uint8Array): Buffer => packBytes(Buffer.from(text));

  it.each([
    ['one part', pack(TEXT)],
    ['several parts', halves(pack)],
  ])('reads %s as the text that was packed', (_, bytes) => {
    const { list, rules } = load(bytes);
    expect(list).toMatchObject({
      sha256: createHash('sha256').update(TEXT).digest('hex'),
      sizeBytes: TEXT.length,
      entries: 20_000,
      rejected: 0,
    });
    expect(rules.at(-1)).toBe('20000 suffix name-19999.tiktok.test');
    expect(lineOf(list, 7)).toMatchObject({ text: 'name-6.tiktok.test' });
  });

  it('refuses a file that is cut off anywhere, or goes on with something else', () => {
    const packed = pack(TEXT);
    const two = halves(pack);
    const cut = `ERR_LIST_READ reading list /list: its ${name} data is cut off or damaged`;
    for (const length of [10, 100, packed.length >> 1, packed.length - 1]) {
      expect(failureOf(packed.subarray(0, length))).toBe(cut);
    }
    expect(failureOf(two.subarray(0, two.length - 1))).toBe(cut);
    expect(failureOf(Buffer.concat([packed, Buffer.from('<html>not packed</html>')]))).toBe(cut);
  });

  it('refuses a file whose data was changed', () => {
    const packed = pack(TEXT);
    packed[packed.length - 20] = (packed[packed.length - 20] ?? 0) ^ 0xff;
    packed[packed.length >> 1] = (packed[packed.length >> 1] ?? 0) ^ 0xff;
    expect(failureOf(packed)).toMatch(/^ERR_LIST_READ /);
  });

  it('refuses a file that unpacks to more than a list may have', () => {
    const part = pack(new Uint8Array(54_000_001));
    const bomb = Buffer.concat([part, part, part, part, part]);
    expect(failureOf(bomb)).toBe(
      `ERR_LIST_TOO_LARGE reading list /list: its ${name} data holds more than 268435456 bytes`,
    );
  });
});
