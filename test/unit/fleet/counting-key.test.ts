// The key under which a fleet counts clients, on its way from the authority to a resolver.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { giveCountingKey, keepCountingKey, makeCountingKey } from '../../../src/fleet/counting-key.ts';
import { createKeyFile } from '../../../src/fleet/key.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-counting-'));
  for (const name of ['authority', 'ns1', 'ns2'])
    mkdirSync(join(directory, name, 'fleet'), { recursive: true });
});
afterEach(() => rmSync(directory, { recursive: true }));

const stateOf = (name: string): string => join(directory, name);
const kept = (name: string): string => join(directory, name, 'fleet/counting-key');
const seedOf = (pair: ReturnType<typeof createUser>): string =>
  Buffer.from(pair.getSeed()).toString('latin1');

test('a resolver gets the key of the authority, sealed to its own key: for many keys, each time', () => {
  const authority = createKeyFile(join(directory, 'authority.pem'));
  const secret = makeCountingKey(stateOf('authority'));
  expect(makeCountingKey(stateOf('authority'))).toEqual(secret);
  for (let round = 0; round < 50; round++) {
    const pair = createUser();
    const given = giveCountingKey(secret, 'ns1', pair.getPublicKey(), authority);
    if (given === undefined) throw new Error('it is a key');
    expect(Buffer.from(given.sealed, 'base64').includes(Buffer.from(secret))).toBe(false);
    rmSync(kept('ns1'), { force: true });
    expect(keepCountingKey(stateOf('ns1'), given, 'ns1', seedOf(pair), [authority.publicKey])).toBe(true);
    expect(readFileSync(kept('ns1'))).toEqual(Buffer.from(secret));
  }
});

test('what another one sealed, or for another resolver, or to another key, is not kept', () => {
  const authority = createKeyFile(join(directory, 'authority.pem'));
  const thief = createKeyFile(join(directory, 'thief.pem'));
  const secret = makeCountingKey(stateOf('authority'));
  const pair = createUser();
  const given = giveCountingKey(secret, 'ns1', pair.getPublicKey(), authority);
  const forged = giveCountingKey(secret, 'ns1', pair.getPublicKey(), thief);
  const short = giveCountingKey(secret.subarray(1), 'ns1', pair.getPublicKey(), authority);
  if (given === undefined || forged === undefined || short === undefined) throw new Error('they are keys');
  const keep = (what: typeof given, name = 'ns1', by = pair): boolean =>
    keepCountingKey(stateOf('ns2'), what, name, seedOf(by), [authority.publicKey]);
  expect([keep(forged), keep(given, 'ns2'), keep(given, 'ns1', createUser()), keep(short)]).toEqual([
    ...[false, false, false, false],
  ]);
  expect(keep({ ...given, sealed: forged.sealed })).toBe(false);
  expect(existsSync(kept('ns2'))).toBe(false);
  expect(giveCountingKey(secret, 'ns1', 'no key', authority)).toBeUndefined();
  expect(keep(given)).toBe(true);
});
