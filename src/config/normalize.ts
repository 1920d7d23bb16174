// From parsed values to the Config that the program runs with: paths absolute, the default lists and the default
// group in place, answers resolved. Runs only after every check has passed.
import { resolve } from 'node:path';
import {
  countPrefixes,
  joinPrefixes,
  type Prefix,
  type PrefixList,
  packPrefixes,
  parsePrefix,
} from '../base/base.ts';
import type { CrossCheckFacts } from './draft.ts';
import { formatRecordTarget } from './evidence-leaf.ts';
import {
  type BlockAnswer,
  BUNDLED_AUTHORITIES,
  type ComplianceConfig,
  type Config,
  type DecisionConfig,
  type GroupConfig,
  type KeepConfig,
  type ListConfig,
  type ListReading,
  type ListSource,
  type PrefixFile,
  type RecordsConfig,
  type ScheduleConfig,
  SYSTEM_AUTHORITIES,
  type UrlSource,
} from './normalized.ts';
import type { PrefixFiles } from './prefix-file.ts';
import { RETENTION } from './retention.ts';
import { toInstantMs, WEEKDAYS } from './schedule-leaf.ts';
import { DEFAULT_GROUP, LOCAL_NETWORKS, type ParsedConfig, URL_DEFAULTS } from './schema.ts';

/** `directory` is what relative paths are relative to. */
export const normalize = (
  parsed: ParsedConfig,
  directory: string,
  facts: CrossCheckFacts,
  files: PrefixFiles,
): Config => {
  const lists = withExtra(
    parsed.lists?.map((item) => toList(item, directory)) ?? facts.shippedDefault.map(shippedList),
    parsed['extra-lists'].map((item) => toList(item, directory)),
  );
  return {
    listen: { dns: parsed.listen.dns, admin: parsed.listen.admin || undefined },
    workers: parsed.workers,
    stateDirectory: resolve(directory, parsed.state),
    upstreams: parsed.upstreams,
    fallback: parsed.fallback ?? [],
    bootstrap: parsed.bootstrap ?? [],
    forward: parsed.forward,
    lists,
    groups: toGroups(
      (parsed.groups ?? []).map((group, index) => toGroup(group, directory, files.groups.get(index))),
      lists,
    ),
    block: { answer: toAnswer(parsed.block), ttlSec: parsed.block.ttl },
    access: toAccess(parsed.access, directory, files.allow),
    admin: parsed.admin,
    cache: {
      sizeBytes: parsed.cache.size,
      ttlSecMin: parsed.cache.ttl.min,
      ttlSecMax: parsed.cache.ttl.max,
      negativeTtlSecMax: parsed.cache.ttl['negative-max'],
      stale: {
        staleSecMax: parsed.cache.stale.max,
        afterMs: parsed.cache.stale.after,
        ttlSec: parsed.cache.stale.ttl,
      },
      prefetch: parsed.cache.prefetch,
    },
    resolver: {
      timeoutMs: parsed.resolver.timeout,
      tryTimeoutMs: parsed.resolver['try-timeout'],
      inflightMax: parsed.resolver.inflight,
      inflightPerServerMax: parsed.resolver['per-upstream'],
      clientShareMax: parsed.resolver['client-share'],
      zoneShareMax: parsed.resolver['zone-share'],
      strategy: parsed.resolver.strategy,
      cookies: parsed.resolver.cookies,
      mixedCase: parsed.resolver['mixed-case'],
      ca: parsed.resolver.ca.map((ca) => (AUTHORITY_WORDS.has(ca) ? ca : resolve(directory, ca))),
    },
    dnssec: {
      mode: parsed.dnssec.mode,
      anchorsPath:
        parsed.dnssec.anchors === undefined ? undefined : resolve(directory, parsed.dnssec.anchors),
      negativeAnchors: parsed.dnssec['negative-anchors'],
      aggressiveNsec: parsed.dnssec['aggressive-nsec'],
      allowSha1: parsed.dnssec['allow-sha1'],
    },
    dns64: parsed.dns64,
    rebinding: parsed.rebinding,
    rateLimit: toRateLimit(parsed['rate-limit']),
    tcp: {
      connectionsMax: parsed.tcp.connections,
      connectionsPerClientMax: parsed.tcp['per-client'],
      connectionsPerNetworkMax: Math.max(
        parsed.tcp['per-client'],
        Math.floor(parsed.tcp.connections * parsed.tcp['per-network']),
      ),
      networkShareMax: parsed.tcp['per-network'],
      idleMs: parsed.tcp.idle,
    },
    log: parsed.log,
    compliance: {
      profile: toProfile(parsed.compliance.profile, directory),
      exemptionsPath: resolveMaybe(directory, parsed.compliance.exemptions),
      approvers: parsed.compliance.approvers.map(({ name, role, delegation }) => ({
        name,
        role,
        delegation,
      })),
      pauseMsMax: parsed.compliance['pause-max'],
      outOfScope: parsed.compliance['out-of-scope'],
    },
    records: toRecords(parsed.records, directory),
    probe: {
      intervalMs: parsed.probe.interval,
      sweepMs: parsed.probe.sweep,
      rate: parsed.probe.rate,
      controls: parsed.probe.controls,
      asksListeners: parsed.probe.listeners,
    },
  };
};

/** What is no file. */
const AUTHORITY_WORDS: ReadonlySet<string> = new Set([BUNDLED_AUTHORITIES, SYSTEM_AUTHORITIES]);

const toRateLimit = ({
  mode,
  slip,
  exempt,
  'per-client': perClient,
}: ParsedConfig['rate-limit']): Config['rateLimit'] => ({
  mode,
  perClient,
  slip,
  exempt,
  rules: mode === 'off' ? undefined : { perClient, isDryRun: mode === 'dry-run', slip, exempt },
});

const resolveMaybe = (directory: string, path: string | undefined): string | undefined =>
  path === undefined ? undefined : resolve(directory, path);

const toProfile = (
  profile: ParsedConfig['compliance']['profile'],
  directory: string,
): ComplianceConfig['profile'] =>
  profile === undefined || 'id' in profile ? profile : { path: resolve(directory, profile.path) };

const toRecords = (parsed: ParsedConfig['records'], directory: string): RecordsConfig => {
  const preset = RETENTION[parsed.retention.preset];
  const keep = ({ searchable, archived }: ParsedConfig['records']['retention']['queries']): KeepConfig => ({
    searchableMs: searchable ?? preset.searchableMs,
    archivedMs: archived ?? preset.archivedMs,
  });
  return {
    isEnabled: parsed.enabled,
    identity: parsed.identity,
    truncateBits: parsed.truncate,
    keyRotationMs: parsed['key-rotation'],
    repeatWindowMs: parsed['repeat-window'],
    bytesPerDay: parsed['bytes-per-day'],
    clientBytesPerDay: parsed['client-bytes-per-day'],
    reserveBytes: parsed.reserve,
    retention: { queries: keep(parsed.retention.queries), changes: keep(parsed.retention.changes) },
    heads: { everyMs: parsed.heads.every, filePath: resolveMaybe(directory, parsed.heads.file) },
    outputs: parsed.outputs.map(({ to: written, classes, ca, facility }) => {
      const isPath = written.kind === 'file' || written.kind === 'dnstap-unix';
      const to = isPath ? { ...written, path: resolve(directory, written.path) } : written;
      return { to, text: formatRecordTarget(to), classes, caPath: resolveMaybe(directory, ca), facility };
    }),
  };
};

/** An extra list takes the place of the list that it has the identifier of, or stands behind all others. */
const withExtra = (lists: readonly ListConfig[], extra: readonly ListConfig[]): ListConfig[] => {
  const byId = new Map([...lists, ...extra].map((list) => [list.id, list]));
  return [...byId.values()];
};

type ParsedList = NonNullable<ParsedConfig['lists']>[number];
type ParsedGroup = NonNullable<ParsedConfig['groups']>[number];
type ParsedSchedule = ParsedGroup['schedules'][number];

const toList = (item: ParsedList, directory: string): ListConfig => ({
  id: item.id,
  source: toSource(item, directory),
  mandate: item.mandate,
  allow: item.allow,
  logOnly: item['log-only'],
  answer: item.answer,
  ede: item.ede === undefined ? undefined : { code: item.ede.code, text: item.ede.text },
  category: item.category,
  operators: (item.operators ?? []).map(({ name, refuse, decision }) => ({
    name,
    refuse,
    decision: toDecision(decision),
  })),
  decision: item.decision === undefined ? undefined : toDecision(item.decision),
});

/** Days of a decision begin in UTC: a jurisdiction may have several time zones, and a day is what papers name. */
const toDecision = (written: NonNullable<ParsedList['decision']>): DecisionConfig => ({
  authority: written.authority,
  reference: written.reference,
  text: written.text,
  inForceFromMs: written['in-force-from'].ms,
  reviewMs: written.review?.ms,
  endsMs: written.ends?.ms,
});

/** The checks saw to it that exactly one of `shipped`, `file`, `directory` and `url` is there. */
const toSource = (item: ParsedList, directory: string): ListSource => {
  const reading: ListReading = {
    format: item.format ?? 'domains',
    match: item.match ?? 'suffix',
    origin: item.origin,
    takesEverything: item.everything ?? false,
    recordTtlSecMax: item['max-policy-ttl'],
  };
  if (item.url !== undefined) return { kind: 'url', ...toFetching(item, item.url), ...reading };
  const path = item.file ?? item.directory;
  if (path === undefined) return { kind: 'shipped', id: item.shipped ?? item.id };
  const isDirectory = item.directory !== undefined;
  return { kind: 'file', path: resolve(directory, path), isDirectory, ...reading };
};

const toFetching = (item: ParsedList, url: string): Omit<UrlSource, 'kind' | keyof ListReading> => ({
  url,
  refreshMs: item.refresh ?? URL_DEFAULTS.refreshMs,
  publicKey: item['public-key'],
  signatureUrl: item.signature,
  sha256: item.sha256,
  sizeBytesMax: item['max-size'] ?? URL_DEFAULTS.sizeBytesMax,
  addresses: item.resolve ?? [],
  review: {
    shrinkShareMax: item.review?.shrink ?? URL_DEFAULTS.review.shrinkShareMax,
    growthShareMax: item.review?.grow ?? URL_DEFAULTS.review.growthShareMax,
    rejectedShareMax: item.review?.rejected ?? URL_DEFAULTS.review.rejectedShareMax,
  },
});

const shippedList = (id: string): ListConfig => ({
  id,
  source: { kind: 'shipped', id },
  mandate: undefined,
  allow: false,
  logOnly: false,
  answer: undefined,
  ede: undefined,
  category: undefined,
  operators: [],
  decision: undefined,
});

/** The default group first; the others as written. */
const toGroups = (groups: readonly GroupConfig[], lists: readonly ListConfig[]): GroupConfig[] => {
  const stated = groups.find((group) => group.name === DEFAULT_GROUP);
  const others = groups.filter((group) => group !== stated);
  return [stated ?? allLists(lists), ...others];
};

const allLists = (lists: readonly ListConfig[]): GroupConfig => ({
  name: DEFAULT_GROUP,
  clients: packPrefixes([]),
  clientsFile: undefined,
  listeners: [],
  lists: lists.map((list) => list.id),
  outOfScope: false,
  schedules: [],
  upstreams: undefined,
  fallback: [],
});

/** An inline list and what was read from a file beside it. */
const withFile = (
  inline: readonly Prefix[],
  directory: string,
  path: string | undefined,
  read: PrefixList | undefined,
): { readonly prefixes: PrefixList; readonly file: PrefixFile | undefined } => {
  const prefixes = packPrefixes(inline);
  if (path === undefined || read === undefined) return { prefixes, file: undefined };
  return {
    prefixes: joinPrefixes(prefixes, read),
    file: { path: resolve(directory, path), count: countPrefixes(read) },
  };
};

const toAccess = (
  { allow, 'allow-file': path, 'read-cache': readCache }: ParsedConfig['access'],
  directory: string,
  read: PrefixList | undefined,
): Config['access'] => {
  const inline = allow ?? (path === undefined ? toLocalNetworks() : []);
  const { prefixes, file } = withFile(inline, directory, path, read);
  return { allow: prefixes, allowFile: file, readCache: packPrefixes(readCache) };
};

const toLocalNetworks = (): Prefix[] =>
  LOCAL_NETWORKS.map(parsePrefix).filter((prefix) => prefix !== undefined);

const toGroup = (written: ParsedGroup, directory: string, read: PrefixList | undefined): GroupConfig => {
  const { name, clients = [], listeners = [], lists, schedules, upstreams, fallback = [] } = written;
  const { prefixes, file } = withFile(clients, directory, written['clients-file'], read);
  return {
    name,
    clients: prefixes,
    clientsFile: file,
    listeners,
    lists,
    outOfScope: written['out-of-scope'],
    schedules: schedules.map((item) => ({ list: item.list, schedule: toSchedule(item) })),
    upstreams,
    fallback,
  };
};

const toSchedule = ({ from, until, weekdays, hours, timezone }: ParsedSchedule): ScheduleConfig => ({
  fromMs: from === undefined ? undefined : toInstantMs(from, timezone),
  untilMs: until === undefined ? undefined : toInstantMs(until, timezone),
  weekdays: weekdays?.map((day) => WEEKDAYS.indexOf(day)).sort(),
  hours,
  timeZone: timezone,
});

const toAnswer = (block: ParsedConfig['block']): BlockAnswer => {
  if (block.mode !== undefined && block.mode.kind !== 'address-beside') return block.mode;
  return block.address === undefined ? { kind: 'nxdomain' } : { kind: 'address', addresses: block.address };
};
