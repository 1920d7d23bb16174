// Keys of the configuration that are read at the start only: a reload that changes them says so.
import { formatEndpoint } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { formatName } from '../dns/dns.ts';

/** The keys that are others and take effect at the next start. */
export const startOnlyChanges = (before: Config, after: Config): string[] => {
  const [old, wanted] = [startOnlyValues(before), startOnlyValues(after)];
  return Object.keys(old).filter((key) => old[key] !== wanted[key]);
};

const startOnlyValues = (config: Config): Record<string, unknown> => ({
  workers: config.workers,
  'cache.size': config.cache.sizeBytes,
  tcp: JSON.stringify(config.tcp),
  'listen.admin': config.listen.admin && formatEndpoint(config.listen.admin),
  'admin.allow': JSON.stringify(config.admin.allow),
  'admin.hosts': JSON.stringify(config.admin.hosts.map((host) => formatName(host))),
  'log.level': config.log.level,
  'log.priorities': config.log.priorities,
  'records.enabled': config.records.isEnabled,
  state: config.stateDirectory,
});
