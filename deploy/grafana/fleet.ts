// The dashboard of a fleet: every resolver and every site as the authority hears them, also where no Prometheus reaches them.
import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, figure, lines, table } from './panels.ts';

const R = 'site=~"$site",resolver=~"$resolver"';
const HEARD_SEC = 300;

/** A fleet. */
export const fleet = (): DashboardBuilder =>
  dashboard(
    {
      uid: 'cordon-fleet',
      title: 'Cordon: fleet',
      about:
        'Who of all resolvers is heard, in force, behind, held and confirmed, by site; what the authority hears.',
      from: 'now-6h',
    },
    'fleet',
    [
      {
        heading: 'Now',
        panels: [
          figure({
            title: 'Resolvers',
            queries: [[`count(cordon_fleet_resolver_info{${R}})`, '']],
          }),
          figure({
            title: 'Not heard',
            about: 'For five minutes, or never.',
            queries: [
              [
                `count(cordon_fleet_resolver_info{${R}} unless on (instance, resolver) (cordon_fleet_resolver_heard_seconds <= ${HEARD_SEC})) or vector(0)`,
                '',
              ],
            ],
            colors: [
              [null, 'green'],
              [1, 'red'],
            ],
          }),
          figure({
            title: 'Not in force',
            about: 'By their own word.',
            queries: [[`sum(1 - cordon_fleet_resolver_in_force{${R}})`, '']],
            colors: [
              [null, 'green'],
              [1, 'red'],
            ],
          }),
          figure({
            title: 'Entries behind',
            about: 'Of the one that lacks most.',
            queries: [[`max(cordon_fleet_resolver_behind{${R}})`, '']],
            colors: [
              [null, 'green'],
              [1, 'orange'],
            ],
          }),
          figure({
            title: 'Held',
            about: 'Resolvers that do not hold what was decided.',
            queries: [[`count(cordon_fleet_resolver_held{${R}} == 1) or vector(0)`, '']],
            colors: [
              [null, 'green'],
              [1, 'red'],
            ],
          }),
          figure({
            title: 'Names that leaked',
            about: 'When all were asked for their probe the last time.',
            queries: [[`sum(cordon_fleet_resolver_probe_leaked_names{${R}})`, '']],
            colors: [
              [null, 'green'],
              [1, 'red'],
            ],
          }),
        ],
      },
      {
        heading: 'Resolvers',
        panels: [
          table({
            title: 'Heard',
            about: 'How long ago a resolver last said how it is.',
            unit: 's',
            queries: [
              [`max by (site, resolver) (cordon_fleet_resolver_heard_seconds{${R}})`, '{{resolver}}'],
            ],
          }),
          table({
            title: 'In force',
            queries: [[`min by (site, resolver) (cordon_fleet_resolver_in_force{${R}})`, '{{resolver}}']],
          }),
          table({
            title: 'Version',
            queries: [
              [`max by (site, resolver, version) (cordon_fleet_resolver_info{${R}})`, '{{resolver}}'],
            ],
          }),
          table({
            title: 'Behind',
            queries: [[`max by (site, resolver) (cordon_fleet_resolver_behind{${R}})`, '{{resolver}}']],
          }),
        ],
      },
      {
        heading: 'Sites',
        panels: [
          lines({
            title: 'Not heard',
            queries: [['cordon:site_unheard:count{site=~"$site"}', '{{site}}']],
          }),
          lines({
            title: 'In force',
            about: 'Of those that this Prometheus reaches.',
            queries: [['cordon:site_in_force:min{site=~"$site"}', '{{site}}']],
          }),
          lines({
            title: 'Refusals',
            about: 'Of those that this Prometheus reaches.',
            unit: 'reqps',
            queries: [['sum by (site) (cordon:site_refusals:rate5m{site=~"$site"})', '{{site}}']],
          }),
        ],
      },
      {
        heading: 'Evidence and engine',
        panels: [
          lines({
            title: 'Records not confirmed',
            queries: [
              [`max by (site, resolver) (cordon_fleet_resolver_unconfirmed_records{${R}})`, '{{resolver}}'],
            ],
          }),
          lines({
            title: 'Collectors that keep what they are sent',
            about: '0 while a directory or database takes nothing.',
            queries: [['min by (collector) (cordon_fleet_collector_keeping)', '{{collector}}']],
          }),
          lines({
            title: 'Engine reached',
            about: 'Of those that this Prometheus reaches.',
            queries: [
              [
                'min by (resolver) (cordon_fleet_connected * on (instance) group_left (resolver, site) cordon:instance:site{site=~"$site"})',
                '{{resolver}}',
              ],
            ],
          }),
          lines({
            title: 'Entries of policy',
            queries: [['max by (instance) (cordon_fleet_policy_number)', '{{instance}}']],
          }),
        ],
      },
    ],
  );
