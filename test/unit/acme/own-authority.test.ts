import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAuthority, issueCertificate } from '../../../src/wire/acme/acme.ts';
import { openssl } from '../../support/certificates.ts';

const DAY_MS = 86_400_000;
const NAMES = ['nats1.example', 'localhost', '192.0.2.1', '2001:db8::1'];

test('a certificate of an own authority is one to OpenSSL, for servers and for clients', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-authority-'));
  try {
    const authority = createAuthority('Cordon fleet of ns1', Date.now());
    const { cert } = issueCertificate(authority, NAMES, Date.now());
    writeFileSync(join(directory, 'ca.pem'), authority.cert);
    writeFileSync(join(directory, 'cert.pem'), cert);
    for (const purpose of ['sslserver', 'sslclient'])
      for (const name of [
        ['-verify_hostname', 'nats1.example'],
        ['-verify_ip', '2001:db8::1'],
      ])
        expect(
          openssl(
            directory,
            'verify',
            '-x509_strict',
            '-purpose',
            purpose,
            ...name,
            '-CAfile',
            'ca.pem',
            'cert.pem',
          ).toString(),
        ).toContain('OK');
    // What is no authority signs nothing that is believed.
    const server = issueCertificate(authority, NAMES, Date.now());
    const below = issueCertificate(server, ['other.example'], Date.now());
    writeFileSync(join(directory, 'server.pem'), server.cert);
    writeFileSync(join(directory, 'below.pem'), below.cert);
    expect(() =>
      openssl(directory, 'verify', '-CAfile', 'ca.pem', '-untrusted', 'server.pem', 'below.pem'),
    ).toThrow('Command failed');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test.each([Date.parse('2026-11-30T00:00:00Z'), Date.parse('2048-06-01T00:00:00Z')])(
  'no certificate is for longer than the one that signed it, nor beyond the time that its form can say',
  (nowMs) => {
    const authority = createAuthority('Cordon fleet of ns1', nowMs);
    const above = Date.parse(new X509Certificate(authority.cert).validTo);
    expect(above).toBeLessThanOrEqual(Date.parse('2049-12-31T00:00:00Z'));
    const late = above - 10 * DAY_MS;
    const { cert } = issueCertificate(authority, NAMES, late);
    expect(Date.parse(new X509Certificate(cert).validTo)).toBe(above);
    expect(Date.parse(new X509Certificate(cert).validFrom)).toBeLessThan(late);
  },
);

test('a key that is not the authority’s signs nothing', () => {
  const [one, other] = [createAuthority('one', Date.now()), createAuthority('other', Date.now())];
  expect(() => issueCertificate({ cert: one.cert, key: other.key }, NAMES, Date.now())).toThrow(
    'is not that',
  );
});
