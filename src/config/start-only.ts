// Keys of the configuration that are read at the start only: a reload that changes them says so.
import { formatEndpoint } from '../base/base.ts';
import { formatName } from '../wire/dns/dns.ts';
import type { Config, TlsConfig } from './schema.ts';

/** Keys that are read at the start only, or keys above such. */
const START_ONLY = [
  ...['admin', 'cache.size', 'control-room', 'fips', 'fleet', 'listen.admin', 'listen.doq', 'log', 'name'],
  ...['records.enabled', 'state', 'tcp', 'tls.connections', 'tls.idle', 'tls.per-client', 'tls.per-network'],
  'workers',
];

/** True for a key, such as `tcp.idle`, whose change takes effect at the next start. */
export const isStartOnly = (key: string): boolean =>
  !/^fleet\.lists(?:\[|$)/.test(key) &&
  START_ONLY.some((known) => key === known || key.startsWith(`${known}.`) || key.startsWith(`${known}[`));

/** The keys that are others and take effect at the next start. */
export const startOnlyChanges = (before: Config, after: Config): string[] => {
  const [old, wanted] = [startOnlyValues(before), startOnlyValues(after)];
  return Object.keys(old).filter((key) => key in wanted && old[key] !== wanted[key]);
};

const startOnlyValues = (config: Config): Record<string, unknown> => ({
  name: config.name,
  workers: config.workers,
  'cache.size': config.cache.sizeBytes,
  tcp: JSON.stringify(config.tcp),
  'listen.doq': config.listen.doq.length > 0,
  ...(config.tls && { tls: JSON.stringify(boundsOf(config.tls)) }),
  'listen.admin': config.listen.admin && formatEndpoint(config.listen.admin),
  'admin.socket': config.admin.socket,
  'admin.allow': JSON.stringify(config.admin.allow),
  'admin.hosts': JSON.stringify(config.admin.hosts.map((host) => formatName(host))),
  'control-room':
    config.controlRoom &&
    JSON.stringify({
      ...config.controlRoom,
      hosts: config.controlRoom.hosts.map((host) => formatName(host)),
    }),
  'log.level': config.log.level,
  'log.priorities': config.log.priorities,
  'records.enabled': config.records.isEnabled,
  state: config.stateDirectory,
  fleet: JSON.stringify({ ...config.fleet, lists: undefined }),
});

/** The budget of connections: it is made with the first listener. */
const boundsOf = (tls: TlsConfig): readonly number[] => [
  tls.connectionsMax,
  tls.connectionsPerClientMax,
  tls.connectionsPerNetworkMax,
  tls.idleMs,
];
