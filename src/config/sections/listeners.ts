// Where clients and operators connect, and DNS over TCP.
import { z } from 'zod';
import { endpoint, endpointOrOff } from '../address-leaf.ts';
import { durationMs, share } from '../amount.ts';
import { withForm } from '../form.ts';
import { integer, unavailable, unavailableList } from '../leaf.ts';
import { key, keyAs, list, same } from '../value.ts';

/** Sockets per worker stay countable; a host rarely has more addresses that it should serve on. */
export const LISTENERS_MAX = 16;

export const listen = z
  .strictObject({
    dns: key(
      list(endpoint(53), 1, LISTENERS_MAX).prefault(['127.0.0.1:5353']),
      'Addresses that answer DNS over UDP and TCP; port 0 is any free port.',
    ),
    dot: key(
      unavailableList('DNS over TLS is not available in this version').optional(),
      'Addresses for DNS over TLS; not available in this version.',
    ),
    doh: key(
      unavailableList('DNS over HTTPS is not available in this version').optional(),
      'Addresses for DNS over HTTPS; not available in this version.',
    ),
    admin: key(
      endpointOrOff(9153).prefault('127.0.0.1:9153'),
      'Address of metrics and health over HTTP; `false` turns it off.',
    ),
  })
  .prefault({});

export const tls = unavailable<{ cert: string; key: string }>(
  'certificates serve DoT and DoH, which are not available in this version',
).optional();

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

export const tcp = withForm(tcpKeys, {
  into: (written) => ({
    ...written,
    /** Per worker and /24 of IPv4 or /64 of IPv6. */
    connectionsPerNetworkMax: Math.max(
      written.connectionsPerClientMax,
      Math.floor(written.connectionsMax * written.networkShareMax),
    ),
  }),
  from: same,
});
