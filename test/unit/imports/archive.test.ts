// Archives from anywhere: bombs, links, names that lead out, damage.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ARCHIVE_BYTES_MAX, ARCHIVE_FILES_MAX, readArchive } from '../../../src/policy/imports/archive.ts';
import { tar, zip } from '../../support/origins.ts';

const refusal = (bytes: Buffer): string => {
  try {
    readArchive(bytes);
    return 'taken';
  } catch (thrown) {
    return (thrown as { code: string }).code === 'ERR_IMPORT_ARCHIVE'
      ? (thrown as Error).message
      : String(thrown);
  }
};

describe('readArchive()', () => {
  const files = { 'etc/pihole/a.txt': Buffer.from('one\n'), 'b.txt': Buffer.alloc(70_000, 'x') };

  it.each([
    ['zip', zip(files)],
    ['tar in gzip', gzipSync(tar(files))],
    ['tar', tar(files)],
  ])('reads %s', (_kind, bytes) => {
    expect(Object.fromEntries(readArchive(bytes))).toEqual(files);
  });

  it('refuses what unfolds to more than its bound, whatever the archive says of it', () => {
    const bomb = Buffer.alloc(ARCHIVE_BYTES_MAX + 1);
    const packed = zip({ bomb });
    // A size that lies in the directory.
    const at = packed.lastIndexOf(Buffer.from('bomb')) - 46;
    packed.writeUInt32LE(10, at + 24);
    expect(refusal(packed)).toContain('unfolds to more than 128 MiB');
    expect(refusal(gzipSync(bomb))).toContain('unfolds to more than 128 MiB');
    const half = Buffer.alloc(ARCHIVE_BYTES_MAX / 2 + 1);
    expect(refusal(zip({ a: half, b: half }))).toContain('unfolds to more than 128 MiB');
  });

  it('refuses too many files', () => {
    const many = Object.fromEntries(
      Array.from({ length: ARCHIVE_FILES_MAX + 1 }, (_value, index) => [`f${index}`, Buffer.from('x')]),
    );
    expect(refusal(zip(many))).toContain('more than 1000 files');
    expect(refusal(tar(many))).toContain('more than 1000 files');
  });

  it.each(['../etc/passwd', 'a/../../b', 'a/..'])('refuses the name %s', (name) => {
    expect(refusal(zip({ [name]: Buffer.from('x') }))).toContain('leads out of it');
    expect(refusal(tar({ [name]: Buffer.from('x') }))).toContain('leads out of it');
  });

  it('takes an absolute name as one in the archive', () => {
    expect([...readArchive(tar({ '/etc/hosts': 'x' })).keys()]).toEqual(['etc/hosts']);
  });

  it('passes over links and devices in a tar archive', () => {
    const bytes = tar({ link: '', 'real.txt': 'x' });
    bytes[156] = '2'.charCodeAt(0);
    const sum = bytes
      .subarray(0, 512)
      .reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    expect([...readArchive(bytes).keys()]).toEqual(['real.txt']);
  });

  it('refuses what is encrypted, cut off or damaged', () => {
    const sound = zip({ 'a.txt': Buffer.from('some text that is long enough') });
    const encrypted = Buffer.from(sound);
    encrypted.writeUInt16LE(1, sound.lastIndexOf(Buffer.from('a.txt')) - 46 + 8);
    expect(refusal(encrypted)).toContain('is encrypted');
    expect(refusal(sound.subarray(0, sound.length - 30))).toContain('cut off');
    const wrong = Buffer.from(sound);
    wrong.writeUInt32LE(1, sound.lastIndexOf(Buffer.from('a.txt')) - 46 + 16);
    expect(refusal(wrong)).toContain('its sum is wrong');
    expect(refusal(gzipSync(Buffer.from('no tar at all')))).toContain('neither zip nor tar');
    expect(refusal(tar({ a: 'x'.repeat(2000) }).subarray(0, 1024))).toContain('cut off');
  });

  it('throws nothing else for archives with changed bytes', () => {
    const sound = [zip(files), tar(files)];
    for (const bytes of sound) {
      for (let at = 0; at < Math.min(bytes.length, 1500); at++) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 0xff;
        const end = Buffer.from(bytes);
        end[bytes.length - 1 - at] = (end[bytes.length - 1 - at] ?? 0) ^ 0xff;
        for (const one of [changed, end]) expect(refusal(one)).toMatch(/^(?:taken|reading the archive: )/);
      }
    }
  });
});
