// Certificates for tests, made by openssl, so that the verifying side is not checked against its own kind.
//
// An authority signs in a directory of its own, which goes away after the tests of the file. Times are set to the second,
// because `ca` is the one command that every version of openssl lets choose both of them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { ownOffsetMs } from './fake-time.ts';

const DAY_MS = 86_400_000;
/** Programs that keep the machine's clock have to believe certificates as well. */
const OFFSET_DAYS = Math.ceil(ownOffsetMs() / DAY_MS);

const SETTINGS = `
[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[req]
distinguished_name = subject
[subject]
`;

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** What a certificate says. */
export interface CertificateText {
  /** subjectAltName entries, such as `DNS:dns.example.net` or `IP:127.0.0.1`; none, and there is no such extension. */
  readonly names: readonly string[];
  readonly commonName?: string;
  /** What the certificate is for; a server without it. */
  readonly purpose?: 'serverAuth' | 'clientAuth' | 'serverAuth,clientAuth';
  /** From now, days; negative is in the past. */
  readonly endsInDays?: number;
  /** From now, days; two days before its end, or before now by this clock and that of the machine, without it. */
  readonly startsInDays?: number;
  /** Further extensions, as openssl has them. */
  readonly extensions?: readonly string[];
}

/** A certificate with its key, PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
  /** The certificate as a file, for programs. */
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** An authority that signs certificates. */
export class CertificateAuthority {
  readonly issued: Issued;
  readonly #directory: string;
  #count = 0;

  private constructor(directory: string, issued: Issued) {
    this.#directory = directory;
    this.issued = issued;
  }

  /** A new root. */
  static create(commonName = 'Test authority'): CertificateAuthority {
    const directory = createDirectory();
    const [key, certificate] = ['own.key', 'own.pem'];
    // Only at another date: older versions of openssl do not know it.
    const start = OFFSET_DAYS === 0 ? [] : ['-not_before', formatTime(-OFFSET_DAYS)];
    openssl(
      directory,
      ...['req', '-x509', '-config', 'ca.conf', '-subj', `/CN=${commonName}`, '-days', '2', '-nodes'],
      ...start,
      ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-keyout', key, '-out', certificate],
      ...['-addext', 'basicConstraints=critical,CA:true', '-addext', 'keyUsage=critical,keyCertSign'],
      ...['-addext', 'subjectKeyIdentifier=hash'],
    );
    return new CertificateAuthority(directory, readIssued(directory, key, certificate));
  }

  /** PEM of the authority itself. */
  get certificate(): string {
    return this.issued.certificate;
  }

  /** Signs a certificate for a server or a client. */
  issue(text: CertificateText): Issued {
    return this.#sign(this.#directory, text.commonName ?? 'server', extensionsOf(text), timesOf(text));
  }

  /** Signs what a request in DER asks for, with names and times of the test's choice; PEM. */
  signRequest(request: Uint8Array, text: CertificateText): string {
    const base = `issued-${this.#count++}`;
    const file = (ending: string): string => join(this.#directory, `${base}.${ending}`);
    writeFileSync(file('der'), request);
    // The request names nobody, and `ca` wants somebody.
    openssl(
      this.#directory,
      'req',
      '-config',
      'ca.conf',
      '-inform',
      'der',
      '-in',
      file('der'),
      '-verify',
      '-noout',
    );
    const identifier = 'authorityKeyIdentifier = keyid:always';
    const who = ['-subj', `/CN=${text.commonName ?? 'server'}`];
    this.#certify(file, [...extensionsOf(text), identifier], timesOf(text), [
      ...who,
      '-inform',
      'der',
      '-in',
      file('der'),
    ]);
    return readFileSync(file('pem'), 'utf8');
  }

  /** Revokes a certificate, and gives the list of all that are revoked, PEM. */
  revoke({ certificateFile }: Issued): string {
    const own = ['-config', 'ca.conf', '-keyfile', 'own.key', '-cert', 'own.pem'];
    openssl(this.#directory, 'ca', ...own, '-revoke', certificateFile);
    return this.list();
  }

  /** The list of all that are revoked, PEM, with further extensions as openssl has them. */
  list(...extensions: readonly string[]): string {
    const own = ['-config', 'list.conf', '-keyfile', 'own.key', '-cert', 'own.pem'];
    const more = extensions.length === 0 ? [] : ['-crlexts', 'list'];
    const section = `[list]\n${extensions.join('\n')}\n`;
    writeFileSync(join(this.#directory, 'list.conf'), `${SETTINGS}\n${section}`);
    return openssl(this.#directory, 'ca', ...own, '-gencrl', '-crldays', '1', ...more).toString('utf8');
  }

  /** Signs an authority that is no root. */
  issueAuthority(commonName: string): CertificateAuthority {
    const directory = createDirectory();
    const extensions = ['basicConstraints = critical,CA:true', 'keyUsage = critical,keyCertSign'];
    return new CertificateAuthority(
      directory,
      this.#sign(directory, commonName, extensions, timesOf({ names: [] })),
    );
  }

  #sign(directory: string, commonName: string, extensions: string[], times: Times): Issued {
    const base = directory === this.#directory ? `issued-${this.#count++}` : 'own';
    const file = (ending: string): string => join(directory, `${base}.${ending}`);
    openssl(
      this.#directory,
      ...['req', '-new', '-config', 'ca.conf', '-subj', `/CN=${commonName}`, '-nodes', '-newkey', 'ec'],
      ...['-pkeyopt', 'ec_paramgen_curve:prime256v1', '-keyout', file('key'), '-out', file('csr')],
    );
    this.#certify(file, extensions, times, ['-in', file('csr')]);
    return readIssued(directory, `${base}.key`, `${base}.pem`);
  }

  #certify(
    file: (ending: string) => string,
    extensions: string[],
    { startsInDays, endsInDays }: Times,
    request: string[],
  ): void {
    // Without the identifier of the authority's key, issuers are found by name alone: the harder case.
    const identifiers = ['subjectKeyIdentifier = hash', 'authorityKeyIdentifier = none'];
    writeFileSync(file('ext'), `${[...identifiers, ...extensions].join('\n')}\n`);
    openssl(
      this.#directory,
      ...['ca', '-batch', '-notext', '-config', 'ca.conf', '-keyfile', 'own.key', '-cert', 'own.pem'],
      ...['-startdate', formatTime(startsInDays), '-enddate', formatTime(endsInDays)],
      ...['-extfile', file('ext'), '-out', file('pem'), ...request],
    );
  }
}

interface Times {
  readonly startsInDays: number;
  readonly endsInDays: number;
}

const timesOf = ({
  endsInDays = 2,
  startsInDays = Math.min(0, endsInDays) - 2 - OFFSET_DAYS,
}: CertificateText): Times => ({
  startsInDays,
  endsInDays,
});

const extensionsOf = ({ purpose = 'serverAuth', names, extensions = [] }: CertificateText): string[] => [
  'basicConstraints = critical,CA:false',
  `extendedKeyUsage = ${purpose}`,
  ...(names.length > 0 ? [`subjectAltName = ${names.join(',')}`] : []),
  ...extensions,
];

/** Runs openssl and returns what it printed. */
export const openssl = (directory: string, ...args: string[]): Buffer =>
  execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });

const createDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-certificates-'));
  directories.push(directory);
  writeFileSync(join(directory, 'ca.conf'), SETTINGS);
  writeFileSync(join(directory, 'index.txt'), '');
  return directory;
};

const readIssued = (directory: string, key: string, certificate: string): Issued => {
  const [keyFile, certificateFile] = [join(directory, key), join(directory, certificate)];
  return {
    certificate: readFileSync(certificateFile, 'utf8'),
    key: readFileSync(keyFile, 'utf8'),
    certificateFile,
    keyFile,
  };
};

/** `YYYYMMDDHHMMSSZ`. */
const formatTime = (days: number): string =>
  `${new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+Z/g, '')}Z`;
