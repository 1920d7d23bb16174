import { expect, test } from 'vitest';
import { versionFault } from '../../../src/wire/quic/openssl.ts';

test.each<[version: string, isSafe: boolean]>([
  ['OpenSSL 3.5.8 1 Sep 2026', true],
  ['OpenSSL 3.5.9 29 Sep 2026', true],
  ['OpenSSL 3.5.10 1 Dec 2026', true],
  ['OpenSSL 3.5.7 1 Aug 2026', false],
  ['OpenSSL 3.6.3 1 Aug 2026', false],
  ['OpenSSL 3.6.4 1 Sep 2026', true],
  ['OpenSSL 3.4.9 1 Sep 2026', false],
  ['OpenSSL 4.0.0 1 Sep 2026', false],
  ['BoringSSL', false],
  ['', false],
])('a server runs on %s: %s', (version, isSafe) => {
  expect(versionFault(version) === '').toBe(isSafe);
});
