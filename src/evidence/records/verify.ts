// Finding every edit, deletion and reordering of records after the fact.
//
// Every block is hashed again, everything that is derived from blocks is derived again, every partition has to follow
// the one before, and every signed head has to say what the chain says. What cannot be found here is a chain that was
// written anew as a whole, with all its heads, by somebody who has the signing key: for that, heads are sent elsewhere
// and given back to verify(). One damaged block is one finding: the check goes on behind it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { errorText } from '../../base/base.ts';
import type { ChainEnd } from './chain.ts';
import { ExemptionCheck } from './exemption-check.ts';
import type { Finding, FindingCode, Report } from './finding.ts';
import { HeadsCheck } from './heads-check.ts';
import { type LogCheck, openLogCheck } from './log-check.ts';
import { listPartitions, type PartitionFile } from './partition.ts';
import { PartitionCheck } from './partition-check.ts';
import { checkMeta, differenceOf, isOnChain } from './partition-differences.ts';
import { POSITION_NAME, type Position, readPosition } from './position-file.ts';
import { ChainProof } from './proof.ts';
import { PSEUDONYM_KEYS_NAME } from './pseudonym-keys.ts';
import { RECORD_CLASSES, type RecordClass } from './record.ts';
import { loadRecordSchema } from './record-judge.ts';
import { RecordsReader } from './records-reader.ts';
import { ServiceTrail } from './service-trail.ts';
import { SKETCH_KEY_NAME } from './sketch.ts';
import type { ClassProof, VerifyOptions, VerifyResult } from './verification.ts';

/** Blocks between two reports of the progress, and between two pauses: some 4,000 records, 20 ms. */
const BLOCKS_AT_A_TIME = 64;
/** Findings that are told one by one; more of them are counted. */
const FINDINGS_MAX = 1_000;

/** Checks all records of a directory. Rejects with ERR_COMPLIANCE_NO_RECORDS and ERR_COMPLIANCE_SIGNING_KEY. */
export const verifyRecords = async (
  directory: string,
  options: VerifyOptions = {},
): Promise<VerifyResult> => {
  const reader = RecordsReader.open(directory);
  try {
    return await new Verification(reader, options).run();
  } finally {
    reader.close();
  }
};

/** Checks one partition, its heads included, while the program runs; gives what was found. */
export const verifyPartition = async (
  directory: string,
  recordClass: RecordClass,
  partition: PartitionFile,
  pause: () => Promise<void>,
): Promise<readonly Finding[]> => {
  const reader = RecordsReader.open(directory);
  try {
    return await new Verification(reader, { pause }).runOne(recordClass, partition);
  } finally {
    reader.close();
  }
};

class Verification {
  readonly #reader: RecordsReader;
  readonly #options: VerifyOptions;
  readonly #findings: Finding[] = [];
  #more = 0;
  #partitions = 0;
  #blocks = 0;
  #records = 0;
  readonly #heads = new HeadsCheck((code, text, place) => this.#find(code, text, place));
  readonly #trail: ServiceTrail;
  #log: LogCheck | undefined;
  readonly #exemptions: ExemptionCheck;
  /** As it was before the chains were read: the program may write on meanwhile. */
  readonly #position: Position | undefined;
  readonly #proofs = { queries: new ChainProof(), changes: new ChainProof() };
  readonly #questioned = { queries: new Set<number>(), changes: new Set<number>() };
  #judge: PartitionCheck['judge'];

  constructor(reader: RecordsReader, options: VerifyOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#position = readPosition(join(reader.directory, POSITION_NAME));
    const find: Report = (code, text, place) => this.#find(code, text, place);
    this.#exemptions = new ExemptionCheck(find, options.nowMs ?? Date.now());
    this.#trail = new ServiceTrail(this.#position?.ends.changes.sequence, find);
  }

  async run(): Promise<VerifyResult> {
    this.#judge = (await loadRecordSchema()).judgeRecord;
    const { headsFile, keyFile, key } = this.#options;
    this.#heads.readAll(this.#reader.directory, headsFile, key ?? keyFile);
    // `changes` tells which partitions of either class were deleted.
    const classes = RECORD_CLASSES.filter(
      (name) => this.#options.classes?.includes(name) ?? true,
    ).toReversed();
    if (!classes.includes('changes')) await this.#readChanges();
    this.#log = this.#openLog();
    this.#trail.onStart = (record, before) => this.#log?.start(record, before);
    const ends = new Map<RecordClass, ChainEnd>();
    for (const recordClass of classes) {
      const end = await this.#checkClass(recordClass);
      if (end !== undefined) ends.set(recordClass, end);
    }
    this.#checkNotes(ends);
    this.#checkLog(classes);
    for (const recordClass of classes) this.#checkBegun(recordClass);
    const proof = { queries: this.#proofOf('queries'), changes: this.#proofOf('changes') };
    const isWhole = classes.includes('changes') && this.#options.isCollected !== true;
    this.#exemptions.finish(proof.changes.sound, isWhole ? (this.#options.witnesses ?? []) : []);
    return {
      checkpoint: this.#log?.checkpoint,
      takenUp: this.#log?.takenUp ?? [],
      young: this.#exemptions.young,
      signedHeads: this.#heads.signed(),
      proof,
      findings: this.#findings,
      more: this.#more,
      partitions: this.#partitions,
      blocks: this.#blocks,
      records: this.#records,
      heads: this.#heads.count,
    };
  }

  async runOne(recordClass: RecordClass, partition: PartitionFile): Promise<readonly Finding[]> {
    this.#heads.readOne(this.#reader.directory, recordClass, partition.ordinal);
    await this.#checkPartition(recordClass, partition, undefined);
    return this.#findings;
  }

  /** Undefined for records that were collected: what a collector takes are blocks and heads. */
  #openLog(): LogCheck | undefined {
    if (this.#options.isCollected === true) return undefined;
    const { directory } = this.#reader;
    const { checkpointFile } = this.#options;
    return openLogCheck({ directory, checkpointFile, keys: this.#heads.keys }, (code, text, place) =>
      this.#find(code, text, place),
    );
  }

  /** What was signed has to be there; what nobody signed is no evidence. */
  #checkLog(classes: readonly RecordClass[]): void {
    const log = this.#log;
    if (log === undefined) return;
    if (classes.length === RECORD_CLASSES.length) log.finish();
    if (log.checkpoint !== undefined) for (const name of classes) this.#proofs[name].endAtSigned();
    else if (log.isBegun || this.#trail.isLogBegun) {
      if (!this.#findings.some(({ code }) => code === 'checkpoint-signature' || code === 'log-differs'))
        this.#find(
          'checkpoint-missing',
          'the log of the records was begun, and its last checkpoint is not there',
        );
      for (const name of classes) this.#proofs[name].cut();
    }
    log.close();
  }

  #proofOf(recordClass: RecordClass): ClassProof {
    const taken = this.#log?.takenSpans(recordClass) ?? [];
    const spans = this.#proofs[recordClass].spans(taken);
    const questioned = this.#questioned[recordClass];
    // Counts beside the records count those as well that are none.
    for (const { ordinal } of [...taken, ...spans.unsigned]) questioned.add(ordinal);
    return { ...spans, taken, questioned };
  }

  #find(code: FindingCode, text: string, place: Partial<Finding> = {}): void {
    const { class: recordClass, ordinal } = place;
    if (typeof recordClass === 'string' && typeof ordinal === 'number')
      this.#questioned[recordClass].add(ordinal);
    if (this.#findings.length >= FINDINGS_MAX) {
      this.#more++;
      return;
    }
    const nowhere = { class: null, ordinal: null, block: null, from: null, until: null };
    this.#findings.push({ code, ...nowhere, text, ...place });
  }

  /** Where `changes` is not verified itself. */
  async #readChanges(): Promise<void> {
    const everything = this.#reader.records('changes', Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    try {
      for await (const { record, sequence } of everything) {
        this.#trail.note(record, sequence);
        this.#exemptions.change(record, 0, sequence);
      }
    } catch (thrown) {
      this.#find('partition-unreadable', errorText(thrown), { class: 'changes' });
    }
  }

  async #checkClass(recordClass: RecordClass): Promise<ChainEnd | undefined> {
    const partitions = this.#reader.partitions(recordClass);
    const { unknown } = listPartitions(join(this.#reader.directory, recordClass));
    for (const name of unknown) {
      this.#find('file-unknown', `${recordClass}/${name} is not of the program`, { class: recordClass });
    }
    let before: Checked | undefined;
    const gaps: { readonly before: number; readonly ordinal: number }[] = [];
    for (const partition of partitions) {
      if (partition.state === 'damaged') {
        this.#find('partition-damaged', `the program set it aside as ${recordClass}/${partition.name}`, {
          class: recordClass,
          ordinal: partition.ordinal,
        });
        if (before?.ordinal !== partition.ordinal) before = { ordinal: partition.ordinal, end: undefined };
        continue;
      }
      gaps.push({ before: before?.ordinal ?? 0, ordinal: partition.ordinal });
      const isNext = before?.ordinal === partition.ordinal - 1;
      const end = await this.#checkPartition(recordClass, partition, isNext ? before?.end : undefined);
      before = { ordinal: partition.ordinal, end };
    }
    // What was deleted is known once `changes` has been read.
    for (const gap of gaps) this.#checkOrdinals(recordClass, gap.before, gap.ordinal);
    this.#checkHighest(recordClass, before?.ordinal ?? 0);
    return before?.end;
  }

  /** Ordinals that are missing between two partitions, or before the first one. */
  #checkOrdinals(recordClass: RecordClass, before: number, ordinal: number): void {
    if (before + 1 >= ordinal) return;
    const deleted = [...this.#trail.deleted]
      .filter((file) => file.startsWith(`${recordClass}/`))
      .map((file) => Number(/\/(\d+)-/.exec(file)?.[1]));
    // Records of deletions are deleted themselves in the end. Partitions go in order: what is before one whose
    // deletion is recorded went before it.
    const isTrimmed =
      (listPartitions(join(this.#reader.directory, 'changes')).partitions[0]?.ordinal ?? 1) > 1;
    const forgottenBelow = isTrimmed && deleted.length > 0 ? Math.min(...deleted) : 0;
    for (let missing = before + 1; missing < ordinal; missing++) {
      const head = this.#heads
        .of(recordClass, missing)
        .find((placed) => placed.head.state === 'closed')?.head;
      const isDeleted = deleted.includes(missing) || missing < forgottenBelow;
      if (isDeleted && head !== undefined) continue;
      const why = isDeleted
        ? 'its deletion is recorded, but no signed head of it is there'
        : 'no deletion is recorded';
      this.#find('partition-missing', `partition ${missing} of ${recordClass} is not there: ${why}`, {
        class: recordClass,
        ordinal: missing,
        from: head?.from ?? null,
        until: head?.until ?? null,
      });
    }
  }

  #checkHighest(recordClass: RecordClass, highest: number): void {
    this.#checkOrdinals(recordClass, highest, (this.#heads.highest(recordClass) ?? 0) + 1);
  }

  async #checkPartition(
    recordClass: RecordClass,
    file: PartitionFile,
    before: ChainEnd | undefined,
  ): Promise<ChainEnd | undefined> {
    const place = { class: recordClass, ordinal: file.ordinal };
    let database: DatabaseSync | undefined;
    try {
      database = await this.#reader.openPartition(recordClass, file);
      const meta = checkMeta(database, file, place, before, (code, text, at) => this.#find(code, text, at));
      if (meta === undefined) return undefined;
      const wanted = this.#heads.of(recordClass, file.ordinal).map(({ head }) => head.last);
      const report: Report = (code, text, at) => this.#find(code, text, { ...place, ...at });
      const check = new PartitionCheck(meta, new Set(wanted), report);
      check.judge = this.#judge;
      const proof = this.#proofs[recordClass];
      const isLinked =
        before !== undefined &&
        meta.first === before.sequence + 1 &&
        meta.previous === before.hash.toString('hex');
      proof.partition(file.ordinal, meta.first, isLinked);
      this.#log?.partition(recordClass, file.ordinal);
      const isChanges = recordClass === 'changes';
      if (isChanges && !isLinked && meta.ordinal > 1) this.#exemptions.breakOff();
      check.onBlock = (block) => {
        proof.block(block.first, block.last, block.isWhole);
        this.#log?.block(recordClass, block);
        if (isChanges && !block.isWhole) this.#exemptions.breakOff();
      };
      check.onRecord = (record, sequence) => {
        if (!isChanges) {
          this.#exemptions.query(record);
          return;
        }
        this.#trail.note(record, sequence);
        this.#exemptions.change(record, file.ordinal, sequence);
      };
      const last = await this.#checkBlocks(database, check, file, Number.MIN_SAFE_INTEGER);
      // What the recorder commits between blocks and counts would look like a difference: the end is read as of one moment.
      database.exec('BEGIN');
      await this.#checkBlocks(database, check, file, last);
      check.finish(database);
      database.exec('COMMIT');
      this.#checkHeads(recordClass, check, file);
      const signedLast = this.#log?.signedLast(recordClass);
      if (signedLast !== undefined) proof.head(signedLast, true);
      this.#partitions++;
      return check.end;
    } catch (thrown) {
      this.#find('partition-unreadable', `${recordClass}/${file.name}: ${errorText(thrown)}`, place);
      if (recordClass === 'changes') this.#exemptions.breakOff();
      return undefined;
    } finally {
      database?.close();
    }
  }

  /** Checks the blocks behind one that was checked; gives the first number of the last one. */
  async #checkBlocks(
    database: DatabaseSync,
    check: PartitionCheck,
    file: PartitionFile,
    behind: number,
  ): Promise<number> {
    const select = database.prepare('SELECT * FROM blocks WHERE first > ? ORDER BY first LIMIT ?');
    let last = behind;
    for (;;) {
      const rows = select.all(last, BLOCKS_AT_A_TIME);
      for (const row of rows) {
        const records = check.block(row);
        last = Number(row['first']);
        this.#blocks++;
        this.#records += records;
      }
      this.#options.onProgress?.({
        class: check.meta.class,
        partition: file.name,
        records: this.#records,
      });
      if (rows.length < BLOCKS_AT_A_TIME) return last;
      await this.#options.pause?.();
    }
  }

  /** What was signed of a partition, against what its chain says. */
  #checkHeads(recordClass: RecordClass, check: PartitionCheck, file: PartitionFile): void {
    const place = { class: recordClass, ordinal: file.ordinal };
    const { end } = check;
    const proof = this.#proofs[recordClass];
    let closed = false;
    for (const { head, place: line, isSigned } of this.#heads.of(recordClass, file.ordinal)) {
      const about = { ...place, from: head.from, until: head.signedAt };
      if (head.state === 'closed') closed = true;
      if (head.last > end.sequence) {
        const text = `it ends at record ${end.sequence}, and ${line} says ${head.last}`;
        this.#find('tail-cut', text, about);
        proof.cut();
        continue;
      }
      const found = check.positionAt(head.last);
      const closedAt = head.state === 'closed' ? end.sequence : undefined;
      const differs = differenceOf(head, found, closedAt);
      if (differs !== undefined) this.#find('head-differs', `${line} ${differs}`, about);
      if (isSigned) proof.head(head.last, isOnChain(head, found, closedAt));
    }
    const latest = listPartitions(join(this.#reader.directory, recordClass)).partitions.at(-1)?.ordinal;
    if (!closed && file.ordinal !== latest) {
      this.#find('head-missing', 'the partition is closed, and no head of that is there', place);
    }
  }

  /**
   * Records behind the one that the recorder noted last and signed when it stopped: it did not write them. Without a stop,
   * a note that is behind says nothing: a program that is killed may have written what it had no time to note.
   */
  #checkAdded(recordClass: RecordClass, end: ChainEnd): void {
    if (this.#position === undefined) {
      const text = `the recorder's own note of how far it had come (${POSITION_NAME}) is not there`;
      this.#find('note-missing', text, { class: recordClass });
      this.#proofs[recordClass].cut();
    }
    if (!this.#trail.isStopNoted) return;
    // Read anew: a recorder that runs has noted what it wrote since the check began.
    const noted = readPosition(join(this.#reader.directory, POSITION_NAME))?.ends[recordClass].sequence;
    if (noted === undefined || noted >= end.sequence) return;
    const signed = this.#heads.of(recordClass, this.#heads.highest(recordClass) ?? 0);
    if (!signed.some(({ head }) => head.last === noted)) return;
    const text = `${recordClass} goes on to record ${end.sequence}, and the program noted and signed ${noted} as the last`;
    this.#find('tail-added', text, { class: recordClass });
    this.#proofs[recordClass].cut();
  }

  /**
   * A chain that has no partition, although other files show that it was begun, and one that no head speaks of: the
   * recorder makes the first partition with its keys and signs a head of it at once.
   */
  #checkBegun(recordClass: RecordClass): void {
    const { directory } = this.#reader;
    const { partitions } = listPartitions(join(directory, recordClass));
    const place = { class: recordClass };
    if (partitions.length > 0) {
      if (this.#heads.highest(recordClass) === undefined)
        this.#find('head-missing', `no signed head of ${recordClass} is there`, place);
      return;
    }
    // What heads speak of has been told as missing, partition by partition.
    if (this.#heads.highest(recordClass) !== undefined) return;
    const noted = this.#position?.ends[recordClass].sequence ?? 0;
    const witnesses = BEGUN_NAMES.filter((name) => existsSync(join(directory, name)));
    for (const other of RECORD_CLASSES)
      if (this.#reader.partitions(other).length > 0) witnesses.push(`${other}/`);
    for (const { file, text } of this.#options.witnesses ?? []) witnesses.push(`${file} (${text})`);
    if (witnesses.length === 0) return;
    const known = noted > 0 ? `: ${noted} records had been written` : '';
    const text = `no partition of ${recordClass} is there, although records were begun here, which ${witnesses.join(', ')} ${witnesses.length === 1 ? 'shows' : 'show'}${known}`;
    this.#find('partition-missing', text, place);
  }

  /** The recorder's own note of how far it had come, and the heads that it signs when it stops. */
  #checkNotes(ends: ReadonlyMap<RecordClass, ChainEnd>): void {
    for (const [recordClass, end] of ends) {
      const noted = this.#position?.ends[recordClass];
      if (noted !== undefined && noted.sequence > end.sequence) {
        const text = `${recordClass} ends at record ${end.sequence}, and ${noted.sequence} had been written`;
        this.#find('tail-cut', text, { class: recordClass });
        this.#proofs[recordClass].cut();
      } else if (noted?.sequence === end.sequence && !noted.hash.equals(end.hash)) {
        const text = `record ${end.sequence} of ${recordClass} is not the one that had been written`;
        this.#find('tail-cut', text, { class: recordClass });
        this.#proofs[recordClass].cut();
      }
      this.#checkAdded(recordClass, end);
      const signed = this.#heads.of(recordClass, this.#heads.highest(recordClass) ?? 0);
      const isSigned = signed.some(({ head }) => head.last === end.sequence);
      if (this.#trail.isStopped && !isSigned) {
        const text = `the program was stopped, and no head of the last record of ${recordClass} is there`;
        this.#find('head-missing', text, { class: recordClass });
        this.#proofs[recordClass].cut();
      }
      if (recordClass === 'changes' && !signed.some(({ head }) => head.last >= this.#trail.started)) {
        const text = `the program was started with record ${this.#trail.started}, and no head that it then signed is there`;
        this.#find('head-missing', text, { class: recordClass });
        this.#proofs[recordClass].cut();
      }
    }
  }
}

/** What the recorder makes beside its chains, before or with their first records. */
const BEGUN_NAMES = [POSITION_NAME, 'signing-key.pem', PSEUDONYM_KEYS_NAME, SKETCH_KEY_NAME];

interface Checked {
  readonly ordinal: number;
  readonly end: ChainEnd | undefined;
}
