// Whose certificates encrypted upstreams may have: `resolver.ca` of the configuration, as PEM.
//
// Read where routes are built, so that whatever asks upstreams of a configuration trusts the same authorities: workers,
// the main thread, `cordon explain` and `cordon check`. Read again at each reload.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AppError, errorText, systemErrorCode } from '../../base/base.ts';
import { BUNDLED_AUTHORITIES, SYSTEM_AUTHORITIES } from '../../config/config.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** A store of a system has some 150 KB; what is longer is no file of authorities. */
const FILE_LENGTH_MAX = 4 << 20;

/** Loaded where somebody names authorities: it takes 6 MiB. */
const loadTls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');

/**
 * The authorities in PEM, one a text; undefined: those that Node.js trusts by itself, NODE_EXTRA_CA_CERTS included.
 * Throws ERR_UPSTREAM_CERTIFICATE for a file that cannot be read or holds none.
 */
export const readAuthorities = (ca: readonly string[]): readonly string[] | undefined => {
  if (ca.every((word) => word === BUNDLED_AUTHORITIES)) return undefined;
  return [...new Set(ca.flatMap(readOne))];
};

const readOne = (word: string): readonly string[] => {
  if (word === BUNDLED_AUTHORITIES) return loadTls().rootCertificates;
  if (word === SYSTEM_AUTHORITIES) return loadTls().getCACertificates('system');
  const certificates = readText(word).match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw unreadable(word, 'no certificate in PEM');
  for (const pem of certificates) {
    try {
      new X509Certificate(pem);
    } catch (thrown) {
      throw unreadable(word, errorText(thrown), thrown);
    }
  }
  return certificates;
};

const readText = (path: string): string => {
  try {
    const text = readFileSync(path, 'latin1');
    if (text.length > FILE_LENGTH_MAX) throw unreadable(path, `over ${FILE_LENGTH_MAX} bytes`);
    return text;
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined || thrown instanceof AppError) throw thrown;
    throw unreadable(path, errorText(thrown), thrown);
  }
};

const unreadable = (path: string, why: string, cause?: unknown): AppError<'ERR_UPSTREAM_CERTIFICATE'> =>
  new AppError('ERR_UPSTREAM_CERTIFICATE', `reading the authorities ${path}: ${why}`, {
    cause,
    hint: 'resolver.ca names the file; it has to hold certificates in PEM, each between BEGIN CERTIFICATE and END CERTIFICATE',
  });
