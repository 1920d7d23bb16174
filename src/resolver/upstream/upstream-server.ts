// An upstream as the configuration names it: where it is, how queries travel to it, how it proves who it is.
//
// Plain data, because it crosses threads. How queries travel is fixed here: an encrypted server is never asked in
// plaintext, whatever happens (RFC 8310 section 5, strict profile).
import type { Endpoint } from '../../base/base.ts';
import type { TlsSettings } from './connection.ts';
import type { UpstreamTransport } from './exchange.ts';

/** One server. */
export interface UpstreamServer {
  readonly endpoint: Endpoint;
  /** `udp` means TCP for truncated answers as well. */
  readonly transport: UpstreamTransport;
  /** For `tls` and `https`, which do not work without it. */
  readonly tls?: TlsSettings;
  /** For `https`: the path of the resource (RFC 8484 section 4.1), DEFAULT_PATH without it. */
  readonly path?: string;
  /** For `https`: host, and port unless it is the usual one, of the resource; the name of `tls` without it. */
  readonly authority?: string;
  /** As metrics and logs name it: `192.0.2.53:53`, `tls://192.0.2.53:853#dns.example.net`. */
  readonly text: string;
}

/** The path that servers offer most. */
export const DEFAULT_PATH = '/dns-query';

/** True when nobody on the way can read the queries to this server. */
export const isEncrypted = (server: UpstreamServer): boolean =>
  server.transport === 'tls' || server.transport === 'https';

/** The same for servers that are the same in everything, so that they share sockets and health. Allocates. */
export const serverKey = (server: UpstreamServer): string => {
  const { endpoint, tls } = server;
  return JSON.stringify([
    server.text,
    [endpoint.address, endpoint.port, endpoint.family],
    server.transport,
    server.path,
    server.authority,
    tls && [tls.serverName, tls.pins, tls.certificateHashes, tls.caCertificates, tls.isPinOnly],
  ]);
};
