// The evidence of a report from the directory of records, while the program runs and without it.
import type { DatabaseSync } from 'node:sqlite';
import {
  type ChangeRecord,
  type HourCount,
  headsPath,
  type PartitionFile,
  RECORD_CLASSES,
  type RecordClass,
  RecordsReader,
  readHeadLines,
  readMeta,
  type SignedHead,
  SKETCH_REGISTERS,
  type VerifyProgress,
  verifyRecords,
} from '../../records/records.ts';
import type { ChainCheck, Coverage, DaySketch, EvidenceSource, PlacedChange } from './evidence.ts';

/** Before and after the time of any record. */
const ALL_MS = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

/** The records of one directory, checked when they are opened. */
export class RecordsSource implements EvidenceSource {
  readonly resolver: string;
  readonly coverage: Readonly<Partial<Record<RecordClass, Coverage>>>;
  readonly heads: readonly SignedHead[];
  readonly check: ChainCheck;
  readonly #reader: RecordsReader;

  private constructor(
    reader: RecordsReader,
    resolver: string,
    coverage: RecordsSource['coverage'],
    check: ChainCheck,
  ) {
    this.#reader = reader;
    this.resolver = resolver;
    this.coverage = coverage;
    this.check = check;
    this.heads = readHeadLines(headsPath(reader.directory)).flatMap(({ head }) => head ?? []);
  }

  /**
   * Opens and checks the records of a state directory's `records`. Rejects with ERR_COMPLIANCE_NO_RECORDS,
   * ERR_COMPLIANCE_RECORDS and ERR_COMPLIANCE_SIGNING_KEY.
   */
  static async open(
    directory: string,
    onProgress: (progress: VerifyProgress) => void = () => undefined,
  ): Promise<RecordsSource> {
    const { findings, more, records } = await verifyRecords(directory, { onProgress });
    const texts = findings.map(({ text }) => text);
    if (more > 0) texts.push(`${more} more findings; "cordon records verify" shows them`);
    const check: ChainCheck = { isIntact: texts.length === 0, records, findings: texts };
    const reader = RecordsReader.open(directory);
    try {
      const coverage: Partial<Record<RecordClass, Coverage>> = {};
      for (const recordClass of RECORD_CLASSES) {
        const covered = await coverageOf(reader, recordClass);
        if (covered !== undefined) coverage[recordClass] = covered;
      }
      return new RecordsSource(reader, await resolverOf(reader), coverage, check);
    } catch (thrown) {
      reader.close();
      throw thrown;
    }
  }

  async *changes(): AsyncGenerator<PlacedChange> {
    for await (const { sequence, record } of this.#reader.records('changes', ALL_MS.from, ALL_MS.until)) {
      // The chain holds no others.
      yield { sequence, record: record as ChangeRecord };
    }
  }

  counts(fromMs: number, untilMs: number): Promise<readonly HourCount[]> {
    return this.#reader.counts(fromMs, untilMs);
  }

  async *sketches(fromDay: string, untilDay: string): AsyncGenerator<DaySketch> {
    for (const partition of sound(this.#reader, 'queries')) {
      const rows = await reading(this.#reader, 'queries', partition, (database) =>
        database
          .prepare('SELECT day, grp, registers FROM sketches WHERE day >= ? AND day <= ?')
          .all(fromDay, untilDay),
      );
      for (const { day, grp, registers } of rows) {
        if (registers instanceof Uint8Array && registers.length === SKETCH_REGISTERS)
          yield { day: String(day), group: String(grp), registers };
      }
    }
  }

  /** Removes what was unpacked on the way. */
  close(): void {
    this.#reader.close();
  }
}

const sound = (reader: RecordsReader, recordClass: RecordClass): PartitionFile[] =>
  reader.partitions(recordClass).filter(({ state }) => state !== 'damaged');

const reading = async <Value>(
  reader: RecordsReader,
  recordClass: RecordClass,
  partition: PartitionFile,
  read: (database: DatabaseSync) => Value,
): Promise<Value> => {
  const database = await reader.openPartition(recordClass, partition);
  try {
    return read(database);
  } finally {
    database.close();
  }
};

const coverageOf = async (reader: RecordsReader, recordClass: RecordClass): Promise<Coverage | undefined> => {
  const partitions = sound(reader, recordClass);
  const firstMs = await edgeOf(
    reader,
    recordClass,
    partitions,
    'SELECT from_ms AS ms FROM blocks ORDER BY first',
  );
  const lastMs = await edgeOf(
    reader,
    recordClass,
    partitions.toReversed(),
    'SELECT until_ms AS ms FROM blocks ORDER BY first DESC',
  );
  if (firstMs === undefined || lastMs === undefined) return undefined;
  return { firstMs, lastMs, isFromBeginning: reader.partitions(recordClass)[0]?.ordinal === 1 };
};

/** The time that a query tells of the first of the partitions that has any. */
const edgeOf = async (
  reader: RecordsReader,
  recordClass: RecordClass,
  partitions: readonly PartitionFile[],
  query: string,
): Promise<number | undefined> => {
  for (const partition of partitions) {
    const row = await reading(reader, recordClass, partition, (database) =>
      database.prepare(`${query} LIMIT 1`).get(),
    );
    if (typeof row?.['ms'] === 'number') return row['ms'];
  }
  return undefined;
};

/** The name that the last partition gives the resolver. */
const resolverOf = async (reader: RecordsReader): Promise<string> => {
  for (const recordClass of RECORD_CLASSES) {
    const last = sound(reader, recordClass).at(-1);
    if (last === undefined) continue;
    const meta = await reading(reader, recordClass, last, readMeta);
    if (meta !== undefined) return meta.resolver;
  }
  return '';
};
