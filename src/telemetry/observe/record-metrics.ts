// The metrics of the records: what is written, kept, signed, witnessed and sent elsewhere.
import { type Metric, maybe, type Sample } from './metric.ts';

const counts = (values: ReadonlyMap<string, number> | undefined): readonly Sample[] =>
  Array.from(values ?? [], ([label, value]) => [[label], value] as const);

/** The rows of the table, in the order of the page. */
export const RECORD_METRICS: readonly Metric[] = [
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
    alarm: '`cordon_health_issue{id="unrecorded"} == 1`',
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
    alarm: '`cordon_health_issue{id="records-not-whole"} == 1`',
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
    alarm: '`cordon_health_issue{id="records-disk-low"} == 1`',
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
    alarm: '`cordon_health_issue{id="output-stuck"} == 1`',
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
    alarm: '`cordon_health_issue{id="witness-away"} == 1`',
    read: ({ evidence }) =>
      (evidence.records?.witnesses ?? []).map(
        ({ name, cosignedMs }) => [[name], (cosignedMs ?? 0) / 1000] as const,
      ),
  },
  {
    name: 'cordon_records_witness_conflict',
    type: 'gauge',
    labels: ['witness'],
    help: '1 while a witness has cosigned other records than are here, or more of them; and from when one has forgotten what it cosigned until the next start.',
    alarm: '`cordon_health_issue{id="witness-conflict"} == 1`',
    read: ({ evidence }) =>
      (evidence.records?.witnesses ?? []).map(
        ({ name, finding }) => [[name], finding === undefined ? 0 : 1] as const,
      ),
  },
];
