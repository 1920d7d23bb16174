// The dashboard of one site: everything about one resolver that somebody on the telephone asks for, on one screen.
import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, figure, lines, table } from './panels.ts';

const I = 'instance="$instance"';
const rate = (metric: string): string => `rate(${metric}{${I}}[$__rate_interval])`;

/** One site. */
export const site = (): DashboardBuilder =>
  dashboard(
    {
      uid: 'cordon-site',
      title: 'Cordon: one site',
      about:
        'One resolver: whether it answers, whether the prohibition is in force there, who asks and who tries.',
      from: 'now-6h',
    },
    'one',
    [
      {
        heading: '$instance',
        panels: [
          figure({
            title: 'Answers the scrape',
            queries: [[`up{${I}}`, '']],
            width: 3,
            colors: [
              [null, 'red'],
              [1, 'green'],
            ],
          }),
          figure({
            title: 'In force',
            queries: [[`cordon_policy_enforcing{${I}}`, '']],
            width: 3,
            colors: [
              [null, 'red'],
              [1, 'green'],
            ],
          }),
          figure({
            title: 'Running for',
            unit: 's',
            width: 3,
            queries: [[`time() - cordon_process_start_time_seconds{${I}}`, '']],
          }),
          figure({
            title: 'Queries a second',
            unit: 'reqps',
            width: 3,
            queries: [[`sum(${rate('cordon_queries_total')})`, '']],
          }),
          figure({
            title: '95 of 100 answers within',
            unit: 's',
            width: 3,
            queries: [
              [`histogram_quantile(0.95, sum by (le) (${rate('cordon_answer_seconds_bucket')}))`, ''],
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
            title: 'Refused',
            about: 'In the period shown.',
            width: 3,
            queries: [[`sum(increase(cordon_refusals_total{${I}}[$__range]))`, '']],
          }),
          figure({
            title: 'Distinct clients refused today',
            width: 3,
            queries: [[`cordon_distinct_clients{${I},group="*"}`, '']],
          }),
          table({
            title: 'Alerts',
            queries: [[`sum by (alertname, severity) (ALERTS{alertstate="firing",${I}})`, '{{alertname}}']],
          }),
          table({
            title: 'State of each group',
            queries: [[`sum by (group, state) (cordon_enforcement_state{${I}})`, '{{group}}']],
          }),
        ],
      },
      {
        heading: 'Who asks',
        panels: [
          lines({
            title: 'Queries by group',
            unit: 'reqps',
            queries: [[`sum by (group) (${rate('cordon_group_queries_total')})`, '{{group}}']],
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
            title: 'Refusals by group and list',
            unit: 'reqps',
            queries: [[`sum by (group, list) (${rate('cordon_refusals_total')})`, '{{group}} {{list}}']],
          }),
          lines({
            title: 'Signs of ways around',
            unit: 'reqps',
            queries: [[`sum by (signal) (${rate('cordon_bypass_signals_total')})`, '{{signal}}']],
          }),
          lines({
            title: 'Without an answer, by reason',
            unit: 'reqps',
            queries: [[`sum by (reason) (${rate('cordon_dropped_total')})`, '{{reason}}']],
          }),
        ],
      },
      {
        heading: 'What it needs',
        panels: [
          lines({
            title: 'Upstreams up',
            queries: [
              [`cordon_upstream_up{${I}}`, '{{upstream}}'],
              [`cordon_upstream_route_up{${I}}`, 'route {{route}}'],
            ],
          }),
          lines({
            title: 'Round trip to upstreams, 95 %',
            unit: 's',
            queries: [
              [
                `histogram_quantile(0.95, sum by (le, upstream) (${rate('cordon_upstream_rtt_seconds_bucket')}))`,
                '{{upstream}}',
              ],
            ],
          }),
          lines({
            title: 'Processor time and memory',
            queries: [
              [rate('cordon_process_cpu_seconds_total'), 'cores'],
              [`cordon_process_resident_memory_bytes{${I}} / 1048576 / 1024`, 'GiB'],
            ],
          }),
          lines({
            title: 'Disk of the records',
            unit: 'bytes',
            queries: [
              [`cordon_records_free_bytes{${I}}`, 'free'],
              [`cordon_records_reserve_bytes{${I}}`, 'reserve'],
              [`cordon_records_bytes{${I}}`, 'records'],
            ],
          }),
          table({
            title: 'Lists in force',
            width: 8,
            queries: [[`max by (list) (cordon_list_entries{${I}})`, '{{list}}']],
          }),
          table({
            title: 'Outputs that take records',
            width: 8,
            queries: [[`min by (output) (cordon_records_output_connected{${I}})`, '{{output}}']],
          }),
        ],
      },
    ],
  );
