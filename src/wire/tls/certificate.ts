// The certificate of the encrypted listeners, with its key and an OCSP response, from files.
//
// What a file holds is looked at before anything is done with it: OpenSSL names faults in words of its own, and takes a
// chain whose first certificate is another one's. So each fault says which file it is in, what is wrong there and what to
// do. A certificate that is not valid by the clock is taken all the same, because a resolver that does not start is worse
// than one whose clients complain: who reads it says so (`cordon check`, the log, a metric).
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { AppError, errorText, readRegularFile, systemErrorCode } from '../../base/base.ts';

/** Chains have four certificates at most, of some 2 KB each; a response has one. */
const FILE_BYTES_MAX = 256 * 1024;
const CHAIN_LENGTH_MAX = 10;
/** Authorities of one file: an agency's own, and those below it. */
const AUTHORITIES_MAX = 32;
/** Shorter keys of RSA are refused by everybody (NIST SP 800-57). */
const RSA_BITS_MIN = 2048;
/** Rights of others than user and group. */
const MODE_OTHERS = 0o007;
/** OCSPResponse: a SEQUENCE that begins with the ENUMERATED responseStatus, which is successful (RFC 6960 section 4.2.1). */
const DER_SEQUENCE = 0x30;
const OCSP_SUCCESSFUL = [0x0a, 0x01, 0x00] as const;
const DER_LENGTH_OCTETS_MAX = 4;
/** Of a certificate that lives for days, the part of its life that is left when it should have been renewed: that is done with a third. */
const WARNING_PART = 4;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const KEY = /-----BEGIN (?<kind>(?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----[^-]+-----END \k<kind>-----/;

/** Codes of certificates of the encrypted listeners. */
export type CertificateErrorCode =
  | 'ERR_CERTIFICATE_READ'
  | 'ERR_CERTIFICATE_FORM'
  | 'ERR_CERTIFICATE_KEY'
  | 'ERR_CERTIFICATE_MISMATCH'
  | 'ERR_CERTIFICATE_VALIDITY'
  | 'ERR_CERTIFICATE_OCSP'
  | 'ERR_CERTIFICATE_AUTHORITIES'
  | 'ERR_CERTIFICATE_REVOCATIONS';

/** Where everything is; absolute paths. */
export interface CertificateFiles {
  readonly certPath: string;
  readonly keyPath: string;
  /** Undefined: no response is stapled. */
  readonly ocspPath: string | undefined;
  /** Authorities of client certificates; none: clients are not asked for one. */
  readonly clientAuthorityPaths: readonly string[];
}

/** What listeners prove with; plain data that travels between threads. */
export interface TlsMaterial {
  /** Authorities of client certificates in PEM; undefined: clients are not asked for one. */
  readonly clientAuthorities: readonly string[] | undefined;
  /** The chain in PEM, the listeners' own certificate first. */
  readonly cert: string;
  readonly key: string;
  /** DER of an OCSP response (RFC 6066 section 8). */
  readonly ocsp: Uint8Array | undefined;
}

/** What is worth telling of a certificate. */
export interface CertificateFacts {
  /** subjectAltName as OpenSSL prints it, such as `DNS:dns.example.net`; none without the extension. */
  readonly names: readonly string[];
  readonly issuer: string;
  /** From when and until when all of the chain is valid, milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  /** SHA-256 of the certificate, hex with colons. */
  readonly fingerprint: string;
  /** What a person should look at. */
  readonly notes: readonly string[];
}

/** Reads all files; throws AppError of CertificateErrorCode. */
export const readCertificate = (
  files: CertificateFiles,
): { readonly material: TlsMaterial; readonly facts: CertificateFacts } => {
  const { certPath, keyPath, ocspPath, clientAuthorityPaths } = files;
  const pems = readFile(certPath, 'certificate').toString('latin1').match(CERTIFICATE) ?? [];
  if (pems.length === 0)
    throw fault('ERR_CERTIFICATE_FORM', `${certPath} holds no certificate in PEM`, PEM_HINT);
  if (pems.length > CHAIN_LENGTH_MAX) {
    throw fault('ERR_CERTIFICATE_FORM', `${certPath} holds ${pems.length} certificates`, CHAIN_HINT);
  }
  const chain = pems.map((pem, index) => readX509(pem, certPath, index));
  const pem = readKey(keyPath);
  const key = toKey(pem, keyPath);
  const [leaf] = chain;
  if (leaf?.checkPrivateKey(key) !== true) {
    const index = chain.findIndex((other) => other.checkPrivateKey(key));
    throw fault(
      'ERR_CERTIFICATE_MISMATCH',
      index > 0
        ? `the key ${keyPath} belongs to certificate ${index + 1} of ${certPath}, which has to be the first one`
        : `the key ${keyPath} does not belong to the certificate ${certPath}`,
      index > 0
        ? CHAIN_HINT
        : 'give the key that the certificate was requested with; where both were just renewed, both have to be there',
    );
  }
  const material = {
    cert: `${pems.join('\n')}\n`,
    key: pem,
    ocsp: ocspPath === undefined ? undefined : readOcsp(ocspPath),
    clientAuthorities:
      clientAuthorityPaths.length === 0 ? undefined : clientAuthorityPaths.flatMap(readClientAuthorities),
  };
  return { material, facts: toFacts(chain, leaf, keyPath) };
};

/** When to warn of an end: this long before it, or when a quarter of the life is left where that is later. Milliseconds. */
export const warningMs = (
  { startMs, endMs }: Pick<CertificateFacts, 'startMs' | 'endMs'>,
  beforeMs: number,
): number => endMs - Math.min(beforeMs, Math.max(0, endMs - startMs) / WARNING_PART);

/** Throws ERR_CERTIFICATE_VALIDITY for a certificate that is not valid at a time. */
export const assertValid = ({ startMs, endMs }: CertificateFacts, path: string, nowMs: number): void => {
  if (nowMs >= startMs && nowMs < endMs) return;
  const text =
    nowMs < startMs
      ? `is not valid before ${new Date(startMs).toISOString()}`
      : `expired at ${new Date(endMs).toISOString()}`;
  throw fault(
    'ERR_CERTIFICATE_VALIDITY',
    `the certificate ${path} ${text}: clients take no answer`,
    'renew it; the files are read again when they change. If the certificate is in order, look at the clock of this host',
  );
};

const PEM_HINT =
  'give a file in PEM, with the text BEGIN CERTIFICATE; openssl x509 -inform der converts other forms';
const CHAIN_HINT =
  'the file holds the certificate of this resolver first, then those that it was signed with, without the root';
const KEY_HINT = 'give a file in PEM with the text BEGIN PRIVATE KEY, which belongs to the certificate';

const fault = (
  code: CertificateErrorCode,
  text: string,
  hint: string,
  cause?: unknown,
): AppError<CertificateErrorCode> =>
  new AppError(code, `reading the certificate of the encrypted listeners: ${text}`, { cause, hint });

const readFile = (path: string, what: string): Buffer => {
  try {
    return readRegularFile(path, FILE_BYTES_MAX);
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code === undefined) throw thrown;
    throw fault(
      'ERR_CERTIFICATE_READ',
      `the ${what} ${path} cannot be read: ${READ_FAULTS[code] ?? code}`,
      READ_HINT,
      thrown,
    );
  }
};

const READ_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file (ENOENT)',
  EACCES: 'this user may not read it (EACCES)',
  EFBIG: `it has over ${FILE_BYTES_MAX} bytes`,
  ENOTREG: 'it is no regular file',
};
const READ_HINT =
  'tls.cert, tls.key and tls.ocsp name the files, relative to the configuration; the user of the service has to be able to read them';

const readX509 = (pem: string, path: string, index: number): X509Certificate => {
  try {
    return new X509Certificate(pem);
  } catch (thrown) {
    const text = `certificate ${index + 1} of ${path} cannot be parsed (${errorText(thrown)})`;
    throw fault('ERR_CERTIFICATE_FORM', text, PEM_HINT, thrown);
  }
};

const readKey = (path: string): string => {
  const text = readFile(path, 'key').toString('latin1');
  const found = KEY.exec(text);
  if (found === null) throw fault('ERR_CERTIFICATE_KEY', `${path} holds no private key in PEM`, KEY_HINT);
  if (
    found.groups?.['kind']?.startsWith('ENCRYPTED') === true ||
    found[0].includes('Proc-Type: 4,ENCRYPTED')
  ) {
    const hint =
      'nobody is there to type a passphrase: openssl pkey writes it without one, readable by the service alone';
    throw fault('ERR_CERTIFICATE_KEY', `the key ${path} has a passphrase`, hint);
  }
  return `${found[0]}\n`;
};

const toKey = (pem: string, path: string): KeyObject => {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (thrown) {
    // What OpenSSL says of a key names no part of it, but nobody promises that.
    throw fault('ERR_CERTIFICATE_KEY', `the key ${path} cannot be parsed`, KEY_HINT, thrown);
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < RSA_BITS_MIN) {
    throw fault(
      'ERR_CERTIFICATE_KEY',
      `the key ${path} has ${bits} bits`,
      `make one of ${RSA_BITS_MIN} bits at least, or an elliptic one`,
    );
  }
  return key;
};

/** PEM of the authorities in a file; throws ERR_CERTIFICATE_AUTHORITIES and what reading it throws. */
export const readClientAuthorities = (path: string): string[] => {
  const pems = readFile(path, 'authority of client certificates').toString('latin1').match(CERTIFICATE) ?? [];
  if (pems.length === 0 || pems.length > AUTHORITIES_MAX) {
    const text = `${path} holds ${pems.length} certificates in PEM, 1 to ${AUTHORITIES_MAX} allowed`;
    throw fault('ERR_CERTIFICATE_AUTHORITIES', text, AUTHORITIES_HINT);
  }
  for (const [index, pem] of pems.entries()) {
    const { ca } = readX509(pem, path, index);
    if (ca) continue;
    const text = `certificate ${index + 1} of ${path} is not one of an authority`;
    throw fault('ERR_CERTIFICATE_AUTHORITIES', text, AUTHORITIES_HINT);
  }
  return [...pems];
};

const AUTHORITIES_HINT =
  'tls.client-authorities names files in PEM with the authorities that sign client certificates, and nothing else';

const readOcsp = (path: string): Uint8Array => {
  const der = readFile(path, 'OCSP response');
  const lengthOctets = (der[1] ?? 0) < 0x80 ? 0 : (der[1] ?? 0) - 0x80;
  const at = 2 + lengthOctets;
  const isResponse =
    der[0] === DER_SEQUENCE &&
    lengthOctets <= DER_LENGTH_OCTETS_MAX &&
    OCSP_SUCCESSFUL.every((byte, index) => der[at + index] === byte);
  if (!isResponse) {
    const hint = 'openssl ocsp -respout writes one in DER; remove tls.ocsp where nobody renews it';
    throw fault('ERR_CERTIFICATE_OCSP', `${path} is no successful OCSP response in DER`, hint);
  }
  return new Uint8Array(der);
};

const toFacts = (
  chain: readonly X509Certificate[],
  leaf: X509Certificate,
  keyPath: string,
): CertificateFacts => {
  const names = (leaf.subjectAltName ?? '').split(', ').filter((name) => name !== '');
  const notes: string[] = [];
  if (names.length === 0)
    notes.push('the certificate has no subjectAltName: strict clients refuse it (RFC 8310 section 8.1)');
  if (leaf.ca) notes.push('the certificate is one of an authority: some clients refuse it');
  if (((statSync(keyPath, { throwIfNoEntry: false })?.mode ?? 0) & MODE_OTHERS) !== 0) {
    notes.push(`everybody on this host may read the key ${keyPath}`);
  }
  return {
    names,
    issuer: leaf.issuer.replaceAll('\n', ', '),
    startMs: Math.max(...chain.map(({ validFrom }) => Date.parse(validFrom))),
    endMs: Math.min(...chain.map(({ validTo }) => Date.parse(validTo))),
    fingerprint: leaf.fingerprint256,
    notes,
  };
};
