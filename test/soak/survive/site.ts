// The network of the survival test: sites as network namespaces, joined by two bridges in a namespace between them.
//
//   clients ─┐                       ┌─ upstreams
//   r1 ──────┼─ LAN 192.0.2.0/24     ├─ r1     WAN 198.51.100.0/24
//   r2 ──────┘                       └─ r2
//
// Everything carries documentation addresses and goes away with the program. Root and Linux only.
import { spawnSync } from 'node:child_process';

const PREFIX = `cs${process.pid}`;
const NET = `${PREFIX}-net`;

/** A network namespace. */
export type Site = 'clients' | 'r1' | 'r2' | 'up';
type Bridge = 'lan' | 'wan';

/** Each site's places in the two networks. */
const PLACES: readonly { site: Site; bridge: Bridge; device: string; addresses: readonly string[] }[] = [
  { site: 'clients', bridge: 'lan', device: 'eth0', addresses: ['192.0.2.10/24'] },
  { site: 'r1', bridge: 'lan', device: 'eth0', addresses: ['192.0.2.11/24'] },
  { site: 'r2', bridge: 'lan', device: 'eth0', addresses: ['192.0.2.12/24'] },
  { site: 'r1', bridge: 'wan', device: 'eth1', addresses: ['198.51.100.11/24'] },
  { site: 'r2', bridge: 'wan', device: 'eth1', addresses: ['198.51.100.12/24'] },
  {
    site: 'up',
    bridge: 'wan',
    device: 'eth1',
    addresses: ['198.51.100.53/24', '198.51.100.54/24', '198.51.100.80/24'],
  },
];
const SITES: readonly Site[] = ['clients', 'r1', 'r2', 'up'];

const ip = (...args: string[]): void => {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
};

/** The namespace of a site, as ip-netns(8) knows it. */
const namespaceOf = (site: Site): string => `${PREFIX}-${site}`;

/** A command that runs in a site. */
export const commandIn = (site: Site, command: readonly string[]): [string, ...string[]] => [
  'ip',
  'netns',
  'exec',
  namespaceOf(site),
  ...command,
];

/** Runs a program in a site to its end; its output. */
export const runIn = (site: Site, ...command: string[]): string =>
  spawnSync('ip', commandIn(site, command).slice(1), { encoding: 'utf8' }).stdout;

/** The end of a site's cable that hangs in the bridge. */
const portOf = (site: Site, bridge: Bridge): string => `${site}-${bridge}`;

/** Makes all sites. */
export const buildSites = (): void => {
  process.once('exit', removeSites);
  ip('netns', 'add', NET);
  for (const bridge of ['lan', 'wan']) {
    ip('-n', NET, 'link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0');
    ip('-n', NET, 'link', 'set', bridge, 'up');
  }
  for (const site of SITES) {
    ip('netns', 'add', namespaceOf(site));
    ip('-n', namespaceOf(site), 'link', 'set', 'lo', 'up');
  }
  for (const { site, bridge, device, addresses } of PLACES) {
    const [port, inside] = [portOf(site, bridge), namespaceOf(site)];
    ip('-n', NET, 'link', 'add', port, 'type', 'veth', 'peer', 'name', device, 'netns', inside);
    ip('-n', NET, 'link', 'set', port, 'master', bridge, 'up');
    for (const address of addresses) ip('-n', inside, 'address', 'add', address, 'dev', device);
    ip('-n', inside, 'link', 'set', device, 'up');
  }
};

/** Cuts a site off from a network, or joins it again. */
export const setJoined = (site: Site, bridge: Bridge, isJoined: boolean): void => {
  // The cable stays plugged in: no program at either end sees a link go down.
  const args = ['-n', NET, 'link', 'set', portOf(site, bridge)];
  ip(...args, ...(isJoined ? ['master', bridge] : ['nomaster']));
};

const removeSites = (): void => {
  for (const name of [...SITES.map(namespaceOf), NET])
    spawnSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
};
