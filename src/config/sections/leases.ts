// Leases: where it stands which device has an address.
import { z } from 'zod';
import { durationMs } from '../amount.ts';
import { choice, path } from '../leaf.ts';
import { prefix } from '../prefix-leaf.ts';
import { key, keyAs, list } from '../value.ts';

/** Servers of DHCP of one site, and files of its own. */
export const LEASE_SOURCES_MAX = 16;
/** Networks of one of them. */
const CLIENTS_MAX = 1024;
const FORMS = ['kea', 'kea-socket', 'dhcpd', 'dnsmasq', 'plain'] as const;
const DEVICES = ['mac', 'host'] as const;

/** One source. */
export const leaseSource = z.strictObject({
  form: key(
    choice(FORMS),
    '`kea` a memfile of Kea (CSV); `kea-socket` its control socket, with the hook `libdhcp_lease_cmds.so`; `dhcpd` of ISC; `dnsmasq`; `plain` JSON lines of anybody ([Leases](beside.md#leases)).',
  ),
  path: key(path(), 'The file or the socket. It is looked at once a second, a socket every ten.'),
  clients: key(
    list(prefix(), 1, CLIENTS_MAX),
    'For whom it is believed: what it says of other addresses is not read.',
  ),
  'max-age': keyAs(
    'maxAgeMs',
    durationMs('1m', '31d').optional(),
    'When the file was last written longer ago, or the socket last answered, nobody has a lease of it: for a file that something writes at an interval.',
    'until its leases end',
  ),
  device: key(
    choice(DEVICES).prefault('mac'),
    '`mac`: `mac:` and the MAC address. `host`: `host:` and the name that the client gave itself or the server gave it.',
  ),
});
