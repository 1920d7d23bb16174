// The streams of the engine as the authority makes them: what each keeps, and for how long.
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { DAY_MS } from '../base/base.ts';
import { STREAM, TIDE_SUBJECT } from './subjects.ts';

/** Within which the engine knows a message again, milliseconds. */
const DUPLICATE_MS = 120_000;
/**
 * Of evidence that no collector has taken yet, and of the contents of lists, 32 of 64 MB with the ones before. The engine
 * sets so much aside when it makes a stream; on a smaller disk half of it is asked for, and so on.
 */
const EVIDENCE_BYTES_MAX = 16 * 2 ** 30;
const LISTS_BYTES_MAX = 4 * 2 ** 30;
/** Entries of policy: a register holds some 80,000 events. */
const POLICY_MESSAGES_MAX = 1_000_000;

/** A stream that is to be made. */
export type NewStream = Partial<StreamConfig> & { readonly name: string };

/** All streams, each on so many servers. Those that set room aside come last. */
export const streamsOf = (replicas: number): NewStream[] => {
  const common = { storage: StorageType.File, num_replicas: replicas, duplicate_window: nanos(DUPLICATE_MS) };
  const latest = { ...common, max_msgs_per_subject: 1, allow_direct: true, discard: DiscardPolicy.Old };
  const bucket = { ...latest, discard: DiscardPolicy.New, allow_rollup_hdrs: true, deny_delete: true };
  return [
    // An entry that is there is never replaced by another one of its number.
    {
      ...common,
      name: STREAM.POLICY,
      subjects: ['cordon.policy.*'],
      max_msgs: POLICY_MESSAGES_MAX,
      max_msgs_per_subject: 1,
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
      allow_direct: true,
    },
    { ...latest, name: STREAM.TIDE, subjects: [TIDE_SUBJECT] },
    { ...bucket, name: STREAM.PRESENCE, subjects: ['$KV.cordon_presence.>'] },
    { ...bucket, name: STREAM.CONFIRMED, subjects: ['$KV.cordon_confirmed.>'] },
    { ...bucket, name: STREAM.PROBED, subjects: ['$KV.cordon_probed.>'] },
    // Those that set room aside come last.
    { ...latest, name: STREAM.LISTS, subjects: ['cordon.list.*.*'], max_bytes: LISTS_BYTES_MAX },
    {
      ...common,
      name: STREAM.EVIDENCE,
      subjects: ['cordon.evidence.*.*'],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_bytes: EVIDENCE_BYTES_MAX,
      max_age: nanos(90 * DAY_MS),
    },
  ];
};
