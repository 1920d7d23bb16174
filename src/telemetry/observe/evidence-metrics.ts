// The metrics of evidence: what a compliance officer has to be able to show, and what wakes somebody when it fails.
//
// Label values come from the configuration, the register of exemptions and closed sets of words; a metric of which
// somebody could make many series has a bound of its own.
import { DAY_MS } from '../../base/base.ts';
import { type Metric, maybe, type Sample, type Scrape, summed } from './metric.ts';
import { QUERY_LOG_METRICS } from './query-log-metrics.ts';
import { RECORD_METRICS } from './record-metrics.ts';

/** Series of one metric that the register or the probe can make; what goes beyond has the label `other`. */
const SERIES_MAX = 2_000;

const counts = (values: ReadonlyMap<string, number> | undefined): readonly Sample[] =>
  Array.from(values ?? [], ([label, value]) => [[label], value] as const);

const bounded = (samples: readonly Sample[]): readonly Sample[] => {
  if (samples.length <= SERIES_MAX) return samples;
  const rest = samples.slice(SERIES_MAX);
  const labels = rest[0]?.[0].map(() => 'other') ?? [];
  return [
    ...samples.slice(0, SERIES_MAX),
    [labels, rest.reduce((sum, [, value]) => sum + value, 0)] as const,
  ];
};

/** The rows of the table, in the order of the page. */
export const EVIDENCE_METRICS: readonly Metric[] = [
  {
    name: 'cordon_policy_mode',
    type: 'gauge',
    labels: ['list', 'mandate', 'mode'],
    help: 'Always 1; the label tells what a list does: `enforce`, `log-only`, or `paused` while an operator suspended refusals.',
    alarm: '`cordon_policy_mode{mandate="true",mode!="enforce"}`: a mandate is not enforced',
    read: ({ evidence }) =>
      evidence.modes.map(({ list, mandate, mode }) => [[list, String(mandate), mode], 1] as const),
  },
  {
    name: 'cordon_reports_total',
    type: 'counter',
    labels: ['outcome'],
    help: 'Reports that the schedule made and sent, or failed to: `made`, `failed`.',
    alarm: '',
    read: ({ evidence: { reports } }) =>
      reports === undefined
        ? []
        : [
            [['made'], reports.made],
            [['failed'], reports.failed],
          ],
  },
  {
    name: 'cordon_reports_failing',
    type: 'gauge',
    labels: [],
    help: 'Schedules of reports whose last try failed: their report is not made, or did not reach all its receivers.',
    alarm: '`cordon_health_issue{id="reports-failing"} == 1`',
    read: ({ evidence: { reports } }) => maybe(reports?.failing),
  },
  {
    name: 'cordon_reminders_total',
    type: 'counter',
    labels: ['outcome'],
    help: 'Reminders before the end of an exemption, by webhook or mail: `sent`, `failed`.',
    alarm: '',
    read: ({ evidence: { reminders } }) =>
      reminders === undefined
        ? []
        : [
            [['sent'], reminders.sent],
            [['failed'], reminders.failed],
          ],
  },
  {
    name: 'cordon_reminders_failing',
    type: 'gauge',
    labels: [],
    help: 'Reminders before the end of an exemption whose last try failed: the webhook or the mail relay did not take them.',
    alarm: '`cordon_health_issue{id="reminders-failing"} == 1`',
    read: ({ evidence: { reminders } }) => maybe(reminders?.failing),
  },
  {
    name: 'cordon_exemptions_active',
    type: 'gauge',
    labels: ['ground'],
    help: 'Exemptions in force, by their grounds.',
    alarm: '',
    read: ({ evidence }) => counts(evidence.exemptions?.activeByGround),
  },
  {
    name: 'cordon_exemptions_waiting',
    type: 'gauge',
    labels: [],
    help: 'Requests for an exemption that nobody has decided on.',
    alarm: '`cordon_exemptions_waiting > 0` for longer than your process allows',
    read: ({ evidence }) => maybe(evidence.exemptions?.waiting),
  },
  {
    name: 'cordon_exemptions_expiring_seconds',
    type: 'gauge',
    labels: [],
    help: 'Time until the next exemption in force ends; absent when none is in force.',
    alarm: '`cordon_health_issue{id="exemption-ends"} == 1`',
    read: ({ evidence: { exemptions, nowMs } }) =>
      maybe(exemptions?.nearestEndMs === undefined ? undefined : (exemptions.nearestEndMs - nowMs) / 1000),
  },
  {
    name: 'cordon_exemption_end_timestamp_seconds',
    type: 'gauge',
    labels: ['exemption'],
    help: 'When an exemption in force ends; seconds since the epoch. The first 2,000 to end; gone once it has ended.',
    alarm: '',
    read: ({ evidence: { exemptions } }) =>
      Array.from(exemptions?.ends ?? [], ([id, endMs]) => [[id], endMs / 1000] as const)
        .sort(([, a], [, b]) => a - b)
        .slice(0, SERIES_MAX),
  },
  {
    name: 'cordon_exemptions_ended_total',
    type: 'counter',
    labels: ['how'],
    help: 'Exemptions that have ended, as the register has them: `expired` or `revoked`.',
    alarm: '',
    read: ({ evidence: { exemptions } }) =>
      exemptions === undefined
        ? []
        : [
            [['expired'], exemptions.expired],
            [['revoked'], exemptions.revoked],
          ],
  },
  {
    name: 'cordon_exemptions_incomplete',
    type: 'gauge',
    labels: [],
    help: 'Exemptions in force that the rules of the profile, as they now are, would not grant.',
    alarm: '`cordon_health_issue{id="exemption-incomplete"} == 1`',
    read: ({ evidence }) => maybe(evidence.exemptions?.incomplete),
  },
  {
    name: 'cordon_exemptions_unproven',
    type: 'gauge',
    labels: [],
    help: 'Exemptions that the register grants and the signed records do not bear out; they are suspended.',
    alarm: '`cordon_health_issue{id="exemptions-unproven"} == 1`',
    read: ({ evidence }) => maybe(evidence.exemptions?.unproven.size),
  },
  {
    name: 'cordon_exemption_hits_total',
    type: 'counter',
    labels: ['exemption'],
    help: 'Queries that would have been refused and passed under an exemption.',
    alarm: 'an exemption without hits for months may not be needed',
    read: summed('exemptionHits'),
  },
  {
    name: 'cordon_exemption_last_approval_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When somebody other than who asked last approved an exemption; seconds since the epoch.',
    alarm: '',
    read: ({ evidence: { exemptions } }) =>
      maybe(exemptions?.lastApprovalMs === undefined ? undefined : exemptions.lastApprovalMs / 1000),
  },
  {
    name: 'cordon_mandate_review_seconds',
    type: 'gauge',
    labels: ['list'],
    help: 'Time until the day is over by which the decision behind a mandate list has to be reviewed; negative once that is overdue. Refusals go on.',
    alarm: '`cordon_health_issue{id="mandate-review"} == 1`',
    read: ({ evidence: { decisions, nowMs } }) =>
      decisions.flatMap(({ list, reviewMs }) =>
        reviewMs === undefined ? [] : [[[list], (reviewMs + DAY_MS - nowMs) / 1000] as const],
      ),
  },
  {
    name: 'cordon_mandate_end_seconds',
    type: 'gauge',
    labels: ['list'],
    help: 'Time until the decision behind a mandate list ends by its own words; negative after that. Refusals go on.',
    alarm: '`cordon_health_issue{id="mandate-review"} == 1`',
    read: ({ evidence: { decisions, nowMs } }) =>
      decisions.flatMap(({ list, endsMs }) =>
        endsMs === undefined ? [] : [[[list], (endsMs - nowMs) / 1000] as const],
      ),
  },
  {
    name: 'cordon_enforcement_probe_success',
    type: 'gauge',
    labels: ['view', 'transport', 'qtype'],
    help: '1 when the last self-probe of a view found every mandate name refused and every control name resolved, else 0.',
    alarm: '`cordon_enforcement_probe_success == 0`: `cordon probe` shows what leaked',
    read: ({ evidence: { probe } }) =>
      bounded(
        (probe?.results ?? []).map(
          ({ view, transport, qtype, isEnforced }) => [[view, transport, qtype], isEnforced ? 1 : 0] as const,
        ),
      ),
  },
  {
    name: 'cordon_enforcement_probe_last_success_timestamp_seconds',
    type: 'gauge',
    labels: ['view'],
    help: 'When a view last passed the self-probe as a whole; seconds since the epoch.',
    alarm: '`cordon_health_issue{id="unproven"} == 1`',
    read: ({ evidence: { probe } }) =>
      bounded(Array.from(probe?.lastSuccessMs ?? [], ([view, ms]) => [[view], ms / 1000] as const)),
  },
  {
    name: 'cordon_enforcement_probe_leaked_names',
    type: 'gauge',
    labels: [],
    help: 'Mandate names that got an answer in the last self-probe.',
    alarm: '`cordon_health_issue{id="leaking"} == 1`',
    read: ({ evidence: { probe } }) => maybe(probe?.leakedNames),
  },
  {
    name: 'cordon_enforcement_probe_failed_questions',
    type: 'gauge',
    labels: [],
    help: 'Questions of the last self-probe without the answer that they should have had: no answer, or a control name that did not resolve.',
    alarm: '`cordon_health_issue{id="unproven"} == 1`',
    read: ({ evidence: { probe } }) => maybe(probe?.failed),
  },
  {
    name: 'cordon_enforcement_probe_certificate_valid',
    type: 'gauge',
    labels: ['view', 'transport'],
    help: '1 when the certificate that an encrypted listener served in the last self-probe is one that clients believe: for the name and the addresses that they are told, and valid by the clock; else 0.',
    alarm: '`cordon_health_issue{id="certificate-unbelieved"} == 1`',
    read: ({ evidence: { probe } }) =>
      bounded(
        (probe?.certificates ?? []).map(
          ({ view, transport, isValid }) => [[view, transport], isValid ? 1 : 0] as const,
        ),
      ),
  },
  {
    name: 'cordon_enforcement_probe_last_run_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the last self-probe ended; seconds since the epoch.',
    alarm: '',
    read: ({ evidence: { probe } }) =>
      maybe(probe?.lastRunMs === undefined ? undefined : probe.lastRunMs / 1000),
  },
  {
    name: 'cordon_enforcement_probe_coverage_ratio',
    type: 'gauge',
    labels: [],
    help: 'Share of the mandate names that the last sweep asked; below 1 where a list has more names than a sweep may ask.',
    alarm: '',
    read: ({ evidence: { probe } }) => maybe(probe?.coverage),
  },
  {
    name: 'cordon_enforcement_probe_runs_total',
    type: 'counter',
    labels: ['outcome'],
    help: 'Self-probes by outcome: `enforced`, `leaking`, `broken`.',
    alarm: '`increase(cordon_enforcement_probe_runs_total{outcome="leaking"}[1h]) > 0`',
    read: ({ evidence: { probe } }) => counts(probe?.runs),
  },
  {
    name: 'cordon_enforcement_probe_queries_total',
    type: 'counter',
    labels: [],
    help: 'Queries that the self-probe asked the resolver; no metric of clients counts them.',
    alarm: '',
    read: summed('probeQueries'),
  },
  {
    name: 'cordon_distinct_clients',
    type: 'gauge',
    labels: ['group'],
    help: 'Estimate of the distinct clients whose queries were refused today (UTC), within some 2 %; `*` is all groups.',
    alarm: '',
    read: ({ evidence }) => counts(evidence.records?.distinctClients),
  },
  {
    name: 'cordon_bypass_signals_total',
    type: 'counter',
    labels: ['signal'],
    help: 'Queries that tell of a way around: canary names, private relays, foreign DoH servers, DDR, networks that may not ask.',
    alarm: '`rate(cordon_bypass_signals_total{signal=~"foreign-doh|private-relay"}[1h]) > 0`',
    read: ({ sums }) => bypassSignals(sums),
  },
  ...RECORD_METRICS,
  ...QUERY_LOG_METRICS,
  {
    name: 'cordon_admin_actions_total',
    type: 'counter',
    labels: ['action'],
    help: 'What operators did through the control socket or by signal, by action.',
    alarm: '`increase(cordon_admin_actions_total{action="pause"}[1h]) > 0`',
    read: ({ evidence }) => counts(evidence.actions),
  },
];

/** Categories of shipped lists whose names tell of a way around. */
const BYPASS_CATEGORIES: ReadonlyMap<string, string> = new Map([
  ['canary', 'canary'],
  ['private-relay', 'private-relay'],
  ['foreign-doh', 'foreign-doh'],
]);

/** What is counted as such, and refusals by lists that are there to stop ways around. */
const bypassSignals = (sums: Scrape['sums']): Sample[] => {
  const values = new Map<string, number>();
  const add = (signal: string, count: number): void => {
    values.set(signal, (values.get(signal) ?? 0) + count);
  };
  for (const { labels, values: cells } of sums.series('bypassSignals')) add(labels[0] ?? '', cells[0] ?? 0);
  for (const { labels, values: cells } of sums.series('refusals')) {
    const signal = BYPASS_CATEGORIES.get(labels[1] ?? '');
    if (signal !== undefined) add(signal, cells[0] ?? 0);
  }
  return Array.from(values, ([signal, count]) => [[signal], count] as const);
};
