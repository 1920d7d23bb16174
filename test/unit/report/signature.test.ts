import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HeadSigner } from '../../../src/evidence/records/heads.ts';
import { signReport, verifyReport } from '../../../src/evidence/report/signature.ts';
import { requireProgram } from '../../support/process.ts';

let directory: string;
let path: string;
let keyId: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-signature-'));
  path = join(directory, 'report.html');
  keyId = HeadSigner.open(directory).keyId;
  const report = Buffer.from('<!doctype html>\nthe report\n');
  writeFileSync(path, report);
  writeFileSync(`${path}.sig`, signReport(report, directory).text);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const publicKey = (): string => join(directory, 'signing-key.pub.pem');

test('verifyReport() names the key of a report that is unchanged', () => {
  expect(verifyReport(path, { directory })).toBe(keyId);
  expect(verifyReport(path, { keyPath: publicKey() })).toBe(keyId);
});

test('signReport() gives the same signature each time', () => {
  expect(signReport(readFileSync(path), directory).text).toBe(readFileSync(`${path}.sig`, 'utf8'));
});

test('verifyReport() refuses a report with one other byte', () => {
  writeFileSync(path, '<!doctype html>\nthe rep0rt\n');
  expect(() => verifyReport(path, { directory })).toThrow(/the file is not what was signed/);
});

test('verifyReport() refuses a hash that was adapted to another report', () => {
  const other = Buffer.from('another');
  writeFileSync(path, other);
  const hash = createHash('sha256').update(other).digest('hex');
  const text = readFileSync(`${path}.sig`, 'utf8').replace(/sha256 .*/, `sha256 ${hash}`);
  writeFileSync(`${path}.sig`, text);
  expect(() => verifyReport(path, { directory })).toThrow(/the file is not what was signed/);
});

test('verifyReport() refuses a signature of another key, also under the id of ours', () => {
  const other = mkdtempSync(join(tmpdir(), 'cordon-signature-'));
  try {
    const otherId = HeadSigner.open(other).keyId;
    const { text } = signReport(readFileSync(path), other);
    writeFileSync(`${path}.sig`, text);
    expect(() => verifyReport(path, { directory })).toThrow(`signed by key ${otherId}, which is not there`);
    writeFileSync(`${path}.sig`, text.replace(otherId, keyId));
    expect(() => verifyReport(path, { directory })).toThrow(/the file is not what was signed/);
  } finally {
    rmSync(other, { recursive: true, force: true });
  }
});

test.each([
  ['a file that is no signature', 'something else\n'],
  ['an empty file', ''],
])('verifyReport() refuses %s', (_case, text) => {
  writeFileSync(`${path}.sig`, text);
  expect(() => verifyReport(path, { directory })).toThrow(/holds no signature of a report/);
});

test('verifyReport() and signReport() name a file that is not there', () => {
  rmSync(`${path}.sig`);
  expect(() => verifyReport(path, { directory })).toThrow(/ENOENT/);
  expect(() => verifyReport(path, { keyPath: join(directory, 'none.pem') })).toThrow(/ENOENT/);
  expect(() => signReport(Buffer.from('x'), join(directory, 'none'))).toThrow(
    expect.objectContaining({ code: 'ERR_COMPLIANCE_SIGNING_KEY' }),
  );
});

test('openssl checks the signature as the documentation says', (context) => {
  requireProgram(context, 'openssl');
  const check = (): string =>
    execFileSync(
      'sh',
      [
        '-c',
        `sed -n 's/^signature //p' "$1.sig" | base64 -d > "$1.bin" &&
         openssl pkeyutl -verify -pubin -inkey "$2" -rawin -in "$1" -sigfile "$1.bin"`,
        ...['sh', path, publicKey()],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    ).toString();
  expect(check()).toContain('Signature Verified Successfully');
  writeFileSync(path, 'changed');
  expect(check).toThrow();
});
