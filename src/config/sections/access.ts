// Who may ask, how much, and who may reach the admin listener.
import { z } from 'zod';
import { type Prefix, packPrefixes, parsePrefix, unpackPrefixes } from '../../base/base.ts';
import { zone } from '../address-leaf.ts';
import { withForm } from '../form.ts';
import { boolean, choice, integer, path } from '../leaf.ts';
import { prefix } from '../prefix-leaf.ts';
import { key, list, same } from '../value.ts';
import { inlinePrefixes, PREFIXES_MAX, withFile } from './prefixes.ts';

/** Names under which browsers and scrapers reach the admin listener. */
const ADMIN_HOSTS_MAX = 16;

/** Loopback (RFC 1122, RFC 4291). */
const LOOPBACK = ['127.0.0.0/8', '::1/128'];
/** Networks that are not reachable from the Internet: loopback, RFC 1918, RFC 3927, RFC 4193, RFC 4291. */
export const LOCAL_NETWORKS = [
  ...LOOPBACK,
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
];

/** What is done about clients that ask too much. */
const RATE_LIMIT_MODES = ['enforce', 'dry-run', 'off'] as const;

/** A site has a few; each is a host or a small network. */
const PROXIES_MAX = 64;

export const proxies = z
  .strictObject({
    from: key(
      list(prefix(), 0, PROXIES_MAX).prefault([]),
      'Addresses whose queries over UDP, TCP, TLS, HTTPS and HTTP have to begin with a PROXY header, version 1 or 2 (UDP: 2); from all others one is refused. Who asks is the address that it names: for groups, limits and records.',
    ),
  })
  .prefault({});

const accessKeys = z
  .strictObject({
    allow: key(
      list(prefix(), 1, PREFIXES_MAX).optional(),
      'Clients that may ask.',
      `with \`allow-file\` none, otherwise ${LOCAL_NETWORKS.map((text) => `\`${text}\``).join(', ')}`,
    ),
    'allow-file': key(
      path().optional(),
      'File of more prefixes that may ask, one a line: see [Files of prefixes](#files-of-prefixes).',
      'none',
    ),
    identified: key(
      boolean().prefault(false),
      'Whether clients that show a certificate or a token of a group may ask from everywhere; the encrypted listeners then take connections from everywhere.',
    ),
    'read-cache': key(
      list(prefix(), 0, PREFIXES_MAX).prefault([]),
      'Clients that may also ask without RD, which reveals what others asked. They are answered from the cache alone.',
    ),
  })
  .prefault({});

export const access = withForm(accessKeys, {
  into: ({ allow, allowFile, identified, readCache }, context, at) => {
    const inline = allow ?? (allowFile === undefined ? toLocalNetworks() : []);
    const { prefixes, file } = withFile(inline, allowFile, context.prefixesOf([...at, 'allow-file']));
    return { allow: prefixes, allowFile: file, identified, readCache: packPrefixes(readCache) };
  },
  from: ({ allow, allowFile, identified, readCache }) => ({
    identified,
    allow: inlinePrefixes(allow, allowFile),
    allowFile: allowFile?.path,
    readCache: [...unpackPrefixes(readCache)],
  }),
});

const toLocalNetworks = (): Prefix[] =>
  LOCAL_NETWORKS.map(parsePrefix).filter((prefix) => prefix !== undefined);

/** Who may open the control socket. */
const SOCKET_USERS = ['owner', 'group'] as const;

export const admin = z
  .strictObject({
    allow: key(list(prefix(), 1, PREFIXES_MAX).prefault(LOOPBACK), 'Clients of the admin listener.'),
    hosts: key(
      list(zone('the root is no host', 'name a host'), 0, ADMIN_HOSTS_MAX).prefault([]),
      'Names by which requests may reach the admin listener, beside its addresses, `localhost` and the name of this host. A request with another `Host` is refused, so that no web page reaches it by a name of its own (DNS rebinding).',
    ),
    socket: key(
      choice(SOCKET_USERS).prefault('owner'),
      'Who may use the command on the running service: `owner` is the user of the service, and root; `group` is everybody in the group of the service as well, each under the own name ([Who acts](operations.md#who-acts)).',
    ),
  })
  .prefault({});

const rateLimitKeys = z
  .strictObject({
    mode: key(
      choice(RATE_LIMIT_MODES).prefault('enforce'),
      '`enforce` limits; `dry-run` answers everybody and counts who would be limited; `off` does neither.',
    ),
    'per-client': key(
      integer(1, 1_000_000).prefault(500),
      'Queries a second over UDP of one address that shows no valid cookie, ten seconds of them at once; a /24 may ask 32 times as much, as may a /64 of IPv6.',
    ),
    slip: key(
      integer(0, 100).prefault(1),
      'One in this many queries over the limit is answered with TC, so that a real client comes back over TCP; the others get no answer. `0`: no query is answered.',
    ),
    exempt: key(
      list(prefix(), 0, PREFIXES_MAX).prefault(LOOPBACK),
      'Clients that are never limited, such as forwarders and gateways that ask for many others.',
    ),
  })
  .prefault({});

export const rateLimit = withForm(rateLimitKeys, {
  into: ({ mode, perClient, slip, exempt }) => ({
    ...{ mode, perClient, slip, exempt },
    /** What is enforced or tried; undefined: nothing. */
    rules: mode === 'off' ? undefined : { perClient, isDryRun: mode === 'dry-run', slip, exempt },
  }),
  from: same,
});
