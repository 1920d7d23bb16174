// What a client has shown in the handshake: the name that it asked by, and a certificate that counts.
//
// Read once for each connection. A certificate that no authority of the configuration signed is as good as none.
import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { Shown, type ShownCertificate } from '../access/access.ts';
import { serialKey } from '../tls/tls.ts';

/** Characters of a name that a client sends: those of the longest host name. */
const SERVER_NAME_LENGTH_MAX = 253;
/** Alternative names of a certificate that are looked at. */
const NAMES_MAX = 32;
const KINDS: Readonly<Record<string, string>> = { DNS: 'dns:', email: 'email:', URI: 'uri:' };

/** What a connection shows. */
export const readShown = (socket: TLSSocket): Shown => {
  const { servername } = socket as TLSSocket & { readonly servername?: string | false };
  const name =
    typeof servername === 'string' ? servername.slice(0, SERVER_NAME_LENGTH_MAX).toLowerCase() : '';
  return new Shown(name, readCertificate(socket), '');
};

/** The same with a token, of which nothing is kept but its hash. */
export const withToken = ({ serverName, certificate }: Shown, token: string): Shown =>
  new Shown(serverName, certificate, createHash('sha256').update(token).digest('hex'));

const readCertificate = (socket: TLSSocket): ShownCertificate | undefined => {
  // Also after a session was resumed: OpenSSL keeps the certificate and what came of it in the ticket.
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  const serial = certificate && serialKey(certificate.raw);
  if (certificate === undefined || serial === undefined) return undefined;
  return toShown(certificate, serial);
};

const toShown = (certificate: X509Certificate, serial: string): ShownCertificate => ({
  fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  subject: certificate.subject.split('\n').filter((line) => line !== ''),
  names: toNames(certificate.subjectAltName ?? ''),
  serial,
  notAfterMs: Date.parse(certificate.validTo),
});

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
