// The whole configuration as text: every default written out, every path absolute.
//
// Loading the text gives the same configuration, except that no configuration has a key for "the system's
// resolvers": there `upstreams` stays away. The configuration has no secrets; a key that holds one has to be masked
// here.
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { formatAddress, formatEndpoint, formatPrefix } from '../base/base.ts';
import { formatName } from '../dns/dns.ts';
import { formatDurationMs, formatDurationSec, formatSize } from './amount.ts';
import type { BlockAnswerRaw } from './leaf.ts';
import type { BlockAnswer, Config, ListConfig } from './normalized.ts';
import { DEFAULT_GROUP, type RawConfig } from './schema.ts';

/** YAML of the effective configuration. */
export const effectiveConfig = (config: Config): string =>
  stringify(toRaw(config), { lineWidth: 0, aliasDuplicateObjects: false });

/** SHA-256 of the effective configuration, in hex: equal for equal behavior, however it is written. */
export const configHash = (config: Config): string =>
  createHash('sha256').update(effectiveConfig(config)).digest('hex');

const toRaw = (config: Config): RawConfig => ({
  listen: {
    dns: config.listen.dns.map(formatEndpoint),
    admin: config.listen.admin === undefined ? false : formatEndpoint(config.listen.admin),
  },
  workers: config.workers,
  state: config.stateDirectory,
  upstreams: config.upstreams?.map(formatEndpoint),
  forward: config.forward.map((rule) => ({
    zones: rule.zones.map((zone) => formatName(zone)),
    upstreams: rule.upstreams.map(formatEndpoint),
  })),
  lists: config.lists.map(toRawList),
  groups: config.groups.map(({ name, clients, lists }) => ({
    name,
    clients: name === DEFAULT_GROUP ? undefined : clients.map(formatPrefix),
    lists: [...lists],
  })),
  block: { mode: toRawAnswer(config.block.answer), ttl: formatDurationSec(config.block.ttlSec) },
  access: { allow: config.access.allow.map(formatPrefix) },
  admin: { allow: config.admin.allow.map(formatPrefix) },
  cache: {
    size: formatSize(config.cache.sizeBytes),
    ttl: {
      min: formatDurationSec(config.cache.ttlSecMin),
      max: formatDurationSec(config.cache.ttlSecMax),
      'negative-max': formatDurationSec(config.cache.negativeTtlSecMax),
    },
  },
  resolver: {
    timeout: formatDurationMs(config.resolver.timeoutMs),
    'try-timeout': formatDurationMs(config.resolver.tryTimeoutMs),
    inflight: config.resolver.inflightMax,
  },
  tcp: {
    connections: config.tcp.connectionsMax,
    'per-client': config.tcp.connectionsPerClientMax,
    idle: formatDurationMs(config.tcp.idleMs),
  },
  log: { level: config.log.level },
});

const toRawList = ({ id, source, mandate, answer, ede, category }: ListConfig) => ({
  id,
  ...(source.kind === 'shipped' ? { shipped: source.id } : toRawFile(source)),
  mandate,
  answer: answer === undefined ? undefined : toRawAnswer(answer),
  ede,
  category,
});

/** `match` goes with the format that reads it. */
const toRawFile = ({ path, format, match }: Extract<ListConfig['source'], { kind: 'file' }>) =>
  format === 'domains' ? { file: path, format, match } : { file: path, format };

const toRawAnswer = (answer: BlockAnswer): BlockAnswerRaw =>
  answer.kind === 'address'
    ? { address: answer.addresses.map((words) => formatAddress(words)) }
    : answer.kind;
