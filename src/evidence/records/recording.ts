// The recorder: takes events out of the rings and changes from the main thread, and puts both into their chains.
//
// It is driven by tick() and knows no thread and no timer. What a batch was made of leaves the ring only when the
// batch is on the disk; a change is acknowledged only then. While the disk is full or gone, the batch waits, the rings
// fill, and what finds no room in them is counted by their workers and recorded here as soon as that is possible:
// bounds hold, nothing is lost in silence, and nobody waits for it but this recorder.
import { AppError, errorText } from '../../base/base.ts';
import type { Batch, PlacedBlock } from './chain.ts';
import type { ChainStore } from './chain-store.ts';
import { ChangeQueue, type ChangeText, toChangeText, type Written } from './change-queue.ts';
import { ClockWatch } from './clock-watch.ts';
import { CosignatureCollector, toPlaces } from './cosignature-collector.ts';
import { isOperational } from './disk-error.ts';
import { DiskTrouble } from './disk-trouble.ts';
import { type GenerationFacts, KnownGenerations } from './facts.ts';
import type { Housekeeping } from './housekeeping.ts';
import { Interval } from './interval.ts';
import { LossNotes } from './loss-notes.ts';
import { LostEvents } from './lost-events.ts';
import { isDamage } from './open-partition.ts';
import {
  beginEstimates,
  closeRecords,
  keepPolicy,
  type OpenRecords,
  openRecords,
  renewKeys,
  watchDisk,
} from './open-records.ts';
import { OwnRecords, type SoughtClient } from './own-records.ts';
import { dayOf, timeText } from './partition.ts';
import { type RecalledClient, type RecalledWhom, recallClient } from './recent-refusals.ts';
import { type ChangeRecord, RECORD_CLASSES, type RecordClass } from './record.ts';
import { placeRecords, type RecordOutput } from './record-output.ts';
import { openFacts, outputFacts } from './recording-facts.ts';
import type { RecordingFacts, RecordingOptions, RecordingSettings } from './recording-options.ts';
import { RingDrain } from './ring-drain.ts';

/** Between two commits while little happens, milliseconds: what a crash may lose. */
const COMMIT_MS = 250;
/**
 * Between two looks at the rings while much happens, milliseconds: a ring of 4 MiB holds what a worker refuses in an
 * eighth of a second. While little happens there is one look for each commit; what comes all at once rings a bell.
 */
const POLL_MS = 50;
/**
 * Bytes of events that make a commit due at once: some 600. What a batch is made of lives until it is on the disk, and
 * what lives through a collection is copied: larger batches cost more CPU time, though fewer writes (measured).
 */
const BACKLOG_BYTES_DUE = 1 << 16;
/** Bytes of events that wake a recorder between two commits: an eighth of a ring of 4 MiB. */
const BELL_BYTES = 8 * BACKLOG_BYTES_DUE;
/**
 * Without an event and a change for so long, milliseconds, the recorder rests: what was written is signed. It then looks
 * at clocks and at what is due once a second, and the first event wakes it.
 */
const REST_AFTER_MS = 2_000;
const REST_MS = 1_000;
/** Events of one commit: some 1.3 MB of text, 8 ms of work. */
const BATCH_EVENTS_MAX = 4_096;
/** Commits in a row before timers and messages have their turn. */
const BATCHES_MAX = 4;
/** Between two synchronized notes that the recorder lives, milliseconds: how exactly a crash is dated. */
const HEARTBEAT_MS = 5_000;
const HOUSEKEEPING_MS = 60_000;
/** Between two looks at what all files take, milliseconds; housekeeping may be busy with a check for minutes. */
const MEASURE_MS = 10_000;
/** Attempts to write what is left when the program stops. */
const STOP_ATTEMPTS = 3;

/** How long it is since the last commit, sign of life, heads, housekeeping, and look at what files take. */
type Since = Readonly<
  Record<'commit' | 'events' | 'signOfLife' | 'heads' | 'housekeeping' | 'measure', Interval>
>;

/** Records of one state directory. */
export class Recording {
  readonly #options: RecordingOptions;
  readonly #generations: KnownGenerations;
  readonly #clockWatch: ClockWatch;
  readonly #own: OwnRecords;
  readonly #rings: RingDrain;
  readonly #changes = new ChangeQueue();
  readonly #lost: LostEvents;
  readonly #losses: LossNotes;
  readonly #trouble: DiskTrouble;
  readonly #witnesses: CosignatureCollector;
  readonly #since: Since;
  readonly #told: {
    readonly written: Map<RecordClass, number>;
    lastCommitMs: number | undefined;
    /** Known also while the disk fails. */
    bytes: number;
    crashMs: number | undefined;
  } = {
    written: new Map(RECORD_CLASSES.map((name) => [name, 0])),
    ...{ lastCommitMs: undefined, bytes: 0, crashMs: undefined },
  };
  #settings: RecordingSettings;
  #outputs: readonly RecordOutput[];
  #open: OpenRecords | undefined;

  constructor(options: RecordingOptions) {
    const { readers, droppedBefore, watchedUntilMs, clock, monotonic, log, waiting, onWitness } = options;
    this.#options = options;
    this.#generations = new KnownGenerations(options.fetchDefinitions);
    this.#settings = options;
    this.#outputs = options.outputs;
    this.#clockWatch = new ClockWatch(clock, monotonic);
    this.#own = new OwnRecords(clock, log, (record, done) => this.write(record, done));
    this.#rings = new RingDrain(readers, (text) => {
      log.error({}, text);
      this.#own.note({ event: 'damaged', text });
    });
    this.#lost = new LostEvents(readers, droppedBefore, watchedUntilMs ?? clock(), clock);
    this.#losses = new LossNotes(this.#lost, this.#own, log, monotonic);
    this.#trouble = new DiskTrouble(monotonic, log);
    this.#witnesses = new CosignatureCollector({
      directory: options.directory,
      clock,
      monotonic,
      log,
      own: this.#own,
      onReply: onWitness,
    });
    this.#witnesses.set(toPlaces(options));
    this.#since = {
      commit: new Interval(monotonic),
      events: new Interval(monotonic),
      signOfLife: new Interval(monotonic),
      heads: new Interval(monotonic),
      housekeeping: new Interval(monotonic),
      measure: new Interval(monotonic),
    };
    // What a recorder before this one had counted went with it.
    this.#lost.add(waiting?.[0] ?? 0);
    if (waiting !== undefined) waiting[0] = 0;
    this.#setOutputs(options.outputs);
  }

  /** Tells what the numbers in events mean; before a worker writes any of that generation. */
  define(facts: GenerationFacts): void {
    this.#generations.define(facts);
  }

  /** Takes a change; `done` is called when it is on the disk. The next tick() writes it. */
  write(record: ChangeRecord, done?: Written): void {
    this.writeText(toChangeText(record), done);
  }

  /** Takes a change that is text already. */
  writeText(change: ChangeText, done?: Written): void {
    if (this.#changes.push(change, done)) return;
    this.#lost.add(1);
    done?.(this.#unwritable());
  }

  /** Changes that the main thread could not hand over. */
  lost(count: number): void {
    this.#lost.add(count);
  }

  /** Puts other settings in force. The outputs before are the caller's to close. */
  reconfigure(settings: RecordingSettings, outputs: readonly RecordOutput[]): void {
    this.#settings = settings;
    this.#witnesses.set(toPlaces(settings));
    this.#setOutputs(outputs);
    const open = this.#open;
    if (open === undefined) return;
    open.housekeeping.retention = settings.retention;
    open.budget.limits = settings.bounds;
    open.encoder.attempts.repeatMs = settings.bounds.repeatMs;
    if (open.heads !== undefined) open.heads.settings = settings.heads;
  }

  /**
   * The address of a pseudonym, once it is on the disk who asked for it and why. Rejects with
   * ERR_COMPLIANCE_PSEUDONYM, and with ERR_COMPLIANCE_RECORDS while nothing can be written.
   */
  async reidentify(pseudonym: string, by: string, reason: string): Promise<string> {
    return this.#own.reidentified(this.#requireOpen().keys, pseudonym, by, reason);
  }

  /**
   * The pseudonyms of an address or a device, separated by blanks, once it is on the disk who asked for them and why: with
   * them, its records are found. Whose they are is not recorded. Rejects as reidentify() does.
   */
  async pseudonyms(sought: SoughtClient, by: string, reason: string): Promise<string> {
    return this.#own.listed(this.#requireOpen().keys, sought, by, reason);
  }

  /** What was refused lately, but within the last COMMIT_MS; undefined for nobody, and while nothing can be written. */
  recall(whom: RecalledWhom): RecalledClient | undefined {
    return this.#open && recallClient(this.#open, whom, this.#options.clock());
  }

  /**
   * Writes what is there. Returns after how many milliseconds it wants to be called again, unless bellBytes are in a ring
   * before. Throws for defects only.
   */
  tick(): number {
    this.#watch();
    if (this.#trouble.isPausing) return POLL_MS;
    try {
      const isMore = this.#work(false);
      this.#trouble.end();
      if (isMore) return 0;
      if (this.#isResting) return REST_MS;
      return this.#rings.isBusy ? POLL_MS : Math.max(1, Math.ceil(this.#since.commit.leftMs(COMMIT_MS)));
    } catch (thrown) {
      this.#trouble.note(thrown);
      return POLL_MS;
    }
  }

  /** Bytes of events in one ring at which it wants to be called before it is time. */
  get bellBytes(): number {
    return this.#isResting ? 1 : BELL_BYTES;
  }

  get #isResting(): boolean {
    return (
      this.#since.events.isOver(REST_AFTER_MS) &&
      this.#rings.backlogBytesMax === 0 &&
      this.#trouble.text === undefined
    );
  }

  /** Archives, deletes and checks what is due. */
  async housekeep(): Promise<void> {
    if (this.#open === undefined) return;
    this.#measure(this.#open.housekeeping);
    if (!this.#since.housekeeping.take(HOUSEKEEPING_MS)) return;
    await this.#open.housekeeping.run();
  }

  #measure(housekeeping: Housekeeping): void {
    if (!this.#since.measure.take(MEASURE_MS)) return;
    try {
      housekeeping.measure();
      this.#told.bytes = housekeeping.facts.bytes;
    } catch (thrown) {
      // What the next commit meets says more.
      if (!isOperational(thrown)) throw thrown;
    }
  }

  facts(): RecordingFacts {
    return {
      ...openFacts(this.#open),
      ...this.#told,
      dropped: this.#lost.total,
      droppedOfRings: this.#lost.recorded,
      backlogBytes: this.#rings.backlogBytes,
      failure: this.#trouble.text,
      clockStepMs: this.#clockWatch.lastStepMs,
      outputs: outputFacts(this.#outputs, this.#open),
      witnesses: this.#witnesses.facts(),
    };
  }

  /** Writes everything that is there, that the program stopped, and the heads; closes outputs and files. */
  async stop(): Promise<void> {
    const { pause } = this.#options;
    for (let attempt = 1; attempt <= STOP_ATTEMPTS; attempt++) {
      try {
        while (this.#work(true));
        this.#writeStop();
        break;
      } catch (thrown) {
        this.#trouble.note(thrown);
        await pause();
      }
    }
    this.#changes.refuse(this.#unwritable());
    await Promise.all(this.#outputs.map((output) => output.close()));
    this.close();
  }

  /** The last record, and heads that cover it. */
  #writeStop(): void {
    const { clock, version } = this.#options;
    const open = this.#open;
    if (open === undefined) return;
    this.#commitChanges(open);
    this.write({ time: timeText(clock()), kind: 'service', event: 'stop', version });
    this.#commitChanges(open);
    this.#writePosition(open, true);
    open.checkpoints?.signNow();
    this.#signAll();
  }

  /** Closes the files without a word, as a crash would. */
  close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    closeRecords(open);
  }

  /** True when there is more to do at once. */
  #work(isLast: boolean): boolean {
    const open = this.#open ?? this.#openAll();
    this.#turnDay(open);
    keepPolicy(open, this.#options, this.#settings, this.#own);
    const isMore = this.#commitQueries(open, isLast);
    if (!isMore) this.#losses.tell(this.#outputs, isLast);
    this.#commitChanges(open);
    this.#keepAlive(open);
    open.checkpoints?.signDue();
    if (open.checkpoints !== undefined) this.#witnesses.offer(open.checkpoints);
    this.#signDue(open);
    return isMore;
  }

  #commitQueries(open: OpenRecords, isLast: boolean): boolean {
    if (this.#rings.pending !== undefined) this.#commitPending(open);
    const backlogBytes = this.#rings.backlogBytesMax;
    const isDue = this.#since.commit.isOver(COMMIT_MS);
    if (!isLast && !isDue && backlogBytes < BACKLOG_BYTES_DUE) return false;
    this.#rings.isBusy = backlogBytes >= BACKLOG_BYTES_DUE;
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const count = this.#rings.read(BATCH_EVENTS_MAX, open.encoder);
      if (count > 0) this.#since.events.begin();
      const isEmpty = count < BATCH_EVENTS_MAX;
      this.#rings.pending = open.encoder.take(this.#options.clock(), isLast && isEmpty);
      this.#since.commit.begin();
      this.#commitPending(open);
      if (isEmpty) return false;
    }
    return true;
  }

  #commitPending(open: OpenRecords): void {
    if (this.#rings.pending !== undefined) this.#append(open, 'queries', this.#rings.pending);
    this.#rings.pending = undefined;
    this.#rings.release();
    // What is counted has left the rings now, and no record tells of it yet.
    const { waiting } = this.#options;
    if (waiting !== undefined) waiting[0] = open.encoder.waiting;
  }

  #commitChanges(open: OpenRecords): void {
    while (!this.#changes.isEmpty) {
      this.#since.events.begin();
      const { blocks, count } = this.#changes.peek();
      this.#append(open, 'changes', { blocks, rollup: [], risen: [] });
      this.#changes.confirm(count);
    }
  }

  #append(open: OpenRecords, recordClass: RecordClass, batch: Batch): void {
    const store = open.stores[recordClass];
    const { clock, log } = this.#options;
    let first = store.end.sequence + 1;
    let placed: readonly PlacedBlock[];
    try {
      placed = store.append(batch);
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      log.error({ chain: recordClass, cause: errorText(thrown) }, 'a partition of records is damaged');
      this.#replaceDamaged(open, store, errorText(thrown));
      first = store.end.sequence + 1;
      placed = store.append(batch);
    }
    open.checkpoints?.take(recordClass, placed);
    const count = batch.blocks.reduce((sum, block) => sum + block.count, 0);
    this.#told.written.set(recordClass, (this.#told.written.get(recordClass) ?? 0) + count);
    this.#told.lastCommitMs = clock();
    this.#writePosition(open, false);
    if (this.#outputs.length === 0) return;
    const records = placeRecords(batch.blocks, first, recordClass);
    for (const output of this.#outputs) output.write(records);
  }

  #openAll(): OpenRecords {
    const { open, crashMs } = openRecords({
      options: this.#options,
      settings: this.#settings,
      outputs: this.#outputs,
      generations: this.#generations,
      own: this.#own,
    });
    this.#open = open;
    this.#told.crashMs = crashMs ?? this.#told.crashMs;
    if (open.stores.queries.end.sequence === 0)
      beginEstimates(open, this.#options, this.#settings, this.#own);
    return open;
  }

  #turnDay(open: OpenRecords): void {
    const { clock } = this.#options;
    const day = dayOf(clock());
    for (const recordClass of RECORD_CLASSES) {
      const store = open.stores[recordClass];
      if (store.day === day) continue;
      // What was made for this partition goes into it.
      if (recordClass === 'queries' && this.#rings.pending !== undefined) this.#commitPending(open);
      // At a start, blocks without a leaf are looked for in the running partition alone.
      open.checkpoints?.signNow();
      const ended = store.turn(day, clock());
      open.heads?.close(ended);
      if (recordClass === 'queries') beginEstimates(open, this.#options, this.#settings, this.#own);
    }
  }

  #replaceDamaged(open: OpenRecords, store: ChainStore, reason: string): void {
    const { clock } = this.#options;
    const nowMs = clock();
    this.#own.fault(store.replaceDamaged(reason, dayOf(nowMs), nowMs));
    if (store.class === 'queries') open.encoder.resetEstimates();
  }

  /** Looks at the clock and at what was dropped, whether or not anything can be written. */
  #watch(): void {
    const stepMs = this.#clockWatch.step();
    if (stepMs !== 0) {
      this.#options.log.warn({ ms: stepMs }, 'the clock was set');
      this.#own.note({ event: 'clock-step', ms: stepMs });
      this.#open?.housekeeping.doubt(stepMs);
    }
    this.#lost.look();
  }

  #keepAlive(open: OpenRecords): void {
    if (!this.#since.signOfLife.take(HEARTBEAT_MS)) return;
    this.#writePosition(open, true);
    open.checkpoints?.signNow();
    watchDisk(open, this.#settings, this.#own);
    renewKeys(open, this.#options, this.#settings, this.#own);
    for (const store of Object.values(open.stores)) {
      if (!store.isInPlace()) this.#replaceDamaged(open, store, 'it was removed while it was written to');
    }
  }

  #writePosition({ position, stores }: OpenRecords, durable: boolean): void {
    const ends = { queries: stores.queries.end, changes: stores.changes.end };
    position.write({ timeMs: this.#options.clock(), ends }, durable);
  }

  #signDue(open: OpenRecords): void {
    open.heads?.signClosed();
    if (!this.#since.heads.isOver(this.#settings.heads.everyMs)) return;
    this.#signAll();
    this.#since.heads.begin();
  }

  #signAll(): void {
    const open = this.#open;
    if (open?.heads === undefined) return;
    open.heads.signClosed();
    for (const store of Object.values(open.stores)) open.heads.signRunning(store.position('running'));
  }

  #setOutputs(outputs: readonly RecordOutput[]): void {
    this.#outputs = outputs;
    this.#losses.forgetOutputs();
    if (this.#open?.heads !== undefined) this.#open.heads.outputs = outputs;
  }

  #requireOpen(): OpenRecords {
    if (this.#open === undefined || this.#trouble.text !== undefined) throw this.#unwritable();
    return this.#open;
  }

  #unwritable(): AppError {
    return new AppError(
      'ERR_COMPLIANCE_RECORDS',
      `writing a record: ${this.#trouble.text ?? 'the recorder ends'}`,
    );
  }
}
