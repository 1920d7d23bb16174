// The dashboard of those who answer for the prohibition: is it in force, for whom, since when, who tried, who is exempt,
// and does the evidence hold.
import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, figure, lines, table } from './panels.ts';

const I = 'instance=~"$instance"';
const increase = (metric: string, labels = ''): string => `increase(${metric}{${I}${labels}}[$__range])`;
const rate = (metric: string): string => `rate(${metric}{${I}}[$__rate_interval])`;
const DAY_SEC = 86_400;

/** Compliance. */
export const compliance = (): DashboardBuilder =>
  dashboard(
    {
      uid: 'cordon-compliance',
      title: 'Cordon: compliance',
      about:
        'Whether the prohibition is in force, for whom and since when; who tried, who is exempt; what proves it.',
      from: 'now-7d',
    },
    'several',
    [
      {
        heading: 'In force',
        panels: [
          figure({
            title: 'In force now',
            queries: [[`min(cordon_policy_enforcing{${I}})`, '']],
            colors: [
              [null, 'red'],
              [1, 'green'],
            ],
          }),
          figure({
            title: 'Time without enforcement',
            about: 'In the period shown, over all resolvers, starts left out.',
            unit: 's',
            queries: [[`sum(${increase('cordon_not_enforcing_seconds_total', ',cause!="startup"')})`, '']],
            colors: [
              [null, 'green'],
              [0.001, 'red'],
            ],
          }),
          figure({
            title: 'Names that leaked to the self-probe',
            queries: [[`sum(cordon_enforcement_probe_leaked_names{${I}})`, '']],
            colors: [
              [null, 'green'],
              [1, 'red'],
            ],
          }),
          figure({
            title: 'Share of mandate names that the probe asked',
            unit: 'percentunit',
            queries: [[`min(cordon_enforcement_probe_coverage_ratio{${I}})`, '']],
          }),
          figure({
            title: 'Budget left',
            about: 'Of the time without enforcement that the objective allows in 30 days.',
            unit: 'percentunit',
            queries: [[`min(1 - cordon:slo_burn:ratio30d{slo="in-force",${I}})`, '']],
            colors: [
              [null, 'red'],
              [0, 'orange'],
              [0.5, 'green'],
            ],
          }),
          figure({
            title: 'Configurations that differ',
            about: 'Hashes of effective configurations among the resolvers shown; 1 where they are alike.',
            queries: [[`count(count by (sha256) (cordon_config_info{${I}}))`, '']],
          }),
          table({
            title: 'State of each group',
            queries: [[`sum by (instance, group, state) (cordon_enforcement_state{${I}})`, '{{group}}']],
          }),
          lines({
            title: 'In force',
            width: 12,
            queries: [[`min by (instance) (cordon_policy_enforcing{${I}})`, '{{instance}}']],
          }),
          table({
            title: 'Seconds without enforcement',
            about: 'In the period shown, by cause.',
            unit: 's',
            queries: [
              [`sum by (instance, cause) (${increase('cordon_not_enforcing_seconds_total')})`, '{{cause}}'],
            ],
          }),
          table({
            title: 'Self-probe',
            about: '1 when the last run found every mandate name refused and every control name resolved.',
            queries: [
              [
                `min by (instance, view, transport, qtype) (cordon_enforcement_probe_success{${I}})`,
                '{{view}}',
              ],
            ],
          }),
        ],
      },
      {
        heading: 'Attempts',
        panels: [
          figure({
            title: 'Refused',
            about: 'In the period shown.',
            queries: [[`sum(${increase('cordon_refusals_total')})`, '']],
          }),
          figure({
            title: 'Distinct clients today',
            about: 'Estimate within some 2 %, of the busiest resolver; the UTC day.',
            queries: [[`max(cordon_distinct_clients{group="*",${I}})`, '']],
          }),
          figure({
            title: 'Signs of ways around',
            about: 'In the period shown.',
            queries: [[`sum(${increase('cordon_bypass_signals_total')})`, '']],
          }),
          figure({
            title: 'Would have been refused',
            about: 'By lists that only count, in the period shown.',
            queries: [[`sum(${increase('cordon_would_refuse_total')})`, '']],
          }),
          figure({
            title: 'Passed under an exemption',
            about: 'In the period shown.',
            queries: [[`sum(${increase('cordon_exemption_hits_total')})`, '']],
          }),
          figure({
            title: 'Names that lists may miss',
            queries: [[`sum(cordon_list_candidates{${I}})`, '']],
            colors: [
              [null, 'green'],
              [1, 'orange'],
            ],
          }),
          lines({
            title: 'Refusals by list',
            unit: 'reqps',
            queries: [[`sum by (list) (${rate('cordon_refusals_total')})`, '{{list}}']],
          }),
          lines({
            title: 'Refusals by group',
            unit: 'reqps',
            queries: [[`sum by (group) (${rate('cordon_refusals_total')})`, '{{group}}']],
          }),
          lines({
            title: 'Refusals by what led to the listed name',
            unit: 'reqps',
            queries: [[`sum by (trigger) (${rate('cordon_refusals_total')})`, '{{trigger}}']],
          }),
          lines({
            title: 'Signs of ways around',
            unit: 'reqps',
            queries: [[`sum by (signal) (${rate('cordon_bypass_signals_total')})`, '{{signal}}']],
          }),
          lines({
            title: 'Distinct clients by group',
            queries: [[`max by (group) (cordon_distinct_clients{${I},group!="*"})`, '{{group}}']],
          }),
          lines({
            title: 'Refusals by transport',
            unit: 'reqps',
            queries: [[`sum by (transport) (${rate('cordon_policy_answers_total')})`, '{{transport}}']],
          }),
        ],
      },
      {
        heading: 'Exemptions and decisions',
        panels: [
          table({
            title: 'Exemptions in force',
            width: 6,
            queries: [[`sum by (instance, ground) (cordon_exemptions_active{${I}})`, '{{ground}}']],
          }),
          table({
            title: 'Exemption ends in',
            unit: 's',
            width: 6,
            queries: [
              [
                `min by (instance, exemption) (cordon_exemption_end_timestamp_seconds{${I}} - time())`,
                '{{exemption}}',
              ],
            ],
          }),
          table({
            title: 'Passed under it',
            about: 'In the period shown.',
            width: 6,
            queries: [
              [`sum by (instance, exemption) (${increase('cordon_exemption_hits_total')})`, '{{exemption}}'],
            ],
          }),
          table({
            title: 'Days until a decision has to be reviewed',
            width: 6,
            queries: [
              [`min by (instance, list) (cordon_mandate_review_seconds{${I}}) / ${DAY_SEC}`, '{{list}}'],
            ],
          }),
          figure({
            title: 'Requests that wait',
            width: 6,
            queries: [[`sum(cordon_exemptions_waiting{${I}})`, '']],
            colors: [
              [null, 'green'],
              [1, 'orange'],
            ],
          }),
          figure({
            title: 'In force that would not be granted now',
            width: 6,
            queries: [[`sum(cordon_exemptions_incomplete{${I}})`, '']],
            colors: [
              [null, 'green'],
              [1, 'orange'],
            ],
          }),
          table({
            title: 'What operators did',
            about: 'In the period shown.',
            queries: [
              [`sum by (instance, action) (${increase('cordon_admin_actions_total')})`, '{{action}}'],
            ],
          }),
        ],
      },
      {
        heading: 'Lists',
        panels: [
          table({
            title: 'Content in force',
            width: 24,
            queries: [
              [`count by (instance, list, category, mandate, sha256) (cordon_list_info{${I}})`, '{{list}}'],
            ],
          }),
          lines({
            title: 'Rules in force',
            queries: [[`max by (list) (cordon_list_entries{${I}})`, '{{list}}']],
          }),
          table({
            title: 'Days since it was last read or confirmed',
            width: 8,
            queries: [
              [
                `max by (instance, list) (time() - cordon_list_last_success_timestamp_seconds{${I}}) / ${DAY_SEC}`,
                '{{list}}',
              ],
            ],
          }),
          table({
            title: 'Days since the oldest review of an entry',
            width: 8,
            queries: [
              [
                `max by (instance, list) (time() - cordon_list_oldest_review_timestamp_seconds{${I}}) / ${DAY_SEC}`,
                '{{list}}',
              ],
            ],
          }),
          table({
            title: 'Mode of each list',
            queries: [[`count by (instance, list, mandate, mode) (cordon_policy_mode{${I}})`, '{{list}}']],
          }),
          table({
            title: 'Held or not reached',
            about: '1: a content waits for a person, or the source was not reached for too long.',
            queries: [
              [`max by (instance, list) (cordon_list_held{${I}})`, 'held'],
              [`max by (instance, list) (cordon_list_stale{${I}})`, 'stale'],
            ],
          }),
        ],
      },
      {
        heading: 'Evidence',
        panels: [
          figure({
            title: 'Chains whole',
            about: '1 when the chains were found whole when they were last looked at.',
            queries: [[`min(cordon_records_verified{${I}})`, '']],
            colors: [
              [null, 'red'],
              [1, 'green'],
            ],
          }),
          figure({
            title: 'Events lost',
            about: 'In the period shown.',
            queries: [[`sum(${increase('cordon_records_dropped_total')})`, '']],
            colors: [
              [null, 'green'],
              [1, 'red'],
            ],
          }),
          figure({
            title: 'Since records were written',
            unit: 's',
            queries: [[`max(time() - cordon_records_last_commit_timestamp_seconds{${I}})`, '']],
            colors: [
              [null, 'green'],
              [60, 'orange'],
              [300, 'red'],
            ],
          }),
          figure({
            title: 'Oldest record that can be searched',
            unit: 's',
            queries: [[`max(time() - cordon_records_oldest_timestamp_seconds{${I}})`, '']],
          }),
          figure({
            title: 'Least space on a disk of records',
            unit: 'bytes',
            queries: [[`min(cordon_records_free_bytes{${I}})`, '']],
          }),
          figure({
            title: 'Clock stepped by',
            unit: 's',
            queries: [[`max(abs(cordon_clock_step_seconds{${I}}))`, '']],
            colors: [
              [null, 'green'],
              [2, 'orange'],
            ],
          }),
          lines({
            title: 'Records written',
            unit: 'ops',
            queries: [[`sum by (chain) (${rate('cordon_records_written_total')})`, '{{chain}}']],
          }),
          lines({
            title: 'Queries by the record that tells of them',
            unit: 'reqps',
            queries: [[`sum by (form) (${rate('cordon_records_queries_total')})`, '{{form}}']],
          }),
          lines({
            title: 'Waiting for outputs',
            queries: [
              [`max by (instance, output) (cordon_records_output_waiting{${I}})`, '{{instance}} {{output}}'],
            ],
          }),
        ],
      },
    ],
  );
