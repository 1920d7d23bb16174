// Where clients and operators connect: DNS over TCP, and what is encrypted.
import { z } from 'zod';
import { endpoint, endpointOrOff } from '../address-leaf.ts';
import { durationMs, share } from '../amount.ts';
import { orNone, withForm } from '../form.ts';
import { boolean, integer, path } from '../leaf.ts';
import { key, keyAs, list, same } from '../value.ts';
import { acme } from './acme.ts';

/** Sockets per worker stay countable; a host rarely has more addresses that it should serve on. */
export const LISTENERS_MAX = 16;
/** Files of authorities for client certificates: the own one and those that it replaces. */
const AUTHORITIES_MAX = 16;

export const listen = z
  .strictObject({
    dns: key(
      list(endpoint(53), 1, LISTENERS_MAX).prefault(['127.0.0.1:5353']),
      'Addresses that answer DNS over UDP and TCP; port 0 is any free port.',
    ),
    dot: key(
      list(endpoint(853), 0, LISTENERS_MAX).prefault([]),
      'Addresses for DNS over TLS (RFC 7858), with the certificate of `tls`.',
    ),
    doh: key(
      list(endpoint(443), 0, LISTENERS_MAX).prefault([]),
      'Addresses for DNS over HTTPS (RFC 8484) at the path `/dns-query`, with the certificate of `tls`.',
    ),
    'doh-plain': key(
      list(endpoint(80), 0, LISTENERS_MAX).prefault([]),
      'Loopback and private addresses for DNS over HTTPS without TLS, for proxies of `proxies.from` that end it and say for whom they ask ([Behind a proxy](encrypted.md#a-proxy-that-ends-tls)); HTTP/1.1 and HTTP/2.',
    ),
    doq: key(
      list(endpoint(853), 0, LISTENERS_MAX).prefault([]),
      'Addresses for DNS over QUIC (RFC 9250) over UDP, with the certificate of `tls`, by the OpenSSL of the system ([Encrypted listeners](encrypted.md#dns-over-quic)); whether there is any is read at the start only.',
    ),
    admin: key(
      endpointOrOff(9153).prefault('127.0.0.1:9153'),
      'Address of metrics and health over HTTP; `false` turns it off.',
    ),
  })
  .prefault({});

export const doh = z
  .strictObject({
    json: key(
      boolean().prefault(false),
      'Whether DNS over HTTPS also answers in JSON: `/dns-query?name=www.example.com&type=AAAA` ([Encrypted listeners](encrypted.md#json)). An answer in JSON takes ten times as long as one in DNS.',
    ),
  })
  .prefault({});

const tcpKeys = z
  .strictObject({
    connections: keyAs(
      'connectionsMax',
      integer(1, 65_536).prefault(1024),
      'Open client connections, per worker.',
    ),
    'per-client': keyAs(
      'connectionsPerClientMax',
      integer(1, 65_536).prefault(64),
      'Open connections of one address, per worker.',
    ),
    'per-network': keyAs(
      'networkShareMax',
      share('1%', '100%').prefault('25%'),
      'Share of `connections` that one network may have, a /24 of IPv4 or a /64 of IPv6, but never less than `per-client`; a /56 may have twice as many.',
    ),
    idle: keyAs(
      'idleMs',
      durationMs('1s', '2m').prefault('10s'),
      'An idle connection is closed after this (RFC 7766 section 6.2.3), and sooner while more than half of `connections` are open.',
    ),
  })
  .prefault({});

/** Per worker and /24 of IPv4 or /64 of IPv6. */
const perNetwork = (bounds: {
  readonly connectionsMax: number;
  readonly connectionsPerClientMax: number;
  readonly networkShareMax: number;
}): number =>
  Math.max(bounds.connectionsPerClientMax, Math.floor(bounds.connectionsMax * bounds.networkShareMax));

export const tcp = withForm(tcpKeys, {
  into: (written) => ({ ...written, connectionsPerNetworkMax: perNetwork(written) }),
  from: same,
});

const tlsKeys = z.strictObject({
  cert: keyAs(
    'certPath',
    path().optional(),
    'File with the certificate in PEM, and behind it those that it was signed with; read again when it changes. Required unless there is `acme`.',
    'it comes by `acme`',
  ),
  key: keyAs(
    'keyPath',
    path().optional(),
    'File with the key of the certificate in PEM, without a passphrase. Required unless there is `acme`.',
    'it comes by `acme`',
  ),
  acme: key(
    acme,
    'Cordon obtains the certificate itself, and renews it, from an authority that speaks ACME ([Certificates by ACME](encrypted.md#certificates-by-acme)); in place of `cert` and `key`.',
    'it is in the files',
  ),
  ocsp: keyAs(
    'ocspPath',
    path().optional(),
    'File with an OCSP response for the certificate in DER, for clients that ask for one (RFC 6066 section 8).',
    'none',
  ),
  'client-authorities': keyAs(
    'clientAuthorityPaths',
    orNone(list(path(), 1, AUTHORITIES_MAX)),
    'Files with authorities in PEM whose client certificates count ([Identity](identity.md)): the one that signed them, and those above it up to the root. Clients are asked for one, and served without.',
    'nobody is asked',
  ),
  'client-required': keyAs(
    'clientRequiredAt',
    orNone(list(endpoint(853), 1, 2 * LISTENERS_MAX)),
    'Addresses of `listen.dot` and `listen.doh` where a client without a certificate of these authorities gets no connection.',
    'none',
  ),
  'client-revocations': keyAs(
    'clientRevocationsPath',
    path().optional(),
    'File of client certificates that do not count any more: a revocation list in PEM, or their SHA-256, one a line, `#` begins a comment; read again when it changes.',
    'none',
  ),
  connections: keyAs(
    'connectionsMax',
    integer(1, 65_536).prefault(2048),
    'Open encrypted client connections, per worker, beside those of `tcp`: some 60 KB each.',
  ),
  'per-client': keyAs(
    'connectionsPerClientMax',
    integer(1, 65_536).prefault(128),
    'Open encrypted connections of one address, per worker.',
  ),
  'per-network': keyAs(
    'networkShareMax',
    share('1%', '100%').prefault('25%'),
    'Share of `connections` that one network may have, counted as for `tcp`.',
  ),
  idle: keyAs(
    'idleMs',
    durationMs('1s', '10m').prefault('30s'),
    'An idle connection is closed after this, and sooner while more than half of `connections` are open.',
  ),
  handshakes: keyAs(
    'handshakesPerClient',
    integer(1, 100_000).prefault(50),
    'Handshakes a second of one address, ten seconds of them at once; a network may make 32 times as many. Addresses of `rate-limit.exempt` are not limited.',
  ),
  'ticket-rotation': keyAs(
    'ticketRotationMs',
    durationMs('1s', '1d').prefault('6h'),
    'How often the key changes with which sessions are resumed, and how long a session can be: the key before it serves for as long again.',
  ),
});

export const tls = withForm(tlsKeys, {
  into: (written) => ({ ...written, connectionsPerNetworkMax: perNetwork(written) }),
  from: same,
}).optional();
