// Certificates of the engine, from an authority that the fleet has for itself (ADR 0155).
//
//   engine/ca.pem, ca.key                the authority; its key is for the service alone
//   engine/server.pem, server.key        of the engine on this machine, with ca.pem behind
//   engine/server-HOST.pem, .key         of a server on another machine, to be taken there
//
// They prove which machine carries messages, and nothing that messages say: who has ca.key can keep messages back, and read
// records on their way; he can sign no policy. A resolver that joins knows the authority by its hash, out of the word.
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, DAY_MS, DIRECTORY_MODE, errorText, replaceFileNow } from '../base/base.ts';
import { createAuthority, issueCertificate, type OwnCertificate } from '../wire/acme/acme.ts';

const AUTHORITY_NAME = 'ca';
const OWN_NAME = 'server';
const PRIVATE_MODE = 0o600;
/** The engine runs as another user of the group. */
const GROUP_MODE = 0o640;
/** A third of the time of a certificate: whoever was away for a quarter has as long again. */
const RENEW_DAYS = 132;
/** Of an engine that is named by its address, the library asks for this name. */
const LOOPBACK_NAME = 'localhost';

/** Paths, as the configuration of the engine names them. */
export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** A certificate that is there. */
export interface EngineCertificate {
  readonly path: string;
  readonly names: readonly string[];
  readonly until: string;
}

const pathsOf = (directory: string, name: string): { readonly cert: string; readonly key: string } => ({
  cert: join(directory, `${name}.pem`),
  key: join(directory, `${name}.key`),
});

/** Where the certificate of a server lies; of the one on this machine without a host. */
export const certificatePaths = (directory: string, host?: string): CertificatePaths => ({
  ...pathsOf(directory, host === undefined ? OWN_NAME : `${OWN_NAME}-${fileNameOf(host)}`),
  ca: pathsOf(directory, AUTHORITY_NAME).cert,
});

/** An address of IPv6 has colons, which are no part of a file's name that others copy. */
const fileNameOf = (host: string): string => host.replaceAll(/[^A-Za-z0-9.-]/g, '_');

/** Makes the authority. The key is for the safe as well: without it no engine is believed once this machine is lost. */
export const makeAuthority = (directory: string, name: string, nowMs: number): OwnCertificate =>
  guarding(directory, 'making the certificate authority', () => {
    const made = createAuthority(`Cordon fleet of ${name}`, nowMs);
    putAuthority(directory, made);
    return made;
  });

/** Puts an authority there that was made elsewhere: that of the safe. */
export const putAuthority = (directory: string, { cert, key }: OwnCertificate): void =>
  guarding(directory, 'writing the certificate authority', () => {
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    const paths = pathsOf(directory, AUTHORITY_NAME);
    replaceFileNow(paths.key, key, PRIVATE_MODE);
    replaceFileNow(paths.cert, cert, GROUP_MODE);
  });

/** Whether the fleet has an authority of its own here. */
export const hasAuthority = (directory: string): boolean =>
  existsSync(pathsOf(directory, AUTHORITY_NAME).key);

/** Issues the certificate of a server, in place of what is there; without a host that of the one on this machine. */
export const issueServer = (
  directory: string,
  names: readonly string[],
  nowMs: number,
  host?: string,
): CertificatePaths =>
  guarding(directory, 'issuing a certificate', () => {
    const paths = certificatePaths(directory, host);
    const above = pathsOf(directory, AUTHORITY_NAME);
    const authority = { cert: readFileSync(above.cert, 'utf8'), key: readFileSync(above.key, 'utf8') };
    const all = [...new Set([...names.map((name) => name.replaceAll(/[[\]]/g, '')), LOOPBACK_NAME])];
    const { cert, key } = issueCertificate(authority, all, nowMs);
    replaceFileNow(paths.key, key, GROUP_MODE);
    replaceFileNow(paths.cert, cert, GROUP_MODE);
    return paths;
  });

/** Takes away the certificate of a server on another machine. Throws ERR_FLEET_CERTIFICATE. */
export const removeServer = (directory: string, host: string): void =>
  guarding(directory, 'removing a certificate', () => {
    const { cert, key } = certificatePaths(directory, host);
    for (const path of [cert, key]) rmSync(path, { force: true });
  });

/** What is there: the authority first. Throws ERR_FLEET_CERTIFICATE. */
export const readCertificates = (directory: string): EngineCertificate[] =>
  guarding(directory, 'reading certificates', () =>
    readdirSync(directory)
      .filter((name) => name === `${AUTHORITY_NAME}.pem` || /^server(?:-.+)?\.pem$/.test(name))
      .sort()
      .map((name) => {
        const path = join(directory, name);
        const read = new X509Certificate(readFileSync(path));
        return { path, names: namesOf(read), until: new Date(Date.parse(read.validTo)).toISOString() };
      }),
  );

/** Issues again, for the same names: all of them, or those whose last third has begun. Gives their paths. */
export const renewCertificates = (directory: string, nowMs: number, which: 'all' | 'due'): string[] =>
  readCertificates(directory)
    .filter(({ path }) => path !== pathsOf(directory, AUTHORITY_NAME).cert)
    .filter(({ until }) => which === 'all' || Date.parse(until) - nowMs < RENEW_DAYS * DAY_MS)
    .map(({ path, names }) => {
      const own = certificatePaths(directory).cert;
      const host = path === own ? undefined : /server-(.+)\.pem$/.exec(path)?.[1];
      issueServer(directory, names, nowMs, host);
      return path;
    });

/** By which a word tells the authority: the SHA-256 of the first certificate of a file. Undefined where there is none. */
export const authorityHash = (path: string | undefined): string | undefined => {
  if (path === undefined) return undefined;
  try {
    return hashOf(new X509Certificate(readFileSync(path)));
  } catch {
    // The file is the operator's, and the connection says what is wrong with it.
    return undefined;
  }
};

/** SHA-256 of a certificate. */
export const hashOf = ({ raw }: X509Certificate): string => createHash('sha256').update(raw).digest('hex');

const namesOf = ({ subjectAltName = '' }: X509Certificate): string[] =>
  subjectAltName
    .split(', ')
    .filter((name) => name !== '')
    .map((name) => name.replace(/^(?:DNS|IP Address):/, ''));

const guarding = <Result>(directory: string, doing: string, act: () => Result): Result => {
  try {
    return act();
  } catch (cause) {
    throw new AppError('ERR_FLEET_CERTIFICATE', `${doing} in ${directory}: ${errorText(cause)}`, {
      cause,
      hint: '"cordon fleet start" makes them; with certificates of your own, those are renewed where they come from.',
    });
  }
};
