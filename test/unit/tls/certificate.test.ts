// What is wrong with certificate files, in words: the file, the reason, what to do.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import { assertValid, type CertificateFacts, readCertificate } from '../../../src/wire/tls/tls.ts';
import { CertificateAuthority, type Issued, openssl } from '../../support/certificates.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-tls-'));
let authority: CertificateAuthority;
let issued: Issued;
let other: Issued;

beforeAll(() => {
  authority = CertificateAuthority.create();
  issued = authority.issue({ names: ['DNS:dns.example.net', 'IP:192.0.2.1'] });
  other = authority.issue({ names: ['DNS:dns.example.org'] });
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const write = (name: string, content: string | Uint8Array): string => {
  const path = join(directory, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};

const read = (cert: string | Uint8Array, key: string | Uint8Array, ocsp?: Uint8Array) =>
  readCertificate({
    certPath: write('cert.pem', cert),
    keyPath: write('key.pem', key),
    ocspPath: ocsp && write('cert.ocsp', ocsp),
    clientAuthorityPaths: [],
  });

const faultOf = (run: () => unknown): AppError => {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was wrong');
};

test('a pair that fits is read with what is worth telling of it', () => {
  const { material, facts } = read(issued.certificate + authority.certificate, issued.key);
  expect(material.cert.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  expect(material).toMatchObject({ key: issued.key, ocsp: undefined });
  expect(facts).toMatchObject({ names: ['DNS:dns.example.net', 'IP Address:192.0.2.1'], notes: [] });
  expect(facts.issuer).toBe('CN=Test authority');
  expect(facts.endMs).toBeGreaterThan(Date.now());
});

test('texts around the certificate and the key are left out', () => {
  const { material } = read(`Bag Attributes\n${issued.certificate}`, `# mine\n${issued.key}`);
  expect(material.cert).toBe(issued.certificate);
  expect(material.key).toBe(issued.key);
});

const encrypted = (): string => {
  const path = write('plain.pem', issued.key);
  return openssl(directory, 'pkey', '-in', path, '-aes256', '-passout', 'pass:secret').toString();
};
const short = (): string => openssl(directory, 'genrsa', '1024').toString();
const broken = (pem: string): string => pem.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA');

test.each([
  ['a certificate that is none', 'FORM', 'holds no certificate in PEM', () => read('nothing', issued.key)],
  ['DER in place of PEM', 'FORM', 'openssl x509', () => read(Uint8Array.of(0x30, 0x82), issued.key)],
  [
    'a certificate that was cut',
    'FORM',
    'certificate 1 of ',
    () => read(issued.certificate.replace(/(BEGIN CERTIFICATE-----\n.{64}\n)[^-]+/, '$1'), issued.key),
  ],
  ['too many certificates', 'FORM', '11 certificates', () => read(issued.certificate.repeat(11), issued.key)],
  ['a key that is none', 'KEY', 'holds no private key', () => read(issued.certificate, issued.certificate)],
  ['a key with a passphrase', 'KEY', 'has a passphrase', () => read(issued.certificate, encrypted())],
  ['a damaged key', 'KEY', 'key.pem', () => read(issued.certificate, broken(issued.key))],
  ['a short key', 'KEY', 'has 1024 bits', () => read(issued.certificate, short())],
  ["another one's key", 'MISMATCH', 'does not belong to', () => read(issued.certificate, other.key)],
  [
    'a chain in the wrong order',
    'MISMATCH',
    'belongs to certificate 2 of',
    () => read(other.certificate + issued.certificate, issued.key),
  ],
  ['no OCSP response', 'OCSP', 'cert.ocsp', () => read(issued.certificate, issued.key, Uint8Array.of(1, 2))],
  [
    'an OCSP response that says try later',
    'OCSP',
    'successful',
    () => read(issued.certificate, issued.key, Uint8Array.of(0x30, 3, 0x0a, 1, 3)),
  ],
])('%s is ERR_CERTIFICATE_%s', (_name, code, part, run) => {
  const fault = faultOf(run);
  expect(fault.code).toBe(`ERR_CERTIFICATE_${code}`);
  expect(`${fault.message} ${fault.hint}`).toContain(part);
  expect(fault.message).toContain(directory);
  expect(fault.message).not.toContain('PRIVATE');
});

test('files that cannot be read are named with the reason', () => {
  const keyPath = write('key.pem', issued.key);
  const missing = {
    certPath: join(directory, 'absent.pem'),
    keyPath,
    ocspPath: undefined,
    clientAuthorityPaths: [],
  };
  expect(faultOf(() => readCertificate(missing)).message).toContain(
    'absent.pem cannot be read: there is no such file',
  );
  const folder = { ...missing, certPath: directory };
  expect(faultOf(() => readCertificate(folder)).code).toBe('ERR_CERTIFICATE_READ');
});

test('a key that everybody may read, and a certificate without names, are remarked', () => {
  const certPath = write('cert.pem', authority.issue({ names: [] }).certificate);
  const named = write('named.pem', issued.certificate);
  const keyPath = write('key.pem', issued.key);
  chmodSync(keyPath, 0o644);
  expect(
    readCertificate({ certPath: named, keyPath, ocspPath: undefined, clientAuthorityPaths: [] }).facts.notes,
  ).toEqual([expect.stringContaining('everybody on this host may read the key')]);
  expect(
    faultOf(() => readCertificate({ certPath, keyPath, ocspPath: undefined, clientAuthorityPaths: [] })).code,
  ).toBe('ERR_CERTIFICATE_MISMATCH');
});

test('validity is judged by the whole chain', () => {
  const facts: CertificateFacts = {
    names: [],
    issuer: '',
    startMs: 1_000_000,
    endMs: 2_000_000,
    fingerprint: '',
    notes: [],
  };
  expect(() => assertValid(facts, 'cert.pem', 1_500_000)).not.toThrow();
  for (const [nowMs, part] of [
    [999_999, 'is not valid before 1970-01-01T00:16:40.000Z'],
    [2_000_000, 'expired at 1970-01-01T00:33:20.000Z'],
  ] as const) {
    const fault = faultOf(() => assertValid(facts, 'cert.pem', nowMs));
    expect(fault.code).toBe('ERR_CERTIFICATE_VALIDITY');
    expect(fault.message).toContain(part);
  }
});

test('an expired certificate is read, with its end', () => {
  const expired = authority.issue({ names: ['DNS:dns.example.net'], endsInDays: -1 });
  expect(read(expired.certificate, expired.key).facts.endMs).toBeLessThan(Date.now());
});
