// Sealing: as RFC 9180 has it, and for one key, use and subject only.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { seal, sealingKeyId, unseal } from '../../../src/evidence/records/sealing.ts';

const fromHex = (text: string): Buffer => Buffer.from(text, 'hex');
const privateKey = (hex: string): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([fromHex('302e020100300506032b656e04220420'), fromHex(hex)]),
    format: 'der',
    type: 'pkcs8',
  });

/** RFC 9180 appendix A.1.1: base mode, first message. */
const VECTOR = {
  info: '4f6465206f6e2061204772656369616e2055726e',
  ephemeral: '52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736',
  encapsulated: '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431',
  recipient: '4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8',
  plain: '4265617574792069732074727574682c20747275746820626561757479',
  additional: '436f756e742d30',
  sealed: 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
};

test('seal() gives what RFC 9180 appendix A.1.1 has, and unseal() opens it', () => {
  const recipient = privateKey(VECTOR.recipient);
  const what = { use: fromHex(VECTOR.info).toString(), about: fromHex(VECTOR.additional).toString() };
  const sealed = seal(createPublicKey(recipient), what, fromHex(VECTOR.plain), privateKey(VECTOR.ephemeral));
  expect(Buffer.from(sealed, 'base64').toString('hex')).toBe(VECTOR.encapsulated + VECTOR.sealed);
  expect(unseal(recipient, what, sealed)?.toString('hex')).toBe(VECTOR.plain);
});

test('what was sealed opens with its key, use and subject, unchanged, and with nothing else', () => {
  const own = generateKeyPairSync('x25519');
  const other = generateKeyPairSync('x25519');
  const what = { use: 'a use', about: 'a subject' };
  const sealed = seal(own.publicKey, what, Buffer.from('secret'));
  expect(unseal(own.privateKey, what, sealed)?.toString()).toBe('secret');
  expect(seal(own.publicKey, what, Buffer.from('secret'))).not.toBe(sealed);
  expect(unseal(other.privateKey, what, sealed)).toBeUndefined();
  expect(unseal(own.privateKey, { ...what, use: 'another' }, sealed)).toBeUndefined();
  expect(unseal(own.privateKey, { ...what, about: 'another' }, sealed)).toBeUndefined();
  for (const text of ['', 'AAAA', sealed.slice(4), sealed.slice(0, -4)])
    expect(unseal(own.privateKey, what, text)).toBeUndefined();
  const bytes = Buffer.from(sealed, 'base64');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(unseal(own.privateKey, what, changed.toString('base64')), `byte ${at}`).toBeUndefined();
  }
  // A public key of small order would make a secret that everybody knows.
  const small = Buffer.concat([Buffer.alloc(32), bytes.subarray(32)]).toString('base64');
  expect(unseal(own.privateKey, what, small)).toBeUndefined();
  expect(sealingKeyId(own.publicKey)).toMatch(/^[0-9a-f]{16}$/);
  expect(sealingKeyId(own.publicKey)).not.toBe(sealingKeyId(other.publicKey));
});
