// `cordon report` as a person runs it, over records that lie on the disk.
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import type { Report } from '../../../src/evidence/report/model.ts';
import {
  createVerifier,
  formatNote,
  formatVerifier,
  parseNote,
  SIGNATURE_TYPE,
  type SignatureType,
  signNote,
  verifyNote,
} from '../../../src/wire/transparency/transparency.ts';
import { runCommandHere } from '../../support/command.ts';
import { findProgram, type RunResult, run } from '../../support/process.ts';
import { Bench, DAY_MS } from '../records/setup.ts';

const SCRIPT = fileURLToPath(new URL('../../../docs/verify_proof.py', import.meta.url));
const PERIOD = ['--from', '2026-11-25', '--to', '2026-11-26'];

let directory: string;
beforeEach(async () => {
  const bench = new Bench();
  bench.recording.tick();
  for (let day = 0; day < 3; day++) {
    bench.record(10, { client: `192.0.2.${day + 1}` });
    bench.advance(DAY_MS);
  }
  await bench.recording.stop();
  // Removed after the test, with the records in it.
  directory = dirname(bench.directory);
  writeFileSync(join(directory, 'cordon.yaml'), 'state: .\n');
});

const cordon = (...args: string[]): Promise<RunResult> =>
  runCommandHere(['report', ...args], {
    cwd: directory,
    env: { SOURCE_DATE_EPOCH: '1796000000' },
  });

test('report writes a file with its signature, and verify checks both', async () => {
  const made = await cordon(...PERIOD, '--out', 'report.html');
  expect(made, made.stderr).toMatchObject({ code: 0, stdout: '' });
  expect(made.stderr).toMatch(/^report\.html: \d+ bytes, signed by key [0-9a-f]{16}\n$/);
  expect(readFileSync(join(directory, 'report.html'), 'utf8')).toContain(
    '25 November 2026 to 26 November 2026',
  );
  const checked = await cordon('verify', 'report.html');
  expect(checked).toMatchObject({ code: 0, stderr: '' });
  expect(checked.stdout).toMatch(/^report\.html: unchanged, signed by key [0-9a-f]{16}\n$/);
  const key = join('records', 'signing-key.pub.pem');
  expect(await cordon('verify', 'report.html', '--key', key)).toMatchObject({ code: 0 });
  writeFileSync(join(directory, 'report.html'), 'another');
  const changed = await cordon('verify', 'report.html');
  expect(changed).toMatchObject({ code: 1, stdout: '' });
  expect(changed.stderr).toContain('the file is not what was signed [ERR_COMPLIANCE_REPORT_SIGNATURE]');
});

test('report writes to standard output without --out, the same each time', async () => {
  const first = await cordon(...PERIOD, '--format', 'json');
  const second = await cordon(...PERIOD, '--format', 'json');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(second?.stdout).toBe(first?.stdout);
  const report = JSON.parse(first?.stdout ?? '') as Report;
  expect(report.period).toEqual({ from: '2026-11-25T00:00:00.000Z', until: '2026-11-27T00:00:00.000Z' });
  // The third day is not of the period.
  expect(report.attempts.refusals).toBe(20);
});

test('report writes one table of the CSV', async () => {
  const { code, stdout } = await cordon(...PERIOD, '--format', 'csv', '--table', 'attempts-by-day');
  expect([code, stdout]).toEqual([0, 'day,refusals,would_refuse\r\n2026-11-25,10,0\r\n2026-11-26,10,0\r\n']);
});

test('report writes a PDF, and leaves out the signature where that is asked for', async () => {
  const made = await cordon(...PERIOD, '--format', 'pdf', '--out', 'report.pdf', '--unsigned');
  expect(made.stderr).toMatch(/not signed/);
  expect(readFileSync(join(directory, 'report.pdf')).subarray(0, 5).toString()).toBe('%PDF-');
  expect(existsSync(join(directory, 'report.pdf.sig'))).toBe(false);
});

test.each([
  [['--from', '2026-11-25'], '--from and --to are needed'],
  [['--from', '2026-11-31', '--to', '2026-12-01'], 'is neither a day'],
  [[...PERIOD, '--format', 'docx'], 'is none of html, pdf, csv, json'],
  [[...PERIOD, '--table', 'attempts'], '--table goes with --format csv'],
  [[...PERIOD, '--format', 'csv', '--table', 'x'], '--table "x" is none of attention, networks'],
  [[...PERIOD, 'x'], '"x" is not understood'],
  [['verify'], 'one FILE is needed'],
])('report %j is wrong usage', async (args, text) => {
  const { code, stderr } = await cordon(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(text);
});

test('report refuses a period without records, a group that nobody knows, and a place that cannot be written', async () => {
  const before = await cordon('--from', '2025-01-01', '--to', '2025-03-31');
  expect(before).toMatchObject({ code: 1, stdout: '' });
  expect(before.stderr).toMatch(
    /there is no record of that time \(Records reach from 2026-11-25T.*\[ERR_COMPLIANCE_REPORT_PERIOD\]/,
  );
  const group = await cordon(...PERIOD, '--group', 'nobody');
  expect(group).toMatchObject({ code: 1, stdout: '' });
  expect(group.stderr).toContain('[ERR_COMPLIANCE_REPORT_GROUP]');
  const place = await cordon(...PERIOD, '--out', join('none', 'report.html'));
  expect(place.stderr).toContain('[ERR_CLI_OUTPUT]');
});

const witnessKey = generateKeyPairSync('ed25519').privateKey;
const witness = createVerifier('audit.example/w1', witnessKey, SIGNATURE_TYPE.cosignature);
const COSIGNED_MS = Date.parse('2026-11-28T13:00:00.000Z');
/** What a witness cosigned of the last checkpoint, in the place where the resolver keeps it. */
const cosign = (): string => {
  const records = join(directory, 'records');
  const note = parseNote(readFileSync(join(records, 'checkpoint'), 'utf8'));
  if (note === undefined) throw new Error('no checkpoint');
  const signatures = [...note.signatures, signNote(note.text, witness, witnessKey, COSIGNED_MS)];
  mkdirSync(join(records, 'cosigned'), { recursive: true });
  const path = join(records, 'cosigned', `${witness.keyId}.checkpoint`);
  writeFileSync(path, formatNote({ text: note.text, signatures }));
  return path;
};

/** By Python's standard library and keys alone. */
const checkIndependent = async (verifier: string): Promise<void> => {
  if (findProgram('python3') === undefined) return;
  const form = ['--format', 'json', '--out', 'for-others.json', '--witness', formatVerifier(witness)];
  expect(await cordon(...PERIOD, ...form)).toMatchObject({ code: 0 });
  const path = join(directory, 'for-others.json');
  const check = (...keys: string[]) => run('python3', ['-B', SCRIPT, path, ...keys]);
  const whole = await check(verifier, formatVerifier(witness));
  expect(whole, whole.stdout).toMatchObject({ code: 0, stderr: '' });
  expect(whole.stdout).toMatch(/made from the log of .*: \d+ blocks.*\n.*w1 cosigned \d+ blocks/);
  const { privateKey } = generateKeyPairSync('ed25519');
  const stranger = (name: string, type: SignatureType) =>
    formatVerifier(createVerifier(name, privateKey, type));
  const [name = ''] = verifier.split('+', 1);
  expect((await check(stranger(name, SIGNATURE_TYPE.ed25519))).code).toBe(1);
  expect((await check(verifier, stranger('audit.example/w1', SIGNATURE_TYPE.cosignature))).code).toBe(1);
  expect((await check(verifier, stranger('audit.example/w2', SIGNATURE_TYPE.cosignature))).code).toBe(1);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"refusals":', '"refusals" :'));
  expect(await check(verifier)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('not what the key') as string,
  });
};

test('a report is held against heads, a checkpoint and a witness that were kept elsewhere', {
  timeout: 180_000,
}, async () => {
  const records = join(directory, 'records');
  const older = join(directory, 'older');
  cpSync(records, older, { recursive: true });
  const bench = new Bench({ directory: records, start: '2026-11-28T12:00:00.000Z' });
  bench.record(5);
  await bench.recording.stop();
  const kept = { heads: join(directory, 'kept.jsonl'), checkpoint: join(directory, 'kept') };
  cpSync(join(records, 'heads.jsonl'), kept.heads);
  cpSync(cosign(), kept.checkpoint);
  const key = formatVerifier(witness);
  const json = ['--format', 'json'];
  const whole = await cordon(
    ...PERIOD,
    ...json,
    '--heads',
    kept.heads,
    '--checkpoint',
    kept.checkpoint,
    '--witness',
    key,
  );
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  const { signing } = JSON.parse(whole.stdout) as Report;
  expect(signing.witnesses).toMatchObject({
    needed: 1,
    all: [{ name: 'audit.example/w1', state: 'cosigned' }],
  });
  // What it cosigned stands in the report, for who checks it by the witness's key alone.
  const note = parseNote(signing.witnesses.all[0]?.note ?? '');
  expect(note && verifyNote(note, [witness]).verified).toHaveLength(1);
  const csv = await cordon(...PERIOD, '--format', 'csv', '--table', 'checkpoint', '--witness', key);
  expect(csv.stdout).toContain('audit.example/w1');

  await checkIndependent(signing.checkpoint?.publicKey ?? '');

  // The older state is whole in itself.
  rmSync(records, { recursive: true });
  cpSync(older, records, { recursive: true });
  expect(await cordon(...PERIOD, ...json)).toMatchObject({ code: 0, stderr: '' });
  for (const [option, value, text] of [
    ['--heads', kept.heads, /^tail-cut: .*kept\.jsonl/],
    ['--checkpoint', kept.checkpoint, /^tail-cut: \d+ blocks were signed until/],
    ['--witness', key, /^checkpoint-missing: nothing is there that witness audit\.example\/w1 has cosigned/],
  ] as const) {
    const made = await cordon(...PERIOD, ...json, option, value);
    expect(made, option).toMatchObject({ code: 1 });
    const { integrity } = JSON.parse(made.stdout) as Report;
    expect(integrity.findings.join('\n'), option).toMatch(new RegExp(text.source, 'm'));
  }
  expect(await cordon(...PERIOD, '--witness', 'nobody')).toMatchObject({ code: 2 });
  for (const option of ['--heads', '--checkpoint'])
    expect(await cordon(...PERIOD, ...json, option, join(directory, 'none')), option).not.toMatchObject({
      code: 0,
    });
});
