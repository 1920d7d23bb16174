// What a client has shown in the handshake: the name that it asked by, and a certificate that counts.
//
// Read once for each connection. A certificate that no authority of the configuration signed is as good as none.
import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { Shown, type ShownCertificate } from '../../policy/access/access.ts';
import { type ClientAuthorities, readClientCertificate } from '../../wire/tls/tls.ts';

/** Characters of a name that a client sends: those of the longest host name. */
const SERVER_NAME_LENGTH_MAX = 253;

/** What a connection shows, to who has such authorities. */
export const readShown = (socket: TLSSocket, authorities: ClientAuthorities): Shown => {
  const { servername } = socket as TLSSocket & { readonly servername?: string | false };
  const name =
    typeof servername === 'string' ? servername.slice(0, SERVER_NAME_LENGTH_MAX).toLowerCase() : '';
  return new Shown(name, readCertificate(socket, authorities), '');
};

/** The same with a token, of which nothing is kept but its hash. */
export const withToken = ({ serverName, certificate }: Shown, token: string): Shown =>
  new Shown(serverName, certificate, createHash('sha256').update(token).digest('hex'));

const readCertificate = (socket: TLSSocket, authorities: ClientAuthorities): ShownCertificate | undefined => {
  // Also after a session was resumed: OpenSSL keeps the certificate and what came of it in the ticket.
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  const read = certificate && readClientCertificate(certificate);
  return read && { ...read, authorities: authorities.above(certificate) };
};
