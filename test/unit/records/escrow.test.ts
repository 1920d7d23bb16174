// Keys of pseudonyms in escrow: in the records of a real recorder, and opened from them.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  openPseudonym,
  readEscrowKey,
  readEscrowPrivateKey,
  readSealedKeys,
  type SealedKey,
} from '../../../src/evidence/records/escrow.ts';
import { RecordsReader } from '../../../src/evidence/records/records-reader.ts';
import { sealingKeyId } from '../../../src/evidence/records/sealing.ts';
import { verifyRecords } from '../../../src/evidence/records/verify.ts';
import { Bench, DAY_MS, readAll, SETTINGS } from './setup.ts';

const DAYS = 30;
const IDENTITY = { kind: 'pseudonym', rotateMs: DAYS * DAY_MS } as const;
/** The recorder looks at its keys every few seconds. */
const LOOK_MS = 6_000;

const officer = (): { readonly pem: string; readonly id: string; readonly privateKey: KeyObject } => {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return {
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    id: sealingKeyId(publicKey),
    privateKey,
  };
};

const sealedIn = async (directory: string): Promise<SealedKey[]> => {
  const reader = RecordsReader.open(directory);
  try {
    return await readSealedKeys(reader);
  } finally {
    reader.close();
  }
};

const pseudonymIn = async (directory: string): Promise<string> => {
  const records = await readAll(directory, 'queries');
  const client = records
    .map((record) => (record as { client?: string }).client)
    .findLast((one) => one !== undefined);
  if (client === undefined) throw new Error('there is a client');
  return client;
};

const work = (bench: Bench): void => {
  bench.advance(LOOK_MS);
  bench.advance(LOOK_MS);
};

test('each key is sealed once, also over restarts, and opens what it made after it was destroyed', async () => {
  const safe = officer();
  const bench = new Bench({ identity: IDENTITY, escrow: safe.pem });
  bench.record(1, { client: '192.0.2.77' });
  work(bench);
  const first = await pseudonymIn(bench.directory);
  for (let day = 0; day <= DAYS; day++) bench.advance(DAY_MS);
  work(bench);
  bench.record(1, { client: '2001:db8::77' });
  const second = await pseudonymIn(bench.directory);
  await bench.recording.stop();
  const again = new Bench({
    identity: IDENTITY,
    escrow: safe.pem,
    directory: bench.directory,
    start: '2026-12-26T12:00:00Z',
  });
  work(again);
  await again.recording.stop();
  const keys = await sealedIn(bench.directory);
  expect(keys.map(({ key, escrow }) => [key, escrow])).toEqual([
    [1, safe.id],
    [2, safe.id],
  ]);
  expect(openPseudonym(first, keys, safe.privateKey)).toBe('192.0.2.77');
  expect(openPseudonym(second, keys, safe.privateKey)).toBe('2001:db8::77');
  // The records have neither the key nor the client.
  const secrets = JSON.parse(readFileSync(join(bench.directory, 'pseudonym-keys.json'), 'utf8')) as {
    keys: { key: string }[];
  };
  const text = JSON.stringify([
    await readAll(bench.directory, 'changes'),
    await readAll(bench.directory, 'queries'),
  ]);
  for (const { key } of secrets.keys) expect(text).not.toContain(key);
  expect(text).not.toContain('192.0.2.77');
  expect((await verifyRecords(bench.directory)).findings).toEqual([]);
});

test('another key of the officer has all keys that are still there sealed again, and each opens only its own', async () => {
  const before = officer();
  const after = officer();
  const bench = new Bench({ identity: IDENTITY, escrow: before.pem });
  bench.record(1, { client: '192.0.2.77' });
  work(bench);
  const pseudonym = await pseudonymIn(bench.directory);
  bench.recording.reconfigure({ ...SETTINGS, identity: IDENTITY, escrow: after.pem }, []);
  work(bench);
  const keys = await sealedIn(bench.directory);
  expect(keys.map(({ escrow }) => escrow)).toEqual([before.id, after.id]);
  for (const { privateKey } of [before, after])
    expect(openPseudonym(pseudonym, keys, privateKey)).toBe('192.0.2.77');
  const stranger = officer();
  expect(() => openPseudonym(pseudonym, keys, stranger.privateKey)).toThrow(
    `key 1 is sealed to ${before.id}, ${after.id}, and this is ${stranger.id}`,
  );
  expect(() => openPseudonym(pseudonym.replace('p:1:', 'p:9:'), keys, before.privateKey)).toThrow(
    'key 9 of this resolver was never sealed',
  );
  expect(() => openPseudonym('192.0.2.77', keys, before.privateKey)).toThrow('not of the form');
  const changed = keys.map((key) => ({ ...key, sealed: `A${key.sealed.slice(1)}` }));
  expect(() => openPseudonym(pseudonym, changed, before.privateKey)).toThrow('was changed');
  const moved = keys.map((key) => ({ ...key, key: 2 }));
  expect(() => openPseudonym(pseudonym.replace('p:1:', 'p:2:'), moved, before.privateKey)).toThrow(
    'was changed',
  );
});

test('without a key of an officer nothing is sealed', async () => {
  const bench = new Bench({ identity: IDENTITY });
  bench.record(1, { client: '192.0.2.77' });
  work(bench);
  expect(await sealedIn(bench.directory)).toEqual([]);
});

test('a key of another kind, or the other one of the pair, is refused with what to do', () => {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signing = generateKeyPairSync('ed25519');
  expect(readEscrowKey(publicPem, 'a.pem').asymmetricKeyType).toBe('x25519');
  expect(readEscrowPrivateKey(privatePem, 'a.pem').asymmetricKeyType).toBe('x25519');
  expect(() => readEscrowKey(privatePem, 'a.pem')).toThrow('reading a.pem: it is a private key');
  expect(() => readEscrowPrivateKey(publicPem, 'a.pem')).toThrow('reading a.pem');
  expect(() =>
    readEscrowKey(signing.publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'a.pem'),
  ).toThrow('no X25519 key');
  expect(() => readEscrowKey('nothing', 'a.pem')).toThrow(
    expect.objectContaining({ code: 'ERR_COMPLIANCE_ESCROW' }),
  );
});
