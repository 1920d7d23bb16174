// Files of revoked certificates: lists that openssl made, hashes, and what is neither.
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { type RevocationList, readRevocations, serialKey } from '../../../src/wire/tls/revocation.ts';
import { CertificateAuthority, type Issued } from '../../support/certificates.ts';

const readWith = (
  text: string | Uint8Array,
  authorities: readonly CertificateAuthority[] = [],
  before: readonly RevocationList[] = [],
) => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-revoked-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'revoked.txt');
  writeFileSync(path, text);
  return readRevocations(
    path,
    authorities.map(({ certificate }) => certificate),
    before,
  );
};
const read = (text: string | Uint8Array, ...authorities: CertificateAuthority[]) => {
  const { fingerprints, serials } = readWith(text, authorities);
  return { fingerprints, serials };
};

const keyOf = ({ certificate }: Issued): string | undefined =>
  serialKey(new X509Certificate(certificate).raw);

test('a list names the certificates that it revokes, and no others', () => {
  const authority = CertificateAuthority.create();
  const [first, second, third] = [1, 2, 3].map(() => authority.issue({ names: ['DNS:a.example'] }));
  if (first === undefined || second === undefined || third === undefined) throw new Error('no certificates');
  expect(read(authority.revoke(first), authority)).toEqual({ fingerprints: [], serials: [keyOf(first)] });
  const both = read(authority.revoke(second), authority);
  expect(new Set(both.serials)).toEqual(new Set([keyOf(first), keyOf(second)]));
  expect(both.serials).not.toContain(keyOf(third));
  // The same serial number of another authority is another certificate.
  const other = CertificateAuthority.create('Another authority').issue({ names: ['DNS:a.example'] });
  expect(both.serials).not.toContain(keyOf(other));
});

test('a list of nobody revokes nobody', () => {
  const authority = CertificateAuthority.create();
  const revoked = authority.issue({ names: ['DNS:a.example'] });
  authority.revoke(revoked);
  expect(read('# nobody\n\n')).toEqual({ fingerprints: [], serials: [] });
});

test('hashes stand one a line, with colons or without, and comments', () => {
  const digits = 'ab'.repeat(32);
  const colons = `${'CD:'.repeat(31)}CD`;
  expect(read(`${digits} # lost in March\n#${digits}\n  ${colons}\r\n`)).toEqual({
    fingerprints: [digits, 'cd'.repeat(32)],
    serials: [],
  });
});

test.each([
  ['words', 'laptop-17\n'],
  ['a hash that is cut', `${'ab'.repeat(31)}\n`],
  ['a list that is cut', '-----BEGIN X509 CRL-----\nMIIBIjCByQIB\n-----END X509 CRL-----\n'],
  ['a list of nothing', '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n'],
])('%s is refused', (_name, text) => {
  expect(() => read(text)).toThrow(/ERR_CERTIFICATE_REVOCATIONS|revoked client certificates/);
});

test('a list that nobody signed who signs devices is refused, with the reason', () => {
  const authority = CertificateAuthority.create();
  const stranger = CertificateAuthority.create('A stranger');
  // The name of the authority, and a key of somebody else's.
  const forger = CertificateAuthority.create();
  const list = authority.revoke(authority.issue({ names: ['DNS:a.example'] }));
  expect(() => read(list)).toThrow('its issuer is none of tls.client-authorities');
  expect(() => read(list, stranger)).toThrow('its issuer is none of tls.client-authorities');
  expect(() => read(list, forger)).toThrow('its signature is not that of its issuer');
  expect(read(list, stranger, forger, authority).serials).toHaveLength(1);
  // One octet of a serial number, far before the signature.
  const [, body = ''] = /CRL-----([^-]+)---/.exec(list) ?? [];
  const der = Buffer.from(body, 'base64');
  const serial = keyOf(authority.issue({ names: ['DNS:b.example'] }))?.split(' ')[1] ?? '';
  const revoked = read(list, authority).serials[0]?.split(' ')[1] ?? '';
  expect(serial).not.toBe(revoked);
  const at = der.indexOf(Buffer.from(revoked, 'hex'));
  expect(at).toBeGreaterThan(0);
  der[at + 3] = (der[at + 3] ?? 0) ^ 1;
  const changed = `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`;
  expect(() => read(changed, authority)).toThrow('its signature is not that of its issuer');
});

test('a list that is older than the one in force is refused: it would revive what was revoked since', () => {
  const authority = CertificateAuthority.create();
  const list = authority.revoke(authority.issue({ names: ['DNS:a.example'] }));
  const [known] = readWith(list, [authority]).lists;
  if (known === undefined) throw new Error('no list');
  expect(Math.abs(known.madeMs - Date.now())).toBeLessThan(3_600_000);
  expect((known.nextMs ?? 0) - known.madeMs).toBe(86_400_000);
  expect(readWith(list, [authority], [known]).serials).toHaveLength(1);
  const later = { ...known, madeMs: known.madeMs + 1000 };
  expect(() => readWith(list, [authority], [later])).toThrow('older than the one of');
});

test('a file that is not there is refused', () => {
  expect(() => readRevocations('/nowhere/revoked.txt', [])).toThrow(/ENOENT/);
});

test('no bytes make the readers throw anything else, or read beyond them', () => {
  const authority = CertificateAuthority.create();
  const issued = authority.issue({ names: ['DNS:a.example'] });
  const der = new X509Certificate(issued.certificate).raw;
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.nat(255), fc.nat(der.length), (at, byte, end) => {
      const changed = Uint8Array.from(der);
      changed[at] = byte;
      const key = serialKey(changed.subarray(0, end));
      expect(key === undefined || /^[0-9a-f]{64} [0-9a-f]*$/.test(key)).toBe(true);
    }),
  );
  const [, body = ''] = /CRL-----([^-]+)---/.exec(authority.revoke(issued)) ?? [];
  const list = Buffer.from(body, 'base64');
  fc.assert(
    fc.property(fc.nat(list.length - 1), fc.nat(255), fc.nat(list.length), (at, byte, end) => {
      const changed = Uint8Array.from(list);
      changed[at] = byte;
      const text = Buffer.from(changed.subarray(0, end)).toString('base64');
      try {
        readWith(`-----BEGIN X509 CRL-----\n${text || '='}\n-----END X509 CRL-----\n`, [authority]);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'ERR_CERTIFICATE_REVOCATIONS' });
      }
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['what changed since another list', '2.5.29.27 = critical,DER:020101'],
  [
    'some reasons alone',
    'issuingDistributionPoint = critical,@some\n[some]\nonlysomereasons = keyCompromise',
  ],
  ['certificates of others', 'issuingDistributionPoint = critical,@some\n[some]\nindirectCRL = TRUE'],
  ['something that nobody knows', '1.2.3.4.5 = critical,DER:0500'],
])(
  'a list of %s is refused, and one with the extension that is not critical is read where that changes nothing',
  (_what, extension) => {
    const authority = CertificateAuthority.create();
    const revoked = authority.issue({ names: ['DNS:a.example'] });
    authority.revoke(revoked);
    expect(() => read(authority.list(extension), authority)).toThrow(
      /cannot be believed: it is not the whole list/,
    );
    expect(read(authority.list('1.2.3.4.5 = DER:0500'), authority).serials).toEqual([keyOf(revoked)]);
  },
);

test('a list of one kind of certificates does not take the place of another one', () => {
  const authority = CertificateAuthority.create();
  authority.revoke(authority.issue({ names: ['DNS:a.example'] }));
  const scoped = (what: string) =>
    authority.list(`issuingDistributionPoint = critical,@some\n[some]\n${what} = TRUE`);
  const whole = readWith(authority.list(), [authority]);
  const ofUsers = readWith(scoped('onlyuser'), [authority]);
  expect(ofUsers.serials).toHaveLength(1);
  expect(() => readWith(scoped('onlyCA'), [authority], whole.lists)).toThrow(/lacks the list/);
  expect(() => readWith(scoped('onlyCA'), [authority], ofUsers.lists)).toThrow(/lacks the list/);
  expect(readWith(`${scoped('onlyCA')}${scoped('onlyuser')}`, [authority], ofUsers.lists).lists).toHaveLength(
    2,
  );
});

test('a file without a list that is in force is refused, while its authority is one', () => {
  const [first, second] = ['first', 'second'].map((name) => CertificateAuthority.create(name));
  if (first === undefined || second === undefined) throw new Error('no authorities');
  const [lost, other] = [first, second].map((one) => one.revoke(one.issue({ names: ['DNS:a.example'] })));
  const both = [first, second];
  const { lists } = readWith(`${lost}${other}`, both);
  for (const text of ['', other ?? '', '# nobody\n', `${'ab'.repeat(32)}\n`])
    expect(() => readWith(text, both, lists)).toThrow(/lacks the list/);
  expect(readWith(other ?? '', [second], lists).serials).toHaveLength(1);
});

test('a list that is cut behind a whole one is a fault', () => {
  const [first, second] = ['first', 'second'].map((name) => CertificateAuthority.create(name));
  if (first === undefined || second === undefined) throw new Error('no authorities');
  const [one, other = ''] = [first, second].map((signer) =>
    signer.revoke(signer.issue({ names: ['DNS:a.example'] })),
  );
  expect(() => read(`${one}${other.slice(0, -60)}`, first, second)).toThrow(/cut/);
});
