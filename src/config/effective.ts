// The whole configuration as text: every default written out, every path absolute.
//
// Loading the text gives the same configuration, except that no configuration has a key for "the system's
// resolvers": there `upstreams` stays away. The configuration has no secrets; a key that holds one has to be masked
// here. The query of a list's address may hold a token; it is shown, because the text could not be read back.
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import {
  countPrefixes,
  formatAddress,
  formatEndpoint,
  formatPrefix,
  type PrefixList,
  unpackPrefixes,
} from '../base/base.ts';
import { formatName } from '../dns/dns.ts';
import { formatDurationMs, formatDurationSec, formatShare, formatSize } from './amount.ts';
import { formatProfile } from './evidence-leaf.ts';
import type { BlockAnswerRaw } from './leaf.ts';
import type {
  BlockAnswer,
  Config,
  DecisionConfig,
  GroupConfig,
  KeepConfig,
  ListConfig,
  ListReading,
  ListSource,
  OutOfScope,
  PrefixFile,
  RecordsConfig,
  UrlSource,
} from './normalized.ts';
import { formatIpv6Prefix } from './prefix-leaf.ts';
import { formatDayHours, WEEKDAYS } from './schedule-leaf.ts';
import type { RawConfig } from './schema.ts';
import { formatUpstream } from './upstream-leaf.ts';

/** YAML of the effective configuration. */
export const effectiveConfig = (config: Config): string =>
  stringify(effectiveValues(config), { lineWidth: 0, aliasDuplicateObjects: false });

/** SHA-256 of the effective configuration and its files of prefixes, in hex: equal for equal behavior, however it is written. */
export const configHash = (config: Config): string => {
  let hash = hashes.get(config);
  if (hash === undefined) {
    const digest = createHash('sha256').update(effectiveConfig(config));
    for (const { key, sha256 } of prefixFilesOf(config)) digest.update(`${key} ${sha256}\n`);
    hash = digest.digest('hex');
    hashes.set(config, hash);
  }
  return hash;
};

/** Metrics ask at each scrape, and a configuration never changes. */
const hashes = new WeakMap<Config, string>();

/** A file of prefixes that a configuration names, and what was in it. */
export interface PrefixFileFacts {
  /** `groups[lab].clients-file` */
  readonly key: string;
  readonly path: string;
  readonly count: number;
  /** Of its prefixes, in hex; comments do not count. */
  readonly sha256: string;
}

/** The files of prefixes that a configuration was read with. */
export const prefixFilesOf = ({ access, groups }: Config): PrefixFileFacts[] => [
  ...factsOf('access.allow-file', access.allow, access.allowFile),
  ...groups.flatMap(({ name, clients, clientsFile }) =>
    factsOf(`groups[${name}].clients-file`, clients, clientsFile),
  ),
];

const factsOf = (key: string, list: PrefixList, file: PrefixFile | undefined): PrefixFileFacts[] => {
  if (file === undefined) return [];
  const { path, count } = file;
  const words = list.words.subarray(list.words.length - (list.words.length / countPrefixes(list)) * count);
  return [{ key, path, count, sha256: createHash('sha256').update(words).digest('hex') }];
};

/** The effective configuration as values. */
export const effectiveValues = (config: Config): RawConfig => ({
  listen: {
    dns: config.listen.dns.map(formatEndpoint),
    admin: config.listen.admin === undefined ? false : formatEndpoint(config.listen.admin),
  },
  workers: config.workers,
  state: config.stateDirectory,
  upstreams: config.upstreams?.map(formatUpstream),
  fallback: listUnlessEmpty(config.fallback, formatUpstream),
  bootstrap: listUnlessEmpty(config.bootstrap, formatEndpoint),
  forward: config.forward.map((rule) => ({
    zones: rule.zones.map((zone) => formatName(zone)),
    upstreams: rule.upstreams.map(formatUpstream),
  })),
  lists: config.lists.map(toRawList),
  groups: config.groups.map(toRawGroup),
  block: { mode: toRawAnswer(config.block.answer), ttl: formatDurationSec(config.block.ttlSec) },
  access: {
    allow: inlinePrefixes(config.access.allow, config.access.allowFile),
    'allow-file': config.access.allowFile?.path,
    'read-cache': [...unpackPrefixes(config.access.readCache)].map(formatPrefix),
  },
  admin: {
    allow: config.admin.allow.map(formatPrefix),
    hosts: config.admin.hosts.map((host) => formatName(host)),
  },
  cache: {
    size: formatSize(config.cache.sizeBytes),
    ttl: {
      min: formatDurationSec(config.cache.ttlSecMin),
      max: formatDurationSec(config.cache.ttlSecMax),
      'negative-max': formatDurationSec(config.cache.negativeTtlSecMax),
    },
    stale: {
      max: formatDurationSec(config.cache.stale.staleSecMax),
      after: formatDurationMs(config.cache.stale.afterMs),
      ttl: formatDurationSec(config.cache.stale.ttlSec),
    },
    prefetch: config.cache.prefetch,
  },
  resolver: {
    timeout: formatDurationMs(config.resolver.timeoutMs),
    'try-timeout': formatDurationMs(config.resolver.tryTimeoutMs),
    inflight: config.resolver.inflightMax,
    'per-upstream': config.resolver.inflightPerServerMax,
    'client-share': formatShare(config.resolver.clientShareMax),
    'zone-share': formatShare(config.resolver.zoneShareMax),
    strategy: config.resolver.strategy,
    cookies: config.resolver.cookies,
    'mixed-case': config.resolver.mixedCase,
    ca: [...config.resolver.ca],
  },
  dnssec: {
    mode: config.dnssec.mode,
    anchors: config.dnssec.anchorsPath,
    'negative-anchors': config.dnssec.negativeAnchors.map((zone) => formatName(zone)),
    'aggressive-nsec': config.dnssec.aggressiveNsec,
    'allow-sha1': config.dnssec.allowSha1,
  },
  dns64:
    config.dns64 === undefined
      ? undefined
      : {
          prefix: formatIpv6Prefix(config.dns64.prefix),
          exclude: config.dns64.exclude.map(formatIpv6Prefix),
        },
  rebinding: {
    protect: config.rebinding.protect,
    allow: config.rebinding.allow.map((zone) => formatName(zone)),
  },
  'rate-limit': {
    mode: config.rateLimit.mode,
    'per-client': config.rateLimit.perClient,
    slip: config.rateLimit.slip,
    exempt: config.rateLimit.exempt.map(formatPrefix),
  },
  tcp: {
    connections: config.tcp.connectionsMax,
    'per-client': config.tcp.connectionsPerClientMax,
    'per-network': formatShare(config.tcp.networkShareMax),
    idle: formatDurationMs(config.tcp.idleMs),
  },
  log: { level: config.log.level, priorities: config.log.priorities },
  compliance: {
    profile: config.compliance.profile && formatProfile(config.compliance.profile),
    exemptions: config.compliance.exemptionsPath,
    approvers: config.compliance.approvers.map((approver) => ({ ...approver })),
    'pause-max': formatDurationMs(config.compliance.pauseMsMax),
    'out-of-scope': toRawScope(config.compliance.outOfScope),
  },
  records: toRawRecords(config.records),
  probe: {
    interval: formatDurationMs(config.probe.intervalMs),
    sweep: formatDurationMs(config.probe.sweepMs),
    rate: config.probe.rate,
    controls: config.probe.controls.map((name) => formatName(name)),
    listeners: config.probe.asksListeners,
  },
});

/** A preset is written out: what it means is what is in force. */
const toRawRecords = (records: RecordsConfig) => ({
  enabled: records.isEnabled,
  identity: records.identity,
  truncate: { ...records.truncateBits },
  'key-rotation': formatDurationMs(records.keyRotationMs),
  'repeat-window': formatDurationMs(records.repeatWindowMs),
  'bytes-per-day': formatSize(records.bytesPerDay),
  'client-bytes-per-day': formatSize(records.clientBytesPerDay),
  reserve: formatSize(records.reserveBytes),
  retention: {
    queries: toRawKeep(records.retention.queries),
    changes: toRawKeep(records.retention.changes),
  },
  heads: { every: formatDurationMs(records.heads.everyMs), file: records.heads.filePath },
  outputs: records.outputs.map(({ text, classes, caPath, facility }) => ({
    to: text,
    classes: [...classes],
    ca: caPath,
    facility,
  })),
});

const toRawKeep = ({ searchableMs, archivedMs }: KeepConfig) => ({
  searchable: formatDurationMs(searchableMs),
  archived: formatDurationMs(archivedMs),
});

/** A list that cannot be written without items. */
const listUnlessEmpty = <Item>(
  items: readonly Item[],
  format: (item: Item) => string,
): string[] | undefined => (items.length === 0 ? undefined : items.map((item) => format(item)));

/** Those that do not stand in the file; none where the file has all. */
const inlinePrefixes = (list: PrefixList, file: PrefixFile | undefined): string[] | undefined =>
  listUnlessEmpty([...unpackPrefixes(list, 0, countPrefixes(list) - (file?.count ?? 0))], formatPrefix);

const toRawScope = (scope: OutOfScope) => (typeof scope === 'boolean' ? scope : [...scope]);

const toRawGroup = (group: GroupConfig) => ({
  name: group.name,
  clients: inlinePrefixes(group.clients, group.clientsFile),
  'clients-file': group.clientsFile?.path,
  listeners: listUnlessEmpty(group.listeners, formatEndpoint),
  lists: [...group.lists],
  'out-of-scope': toRawScope(group.outOfScope),
  schedules: group.schedules.map(toRawSchedule),
  upstreams: group.upstreams?.map(formatUpstream),
  fallback: listUnlessEmpty(group.fallback, formatUpstream),
});

const toRawList = ({ id, source, ...list }: ListConfig) => ({
  id,
  ...toRawSource(source),
  mandate: list.mandate,
  allow: list.allow,
  'log-only': list.logOnly,
  answer: list.answer === undefined ? undefined : toRawAnswer(list.answer),
  ede: list.ede,
  category: list.category,
  operators:
    list.operators.length === 0
      ? undefined
      : list.operators.map(({ name, refuse, decision }) => ({
          name,
          refuse,
          decision: toRawDecision(decision),
        })),
  decision: list.decision === undefined ? undefined : toRawDecision(list.decision),
});

const toRawDecision = (decision: DecisionConfig) => ({
  authority: decision.authority,
  reference: decision.reference,
  text: decision.text,
  'in-force-from': new Date(decision.inForceFromMs).toISOString(),
  review: toRawInstant(decision.reviewMs),
  ends: toRawInstant(decision.endsMs),
});

const toRawSource = (source: ListSource) => {
  if (source.kind === 'shipped') return { shipped: source.id };
  return { ...toRawPlace(source), ...toRawReading(source) };
};

const toRawPlace = (source: Exclude<ListSource, { readonly kind: 'shipped' }>) => {
  if (source.kind === 'url') return toRawFetching(source);
  return source.isDirectory ? { directory: source.path } : { file: source.path };
};

const toRawFetching = (source: UrlSource) => ({
  url: source.url,
  refresh: formatDurationMs(source.refreshMs),
  'public-key': source.publicKey,
  signature: source.signatureUrl,
  sha256: source.sha256,
  'max-size': formatSize(source.sizeBytesMax),
  resolve: listUnlessEmpty(source.addresses, ({ address }) => address),
  review: {
    shrink: formatShare(source.review.shrinkShareMax),
    grow: formatShare(source.review.growthShareMax),
    rejected: formatShare(source.review.rejectedShareMax),
  },
});

/** Some keys go with the formats that read them. */
const toRawReading = ({ format, match, origin, takesEverything, recordTtlSecMax }: ListReading) => {
  if (format === 'domains') return { format, match };
  if (format !== 'rpz') return { format };
  const maxTtl = recordTtlSecMax === undefined ? undefined : formatDurationSec(recordTtlSecMax);
  return { format, origin, everything: takesEverything || undefined, 'max-policy-ttl': maxTtl };
};

const toRawSchedule = ({ list, schedule }: GroupConfig['schedules'][number]) => ({
  list,
  from: toRawInstant(schedule.fromMs),
  until: toRawInstant(schedule.untilMs),
  weekdays: schedule.weekdays?.flatMap((day) => WEEKDAYS[day] ?? []),
  hours: schedule.hours === undefined ? undefined : formatDayHours(schedule.hours),
  timezone: schedule.timeZone,
});

const toRawInstant = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();

const toRawAnswer = (answer: BlockAnswer): BlockAnswerRaw =>
  answer.kind === 'address'
    ? { address: answer.addresses.map((words) => formatAddress(words)) }
    : answer.kind;
