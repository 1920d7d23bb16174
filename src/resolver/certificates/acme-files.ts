// What ACME keeps in the state directory: the account with its key, and the certificate with its key in one file, so that both change
// together. And what its section of the configuration names: the key of an external account, and authorities. Files of mode 0600.
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isAppError, readRegularFile, replaceFile, systemErrorCode } from '../../base/base.ts';
import type { Config, TlsConfig } from '../../config/config.ts';
import {
  acmeError,
  createKey,
  type ExternalAccount,
  exportKey,
  type IssuedCertificate,
  namesOf,
} from '../../wire/acme/acme.ts';
import { readCertificate } from '../../wire/tls/tls.ts';
import { ACME_CERTIFICATE, ACME_DIRECTORY, certificateFilesOf } from './certificate-files.ts';

/** Its section of the configuration. */
export type AcmeConfig = NonNullable<TlsConfig['acme']>;

const DIRECTORY_MODE = 0o700;
const ACCOUNT_BYTES_MAX = 16_384;
const CA_BYTES_MAX = 256 * 1024;
/** HMAC-SHA-256 by RFC 2104 section 3, less than which no authority gives. */
const MAC_BYTES_MIN = 16;
const MAC_KEY = /^[A-Za-z0-9_-]{22,1024}={0,2}$/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** Before the certificate: where it came from. */
const ORIGIN = /^# (https:\S+)$/m;

/** An account at one directory. */
export interface KeptAccount {
  readonly key: KeyObject;
  /** Its address there; undefined: it is not registered. */
  readonly url: string | undefined;
  readonly contact: string | undefined;
}

/** What is known of the certificate that is kept. */
export interface KeptCertificate {
  readonly leaf: X509Certificate;
  /** As OpenSSL prints them. */
  readonly names: readonly string[];
  /** Of the directory that gave it. */
  readonly directory: string | undefined;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
}

/** The account at a directory; a new key where there is none, or where what was kept is damaged. */
export const readAccount = (config: Config, { directory }: AcmeConfig): KeptAccount => {
  try {
    const text = readRegularFile(accountPath(config, directory), ACCOUNT_BYTES_MAX).toString('utf8');
    const { key, url, contact } = JSON.parse(text) as Record<string, unknown>;
    if (typeof key === 'string' && typeof url === 'string') {
      return { key: createPrivateKey(key), url, contact: typeof contact === 'string' ? contact : undefined };
    }
  } catch {
    // Whatever is wrong with it: another account does as well.
  }
  return { key: createKey(), url: undefined, contact: undefined };
};

/** Keeps an account; throws ERR_ACME_FILE. */
export const keepAccount = (
  config: Config,
  { directory }: AcmeConfig,
  account: KeptAccount,
): Promise<void> => {
  const { key, url, contact } = account;
  const text = JSON.stringify({ directory, url, contact, key: exportKey(key) }, undefined, 2);
  return keep(config, accountPath(config, directory), `${text}\n`);
};

/** The certificate that is kept; undefined where there is none that can be used. */
export const readKeptCertificate = (config: Config): KeptCertificate | undefined => {
  const files = certificateFilesOf(config);
  if (files === undefined || !existsSync(files.certPath)) return undefined;
  try {
    const { material, facts } = readCertificate({ ...files, clientAuthorityPaths: [] });
    const leaf = new X509Certificate(material.cert);
    const [, directory] = ORIGIN.exec(readFileSync(files.certPath, 'latin1')) ?? [];
    return { leaf, names: namesOf(leaf), directory, startMs: facts.startMs, endMs: facts.endMs };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return undefined;
  }
};

/** Keeps a certificate with its key, in place of the one before; throws ERR_ACME_FILE. */
export const keepCertificate = (
  config: Config,
  { directory }: AcmeConfig,
  issued: IssuedCertificate,
): Promise<void> =>
  keep(
    config,
    join(config.stateDirectory, ACME_DIRECTORY, ACME_CERTIFICATE),
    `# ${directory}\n${issued.cert}${issued.key}`,
  );

/** By which the authority knows whose account it is; throws ERR_ACME_EXTERNAL_ACCOUNT, which names the file and nothing of the key. */
export const readExternalAccount = ({ externalAccount }: AcmeConfig): ExternalAccount | undefined => {
  if (externalAccount === undefined) return undefined;
  const { id, keyPath } = externalAccount;
  const hint = 'the file holds the key that the authority gave, in Base64url, and nothing else';
  let text: string;
  try {
    text = readRegularFile(keyPath, ACCOUNT_BYTES_MAX).toString('latin1').trim();
  } catch (thrown) {
    const why = systemErrorCode(thrown) ?? 'it is no file';
    throw acmeError('ERR_ACME_EXTERNAL_ACCOUNT', `the key ${keyPath} cannot be read (${why})`, {
      cause: thrown,
      hint,
    });
  }
  const key = MAC_KEY.test(text) ? Buffer.from(text, 'base64url') : Buffer.alloc(0);
  if (key.length >= MAC_BYTES_MIN) return { id, key };
  throw acmeError('ERR_ACME_EXTERNAL_ACCOUNT', `${keyPath} holds no key of ${MAC_BYTES_MIN} bytes or more`, {
    hint,
  });
};

/** PEM of the authorities by which the directory's own certificate is proven; undefined: those of Node.js. Throws ERR_ACME_FILE. */
export const readDirectoryAuthorities = ({ caPath }: AcmeConfig): readonly string[] | undefined => {
  if (caPath === undefined) return undefined;
  const hint = 'tls.acme.ca names a file with certificates in PEM';
  let found: readonly string[];
  try {
    found = readRegularFile(caPath, CA_BYTES_MAX).toString('latin1').match(CERTIFICATE) ?? [];
    for (const pem of found) new X509Certificate(pem);
  } catch (thrown) {
    const why = systemErrorCode(thrown) ?? 'it cannot be parsed';
    throw acmeError('ERR_ACME_FILE', `the authorities ${caPath} cannot be read (${why})`, {
      cause: thrown,
      hint,
    });
  }
  if (found.length === 0) throw acmeError('ERR_ACME_FILE', `${caPath} holds no certificate in PEM`, { hint });
  return found;
};

/** Throws what reading the files of its section throws; nothing is asked of the authority. */
export const checkAcme = ({ tls }: Config): void => {
  if (tls?.acme === undefined) return;
  readExternalAccount(tls.acme);
  readDirectoryAuthorities(tls.acme);
};

/** Several directories have several accounts. */
const accountPath = ({ stateDirectory }: Config, directory: string): string => {
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  return join(stateDirectory, ACME_DIRECTORY, `account-${hash}.json`);
};

const keep = async ({ stateDirectory }: Config, path: string, text: string): Promise<void> => {
  try {
    await mkdir(join(stateDirectory, ACME_DIRECTORY), { recursive: true, mode: DIRECTORY_MODE });
    await replaceFile(path, text);
  } catch (thrown) {
    const why = systemErrorCode(thrown);
    if (why === undefined) throw thrown;
    throw acmeError('ERR_ACME_FILE', `${path} cannot be written (${why})`, {
      cause: thrown,
      hint: 'the user of the service has to be able to write into the state directory, and there has to be room',
    });
  }
};
