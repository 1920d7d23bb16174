// What /metrics prints: the table of all metrics and the registry that is filled from it at a scrape.
//
// The table is the one place where a metric has a name, labels, a meaning and an alarm; the reference page is
// written from it. prom-client holds no count of its own: each scrape copies sums into it, so that it costs the query
// path nothing. Everything is read at one moment, so that the series of one scrape fit each other.
import { createRequire } from 'node:module';
import { createHistogram, type Histogram, type RecordableHistogram } from 'node:perf_hooks';
import type * as PromClient from 'prom-client';
import { every } from '../../base/base.ts';
import { isInForce, MANDATE_STATES } from '../enforcement/enforcement.ts';
import { ANSWER_BOUNDS_MS, RESOLUTION_BOUNDS_MS, RTT_BOUNDS_MS } from './counters.ts';
import { NO_EVIDENCE } from './evidence-facts.ts';
import { EVIDENCE_METRICS } from './evidence-metrics.ts';
import { FLEET_METRICS } from './fleet-metrics.ts';
import {
  type Metric,
  type MetricDescription,
  maybe,
  type Sample,
  type Scrape,
  single,
  summed,
} from './metric.ts';
import type { FeedFacts, ListFacts, MetricsSource, SourceFacts } from './metrics-source.ts';

export type { MetricDescription } from './metric.ts';

/** The page of metrics. */
export interface Metrics {
  /** The media type of the text. */
  readonly contentType: string;
  /** The text of one scrape. */
  render(): Promise<string>;
}

/** Between two looks at the lag of the event loop, milliseconds: in a waking that comes anyway. */
const LAG_LOOK_MS = 250;
/** The library would wake the thread for this alone, ten times a second and more: it is told to look in three weeks. */
const NEVER_MS = 2 ** 31 - 1;
const NS_PER_SEC = 1e9;
const US_PER_SEC = 1e6;

const require = createRequire(import.meta.url);

/** What prom-client says of its text. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * prom-client, loaded by the thread that prints, at the first scrape. Workers import this room for their counters, and the
 * library would take 15 MiB of each; it is 85 files, which a start need not wait for.
 */
const loadClient = (): typeof PromClient =>
  // require() knows no types.
  require('prom-client') as typeof PromClient;

/** All metrics of a running program. */
export const createMetrics = (source: MetricsSource): Metrics => {
  const lag = watchLag();
  let scrape: Scrape = { sums: source.totals.read(), source, evidence: NO_EVIDENCE };
  const createRegistry = (): PromClient.Registry => {
    const client = loadClient();
    const registry = new client.Registry();
    for (const metric of METRICS) register(client, registry, metric, () => scrape);
    registerRuntime(client, registry, lag);
    return registry;
  };
  let registry: PromClient.Registry | undefined;
  return {
    contentType: CONTENT_TYPE,
    render() {
      registry ??= createRegistry();
      // Every collect() below runs before metrics() first yields: all of them see these sums.
      scrape = { sums: source.totals.read(), source, evidence: source.evidence?.() ?? NO_EVIDENCE };
      return registry.metrics();
    },
  };
};

/** Every metric that a running program exports, in the order of the page. */
export const describeMetrics = (): readonly MetricDescription[] => {
  const client = loadClient();
  const registry = new client.Registry();
  registerRuntime(client, registry, createHistogram());
  const runtime = registry
    .getMetricsAsArray()
    .map(({ name, help, type }) => ({ name, help, type: String(type), labels: [], alarm: '' }));
  return [...METRICS, ...runtime];
};

/** Gauges of the runtime whose names end in `_total`, which promtool refuses; the same figure exists by kind. */
const RUNTIME_MISNAMED = [
  'cordon_nodejs_active_handles_total',
  'cordon_nodejs_active_requests_total',
  'cordon_nodejs_active_resources_total',
];

/** What the library counts from when it is loaded, which is long after the process began. */
const CPU_TOTALS: Readonly<Record<string, (usage: NodeJS.CpuUsage) => number>> = {
  cordon_process_cpu_user_seconds_total: ({ user }) => user,
  cordon_process_cpu_system_seconds_total: ({ system }) => system,
  cordon_process_cpu_seconds_total: ({ user, system }) => user + system,
};

const registerRuntime = (client: typeof PromClient, registry: PromClient.Registry, lag: Histogram): void => {
  const usage = process.cpuUsage();
  client.collectDefaultMetrics({
    register: registry,
    prefix: 'cordon_',
    eventLoopMonitoringPrecision: NEVER_MS,
  });
  for (const [name, ofUsage] of Object.entries(CPU_TOTALS))
    (registry.getSingleMetric(name) as PromClient.Counter).inc(ofUsage(usage) / US_PER_SEC);
  for (const name of RUNTIME_MISNAMED) registry.removeSingleMetric(name);
  registerLag(client, registry, lag);
};

/** How late looks of this thread come, nanoseconds. */
const watchLag = (): RecordableHistogram => {
  const lag = createHistogram();
  let lookedMs = performance.now();
  every(LAG_LOOK_MS, () => {
    const nowMs = performance.now();
    lag.record(Math.max(1, Math.round((nowMs - lookedMs - LAG_LOOK_MS) * 1e6)));
    lookedMs = nowMs;
  });
  return lag;
};

/** The same since the last scrape, under the names that the library has for it. */
const registerLag = (client: typeof PromClient, registry: PromClient.Registry, lag: Histogram): void => {
  const figures: Readonly<Record<string, () => number>> = {
    // In the order in which they are collected: the last one begins anew.
    min: () => lag.min,
    max: () => lag.max,
    mean: () => lag.mean,
    stddev: () => lag.stddev,
    p50: () => lag.percentile(50),
    p90: () => lag.percentile(90),
    p99: () => lag.percentile(99),
  };
  for (const [figure, read] of Object.entries(figures)) {
    const name = `cordon_nodejs_eventloop_lag_${figure}_seconds`;
    const { help } = registry.getSingleMetric(name) as PromClient.Gauge & { readonly help: string };
    registry.removeSingleMetric(name);
    new client.Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        this.set(lag.count === 0 ? 0 : read() / NS_PER_SEC);
        if (figure === 'p99') lag.reset();
      },
    });
  }
};

const register = (
  client: typeof PromClient,
  registry: PromClient.Registry,
  metric: Metric,
  scrape: () => Scrape,
): void => {
  const settings = { name: metric.name, help: metric.help, labelNames: metric.labels, registers: [registry] };
  if (metric.type === 'histogram') {
    const histogram = new client.Histogram({ ...settings, registers: [] });
    registry.registerMetric(
      Object.assign(histogram, { getForPromString: () => Promise.resolve(sumBuckets(metric, scrape())) }),
    );
  } else if (metric.type === 'counter') {
    new client.Counter({
      ...settings,
      collect() {
        this.reset();
        for (const [values, value] of metric.read(scrape())) this.inc(toLabels(metric.labels, values), value);
      },
    });
  } else {
    new client.Gauge({
      ...settings,
      collect() {
        const samples = metric.read(scrape());
        this.reset();
        // Without labels a gauge is 0 unless it is taken away: what is not known is no 0.
        if (samples.length === 0 && metric.labels.length === 0) this.remove({});
        for (const [values, value] of samples) this.set(toLabels(metric.labels, values), value);
      },
    });
  }
};

const toLabels = (names: readonly string[], values: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));

/**
 * What the registry asks a histogram for when it prints, of buckets that were counted elsewhere: milliseconds become
 * seconds, buckets become cumulative.
 */
const sumBuckets = (
  { name, help, labels: names, family, boundsMs }: Extract<Metric, { type: 'histogram' }>,
  { sums }: Scrape,
): object => {
  const values = [];
  for (const series of sums.series(family)) {
    const labels = toLabels(names, series.labels);
    let count = 0;
    for (const [bucket, bound] of [...boundsMs, Number.POSITIVE_INFINITY].entries()) {
      count += series.values[bucket] ?? 0;
      const le = Number.isFinite(bound) ? String(bound / 1000) : '+Inf';
      values.push({ labels: { ...labels, le }, value: count, metricName: `${name}_bucket` });
    }
    const sumMs = series.values[boundsMs.length + 1] ?? 0;
    values.push({ labels, value: sumMs / 1000, metricName: `${name}_sum` });
    values.push({ labels, value: count, metricName: `${name}_count` });
  }
  return { name, help, type: 'histogram', values, aggregator: 'sum' };
};

const perList =
  (value: (list: ListFacts) => number) =>
  ({ source }: Scrape): readonly Sample[] =>
    source.lists().map((list) => [[list.id], value(list)] as const);

const sourcesOf = (source: MetricsSource): readonly SourceFacts[] => source.sources?.() ?? [];

const feedsOf = (source: MetricsSource): readonly FeedFacts[] => source.feeds?.() ?? [];

const METRICS: readonly Metric[] = [
  {
    name: 'cordon_queries_total',
    type: 'counter',
    labels: ['transport', 'qtype'],
    help: 'Queries read from clients; those of the self-probe are `cordon_enforcement_probe_queries_total`, and part of no other count.',
    alarm: '`sum(rate(cordon_queries_total[5m])) == 0`: no client reaches the resolver',
    read: summed('queries'),
  },
  {
    name: 'cordon_group_queries_total',
    type: 'counter',
    labels: ['group'],
    help: 'Queries read from clients, by their group; `none` are addresses that may not ask, and all before the lists are loaded. Refusals by group: `sum by (group) (cordon_refusals_total)`.',
    alarm:
      '`rate(cordon_group_queries_total[1h]) == 0` for a group with clients: they ask somebody else, or do not get here',
    read: summed('groupQueries'),
  },
  {
    name: 'cordon_answers_total',
    type: 'counter',
    labels: ['source', 'rcode'],
    help: 'Responses sent to clients, by what made them.',
    alarm: 'share of `rcode="SERVFAIL"` above 2 % for 10 minutes; any `source="not-ready"` after startup',
    read: summed('answers'),
  },
  {
    name: 'cordon_refusals_total',
    type: 'counter',
    labels: ['list', 'category', 'match', 'trigger', 'group', 'qtype'],
    help: 'Queries refused by a rule, by the list that refused and what led to the listed name or address.',
    alarm:
      '`sum by (list) (increase(cordon_refusals_total{list="tiktok"}[7d])) == 0` where attempts are expected',
    read: summed('refusals'),
  },
  {
    name: 'cordon_policy_answers_total',
    type: 'counter',
    labels: ['transport'],
    help: 'Answers that a list decided, by how the query came in.',
    alarm: '',
    read: summed('policyAnswers'),
  },
  {
    name: 'cordon_would_refuse_total',
    type: 'counter',
    labels: ['list', 'category', 'match', 'trigger', 'group', 'qtype'],
    help: 'Queries that a list with `log-only` would have refused and that passed.',
    alarm: 'none: read it before a list is put in force',
    read: summed('wouldRefuse'),
  },
  {
    name: 'cordon_resolution_seconds',
    type: 'histogram',
    labels: [],
    help: 'Time from the query to the response of queries that the cache could not answer.',
    alarm: '`histogram_quantile(0.95, rate(cordon_resolution_seconds_bucket[5m])) > 1`',
    family: 'resolution',
    boundsMs: RESOLUTION_BOUNDS_MS,
  },
  {
    name: 'cordon_answer_seconds',
    type: 'histogram',
    labels: [],
    help: 'Time from a query being read to its response being handed to the system, of all responses. Those that are at hand leave in batches: each counts with the time of its batch.',
    alarm:
      '`histogram_quantile(0.99, rate(cordon_answer_seconds_bucket[5m])) > 2`: clients ask again or elsewhere',
    family: 'answerTime',
    boundsMs: ANSWER_BOUNDS_MS,
  },
  {
    name: 'cordon_dropped_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Datagrams and queries that got no response.',
    alarm: '`rate(cordon_dropped_total{reason=~"overload|send-failed|loop"}[5m]) > 0`',
    read: summed('drops'),
  },
  {
    name: 'cordon_list_candidates',
    type: 'gauge',
    labels: [],
    help: 'Names on no list whose answers led to a mandate list, as far as the workers remember them.',
    alarm: 'above 0: look at `cordon lists candidates`; the answers are refused already',
    read: ({ sums }) => single(sums.candidates),
  },
  {
    name: 'cordon_inflight_queries',
    type: 'gauge',
    labels: [],
    help: 'Questions that wait for an upstream.',
    alarm: 'near `resolver.inflight` times the number of workers',
    read: ({ sums }) => single(sums.inflight),
  },
  {
    name: 'cordon_coalesced_queries_total',
    type: 'counter',
    labels: [],
    help: 'Queries that joined an identical one already under way.',
    alarm: '',
    read: summed('coalesced'),
  },
  {
    name: 'cordon_prefetches_total',
    type: 'counter',
    labels: [],
    help: 'Answers that were fetched anew before they were over, because they are asked for again and again.',
    alarm: '',
    read: summed('prefetches'),
  },
  {
    name: 'cordon_client_share_refused_total',
    type: 'counter',
    labels: [],
    help: 'Queries answered SERVFAIL because their client had its share of the questions in flight.',
    alarm:
      '`rate(cordon_client_share_refused_total[5m]) > 0`: one client asks more than the upstreams can answer',
    read: summed('clientShed'),
  },
  {
    name: 'cordon_zone_share_refused_total',
    type: 'counter',
    labels: [],
    help: 'Queries answered SERVFAIL because names below their zone had their share of the questions in flight.',
    alarm:
      '`rate(cordon_zone_share_refused_total[5m]) > 0`: the servers of a zone are slow, or it is flooded',
    read: summed('zoneShed'),
  },
  {
    name: 'cordon_questions_given_up_total',
    type: 'counter',
    labels: ['reason'],
    help: 'In-flight queries that were evicted: the oldest of the heaviest client or zone, or, by age, of all.',
    alarm: '`sum(rate(cordon_questions_given_up_total[5m])) > 1`: a flood of names that are not answered',
    read: summed('gaveWay'),
  },
  {
    name: 'cordon_repeated_queries_total',
    type: 'counter',
    labels: [],
    help: 'Queries that their client had sent just so while the first still waited; both get one response.',
    alarm: '',
    read: summed('repeated'),
  },
  {
    name: 'cordon_loop_held_total',
    type: 'counter',
    labels: [],
    help: 'Messages of upstreams that held the loop of a worker for more than 5 ms while they were read.',
    alarm:
      '`rate(cordon_loop_held_total[5m]) > 1`: the machine is too busy, or somebody has found what costs too much: report it',
    read: summed('heldLoop'),
  },
  {
    name: 'cordon_silent_zone_refused_total',
    type: 'counter',
    labels: [],
    help: 'Questions that were not asked because no server of their zone answers while other zones are answered.',
    alarm: '`rate(cordon_silent_zone_refused_total[5m]) > 50`: random names below a zone that is down',
    read: summed('silentZones'),
  },
  {
    name: 'cordon_answers_over_bounds_total',
    type: 'counter',
    labels: [],
    help: 'Answers of upstreams with more names, aliases or addresses than are looked at; clients got SERVFAIL with EDE 24.',
    alarm: 'a steady rate: somebody asks for names whose answers are made to cost much',
    read: summed('overBounds'),
  },
  {
    name: 'cordon_rebinding_refused_total',
    type: 'counter',
    labels: [],
    help: 'Answers with private addresses for public names that were kept from clients.',
    alarm: 'a steady rate: a zone of your own may be missing in `rebinding.allow`',
    read: summed('rebinding'),
  },
  {
    name: 'cordon_dnssec_validations_total',
    type: 'counter',
    labels: ['result'],
    help: 'Answers of upstreams that were validated, by what was found.',
    alarm: 'share of `result="bogus"` above 1 % for 10 minutes; any `result="defect"`: report it',
    read: summed('validations'),
  },
  {
    name: 'cordon_dnssec_mode',
    type: 'gauge',
    labels: ['mode'],
    help: 'Always 1; the label tells what is done about DNSSEC: `validate`, `trust-ad` or `off`.',
    alarm: '`cordon_dnssec_mode{mode="off"} == 1` where the upstreams return DNSSEC records',
    read: ({ source }) => [[[source.dnssecMode?.() ?? 'off'], 1]],
  },
  {
    name: 'cordon_dnssec_anchors_confirmed_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the trust anchors were last confirmed by keys of their zone (RFC 5011); seconds since the epoch; absent before that, and where the state directory keeps none.',
    alarm:
      '`time() - cordon_dnssec_anchors_confirmed_timestamp_seconds > 15 * 86400`: a change of the root key would be missed',
    read: ({ source }) => {
      const confirmedMs = source.anchorsConfirmedMs?.();
      return maybe(confirmedMs === undefined ? undefined : confirmedMs / 1000);
    },
  },
  {
    name: 'cordon_rate_limited_total',
    type: 'counter',
    labels: ['group', 'action'],
    help: 'Queries over UDP of addresses or networks that asked more than `rate-limit.per-client` without a cookie; `none` are addresses that may not ask.',
    alarm: '`sum by (group) (rate(cordon_rate_limited_total[5m])) > 1` for 10 minutes',
    read: summed('limited'),
  },
  {
    name: 'cordon_forwarder_queries_total',
    type: 'counter',
    labels: ['forwarder', 'client'],
    help: 'Queries of those in `forwarders`, by what they said of the client: `named`, `nobody`, `network` (less than a whole address), `malformed` (FORMERR), `outside` of the prefixes that it speaks for (REFUSED). `ignored`, beside one of these: an option that is not in `sends`.',
    alarm: '`CordonForwarderOutside` says when there are any of `outside` or `malformed`',
    read: summed('reported'),
  },
  {
    name: 'cordon_tcp_connections',
    type: 'gauge',
    labels: [],
    help: 'Open TCP connections of clients.',
    alarm: '`cordon_tcp_connections / cordon_tcp_connections_limit > 0.9` for 5 minutes',
    read: ({ sums }) => single(sums.tcpConnections),
  },
  {
    name: 'cordon_tcp_connections_limit',
    type: 'gauge',
    labels: [],
    help: 'TCP connections of clients that all workers may have: `tcp.connections` times the workers, or what the limit of descriptors leaves beside a reserve for metrics, lists and upstreams.',
    alarm: 'below what is configured: raise `LimitNOFILE`; the log of the start has the figures',
    read: ({ source }) => maybe(source.tcpConnectionsLimit?.()),
  },
  {
    name: 'cordon_tcp_refused_total',
    type: 'counter',
    labels: ['reason'],
    help: 'TCP connections of clients that were closed at once: no place left, none for the client or its network, the client may not ask, or has to wait for what it did.',
    alarm: '`rate(cordon_tcp_refused_total{reason="connections"}[5m]) > 0`',
    read: summed('tcpRefusals'),
  },
  {
    name: 'cordon_tcp_closed_total',
    type: 'counter',
    labels: ['reason'],
    help: 'TCP connections of clients that were closed because they were idle, gave way to others, did not take their answers, or began a query of more than 4,096 bytes.',
    alarm:
      '`rate(cordon_tcp_closed_total{reason="gave-way"}[5m]) > 1`: places are scarce; `unread`: clients that do not read',
    read: summed('tcpCloses'),
  },
  {
    name: 'cordon_tcp_unread_bytes',
    type: 'gauge',
    labels: [],
    help: 'Answers over TCP that clients have not taken, in the memory of this process; at most 16 MiB a worker.',
    alarm: '',
    read: ({ sums }) => single(sums.tcpUnread),
  },
  {
    name: 'cordon_tls_connections',
    type: 'gauge',
    labels: [],
    help: 'Open connections of clients to the encrypted listeners, those included that are not through the handshake.',
    alarm: '`cordon_tls_connections / cordon_tls_connections_limit > 0.9` for 5 minutes',
    read: ({ sums }) => single(sums.tlsConnections),
  },
  {
    name: 'cordon_tls_connections_limit',
    type: 'gauge',
    labels: [],
    help: 'Encrypted connections of clients that all workers may have: `tls.connections` times the workers, or what the limit of descriptors leaves; 0 where no listener was encrypted at the start.',
    alarm: 'below what is configured: raise `LimitNOFILE`; the log of the start has the figures',
    read: ({ source }) => maybe(source.tlsConnectionsLimit?.()),
  },
  {
    name: 'cordon_tls_refused_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Connections of clients to the encrypted listeners that were closed at once: no place left, none for the client or its network, the client may not ask, or has to wait for what it did.',
    alarm: '`rate(cordon_tls_refused_total{reason="connections"}[5m]) > 0`',
    read: summed('tlsRefusals'),
  },
  {
    name: 'cordon_tls_closed_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Encrypted connections of clients that were closed because they were idle, gave way to others, did not take their answers, began a query that is too long, or sent much that asks for nothing (`flood`).',
    alarm:
      '`rate(cordon_tls_closed_total{reason="gave-way"}[5m]) > 1`: places are scarce; `flood`, `unread`: attacks',
    read: summed('tlsCloses'),
  },
  {
    name: 'cordon_tls_unread_bytes',
    type: 'gauge',
    labels: [],
    help: 'Answers over TLS and HTTPS that clients have not taken, in the memory of this process; at most 16 MiB a worker.',
    alarm: '',
    read: ({ sums }) => single(sums.tlsUnread),
  },
  {
    name: 'cordon_tls_handshakes_total',
    type: 'counter',
    labels: ['result'],
    help: 'Handshakes with clients: `full`, `resumed`, begun and `failed`, `limited` by `tls.handshakes`; of authorities that look whether a name leads here (`challenge`); connections that sent something else (`no-hello`) or nothing in time (`too-late`).',
    alarm:
      '`rate(cordon_tls_handshakes_total{result="failed"}[15m]) > 1`: clients do not take the certificate',
    read: summed('handshakes'),
  },
  {
    name: 'cordon_tls_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the first certificate of the chain of the encrypted listeners ends; seconds since the epoch; absent without such listeners.',
    alarm: '`cordon_health_issue{id="certificate-ends"} == 1`',
    read: ({ source }) => {
      const { endMs } = source.tls?.() ?? {};
      return maybe(endMs === undefined ? undefined : endMs / 1000);
    },
  },
  {
    name: 'cordon_tls_certificate_life_seconds',
    type: 'gauge',
    labels: [],
    help: 'How long the certificates of that chain are valid together, from their start to their end; absent without such listeners.',
    alarm: '',
    read: ({ source }) => {
      const found = source.tls?.();
      return maybe(found === undefined ? undefined : Math.max(0, found.endMs - found.startMs) / 1000);
    },
  },
  {
    name: 'cordon_acme_orders_total',
    type: 'counter',
    labels: ['result'],
    help: 'Certificates that were asked for by ACME: `issued` and on the disk, or `failed`; absent without `tls.acme`.',
    alarm: '',
    read: ({ source }) => {
      const found = source.acme?.();
      if (found === undefined) return [];
      return [
        [['issued'], found.issued],
        [['failed'], found.failed],
      ];
    },
  },
  {
    name: 'cordon_acme_failures',
    type: 'gauge',
    labels: [],
    help: 'Certificates that were asked for by ACME and not obtained, one after the other; 0 after one that was; absent without `tls.acme`.',
    alarm: '`cordon_health_issue{id="certificate-unobtained"} == 1`',
    read: ({ source }) => maybe(source.acme?.()?.failures),
  },
  {
    name: 'cordon_tls_certificate_refused',
    type: 'gauge',
    labels: [],
    help: '1 while the files of `tls` hold something that is not used, because it cannot be read or does not fit together: the certificate before stays in force; absent without encrypted listeners.',
    alarm: '`cordon_health_issue{id="certificate-refused"} == 1`',
    read: ({ source }) => {
      const { isRefused } = source.tls?.() ?? {};
      return maybe(isRefused === undefined ? undefined : Number(isRefused));
    },
  },
  {
    name: 'cordon_room_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the first certificate of the chain of the control room ends; seconds since the epoch; absent without one.',
    alarm: '`cordon_health_issue{id="room-certificate-ends"} == 1`',
    read: ({ source }) => {
      const endMs = source.roomCertificateEndMs?.();
      return maybe(endMs === undefined ? undefined : endMs / 1000);
    },
  },
  {
    name: 'cordon_doq_available',
    type: 'gauge',
    labels: [],
    help: '1 while `listen.doq` is served; 0 where the OpenSSL of the system is missing or too old for it; absent without `listen.doq`.',
    alarm: '`cordon_doq_available == 0`',
    read: ({ source }) => {
      const hasQuic = source.hasQuic?.();
      return maybe(hasQuic === undefined ? undefined : Number(hasQuic));
    },
  },
  {
    name: 'cordon_cache_hits_total',
    type: 'counter',
    labels: [],
    help: 'Look-ups that found an answer still good.',
    alarm: '',
    read: summed('cacheHits'),
  },
  {
    name: 'cordon_cache_misses_total',
    type: 'counter',
    labels: [],
    help: 'Look-ups that found no answer still good.',
    alarm: '',
    read: summed('cacheMisses'),
  },
  {
    name: 'cordon_cache_evictions_total',
    type: 'counter',
    labels: [],
    help: 'Answers that left the cache to make room.',
    alarm: 'a steady rate beside a falling hit share: raise `cache.size`',
    read: summed('cacheEvictions'),
  },
  {
    name: 'cordon_cache_entries',
    type: 'gauge',
    labels: [],
    help: 'Answers in the caches of all workers.',
    alarm: '',
    read: ({ sums }) => single(sums.cacheEntries),
  },
  {
    name: 'cordon_cache_bytes',
    type: 'gauge',
    labels: [],
    help: 'Bytes that the cached answers of all workers take.',
    alarm: '',
    read: ({ sums }) => single(sums.cacheBytes),
  },
  {
    name: 'cordon_cache_limit_bytes',
    type: 'gauge',
    labels: [],
    help: 'Bytes that the cached answers of all workers may take: `cache.size` times the workers.',
    alarm: '`cordon_cache_bytes / cordon_cache_limit_bytes > 0.95` beside a steady rate of evictions',
    read: ({ source }) => maybe(source.cacheLimitBytes?.()),
  },
  {
    name: 'cordon_upstream_queries_total',
    type: 'counter',
    labels: ['upstream', 'transport'],
    help: 'Queries sent to an upstream.',
    alarm: '',
    read: summed('upstreamQueries'),
  },
  {
    name: 'cordon_upstream_answers_total',
    type: 'counter',
    labels: ['upstream', 'rcode'],
    help: 'Responses taken from an upstream.',
    alarm: '',
    read: summed('upstreamAnswers'),
  },
  {
    name: 'cordon_upstream_failures_total',
    type: 'counter',
    labels: ['upstream', 'reason'],
    help: 'Tries at an upstream that brought no usable response.',
    alarm: 'above 5 % of `cordon_upstream_queries_total` for 10 minutes',
    read: summed('upstreamFailures'),
  },
  {
    name: 'cordon_upstream_unwanted_total',
    type: 'counter',
    labels: ['upstream'],
    help: 'Messages on an upstream socket that answer no query of ours: late, broken or forged.',
    alarm: '`rate(cordon_upstream_unwanted_total[5m]) > 10`: somebody may be guessing answers',
    read: summed('upstreamUnwanted'),
  },
  {
    name: 'cordon_upstream_near_misses_total',
    type: 'counter',
    labels: ['upstream'],
    help: 'Datagrams that were nearly a response: to a port in use, with a wrong ID, question, letters or cookie.',
    alarm: '`rate(cordon_upstream_near_misses_total[5m]) > 5`: somebody guesses responses',
    read: summed('upstreamNearMisses'),
  },
  {
    name: 'cordon_upstream_guarded_total',
    type: 'counter',
    labels: ['upstream'],
    help: 'Queries that went over TCP instead of UDP because somebody guesses responses.',
    alarm: 'above 0: see `cordon_upstream_near_misses_total`',
    read: summed('upstreamGuarded'),
  },
  {
    name: 'cordon_upstream_hedges_total',
    type: 'counter',
    labels: ['upstream'],
    help: 'Questions that went to a further upstream as well, because this one took long.',
    alarm: '',
    read: summed('upstreamHedges'),
  },
  {
    name: 'cordon_upstream_rtt_seconds',
    type: 'histogram',
    labels: ['upstream'],
    help: 'Round-trip time of the responses taken from an upstream.',
    alarm: '',
    family: 'upstreamRtt',
    boundsMs: RTT_BOUNDS_MS,
  },
  {
    name: 'cordon_upstream_up',
    type: 'gauge',
    labels: ['upstream'],
    help: '1 while every worker tries the upstream in its turn, 0 while one tries it last.',
    alarm: '`cordon_health_issue{id="upstream-down"} == 1`',
    read: ({ sums }) => Array.from(sums.upstreamsUp, ([upstream, up]) => [[upstream], up ? 1 : 0] as const),
  },
  {
    name: 'cordon_upstream_route_up',
    type: 'gauge',
    labels: ['route'],
    help: '1 while servers for the route answer, 0 while a worker finds none of them answering, fallback included; a route is a zone (`.` for `upstreams`) or `group:NAME`.',
    alarm: '`cordon_health_issue{id="upstreams-down"} == 1`',
    read: ({ source }) =>
      (source.routes?.() ?? []).map(({ route, isUp }) => [[route], isUp ? 1 : 0] as const),
  },
  {
    name: 'cordon_upstream_trusted',
    type: 'gauge',
    labels: ['upstream'],
    help: '1 when an encrypted upstream proved who it is at the last handshake, 0 when it did not: it gets no query; absent before the first. The log tells why.',
    alarm: '`cordon_health_issue{id="upstream-untrusted"} == 1`',
    read: ({ source }) =>
      Array.from(
        source.untrusted?.() ?? [],
        ([upstream, reason]) => [[upstream], reason === undefined ? 1 : 0] as const,
      ),
  },
  {
    name: 'cordon_upstream_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    labels: ['upstream'],
    help: 'When the first certificate of the chain that an upstream showed last ends; seconds since the epoch.',
    alarm: '`cordon_health_issue{id="upstream-certificate-ends"} == 1`',
    read: ({ sums }) =>
      Array.from(sums.certificateEnds, ([upstream, endMs]) => [[upstream], endMs / 1000] as const),
  },
  {
    name: 'cordon_policy_enforcing',
    type: 'gauge',
    labels: [],
    help: '1 while every mandate list refuses to every group that it concerns, 0 while one does not, or no group has any.',
    alarm: '`cordon_policy_enforcing == 0` for 1 minute, unless the whole service is out of scope',
    read: ({ source }) => single(isInForce(source.enforcement.current.state) ? 1 : 0),
  },
  {
    name: 'cordon_enforcement_state',
    type: 'gauge',
    labels: ['group', 'state'],
    help: `Always 1; the label tells what the mandate comes to for a group, \`*\` for the whole service, which is as bad as its worst group in scope: ${MANDATE_STATES.map((state) => `\`${state}\``).join(', ')}.`,
    alarm: '`cordon_enforcement_state{group!="*",state!~"enforced|out-of-scope"}`: names the group',
    read: ({ source }) => {
      const { state, groups } = source.enforcement.current;
      return [[['*', state], 1], ...groups.map((group) => [[group.group, group.state], 1] as const)];
    },
  },
  {
    name: 'cordon_policy_generation',
    type: 'gauge',
    labels: [],
    help: 'Number of the policy generation in force, 0 before the first.',
    alarm: '',
    read: ({ source }) => single(source.generation()),
  },
  {
    name: 'cordon_not_enforcing_seconds_total',
    type: 'counter',
    labels: ['cause'],
    help: 'Time without enforcement since the process started, the time that runs included.',
    alarm: '`increase(cordon_not_enforcing_seconds_total{cause!="startup"}[1h]) > 0`',
    read: ({ source }) => Array.from(source.enforcement.seconds(), ([cause, sec]) => [[cause], sec] as const),
  },
  {
    name: 'cordon_list_entries',
    type: 'gauge',
    labels: ['list'],
    help: 'Rules of a list that are in force.',
    alarm: '`cordon_list_entries == 0`, or a drop by half against `offset 1d`',
    read: perList((list) => list.entries),
  },
  {
    name: 'cordon_list_rejected_entries',
    type: 'gauge',
    labels: ['list'],
    help: 'Lines of a list that are no rule and were left out.',
    alarm: '`cordon_list_rejected_entries > 0`: `cordon check` names the lines',
    read: perList((list) => list.rejectedEntries),
  },
  {
    name: 'cordon_list_info',
    type: 'gauge',
    labels: ['list', 'category', 'sha256', 'mandate'],
    help: 'Always 1; the labels tell which content of a list is in force.',
    alarm: 'a list that ought to be there is `absent()`',
    read: ({ source }) =>
      source.lists().map((list) => [[list.id, list.category, list.sha256, String(list.mandate)], 1] as const),
  },
  {
    name: 'cordon_list_last_success_timestamp_seconds',
    type: 'gauge',
    labels: ['list'],
    help: 'When a list was last loaded or, for one with an address, last confirmed by its source; seconds since the epoch.',
    alarm: '`time() - cordon_list_last_success_timestamp_seconds` above the age that your policy allows',
    read: ({ source }) =>
      source
        .lists()
        .flatMap((list) =>
          list.lastSuccessMs === undefined ? [] : [[[list.id], list.lastSuccessMs / 1000] as const],
        ),
  },
  {
    name: 'cordon_list_oldest_review_timestamp_seconds',
    type: 'gauge',
    labels: ['list'],
    help: 'When the entry of a list was reviewed that was reviewed longest ago, for lists that tell, as the shipped ones do; seconds since the epoch.',
    alarm:
      '`time() - cordon_list_oldest_review_timestamp_seconds > 365 * 86400`: the list is past its review, take a newer release',
    read: ({ source }) =>
      source
        .lists()
        .flatMap((list) =>
          list.oldestReviewMs === undefined ? [] : [[[list.id], list.oldestReviewMs / 1000] as const],
        ),
  },
  {
    name: 'cordon_list_entries_change',
    type: 'gauge',
    labels: ['list'],
    help: 'Rules that a list has more, or fewer, than the content that was in force before it.',
    alarm: '`abs(cordon_list_entries_change) > 0.2 * cordon_list_entries`: look at `cordon lists diff`',
    read: ({ source }) =>
      source
        .lists()
        .flatMap(({ id, entriesChange }) =>
          entriesChange === undefined ? [] : [[[id], entriesChange] as const],
        ),
  },
  {
    name: 'cordon_list_last_attempt_timestamp_seconds',
    type: 'gauge',
    labels: ['list'],
    help: 'When the address of a list was last asked since the start; seconds since the epoch.',
    alarm: '',
    read: ({ source }) =>
      sourcesOf(source).flatMap(({ id, lastAttemptMs }) =>
        lastAttemptMs === undefined ? [] : [[[id], lastAttemptMs / 1000] as const],
      ),
  },
  {
    name: 'cordon_list_fetches_total',
    type: 'counter',
    labels: ['list', 'outcome'],
    help: 'Fetches of a list from its address: accepted, unchanged, held, unproven, postponed, failed.',
    alarm:
      '`increase(cordon_list_fetches_total{outcome="unproven"}[1h]) > 0`: the source sent what its maintainer did not sign, or not what `sha256` says',
    read: ({ source }) =>
      sourcesOf(source).flatMap(({ id, fetches = {} }) =>
        Object.entries(fetches).map(([outcome, count]) => [[id, outcome], count] as const),
      ),
  },
  {
    name: 'cordon_list_stale',
    type: 'gauge',
    labels: ['list'],
    help: '1 while the address of a list was not reached for three refresh intervals, or never; what is in force stays.',
    alarm: '`cordon_health_issue{id="list-stale"} == 1`',
    read: ({ source }) =>
      sourcesOf(source).flatMap(({ id, isStale }) =>
        isStale === undefined ? [] : [[[id], isStale ? 1 : 0] as const],
      ),
  },
  {
    name: 'cordon_list_held',
    type: 'gauge',
    labels: ['list'],
    help: '1 while a content of a list is held because it differs as no list should; what is in force stays.',
    alarm: '`cordon_health_issue{id="list-held"} == 1`',
    read: ({ source }) => sourcesOf(source).map(({ id, isHeld }) => [[id], isHeld ? 1 : 0] as const),
  },
  {
    name: 'cordon_feed_current',
    type: 'gauge',
    labels: ['feed'],
    help: '1 while a signed feed of lists was last found proven and fresh; 0 otherwise.',
    alarm: '`cordon_health_issue{id=~"feed-.*"} == 1`',
    read: ({ source }) => feedsOf(source).map(({ id, isCurrent }) => [[id], isCurrent ? 1 : 0] as const),
  },
  {
    name: 'cordon_feed_expires_timestamp_seconds',
    type: 'gauge',
    labels: ['feed'],
    help: 'Until when a signed feed of lists vouches for being fresh; seconds since the epoch.',
    alarm: '`cordon_feed_expires_timestamp_seconds - time() < 2 * 86400`: nobody renewed its timestamp',
    read: ({ source }) =>
      feedsOf(source).flatMap(({ id, expiresMs }) =>
        expiresMs === undefined ? [] : [[[id], expiresMs / 1000] as const],
      ),
  },
  {
    name: 'cordon_feed_lists_behind',
    type: 'gauge',
    labels: ['feed'],
    help: 'Lists of which a signed feed has a newer content than is in force, because it is held or could not be fetched.',
    alarm: '`cordon_health_issue{id="feed-behind"} == 1`',
    read: ({ source }) => feedsOf(source).map(({ id, behind }) => [[id], behind] as const),
  },
  {
    name: 'cordon_health_issue',
    type: 'gauge',
    labels: ['id', 'subject'],
    help: '1 while something is wrong: its id, a word of a closed set, and what it is about: a list, an upstream, an exemption, a resolver; empty: the resolver itself. At most 100 subjects of one id. Gone once it is over.',
    alarm: '`cordon_health_issue == 1`: alerts.yml has one alert for each id',
    read: ({ source }) => (source.health?.() ?? []).map(({ id, subject }) => [[id, subject], 1] as const),
  },
  ...EVIDENCE_METRICS,
  ...FLEET_METRICS,
  {
    name: 'cordon_config_info',
    type: 'gauge',
    labels: ['sha256'],
    help: 'Always 1; the label is the hash of the effective configuration.',
    alarm: '`count(count by (sha256) (cordon_config_info)) > 1` over resolvers that should be alike',
    read: ({ source }) => [[[source.configSha256()], 1]],
  },
  {
    name: 'cordon_config_reloads_total',
    type: 'counter',
    labels: ['result'],
    help: 'Reloads of configuration and lists; after a failure the last good ones stay in force.',
    alarm: '`increase(cordon_config_reloads_total{result="failure"}[15m]) > 0`',
    read: ({ source }) =>
      Object.entries(source.reloads()).map(([result, count]) => [[result], count] as const),
  },
  {
    name: 'cordon_workers',
    type: 'gauge',
    labels: [],
    help: 'Worker threads that run.',
    alarm: '`cordon_health_issue{id="workers-missing"} == 1`',
    read: ({ source }) => single(source.workers()),
  },
  {
    name: 'cordon_udp_batched',
    type: 'gauge',
    labels: [],
    help: '1 while UDP sockets move datagrams in batches, 0 while they move them one by one.',
    alarm: '0 where it was 1: the same load costs twice the CPU time',
    read: ({ source }) => single(source.isUdpBatched() ? 1 : 0),
  },
  {
    name: 'cordon_fips_module_loaded',
    type: 'gauge',
    labels: [],
    help: '1 while cryptography comes from a FIPS module; whether that build is validated is not told.',
    alarm: '0 where `fips: required` is policy',
    read: ({ source }) => single(source.isFips?.() === true ? 1 : 0),
  },
  {
    name: 'cordon_worker_restarts_total',
    type: 'counter',
    labels: [],
    help: 'Worker threads that ended unasked and were started again.',
    alarm: '`increase(cordon_worker_restarts_total[15m]) > 0`',
    read: ({ source }) => single(source.workerRestarts()),
  },
  {
    name: 'cordon_worker_hangs_total',
    type: 'counter',
    labels: [],
    help: 'Worker threads that gave no sign of life for a second, or whose heap was nearly full, and were ended; what fell to them got no answer.',
    alarm: '`increase(cordon_worker_hangs_total[15m]) > 0`',
    read: ({ source }) => single(source.workerHangs()),
  },
  {
    name: 'cordon_metrics_series_dropped_total',
    type: 'counter',
    labels: [],
    help: 'Times a series was left out of a scrape because its metric had as many as it may have.',
    alarm: '`increase(cordon_metrics_series_dropped_total[1h]) > 0`: look at the series labeled `other`',
    read: ({ sums }) => single(sums.seriesDropped),
  },
  {
    name: 'cordon_build_info',
    type: 'gauge',
    labels: ['version', 'node'],
    help: 'Always 1; the labels tell the versions of Cordon and of Node.js.',
    alarm: '',
    read: ({ source }) => [[[source.version, process.versions.node], 1]],
  },
];
