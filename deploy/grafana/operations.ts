// The dashboard of operators: does every resolver answer, how fast, and what stands in its way.
import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, figure, lines, table } from './panels.ts';

const I = 'instance=~"$instance"';
const rate = (metric: string, labels = ''): string => `rate(${metric}{${I}${labels}}[$__rate_interval])`;
const quantile = (q: number, metric: string, by = ''): string =>
  `histogram_quantile(${q}, sum by (le${by}) (${rate(`${metric}_bucket`)}))`;

/** Operations. */
export const operations = (): DashboardBuilder =>
  dashboard(
    {
      uid: 'cordon-operations',
      title: 'Cordon: operations',
      about: 'Whether resolvers answer, how fast, and what stands in their way.',
      from: 'now-3h',
    },
    'several',
    [
      {
        heading: 'At a glance',
        panels: [
          figure({
            title: 'Resolvers',
            about: 'That answer the scrape.',
            width: 3,
            queries: [[`count(cordon_build_info{${I}})`, '']],
          }),
          figure({
            title: 'In force',
            about: '1 while every mandate list refuses to every group that it concerns, on every resolver.',
            width: 3,
            queries: [[`min(cordon_policy_enforcing{${I}})`, '']],
            colors: [
              [null, 'red'],
              [1, 'green'],
            ],
          }),
          figure({
            title: 'Queries a second',
            unit: 'reqps',
            width: 3,
            queries: [[`sum(${rate('cordon_queries_total')})`, '']],
          }),
          figure({
            title: 'Refused a second',
            unit: 'reqps',
            width: 3,
            queries: [[`sum(${rate('cordon_refusals_total')})`, '']],
          }),
          figure({
            title: 'Share of SERVFAIL',
            unit: 'percentunit',
            width: 3,
            queries: [
              [
                `sum(${rate('cordon_answers_total', ',rcode="SERVFAIL"')}) / sum(${rate('cordon_answers_total')})`,
                '',
              ],
            ],
            colors: [
              [null, 'green'],
              [0.01, 'orange'],
              [0.02, 'red'],
            ],
          }),
          figure({
            title: '99 of 100 answers within',
            unit: 's',
            width: 3,
            queries: [[quantile(0.99, 'cordon_answer_seconds'), '']],
            colors: [
              [null, 'green'],
              [0.5, 'orange'],
              [2, 'red'],
            ],
          }),
          figure({
            title: 'Cache hits',
            unit: 'percentunit',
            width: 3,
            queries: [
              [
                `sum(${rate('cordon_cache_hits_total')}) / (sum(${rate('cordon_cache_hits_total')}) + sum(${rate('cordon_cache_misses_total')}))`,
                '',
              ],
            ],
          }),
          figure({
            title: 'Upstreams that answer',
            unit: 'percentunit',
            width: 3,
            queries: [[`avg(cordon_upstream_up{${I}})`, '']],
            colors: [
              [null, 'red'],
              [0.5, 'orange'],
              [1, 'green'],
            ],
          }),
          table({
            title: 'Alerts',
            about: 'Firing now; docs/runbooks.md has a paragraph on each.',
            width: 12,
            queries: [
              [`sum by (instance, alertname, severity) (ALERTS{alertstate="firing",${I}})`, '{{alertname}}'],
            ],
          }),
          lines({
            title: 'Burn rate of the objectives',
            about: 'Over an hour; at 1 a budget lasts exactly 30 days, above 14.4 somebody is called.',
            width: 12,
            queries: [[`max by (slo) (cordon:slo_burn:ratio1h{${I}})`, '{{slo}}']],
          }),
        ],
      },
      {
        heading: 'Queries and answers',
        panels: [
          lines({
            title: 'Queries by transport',
            unit: 'reqps',
            queries: [[`sum by (transport) (${rate('cordon_queries_total')})`, '{{transport}}']],
          }),
          lines({
            title: 'Queries by type',
            unit: 'reqps',
            queries: [[`sum by (qtype) (${rate('cordon_queries_total')})`, '{{qtype}}']],
          }),
          lines({
            title: 'Queries by resolver',
            unit: 'reqps',
            queries: [[`sum by (instance) (${rate('cordon_queries_total')})`, '{{instance}}']],
          }),
          lines({
            title: 'Answers by what made them',
            unit: 'reqps',
            queries: [[`sum by (source) (${rate('cordon_answers_total')})`, '{{source}}']],
          }),
          lines({
            title: 'Answers by RCODE',
            unit: 'reqps',
            queries: [[`sum by (rcode) (${rate('cordon_answers_total')})`, '{{rcode}}']],
          }),
          lines({
            title: 'Refusals by list',
            unit: 'reqps',
            queries: [[`sum by (list) (${rate('cordon_refusals_total')})`, '{{list}}']],
          }),
        ],
      },
      {
        heading: 'Time',
        panels: [
          lines({
            title: 'Until an answer',
            unit: 's',
            queries: [
              [quantile(0.5, 'cordon_answer_seconds'), '50 %'],
              [quantile(0.95, 'cordon_answer_seconds'), '95 %'],
              [quantile(0.99, 'cordon_answer_seconds'), '99 %'],
            ],
          }),
          lines({
            title: 'Until an answer that the cache did not have',
            unit: 's',
            queries: [
              [quantile(0.5, 'cordon_resolution_seconds'), '50 %'],
              [quantile(0.95, 'cordon_resolution_seconds'), '95 %'],
              [quantile(0.99, 'cordon_resolution_seconds'), '99 %'],
            ],
          }),
          lines({
            title: 'Round trip to upstreams, 95 %',
            unit: 's',
            queries: [[quantile(0.95, 'cordon_upstream_rtt_seconds', ', upstream'), '{{upstream}}']],
          }),
        ],
      },
      {
        heading: 'Upstreams',
        panels: [
          lines({
            title: 'Queries sent',
            unit: 'reqps',
            queries: [[`sum by (upstream) (${rate('cordon_upstream_queries_total')})`, '{{upstream}}']],
          }),
          lines({
            title: 'Failed tries',
            unit: 'reqps',
            queries: [
              [
                `sum by (upstream, reason) (${rate('cordon_upstream_failures_total')})`,
                '{{upstream}} {{reason}}',
              ],
            ],
          }),
          lines({
            title: 'Up',
            about: '1 while every worker asks it in its turn.',
            queries: [
              [`min by (upstream) (cordon_upstream_up{${I}})`, '{{upstream}}'],
              [`min by (route) (cordon_upstream_route_up{${I}})`, 'route {{route}}'],
            ],
          }),
          lines({
            title: 'Waiting for an upstream',
            queries: [[`sum by (instance) (cordon_inflight_queries{${I}})`, '{{instance}}']],
          }),
          lines({
            title: 'Joined, fetched ahead, hedged',
            unit: 'reqps',
            queries: [
              [`sum(${rate('cordon_coalesced_queries_total')})`, 'joined'],
              [`sum(${rate('cordon_prefetches_total')})`, 'fetched ahead'],
              [`sum(${rate('cordon_upstream_hedges_total')})`, 'hedged'],
            ],
          }),
          lines({
            title: 'Validation',
            unit: 'reqps',
            queries: [[`sum by (result) (${rate('cordon_dnssec_validations_total')})`, '{{result}}']],
          }),
          table({
            title: 'Certificate of an upstream ends in',
            unit: 's',
            queries: [
              [
                `min by (instance, upstream) (cordon_upstream_certificate_expiry_timestamp_seconds{${I}} - time())`,
                '{{upstream}}',
              ],
            ],
          }),
          lines({
            title: 'Unwanted messages and near misses',
            about: 'Near misses in numbers are somebody who guesses answers.',
            width: 12,
            unit: 'reqps',
            queries: [
              [`sum by (upstream) (${rate('cordon_upstream_unwanted_total')})`, 'unwanted {{upstream}}'],
              [`sum by (upstream) (${rate('cordon_upstream_near_misses_total')})`, 'near miss {{upstream}}'],
            ],
          }),
        ],
      },
      {
        heading: 'Cache',
        panels: [
          lines({
            title: 'Looked up',
            unit: 'reqps',
            queries: [
              [`sum(${rate('cordon_cache_hits_total')})`, 'hits'],
              [`sum(${rate('cordon_cache_misses_total')})`, 'misses'],
              [`sum(${rate('cordon_cache_evictions_total')})`, 'evictions'],
            ],
          }),
          lines({
            title: 'Size',
            unit: 'bytes',
            queries: [
              [`sum by (instance) (cordon_cache_bytes{${I}})`, '{{instance}}'],
              [`sum by (instance) (cordon_cache_limit_bytes{${I}})`, 'limit of {{instance}}'],
            ],
          }),
          lines({
            title: 'Answers kept',
            queries: [[`sum by (instance) (cordon_cache_entries{${I}})`, '{{instance}}']],
          }),
        ],
      },
      {
        heading: 'Bounds',
        panels: [
          lines({
            title: 'Without an answer, by reason',
            unit: 'reqps',
            queries: [[`sum by (reason) (${rate('cordon_dropped_total')})`, '{{reason}}']],
          }),
          lines({
            title: 'Over the rate limit',
            unit: 'reqps',
            queries: [
              [`sum by (group, action) (${rate('cordon_rate_limited_total')})`, '{{group}} {{action}}'],
            ],
          }),
          lines({
            title: 'Questions that gave way or were not asked',
            unit: 'reqps',
            queries: [
              [`sum by (reason) (${rate('cordon_questions_given_up_total')})`, 'gave way: {{reason}}'],
              [`sum(${rate('cordon_client_share_refused_total')})`, 'share of a client'],
              [`sum(${rate('cordon_zone_share_refused_total')})`, 'share of a zone'],
              [`sum(${rate('cordon_silent_zone_refused_total')})`, 'silent zone'],
            ],
          }),
          lines({
            title: 'Connections',
            queries: [
              [`sum(cordon_tcp_connections{${I}})`, 'TCP'],
              [`sum(cordon_tls_connections{${I}})`, 'TLS and HTTPS'],
              [`sum(cordon_tcp_connections_limit{${I}})`, 'limit of TCP'],
              [`sum(cordon_tls_connections_limit{${I}})`, 'limit of TLS and HTTPS'],
            ],
          }),
          lines({
            title: 'Connections refused or closed',
            unit: 'ops',
            queries: [
              [`sum by (reason) (${rate('cordon_tcp_refused_total')})`, 'TCP refused: {{reason}}'],
              [`sum by (reason) (${rate('cordon_tcp_closed_total')})`, 'TCP closed: {{reason}}'],
              [`sum by (reason) (${rate('cordon_tls_refused_total')})`, 'TLS refused: {{reason}}'],
              [`sum by (reason) (${rate('cordon_tls_closed_total')})`, 'TLS closed: {{reason}}'],
            ],
          }),
          lines({
            title: 'Handshakes',
            unit: 'ops',
            queries: [[`sum by (result) (${rate('cordon_tls_handshakes_total')})`, '{{result}}']],
          }),
        ],
      },
      {
        heading: 'The program',
        panels: [
          lines({
            title: 'Processor time',
            unit: 'percentunit',
            queries: [[`sum by (instance) (${rate('cordon_process_cpu_seconds_total')})`, '{{instance}}']],
          }),
          lines({
            title: 'Memory',
            unit: 'bytes',
            queries: [[`sum by (instance) (cordon_process_resident_memory_bytes{${I}})`, '{{instance}}']],
          }),
          lines({
            title: 'Descriptors',
            queries: [
              [`sum by (instance) (cordon_process_open_fds{${I}})`, '{{instance}}'],
              [`sum by (instance) (cordon_process_max_fds{${I}})`, 'limit of {{instance}}'],
            ],
          }),
          lines({
            title: 'Workers',
            queries: [[`sum by (instance) (cordon_workers{${I}})`, '{{instance}}']],
          }),
          lines({
            title: 'Workers that ended or hung',
            queries: [
              [
                `sum by (instance) (increase(cordon_worker_restarts_total{${I}}[$__rate_interval]))`,
                'ended: {{instance}}',
              ],
              [
                `sum by (instance) (increase(cordon_worker_hangs_total{${I}}[$__rate_interval]))`,
                'hung: {{instance}}',
              ],
            ],
          }),
          lines({
            title: 'Lag of the main thread, 99 %',
            about: 'Metrics and changes wait for the main thread; queries do not.',
            unit: 's',
            queries: [[`max by (instance) (cordon_nodejs_eventloop_lag_p99_seconds{${I}})`, '{{instance}}']],
          }),
          table({
            title: 'Versions',
            width: 12,
            queries: [[`count by (instance, version, node) (cordon_build_info{${I}})`, '{{instance}}']],
          }),
          table({
            title: 'Certificate of the encrypted listeners ends in',
            unit: 's',
            queries: [
              [
                `min by (instance) (cordon_tls_certificate_expiry_timestamp_seconds{${I}} - time())`,
                '{{instance}}',
              ],
            ],
          }),
        ],
      },
    ],
  );
