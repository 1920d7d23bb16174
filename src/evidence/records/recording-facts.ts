// What is told of records that are open, and of those that cannot be opened.
import type { OpenRecords } from './open-records.ts';
import { RECORD_CLASSES } from './record.ts';
import type { OutputFacts, RecordOutput } from './record-output.ts';
import type { RecordingFacts } from './recording-options.ts';

/** The facts that the files know. */
type OpenFacts = Pick<
  RecordingFacts,
  | ('sequence' | 'oldestSearchableMs' | 'isVerified' | 'verifiedMs' | 'isClockTrusted' | 'partitions')
  | ('freeBytes' | 'reserveBytes' | 'queries' | 'checkpoint' | 'distinctClients')
>;

/** Of records that are open; of none while the disk fails. */
export const openFacts = (open: OpenRecords | undefined): OpenFacts => {
  const house = open?.housekeeping;
  const checkpoint = open?.checkpoints?.last;
  const counts = open?.encoder.distinct.counts() ?? [];
  return {
    sequence: new Map(RECORD_CLASSES.map((name) => [name, open?.stores[name].end.sequence ?? 0])),
    oldestSearchableMs: house?.facts.oldestSearchableMs,
    isVerified: house?.isVerified,
    verifiedMs: house?.verifiedMs,
    isClockTrusted: house?.isClockTrusted ?? true,
    partitions: house?.facts.partitions ?? 0,
    freeBytes: open?.reserve.freeBytes,
    reserveBytes: open?.reserve.reserveBytes,
    queries: new Map(Object.entries(open?.encoder.attempts.forms ?? {})),
    checkpoint: checkpoint && {
      ...{ size: checkpoint.size, signedMs: checkpoint.signedMs },
      verifier: open?.checkpoints?.verifierKey ?? '',
    },
    distinctClients: new Map(counts.map(({ group, clients }) => [group, clients])),
  };
};

/** Of the outputs and of the copy of heads, in the order of the configuration. */
export const outputFacts = (
  outputs: readonly RecordOutput[],
  open: OpenRecords | undefined,
): readonly OutputFacts[] => [
  ...outputs.map(({ name, written, dropped, queued, trouble }) => ({
    name,
    written,
    dropped,
    queued,
    trouble,
  })),
  ...[open?.heads?.facts() ?? []].flat(),
];
