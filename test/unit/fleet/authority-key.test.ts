// The key of an authority whose replacement ended on the way.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readAuthorityKey, replaceAuthorityKey } from '../../../src/fleet/authority-key.ts';
import { NO_END, signEntry } from '../../../src/fleet/entry.ts';
import { fleetPath } from '../../../src/fleet/identity.ts';
import { createKeyFile, formatPublicKey, type SigningKey } from '../../../src/fleet/key.ts';
import { Membership } from '../../../src/fleet/membership.ts';

let state: string;
let key: SigningKey;
let membership: Membership;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'cordon-authority-key-'));
  const path = fleetPath(state, 'authorityKey');
  mkdirSync(dirname(path));
  key = createKeyFile(path);
  membership = new Membership([formatPublicKey(key.publicKey)]);
});
afterEach(() => rmSync(state, { recursive: true }));

/** The entry that says so is in the log. */
const take = (body: object): void => {
  const about = { time: '2026-11-26T08:00:00.000Z', kind: 'authority-key', must: true } as const;
  membership.take(signEntry(NO_END, { ...about, body: JSON.stringify(body) }, key));
};

test('a crash behind the entry: the next start signs with the key that the log names', async () => {
  const replacing = replaceAuthorityKey(state, key, (body) => {
    take(body);
    throw new Error('killed');
  });
  await expect(replacing).rejects.toThrow('killed');
  const next = readAuthorityKey(state, membership);
  expect([next.keyId === key.keyId, membership.hasKey(next.keyId)]).toEqual([false, true]);
  expect(readAuthorityKey(state, membership).keyId).toBe(next.keyId);
});

test('a crash before the entry: the key in use goes on', async () => {
  await expect(replaceAuthorityKey(state, key, () => Promise.reject(new Error('killed')))).rejects.toThrow();
  expect(readAuthorityKey(state, membership).keyId).toBe(key.keyId);
  const replaced = await replaceAuthorityKey(state, key, (body) => {
    take(body);
    return Promise.resolve();
  });
  expect(readAuthorityKey(state, membership).keyId).toBe(replaced.keyId);
});

test('another authority has taken over: the key stays the one that nobody trusts', () => {
  createKeyFile(`${fleetPath(state, 'authorityKey')}.next`);
  const other = createKeyFile(join(state, 'other.pem'));
  take({ add: formatPublicKey(other.publicKey), remove: formatPublicKey(key.publicKey) });
  expect(readAuthorityKey(state, membership).keyId).toBe(key.keyId);
});
