// What /metrics prints: the table of all metrics and the registry that is filled from it at a scrape.
//
// The table is the one place where a metric has a name, labels, a meaning and an alarm; the reference page is
// written from it. prom-client holds no count of its own: each scrape copies sums into it, so that it costs the query
// path nothing. Everything is read at one moment, so that the series of one scrape fit each other.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { RESOLUTION_BOUNDS_MS, RTT_BOUNDS_MS } from './counters.ts';
import type { EnforcementClock } from './enforcement.ts';
import type { CounterTotals, Family, Series, Snapshot } from './totals.ts';

/** What metrics tell of one list. */
export interface ListFacts {
  readonly id: string;
  readonly category: string;
  readonly mandate: boolean;
  /** Of the list in force, hexadecimal. */
  readonly sha256: string;
  readonly entries: number;
  readonly rejectedEntries: number;
  /** When the list was last loaded or confirmed, milliseconds since the epoch; undefined: never. */
  readonly lastSuccessMs: number | undefined;
}

/** What metrics ask the running program for, once per scrape. */
export interface MetricsSource {
  readonly version: string;
  readonly totals: CounterTotals;
  readonly enforcement: EnforcementClock;
  lists(): readonly ListFacts[];
  /** Of the policy in force; 0: none. */
  generation(): number;
  /** Of the effective configuration, hexadecimal. */
  configSha256(): string;
  reloads(): Readonly<Record<'success' | 'failure', number>>;
  /** Workers that run. */
  workers(): number;
  workerRestarts(): number;
  /** Whether UDP sockets move datagrams in batches. */
  isUdpBatched(): boolean;
}

/** The page of metrics. */
export interface Metrics {
  /** The media type of the text. */
  readonly contentType: string;
  /** The text of one scrape. */
  render(): Promise<string>;
}

/** One row of the table of metrics, as the reference shows it. */
export interface MetricDescription {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
  /** When to alarm, in PromQL or in words; empty: a figure to look at. */
  readonly alarm: string;
}

/** One value with its label values in the order of the label names. */
type Sample = readonly [labels: readonly string[], value: number];

interface Scrape {
  readonly sums: Snapshot;
  readonly source: MetricsSource;
}

type Metric = Omit<MetricDescription, 'type'> &
  (
    | { readonly type: 'counter' | 'gauge'; read(scrape: Scrape): readonly Sample[] }
    | { readonly type: 'histogram'; readonly family: Family; readonly boundsMs: readonly number[] }
  );

/** All metrics of a running program. */
export const createMetrics = (source: MetricsSource): Metrics => {
  const registry = new Registry();
  let sums = source.totals.read();
  for (const metric of METRICS) register(registry, metric, () => ({ sums, source }));
  registerRuntime(registry);
  return {
    contentType: registry.contentType,
    render() {
      // Every collect() below runs before metrics() first yields: all of them see these sums.
      sums = source.totals.read();
      return registry.metrics();
    },
  };
};

/** Every metric that a running program exports, in the order of the page. */
export const describeMetrics = (): readonly MetricDescription[] => {
  const registry = new Registry();
  registerRuntime(registry);
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

const registerRuntime = (registry: Registry): void => {
  collectDefaultMetrics({ register: registry, prefix: 'cordon_' });
  for (const name of RUNTIME_MISNAMED) registry.removeSingleMetric(name);
};

const register = (registry: Registry, metric: Metric, scrape: () => Scrape): void => {
  const settings = { name: metric.name, help: metric.help, labelNames: metric.labels, registers: [registry] };
  if (metric.type === 'histogram') {
    const { family, labels, boundsMs } = metric;
    registry.registerMetric(
      new SummedHistogram({ ...settings, registers: [] }, labels, boundsMs, () =>
        scrape().sums.series(family),
      ),
    );
  } else if (metric.type === 'counter') {
    new Counter({
      ...settings,
      collect() {
        this.reset();
        for (const [values, value] of metric.read(scrape())) this.inc(toLabels(metric.labels, values), value);
      },
    });
  } else {
    new Gauge({
      ...settings,
      collect() {
        this.reset();
        for (const [values, value] of metric.read(scrape())) this.set(toLabels(metric.labels, values), value);
      },
    });
  }
};

const toLabels = (names: readonly string[], values: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));

/** A histogram whose buckets were counted elsewhere. Milliseconds become seconds, buckets become cumulative. */
class SummedHistogram extends Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #labels: readonly string[];
  readonly #boundsMs: readonly number[];
  readonly #series: () => Iterable<Series>;

  constructor(
    settings: { name: string; help: string; labelNames: readonly string[]; registers: [] },
    labels: readonly string[],
    boundsMs: readonly number[],
    series: () => Iterable<Series>,
  ) {
    super(settings);
    this.#name = settings.name;
    this.#help = settings.help;
    this.#labels = labels;
    this.#boundsMs = boundsMs;
    this.#series = series;
  }

  /** What the registry asks for when it prints; get() of the base class asks for the same. */
  getForPromString(): Promise<object> {
    const values = [];
    for (const series of this.#series()) {
      const labels = toLabels(this.#labels, series.labels);
      let count = 0;
      for (const [bucket, bound] of [...this.#boundsMs, Number.POSITIVE_INFINITY].entries()) {
        count += series.values[bucket] ?? 0;
        const le = Number.isFinite(bound) ? String(bound / 1000) : '+Inf';
        values.push({ labels: { ...labels, le }, value: count, metricName: `${this.#name}_bucket` });
      }
      const sumMs = series.values[this.#boundsMs.length + 1] ?? 0;
      values.push({ labels, value: sumMs / 1000, metricName: `${this.#name}_sum` });
      values.push({ labels, value: count, metricName: `${this.#name}_count` });
    }
    return Promise.resolve({
      name: this.#name,
      help: this.#help,
      type: 'histogram',
      values,
      aggregator: 'sum',
    });
  }
}

const summed =
  (family: Family) =>
  ({ sums }: Scrape): readonly Sample[] =>
    Array.from(sums.series(family), ({ labels, values }) => [labels, values[0] ?? 0] as const);

const single = (value: number): readonly Sample[] => [[[], value]];

const perList =
  (value: (list: ListFacts) => number) =>
  ({ source }: Scrape): readonly Sample[] =>
    source.lists().map((list) => [[list.id], value(list)] as const);

const METRICS: readonly Metric[] = [
  {
    name: 'cordon_queries_total',
    type: 'counter',
    labels: ['transport', 'qtype'],
    help: 'Queries read from clients.',
    alarm: '`sum(rate(cordon_queries_total[5m])) == 0`: no client reaches the resolver',
    read: summed('queries'),
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
    name: 'cordon_resolution_seconds',
    type: 'histogram',
    labels: [],
    help: 'Time from the query to the response of queries that the cache could not answer.',
    alarm: '`histogram_quantile(0.95, rate(cordon_resolution_seconds_bucket[5m])) > 1`',
    family: 'resolution',
    boundsMs: RESOLUTION_BOUNDS_MS,
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
    name: 'cordon_tcp_connections',
    type: 'gauge',
    labels: [],
    help: 'Open TCP connections of clients.',
    alarm: 'near `tcp.connections` times the number of workers',
    read: ({ sums }) => single(sums.tcpConnections),
  },
  {
    name: 'cordon_tcp_refused_total',
    type: 'counter',
    labels: ['reason'],
    help: 'TCP connections of clients that were closed at once.',
    alarm: '`rate(cordon_tcp_refused_total{reason="connections"}[5m]) > 0`',
    read: summed('tcpRefusals'),
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
    alarm: '`cordon_upstream_up == 0` for 5 minutes',
    read: ({ sums }) => Array.from(sums.upstreamsUp, ([upstream, up]) => [[upstream], up ? 1 : 0] as const),
  },
  {
    name: 'cordon_policy_enforcing',
    type: 'gauge',
    labels: [],
    help: '1 while refusals are given, 0 while they are not.',
    alarm: '`cordon_policy_enforcing == 0` for 1 minute',
    read: ({ source }) => single(source.enforcement.cause === undefined ? 1 : 0),
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
    help: 'When a list was last loaded or confirmed, seconds since the epoch.',
    alarm: '`time() - cordon_list_last_success_timestamp_seconds` above the age that your policy allows',
    read: ({ source }) =>
      source
        .lists()
        .flatMap((list) =>
          list.lastSuccessMs === undefined ? [] : [[[list.id], list.lastSuccessMs / 1000] as const],
        ),
  },
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
    alarm: 'fewer than configured for 5 minutes',
    read: ({ source }) => single(source.workers()),
  },
  {
    name: 'cordon_udp_batched',
    type: 'gauge',
    labels: [],
    help: '1 while UDP sockets move datagrams in batches, 0 while they move them one by one.',
    alarm: '0 where it was 1: the same load costs twice the processor time',
    read: ({ source }) => single(source.isUdpBatched() ? 1 : 0),
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
