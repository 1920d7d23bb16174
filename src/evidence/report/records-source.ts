// The evidence of a report from the directory of records, while the program runs and without it.
//
// The chains are checked first, and only what their signed heads prove is read: the content of a block that was changed,
// and counts that do not follow from the records, are never given out.
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { registerWitnesses } from '../exemptions/exemptions.ts';
import {
  type ClassProof,
  checkpointText,
  checkpointVerifier,
  type EvidenceRecord,
  type HourCount,
  isAmong,
  loadRecordSchema,
  type PartitionFile,
  RECORD_CLASSES,
  type RecordClass,
  type RecordSpan,
  RecordsReader,
  readCosigned,
  readPublicKeys,
  rollupColumns,
  rollupHourMs,
  type SignedHead,
  SKETCH_REGISTERS,
  Sketch,
  type VerifyProgress,
  type VerifyResult,
  verifyRecords,
} from '../records/records.ts';
import type {
  ChainCheck,
  Coverage,
  DaySketch,
  DoubtfulRecords,
  EvidenceSource,
  PlacedChange,
  Signing,
} from './evidence.ts';
import type { KeptElsewhere, ReportWitnesses } from './forms.ts';

/** Blocks that are read at a time: a transaction that is open for long keeps the recorder from tidying its WAL. */
const BLOCKS_AT_A_TIME = 64;

/** The records of one directory, checked when they are opened. */
export class RecordsSource implements EvidenceSource {
  readonly resolver: string;
  readonly coverage: Readonly<Partial<Record<RecordClass, Coverage>>>;
  readonly provenMs: number | undefined;
  readonly heads: readonly SignedHead[];
  readonly check: ChainCheck;
  readonly signing: Signing;
  readonly #reader: RecordsReader;
  readonly #proof: VerifyResult['proof'];

  private constructor(
    reader: RecordsReader,
    { signedHeads, proof, checkpoint }: VerifyResult,
    coverage: RecordsSource['coverage'],
    check: ChainCheck,
    signing: Signing,
  ) {
    this.#reader = reader;
    this.#proof = proof;
    this.coverage = coverage;
    this.check = check;
    this.signing = signing;
    this.heads = [...new Map(signedHeads.map((head) => [head.number, head])).values()].sort(
      (a, b) => a.number - b.number,
    );
    this.resolver = this.heads.at(-1)?.resolver ?? '';
    this.provenMs = checkpoint?.signedMs;
  }

  /**
   * Opens and checks the records of a state directory's `records`. Rejects with ERR_COMPLIANCE_NO_RECORDS,
   * ERR_COMPLIANCE_RECORDS and ERR_COMPLIANCE_SIGNING_KEY.
   */
  static async open(
    directory: string,
    options: {
      readonly onProgress?: (progress: VerifyProgress) => void;
      readonly isCollected?: boolean;
      readonly cosigners?: ReportWitnesses | undefined;
      readonly kept?: KeptElsewhere | undefined;
    } = {},
  ): Promise<RecordsSource> {
    const { cosigners, kept, ...asked } = options;
    const witnesses = registerWitnesses(dirname(directory));
    const result = await verifyRecords(directory, { ...asked, ...kept, witnesses });
    const reader = RecordsReader.open(directory);
    try {
      const coverage: Partial<Record<RecordClass, Coverage>> = {};
      const doubtful: DoubtfulRecords[] = [];
      for (const recordClass of RECORD_CLASSES) {
        const proof = result.proof[recordClass];
        const covered = await coverageOf(reader, recordClass, proof);
        if (covered !== undefined) coverage[recordClass] = covered;
        for (const span of proof.doubtful)
          doubtful.push(await placeDoubtful(reader, recordClass, proof, span));
      }
      const signing = signingOf(directory, result, cosigners);
      return new RecordsSource(
        reader,
        result,
        coverage,
        toCheck(result, doubtful, signing, cosigners?.required),
        signing,
      );
    } catch (thrown) {
      reader.close();
      throw thrown;
    }
  }

  async *changes(): AsyncGenerator<PlacedChange> {
    const { readChange } = await loadRecordSchema();
    for (const partition of this.#readable('changes')) {
      const database = await this.#reader.openPartition('changes', partition);
      try {
        for (const { sequence, record } of this.#soundRecords(database, 'changes', partition)) {
          const change = readChange(record);
          if (change !== undefined) yield { sequence, record: change };
        }
      } finally {
        database.close();
      }
    }
  }

  async counts(beginMs: number, untilMs: number): Promise<readonly HourCount[]> {
    const fromMs = rollupHourMs(beginMs);
    const counts: HourCount[] = [];
    for (const partition of this.#readable('queries'))
      counts.push(
        ...(await this.#reading('queries', partition, (database) =>
          this.#isQuestioned('queries', partition)
            ? countAgain(this.#soundRecords(database, 'queries', partition))
            : readCounts(database, fromMs, untilMs),
        )),
      );
    return counts
      .filter(({ hourMs }) => hourMs >= fromMs && hourMs < untilMs)
      .sort((left, right) => left.hourMs - right.hourMs);
  }

  async *sketches(fromDay: string, untilDay: string): AsyncGenerator<DaySketch> {
    for (const partition of this.#readable('queries')) {
      const found = await this.#reading('queries', partition, (database) =>
        this.#isQuestioned('queries', partition)
          ? estimateAgain(this.#soundRecords(database, 'queries', partition))
          : readSketches(database),
      );
      for (const sketch of found) if (sketch.day >= fromDay && sketch.day <= untilDay) yield sketch;
    }
  }

  /** Removes what was unpacked on the way. */
  close(): void {
    this.#reader.close();
  }

  /** Partitions with records that count. */
  #readable(recordClass: RecordClass): PartitionFile[] {
    return readable(this.#reader, recordClass, this.#proof[recordClass]);
  }

  #isQuestioned(recordClass: RecordClass, { ordinal }: PartitionFile): boolean {
    const { questioned, doubtful } = this.#proof[recordClass];
    return questioned.has(ordinal) || doubtful.some((span) => span.ordinal === ordinal);
  }

  *#soundRecords(
    database: DatabaseSync,
    recordClass: RecordClass,
    { ordinal }: PartitionFile,
  ): Generator<{ readonly sequence: number; readonly record: EvidenceRecord }> {
    const { sound } = this.#proof[recordClass];
    const select = database.prepare(
      'SELECT first, count, body FROM blocks WHERE first > ? ORDER BY first LIMIT ?',
    );
    let last = 0;
    for (;;) {
      const rows = select.all(last, BLOCKS_AT_A_TIME);
      for (const row of rows) {
        last = Number(row['first']);
        if (!isAmong(sound, ordinal, last)) continue;
        // Proven: it is what the recorder wrote.
        const records = JSON.parse(String(row['body'])) as EvidenceRecord[];
        for (const [index, record] of records.entries()) yield { sequence: last + index, record };
      }
      if (rows.length < BLOCKS_AT_A_TIME) return;
    }
  }

  #reading<Value>(
    recordClass: RecordClass,
    partition: PartitionFile,
    read: (database: DatabaseSync) => Value,
  ): Promise<Value> {
    return reading(this.#reader, recordClass, partition, read);
  }
}

/** Who signed, how far, and what witnesses have cosigned. */
const signingOf = (
  directory: string,
  { checkpoint, proof }: VerifyResult,
  { keys, needed }: ReportWitnesses = { keys: [] },
): Signing => {
  const unsigned = RECORD_CLASSES.flatMap((name) => proof[name].unsigned);
  return {
    checkpoint: checkpoint && {
      origin: checkpoint.origin,
      size: checkpoint.size,
      root: checkpoint.root,
      signedMs: checkpoint.signedMs,
      publicKey: checkpointVerifier(checkpoint, readPublicKeys(directory).values()),
      note: checkpointText(checkpoint),
    },
    unsigned: unsigned.reduce((sum, { first, last }) => sum + last - first + 1, 0),
    witnesses: readCosigned(directory, checkpoint?.origin ?? '', keys),
    needed: needed ?? keys.length,
  };
};

const toCheck = (
  { findings, more, records }: VerifyResult,
  doubtful: readonly DoubtfulRecords[],
  { witnesses }: Signing,
  required: readonly string[] = [],
): ChainCheck => {
  const texts = findings.map((finding) => {
    const { code, class: recordClass, ordinal, block, text } = finding;
    const place = [
      recordClass,
      ordinal === null ? null : `partition ${ordinal}`,
      block === null ? null : `record ${block}`,
    ].filter((word) => word !== null);
    return `${code}: ${place.length === 0 ? '' : `${place.join(', ')}: `}${text}`;
  });
  for (const { name, size, atMs, isSame } of witnesses)
    if (!isSame && atMs !== undefined)
      texts.push(
        `log-differs: witness ${name} has cosigned ${size} blocks at ${new Date(atMs).toISOString()}, which are not those that are here`,
      );
  for (const { name, atMs } of witnesses)
    if (required.includes(name) && atMs === undefined)
      texts.push(`checkpoint-missing: nothing is there that witness ${name} has cosigned`);
  if (more > 0) texts.push(`${more} more findings; "cordon records verify" shows them`);
  return { isIntact: texts.length === 0, records, findings: texts, doubtful };
};

const readable = (
  reader: RecordsReader,
  recordClass: RecordClass,
  { sound }: ClassProof,
): PartitionFile[] => {
  const ordinals = new Set(sound.map(({ ordinal }) => ordinal));
  return reader
    .partitions(recordClass)
    .filter(({ state, ordinal }) => state !== 'damaged' && ordinals.has(ordinal));
};

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

const coverageOf = async (
  reader: RecordsReader,
  recordClass: RecordClass,
  proof: ClassProof,
): Promise<Coverage | undefined> => {
  const firstMs = await edgeOf(reader, recordClass, proof, proof.sound.at(0), 'from');
  const lastMs = await edgeOf(reader, recordClass, proof, proof.sound.at(-1), 'until');
  if (firstMs === undefined || lastMs === undefined) return undefined;
  // A clock that was set back between two runs: the last record need not be that of the latest time. Each run begins with a
  // change, so these tell; those of queries would be too many to look at.
  if (recordClass === 'changes') {
    let range = { firstMs, lastMs };
    for (const partition of readable(reader, recordClass, proof))
      range = await reading(reader, recordClass, partition, (database) =>
        widen(range, database, proof, partition.ordinal),
      );
    return { ...range, isFromBeginning: reader.partitions(recordClass)[0]?.ordinal === 1 };
  }
  return { firstMs, lastMs, isFromBeginning: reader.partitions(recordClass)[0]?.ordinal === 1 };
};

/** A range that reaches over all blocks of a partition that count. */
const widen = (
  { firstMs, lastMs }: Pick<Coverage, 'firstMs' | 'lastMs'>,
  database: DatabaseSync,
  { sound }: ClassProof,
  ordinal: number,
): Pick<Coverage, 'firstMs' | 'lastMs'> => {
  let range = { firstMs, lastMs };
  for (const row of database.prepare('SELECT first, from_ms, until_ms FROM blocks').iterate()) {
    if (!isAmong(sound, ordinal, Number(row['first']))) continue;
    range = {
      firstMs: Math.min(range.firstMs, Number(row['from_ms'])),
      lastMs: Math.max(range.lastMs, Number(row['until_ms'])),
    };
  }
  return range;
};

/** Where records stand that do not count, between the nearest ones that do. */
const placeDoubtful = async (
  reader: RecordsReader,
  recordClass: RecordClass,
  proof: ClassProof,
  { ordinal, first, last }: RecordSpan,
): Promise<DoubtfulRecords> => {
  const isBefore = (span: RecordSpan): boolean =>
    span.ordinal < ordinal || (span.ordinal === ordinal && span.last < first);
  const isAfter = (span: RecordSpan): boolean =>
    span.ordinal > ordinal || (span.ordinal === ordinal && span.first > last);
  return {
    class: recordClass,
    partition: ordinal,
    first,
    last,
    afterMs: await edgeOf(reader, recordClass, proof, proof.sound.findLast(isBefore), 'until'),
    beforeMs: await edgeOf(reader, recordClass, proof, proof.sound.find(isAfter), 'from'),
  };
};

/** The time of the first block of a span, or of its last one. */
const edgeOf = async (
  reader: RecordsReader,
  recordClass: RecordClass,
  proof: ClassProof,
  span: RecordSpan | undefined,
  edge: 'from' | 'until',
): Promise<number | undefined> => {
  const partition = readable(reader, recordClass, proof).find(({ ordinal }) => ordinal === span?.ordinal);
  if (span === undefined || partition === undefined) return undefined;
  const [query, sequence] =
    edge === 'from'
      ? ['SELECT from_ms AS ms FROM blocks WHERE first >= ? ORDER BY first LIMIT 1', span.first]
      : ['SELECT until_ms AS ms FROM blocks WHERE first <= ? ORDER BY first DESC LIMIT 1', span.last];
  const row = await reading(reader, recordClass, partition, (database) =>
    database.prepare(String(query)).get(Number(sequence)),
  );
  return typeof row?.['ms'] === 'number' ? row['ms'] : undefined;
};

const readCounts = (database: DatabaseSync, fromMs: number, untilMs: number): HourCount[] =>
  database
    .prepare('SELECT * FROM rollup WHERE hour_ms >= ? AND hour_ms < ?')
    .all(fromMs, untilMs)
    .map((row) => {
      const columns = COLUMNS.map((name) => String(row[name]));
      return toHourCount(Number(row['hour_ms']), columns, Number(row['count']));
    });

/** The columns of the table in the order of rollupColumns(). */
const COLUMNS = ['kind', 'grp', 'list', 'category', 'trig', 'signal', 'exemption'];

const toHourCount = (hourMs: number, columns: readonly string[], count: number): HourCount => {
  const [kind = '', group = '', list = '', category = '', trigger = '', signal = '', exemption = ''] =
    columns;
  return { hourMs, kind, group, list, category, trigger, signal, exemption, count };
};

/** What the table should hold of these records. */
const countAgain = (records: Iterable<{ readonly record: EvidenceRecord }>): HourCount[] => {
  const counts = new Map<string, HourCount>();
  for (const { record } of records) {
    if (record.kind === 'sketch') continue;
    const hourMs = rollupHourMs(Date.parse(record.time));
    const columns = rollupColumns(record as unknown as Readonly<Record<string, unknown>>);
    const key = JSON.stringify([hourMs, ...columns]);
    const count = 'count' in record && typeof record.count === 'number' ? record.count : 1;
    counts.set(key, toHourCount(hourMs, columns, (counts.get(key)?.count ?? 0) + count));
  }
  return [...counts.values()];
};

const readSketches = (database: DatabaseSync): DaySketch[] =>
  database
    .prepare('SELECT day, grp, registers FROM sketches')
    .all()
    .flatMap(({ day, grp, registers }) =>
      registers instanceof Uint8Array && registers.length === SKETCH_REGISTERS
        ? [{ day: String(day), group: String(grp), registers }]
        : [],
    );

/** What the table of estimates should hold of these records. */
const estimateAgain = (records: Iterable<{ readonly record: EvidenceRecord }>): DaySketch[] => {
  const sketches = new Map<
    string,
    { readonly day: string; readonly group: string; readonly sketch: Sketch }
  >();
  for (const { record } of records) {
    if (record.kind !== 'sketch') continue;
    const { day, group, registers } = record;
    const key = JSON.stringify([day, group]);
    const known = sketches.get(key) ?? { day, group, sketch: new Sketch() };
    sketches.set(key, known);
    known.sketch.addRisen(registers);
  }
  return [...sketches.values()].map(({ day, group, sketch }) => ({
    day,
    group,
    registers: sketch.registers,
  }));
};
