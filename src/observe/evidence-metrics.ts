// The metrics of evidence: what a compliance officer has to be able to show, and what wakes somebody when it fails.
//
// Label values come from the configuration, the register of exemptions and closed sets of words; a metric of which
// somebody could make many series has a bound of its own.
import { type Metric, maybe, type Sample, type Scrape, summed } from './metric.ts';

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
    alarm: '`cordon_reports_failing > 0` for two hours: the log says why',
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
    alarm: '`cordon_reminders_failing > 0` for two hours: the log says why',
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
    alarm: '`cordon_exemptions_expiring_seconds < 7 * 86400`: a person who needs it longer has to ask anew',
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
    alarm: '`cordon_exemptions_incomplete > 0`: `cordon exemptions list` names them',
    read: ({ evidence }) => maybe(evidence.exemptions?.incomplete),
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
    help: 'Time until the decision behind a mandate list has to be reviewed; negative once that is overdue. Refusals go on.',
    alarm: '`cordon_mandate_review_seconds < 30 * 86400`',
    read: ({ evidence: { decisions, nowMs } }) =>
      decisions.flatMap(({ list, reviewMs }) =>
        reviewMs === undefined ? [] : [[[list], (reviewMs - nowMs) / 1000] as const],
      ),
  },
  {
    name: 'cordon_mandate_end_seconds',
    type: 'gauge',
    labels: ['list'],
    help: 'Time until the decision behind a mandate list ends by its own words; negative after that. Refusals go on.',
    alarm: '`cordon_mandate_end_seconds < 30 * 86400`: prolong the decision, or take the list out',
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
    alarm:
      '`time() - cordon_enforcement_probe_last_success_timestamp_seconds > 3600`, or three times `probe.interval`',
    read: ({ evidence: { probe } }) =>
      bounded(Array.from(probe?.lastSuccessMs ?? [], ([view, ms]) => [[view], ms / 1000] as const)),
  },
  {
    name: 'cordon_enforcement_probe_leaked_names',
    type: 'gauge',
    labels: [],
    help: 'Mandate names that got an answer in the last self-probe.',
    alarm: '`cordon_enforcement_probe_leaked_names > 0`',
    read: ({ evidence: { probe } }) => maybe(probe?.leakedNames),
  },
  {
    name: 'cordon_enforcement_probe_failed_questions',
    type: 'gauge',
    labels: [],
    help: 'Questions of the last self-probe without the answer that they should have had: no answer, or a control name that did not resolve.',
    alarm: '`cordon_enforcement_probe_failed_questions > 0` for two runs',
    read: ({ evidence: { probe } }) => maybe(probe?.failed),
  },
  {
    name: 'cordon_enforcement_probe_certificate_valid',
    type: 'gauge',
    labels: ['view', 'transport'],
    help: '1 when the certificate that an encrypted listener served in the last self-probe is one that clients believe: for the name and the addresses that they are told, and valid by the clock; else 0.',
    alarm: '`cordon_enforcement_probe_certificate_valid == 0`: `cordon probe` shows what is wrong with it',
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
  {
    name: 'cordon_records_written_total',
    type: 'counter',
    labels: ['chain'],
    help: 'Records that are on disk, by chain.',
    alarm: '',
    read: ({ evidence }) => counts(evidence.records?.written),
  },
  {
    name: 'cordon_records_dropped_total',
    type: 'counter',
    labels: [],
    help: 'Events that found no room before they could be written; the records say when and how many.',
    alarm: '`increase(cordon_records_dropped_total[15m]) > 0`: the state directory is slow or full',
    read: ({ evidence }) => maybe(evidence.records?.dropped),
  },
  {
    name: 'cordon_records_backlog_bytes',
    type: 'gauge',
    labels: [],
    help: 'Bytes of events that wait to be written.',
    alarm: '',
    read: ({ evidence }) => maybe(evidence.records?.backlogBytes),
  },
  {
    name: 'cordon_records_last_commit_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When records were last written; seconds since the epoch.',
    alarm: '`time() - cordon_records_last_commit_timestamp_seconds > 60`',
    read: ({ evidence: { records } }) =>
      maybe(records?.lastCommitMs === undefined ? undefined : records.lastCommitMs / 1000),
  },
  {
    name: 'cordon_records_oldest_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'Time of the oldest record that can be searched; seconds since the epoch.',
    alarm: '',
    read: ({ evidence: { records } }) =>
      maybe(records?.oldestSearchableMs === undefined ? undefined : records.oldestSearchableMs / 1000),
  },
  {
    name: 'cordon_records_verified',
    type: 'gauge',
    labels: [],
    help: '1 when the chains were found whole when they were last looked at, 0 when they were not; absent before that.',
    alarm: '`cordon_records_verified == 0`: `cordon records verify` says where',
    read: ({ evidence: { records } }) =>
      maybe(records?.isVerified === undefined ? undefined : Number(records.isVerified)),
  },
  {
    name: 'cordon_records_partitions',
    type: 'gauge',
    labels: [],
    help: 'Files of records, one for each day and chain, archived ones too.',
    alarm: 'not growing with the days: what `records.retention` keeps is deleted by something else',
    read: ({ evidence }) => maybe(evidence.records?.partitions),
  },
  {
    name: 'cordon_records_bytes',
    type: 'gauge',
    labels: [],
    help: 'Bytes of everything in the records directory, as of the last ten seconds.',
    alarm: 'what your disk can hold',
    read: ({ evidence }) => maybe(evidence.records?.bytes),
  },
  {
    name: 'cordon_records_free_bytes',
    type: 'gauge',
    labels: [],
    help: 'Free bytes of the disk that records are on.',
    alarm:
      '`cordon_records_free_bytes < 2 * cordon_records_reserve_bytes`: soon queries are recorded as sums only',
    read: ({ evidence }) => maybe(evidence.records?.freeBytes),
  },
  {
    name: 'cordon_records_reserve_bytes',
    type: 'gauge',
    labels: [],
    help: 'Bytes of the disk that records of queries leave to changes and to the register of exemptions.',
    alarm: '',
    read: ({ evidence }) => maybe(evidence.records?.reserveBytes),
  },
  {
    name: 'cordon_records_queries_total',
    type: 'counter',
    labels: ['form'],
    help: 'Queries by the record that tells of them: of their own (`single`), of equal ones (`repeat`), a sum of one client (`client`) or of many (`total`).',
    alarm:
      '`increase(cordon_records_queries_total{form=~"client|total"}[15m]) > 0`: a flood, or bounds that are too narrow',
    read: ({ evidence }) => counts(evidence.records?.queries),
  },
  {
    name: 'cordon_clock_step_seconds',
    type: 'gauge',
    labels: [],
    help: 'By how much the clock last stepped against the monotonic one; 0 when it never did.',
    alarm: '`abs(cordon_clock_step_seconds) > 2`: times of records, TTLs and signatures depend on the clock',
    read: ({ evidence: { records } }) =>
      maybe(records === undefined ? undefined : records.clockStepMs / 1000),
  },
  {
    name: 'cordon_records_output_written_total',
    type: 'counter',
    labels: ['output'],
    help: 'Records that an output beside the state directory took.',
    alarm: '',
    read: ({ evidence }) =>
      (evidence.records?.outputs ?? []).map(({ name, written }) => [[name], written] as const),
  },
  {
    name: 'cordon_records_output_dropped_total',
    type: 'counter',
    labels: ['output'],
    help: 'Records that an output beside the state directory did not take in time.',
    alarm: '`increase(cordon_records_output_dropped_total[15m]) > 0`: the receiver is slow or away',
    read: ({ evidence }) =>
      (evidence.records?.outputs ?? []).map(({ name, dropped }) => [[name], dropped] as const),
  },
  {
    name: 'cordon_records_output_connected',
    type: 'gauge',
    labels: ['output'],
    help: '1 while an output beside the state directory takes records, 0 while it does not; the log tells why.',
    alarm: '`cordon_records_output_connected == 0` for 5 minutes',
    read: ({ evidence }) =>
      (evidence.records?.outputs ?? []).map(
        ({ name, trouble }) => [[name], trouble === undefined ? 1 : 0] as const,
      ),
  },
  {
    name: 'cordon_records_output_waiting',
    type: 'gauge',
    labels: ['output'],
    help: 'Records that wait for an output beside the state directory; from 65,536 or 24 MiB on, further ones are dropped.',
    alarm: 'a figure that only grows: the receiver is slow or away',
    read: ({ evidence }) =>
      (evidence.records?.outputs ?? []).map(({ name, queued }) => [[name], queued] as const),
  },
  {
    name: 'cordon_records_checkpoint_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the last checkpoint of the records was signed; the service signs one each second while records come, and each five while none do.',
    alarm: '`time() - cordon_records_checkpoint_timestamp_seconds > 300`',
    read: ({ evidence: { records } }) =>
      maybe(records?.checkpoint === undefined ? undefined : records.checkpoint.signedMs / 1000),
  },
  {
    name: 'cordon_records_witness_timestamp_seconds',
    type: 'gauge',
    labels: ['witness'],
    help: 'When a witness cosigned the records last, by its clock; 0: never.',
    alarm:
      '`time() - cordon_records_witness_timestamp_seconds > 300`: nobody else can tell that the records are whole',
    read: ({ evidence }) =>
      (evidence.records?.witnesses ?? []).map(
        ({ name, cosignedMs }) => [[name], (cosignedMs ?? 0) / 1000] as const,
      ),
  },
  {
    name: 'cordon_records_witness_conflict',
    type: 'gauge',
    labels: ['witness'],
    help: '1 while a witness has cosigned other records than are here, or more of them.',
    alarm: '`cordon_records_witness_conflict == 1`: the records were changed or taken back',
    read: ({ evidence }) =>
      (evidence.records?.witnesses ?? []).map(
        ({ name, finding }) => [[name], finding === undefined ? 0 : 1] as const,
      ),
  },
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
