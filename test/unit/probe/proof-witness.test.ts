// Certificates and a witness: what it saw is proven with its time, and nothing else is, whoever holds the key of the host.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { logVerifier, openWitnessed, originOf, witness, witnessVerifier } from '../../../proof/witness.ts';
import { keyidOf } from '../../../src/evidence/probe/proof-envelope.ts';
import { formatVerifier, type Verifier } from '../../../src/wire/transparency/note.ts';
import { Witness, type Witnessed } from '../../../src/wire/transparency/witness.ts';
import { startWitness, type WitnessServer } from '../../../src/wire/transparency/witness-server.ts';

const MADE = '2026-11-30T10:00:00.000Z';
const LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };
const own = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const ORIGIN = originOf(keyidOf(own.publicKey));

const originFor = (key: KeyObject, name = ORIGIN): Verifier => {
  const found = logVerifier(name, key);
  if (found === undefined) throw new Error(name);
  return found;
};

let directory: string;
let server: WitnessServer;
let known: Verifier;
let nowMs = Date.parse(MADE);
const kept = new Map<string, Witnessed>();

beforeAll(async () => {
  const seen = new Witness('w.example/1', generateKeyPairSync('ed25519').privateKey, {
    logs: [originFor(own.publicKey), originFor(own.publicKey, 'other.example/log')],
    store: { last: (origin) => kept.get(origin), save: (one) => void kept.set(one.origin, one) },
    clock: () => nowMs,
  });
  known = seen.verifier;
  server = await startWitness(seen, { address: '127.0.0.1', family: 4, port: 0 }, LOG);
});
afterAll(() => server.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-witness-'));
  nowMs = Date.parse(MADE);
  kept.clear();
  return () => rmSync(directory, { recursive: true });
});

const place = (key = own.privateKey, origin = ORIGIN) => ({
  ...{ key, origin: originFor(key, origin), treeFile: join(directory, 'key.pem.tree') },
});
const submit = (envelope: string, at = place()) =>
  witness(envelope, at, { url: `http://${server.address}`, verifier: known, authorities: undefined });
const proofOf = async (envelope: string, at = place()): Promise<string> => {
  const found = await submit(envelope, at);
  if (!('proof' in found)) throw new Error(found.trouble);
  return found.proof;
};
const check = (proof: string, change: Partial<Parameters<typeof openWitnessed>[1]> = {}, by = known) =>
  openWitnessed(proof, { envelope: 'one\n', made: MADE, key: own.publicKey, origin: ORIGIN, ...change }, by);

test('the first and the fifth certificate are proven with the time of the witness, each by itself', async () => {
  const first = await proofOf('one\n');
  nowMs += 90_000;
  for (const text of ['two\n', 'three\n', 'four\n']) await proofOf(text);
  const fifth = await proofOf('five\n');
  expect(check(first)).toEqual({ time: MADE });
  expect(check(fifth, { envelope: 'five\n' })).toEqual({ time: '2026-11-30T10:01:30.000Z' });
  expect(kept.get(ORIGIN)?.size).toBe(5);
});

test('a witness that was away is asked from where it knows, and what it did not see has no proof', async () => {
  await proofOf('one\n');
  const away = { url: 'http://127.0.0.1:1', verifier: known, authorities: undefined };
  expect(await witness('two\n', place(), away)).toMatchObject({
    trouble: expect.stringContaining('ECONNREFUSED'),
  });
  expect(check(await proofOf('three\n'), { envelope: 'three\n' })).toEqual({ time: MADE });
  expect(kept.get(ORIGIN)?.size).toBe(3);
  expect(existsSync(join(directory, 'key.pem.tree.lock'))).toBe(false);
});

test('a copy of the host that was put back, and a key that is used twice, are found', async () => {
  const [tree, copy] = [join(directory, 'key.pem.tree'), join(directory, 'copy')];
  await proofOf('one\n');
  copyFileSync(tree, copy);
  await proofOf('two\n');
  await proofOf('three\n');
  copyFileSync(copy, tree);
  // Shorter than what the witness knows, and then as long, with another history.
  expect(await submit('four\n')).toMatchObject({ trouble: expect.stringContaining('a copy was put back') });
  expect(await submit('five\n')).toHaveProperty('trouble');
  expect(await submit('six\n')).toHaveProperty('trouble');
});

test('two at once do not write into one tree', async () => {
  writeFileSync(join(directory, 'key.pem.tree.lock'), '');
  expect(await submit('one\n')).toMatchObject({ trouble: expect.stringContaining('another proof') });
  expect(kept.size).toBe(0);
});

test('a tree that cannot be opened, or has no place, is told, and holds up no later proof', async () => {
  const tree = join(directory, 'key.pem.tree');
  mkdirSync(tree);
  expect(await submit('one\n')).toMatchObject({ trouble: expect.stringContaining('EISDIR') });
  expect(existsSync(`${tree}.lock`)).toBe(false);
  rmdirSync(tree);
  expect(check(await proofOf('one\n'))).toEqual({ time: MADE });
  const nowhere = { ...place(), treeFile: join(directory, 'none', 'tree') };
  expect(await submit('one\n', nowhere)).toMatchObject({ trouble: expect.stringContaining('ENOENT') });
});

test('a log that the witness does not know is refused', async () => {
  expect(await submit('one\n', place(other.privateKey, 'unknown.example'))).toHaveProperty('trouble');
});

describe('who verifies finds', () => {
  test('another certificate, key, log or witness', async () => {
    const proof = await proofOf('one\n');
    const stranger = new Witness('w.example/1', other.privateKey, {
      ...{ logs: [], store: { last: () => undefined, save: () => undefined }, clock: () => 0 },
    }).verifier;
    const faults = [
      check(proof, { envelope: 'two\n' }),
      check(proof, { key: other.publicKey }),
      check(proof, { origin: 'other.example/log' }),
      check(proof, {}, stranger),
      check(await proofOf('one\n', place(own.privateKey, 'other.example/log'))),
    ];
    expect(
      faults.map((one) => 'fault' in one && one.fault.replace(/^the proof of the witness /, '')),
    ).toEqual([
      'is of another certificate',
      'is not signed by the witness and by the key of the certificate',
      `is of the log ${ORIGIN}`,
      'is not signed by the witness and by the key of the certificate',
      'is of the log other.example/log',
    ]);
  });

  test('a clock that was set back or ahead', async () => {
    const proof = await proofOf('one\n');
    expect(check(proof, { made: '2026-11-30T09:00:00.000Z' })).toEqual({ time: MADE });
    for (const made of ['2026-11-30T08:59:59.000Z', '2026-11-30T10:10:01.000Z', 'yesterday'])
      expect(check(proof, { made })).toEqual({ fault: expect.stringContaining('the witness saw it at') });
  });

  test('each changed byte of a proof', async () => {
    await proofOf('zero\n');
    const proof = await proofOf('one\n');
    const accepted: number[] = [];
    for (let at = 0; at < proof.length; at++) {
      const bytes = Buffer.from(proof);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      const changed = bytes.toString('utf8');
      if (changed !== proof && !('fault' in check(changed))) accepted.push(at);
    }
    expect(accepted).toEqual([]);
    expect(check(proof)).toEqual({ time: MADE });
    expect(check(readFileSync('package.json', 'utf8'))).toHaveProperty('fault');
  });
});

test('a verifier key of a log is none of a witness', () => {
  expect(witnessVerifier(formatVerifier(known))?.name).toBe('w.example/1');
  expect(witnessVerifier(formatVerifier(originFor(own.publicKey)))).toBe(undefined);
  expect(witnessVerifier('w.example/1+00000000+AAAA')).toBe(undefined);
});
