// What a client certificate says of its holder, as plain data.
import type { X509Certificate } from 'node:crypto';
import { serialKey } from './revocation.ts';

/** Alternative names of a certificate that are looked at. */
const NAMES_MAX = 32;
const KINDS: Readonly<Record<string, string>> = { DNS: 'dns:', email: 'email:', URI: 'uri:' };

/** What access knows a client by; see ShownCertificate there. */
export interface ClientCertificate {
  /** SHA-256, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** `CN=laptop-17`, one for each attribute. */
  readonly subject: readonly string[];
  /** `dns:…`, `email:…`, `uri:…`; letters of hosts and mailboxes folded. */
  readonly names: readonly string[];
  /** Issuer and serial number as one text. */
  readonly serial: string;
  /** Milliseconds since the epoch. */
  readonly notAfterMs: number;
}

/** Reads a certificate, whoever signed it; undefined when its DER is not what it should be. */
export const readClientCertificate = (certificate: X509Certificate): ClientCertificate | undefined => {
  const serial = serialKey(certificate.raw);
  if (serial === undefined) return undefined;
  return {
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    subject: certificate.subject.split('\n').filter((line) => line !== ''),
    names: toNames(certificate.subjectAltName ?? ''),
    serial,
    notAfterMs: Date.parse(certificate.validTo),
  };
};

/** Names that Node.js had to put into quotes have characters that no name here has. */
const toNames = (text: string): string[] =>
  text
    .split(', ')
    .slice(0, NAMES_MAX)
    .flatMap((part) => {
      const [, kind = '', value = ''] = /^(DNS|email|URI):([^"]+)$/.exec(part) ?? [];
      const prefix = KINDS[kind];
      if (prefix === undefined) return [];
      return `${prefix}${kind === 'URI' ? value : value.toLowerCase()}`;
    });
