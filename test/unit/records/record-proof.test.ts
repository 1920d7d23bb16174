// One record that is proven by itself: to the program, and to docs/verify_proof.py, which shares nothing with it.

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readPublicKeys } from '../../../src/evidence/records/heads.ts';
import { checkRecordProof, proveRecord, readLogVerifier } from '../../../src/evidence/records/records.ts';
import {
  createVerifier,
  formatNote,
  formatVerifier,
  parseNote,
  SIGNATURE_TYPE,
  signNote,
} from '../../../src/wire/transparency/transparency.ts';
import { appendBlock } from '../../support/block-forgery.ts';
import { inTwo } from '../../support/night.ts';
import { requireProgram, run } from '../../support/process.ts';
import { adminRecord, Bench } from './setup.ts';

const script = fileURLToPath(new URL('../../../docs/verify_proof.py', import.meta.url));
const witnessKey = generateKeyPairSync('ed25519').privateKey;
const witness = createVerifier('audit.example/w1', witnessKey, SIGNATURE_TYPE.cosignature);

interface Written {
  readonly directory: string;
  readonly key: KeyObject;
  readonly verifier: string;
}

/** Blocks of both chains, and what a witness has cosigned of the last checkpoint but one. */
const written = (): Written => {
  const bench = new Bench();
  for (let i = 0; i < 9; i++) {
    for (const part of [1, 2]) bench.recording.write(adminRecord(10 * i + part));
    bench.record(70);
    bench.advance(1_500);
    if (i === 7) cosign(bench);
  }
  bench.crash();
  const { directory } = bench;
  const [key] = [...readPublicKeys(directory).values()];
  const verifier = key && readLogVerifier(directory, key);
  if (key === undefined || verifier === undefined) throw new Error('no key');
  return { directory, key, verifier };
};
const cosign = ({ directory, nowMs }: Bench): void => {
  const note = parseNote(readFileSync(join(directory, 'checkpoint'), 'utf8'));
  if (note === undefined) throw new Error('no checkpoint');
  const signatures = [...note.signatures, signNote(note.text, witness, witnessKey, nowMs)];
  mkdirSync(join(directory, 'cosigned'), { recursive: true });
  const path = join(directory, 'cosigned', `${witness.keyId}.checkpoint`);
  writeFileSync(path, formatNote({ text: note.text, signatures }));
};
const lastChange = ({ directory }: Written): Promise<string> => proveRecord(directory, 'changes', 5);

/** What both say of a proof. */
const check = async (proof: string, { directory, key, verifier }: Written, by?: typeof witness) => {
  const path = join(directory, '..', 'r.tlog-proof');
  writeFileSync(path, proof);
  const more = by === undefined ? [] : [formatVerifier(by)];
  const { code, stdout, stderr } = await run('python3', ['-B', script, path, verifier, ...more]);
  const own = checkRecordProof(proof, key, by);
  expect({ isProven: code === 0, stderr }, stdout).toEqual({ isProven: typeof own !== 'string', stderr: '' });
  return { stdout, own };
};

test('the program for others is one that can be read in an hour', () => {
  expect(readFileSync(script, 'utf8').split('\n').length).toBeLessThan(200);
});

test('a record of either chain is proven to both, with the witness and without', async (context) => {
  requireProgram(context, 'python3');
  const records = written();
  for (const [recordClass, sequence] of [
    ['changes', 5],
    ['queries', 101],
    ['queries', 1],
  ] as const) {
    const proof = await proveRecord(records.directory, recordClass, sequence);
    expect(proof).toMatch(
      /^c2sp\.org\/tlog-proof@v1\nextra \S+\nindex \d+\n(?:[\w+/]{43}=\n)+\nns1\.agency\.example\n/,
    );
    const { own, stdout } = await check(proof, records, witness);
    expect(own).toMatchObject({ class: recordClass, sequence, cosignedMs: expect.any(Number) });
    expect(stdout).toContain(`record ${sequence} of ${recordClass} is in the log of ns1.agency.example`);
    expect(stdout).toContain('audit.example/w1 cosigned that at ');
    await check(proof, records);
  }
  // The record itself, and no other of its block.
  const { own, stdout } = await check(await lastChange(records), records);
  expect(typeof own === 'string' ? own : own.record).toMatchObject({ kind: 'admin', action: 'act-12' });
  expect(stdout).toContain('"action": "act-12"');
  expect(stdout).not.toContain('act-11');
});

/** Changes what the leaf is made of. */
const inBlock = (proof: string, change: (block: Record<string, unknown>) => object): string => {
  const [, extra = ''] = /^extra (\S+)$/m.exec(proof) ?? [];
  const block = JSON.parse(Buffer.from(extra, 'base64').toString()) as Record<string, unknown>;
  const changed = Buffer.from(JSON.stringify({ ...block, ...change(block) })).toString('base64');
  return proof.replace(extra, changed);
};
const LINE = /(?<=^index \d+\n)[\w+/=]+(?=\n)/m;
const other = generateKeyPairSync('ed25519');

const CHANGES: readonly [string, (proof: string) => string][] = [
  [
    'a word in the record',
    (proof) => inBlock(proof, ({ body }) => ({ body: String(body).replace('act-12', 'act-19') })),
  ],
  [
    'a word in a record beside it',
    (proof) => inBlock(proof, ({ body }) => ({ body: String(body).replace('alice', 'mary') })),
  ],
  [
    'a record more',
    (proof) =>
      inBlock(proof, ({ body, count }) => ({
        count: Number(count) + 1,
        body: `${String(body).slice(0, -1)},\n{}]`,
      })),
  ],
  ['the number of the record', (proof) => inBlock(proof, ({ first }) => ({ record: Number(first) + 64 }))],
  [
    'the number of the block',
    (proof) =>
      inBlock(proof, ({ first, record }) => ({ first: Number(first) + 1, record: Number(record) + 1 })),
  ],
  ['a chain that is none', (proof) => inBlock(proof, () => ({ class: 'more' }))],
  ['a count that is no number', (proof) => inBlock(proof, () => ({ count: 0.5 }))],
  ['a body of nothing but brackets', (proof) => inBlock(proof, () => ({ body: '['.repeat(99_999) }))],
  ['the chain', (proof) => inBlock(proof, () => ({ class: 'queries' }))],
  ['the block before', (proof) => inBlock(proof, () => ({ previous: '0'.repeat(64) }))],
  ['the index', (proof) => proof.replace(/^index (\d+)$/m, (_, index) => `index ${Number(index) + 1}`)],
  ['an index that is none', (proof) => proof.replace(/^index \d+$/m, 'index 99999')],
  ['a hash of the path', (proof) => proof.replace(LINE, Buffer.alloc(32, 7).toString('base64'))],
  ['a hash less', (proof) => proof.replace(/(?<=^index \d+\n)\S+\n/m, '')],
  ['a hash more', (proof) => proof.replace(LINE, (line) => `${line}\n${line}`)],
  [
    'the size of the checkpoint',
    (proof) => proof.replace(/(?<=\nns1\.agency\.example\n)\d+/, (size) => String(Number(size) + 1)),
  ],
  [
    'the root of the checkpoint',
    (proof) => proof.replace(/(?<=\nns1\.agency\.example\n\d+\n)\S+/, Buffer.alloc(32, 7).toString('base64')),
  ],
  ['the origin of the checkpoint', (proof) => proof.replaceAll('ns1.agency.example', 'ns2.agency.example')],
  ['a signature', (proof) => proof.replace(/(?<=\u2014 ns1\.agency\.example \S{30})../g, 'ZZ')],
  [
    'a checkpoint without signatures of the log',
    (proof) => proof.replace(/^\u2014 ns1\.agency\.example.*\n/gm, ''),
  ],
  ['another form', (proof) => proof.replace('tlog-proof@v1', 'tlog-proof@v2')],
  ['nothing', () => ''],
];
for (const [options, changes] of inTwo(CHANGES, (_, index) => index % 3 === 0))
  test.each(changes)('%s that was changed is found by both', options, async (_, change) => {
    const records = written();
    const proof = await lastChange(records);
    const changed = change(proof);
    expect(changed).not.toBe(proof);
    expect((await check(changed, records)).own).toBeTypeOf('string');
  });

test('another key, and a witness that has not cosigned, are found by both', async () => {
  const records = written();
  const proof = await lastChange(records);
  const stranger = createVerifier('ns1.agency.example', other.publicKey, SIGNATURE_TYPE.ed25519);
  const theirs = { ...records, key: other.publicKey, verifier: formatVerifier(stranger) };
  expect((await check(proof, theirs)).own).toBe('no key of the records signed it');
  const absent = createVerifier('audit.example/w2', other.publicKey, SIGNATURE_TYPE.cosignature);
  expect((await check(proof, records, absent)).own).toBe('audit.example/w2 has not cosigned it');
  // Its name on a signature that is not its own.
  const forged = proof.replace(/(?<=\u2014 audit\.example\/w1 \S{30})../, 'ZZ');
  expect((await check(forged, records, witness)).own).toBeTypeOf('string');
});

test('no proof is made of what is no evidence', async () => {
  const { directory } = written();
  const proving = (sequence: number) => proveRecord(directory, 'changes', sequence);
  await expect(proving(999)).rejects.toMatchObject({ code: 'ERR_COMPLIANCE_NO_PROOF' });
  const lie = { time: '2026-11-25T12:00:30.000Z', kind: 'admin', action: 'lie', by: 'E. Vil' };
  appendBlock(join(directory, 'changes/000001-2026-11-25.sqlite'), [lie], Date.parse(lie.time));
  // Behind the last checkpoint, and signed by the next start: it is in the log and counts for nothing.
  await expect(proving(20)).rejects.toThrow('no checkpoint covers such a record');
  const next = new Bench({ directory, start: '2026-11-25T12:01:00.000Z' });
  next.advance(1_500);
  next.advance(1_500);
  next.crash();
  await expect(proving(20)).rejects.toThrow('nobody had signed it when a start found it');
  await expect(proving(5)).resolves.toContain('tlog-proof');
});
