// The recorder: takes events out of the rings and changes from the main thread, and puts both into their chains.
//
// It is driven by tick() and knows no thread and no timer. What a batch was made of leaves the ring only when the
// batch is on the disk; a change is acknowledged only then. While the disk is full or gone, the batch waits, the rings
// fill, and what finds no room in them is counted by their workers and recorded here as soon as that is possible:
// bounds hold, nothing is lost in silence, and nobody waits for it but this recorder.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  AppError,
  type Clock,
  createAddress,
  errorText,
  isAppError,
  parseAddress,
  systemErrorCode,
} from '../base/base.ts';
import { SIPHASH_KEY_LENGTH } from '../dns/dns.ts';
import type { EventReader, RingEvent } from '../events/events.ts';
import type { Batch, Block, ChainFault } from './chain.ts';
import { ChainStore } from './chain-store.ts';
import { ClockWatch } from './clock-watch.ts';
import { DirectoryLock } from './directory-lock.ts';
import { isOperational } from './disk-error.ts';
import { DiskReserve, type DiskSpace } from './disk-reserve.ts';
import type { GenerationFacts } from './facts.ts';
import { KnownGenerations } from './facts.ts';
import { type HeadKeeper, type HeadSettings, openHeadKeeper, type RecordLog } from './head-keeper.ts';
import { HEADS_NAME } from './heads-file.ts';
import { Housekeeping } from './housekeeping.ts';
import { ClientIdentities, type IdentityPolicy } from './identity.ts';
import { LostEvents } from './lost-events.ts';
import { isDamage } from './open-partition.ts';
import { DIRECTORY_MODE, dayOf, timeText } from './partition.ts';
import { PositionFile, readPosition } from './position-file.ts';
import { PSEUDONYM_KEYS_NAME, PseudonymKeys } from './pseudonym-keys.ts';
import { BLOCK_LENGTH_MAX, BLOCK_RECORDS_MAX, QueryEncoder } from './query-encoder.ts';
import {
  type ChangeRecord,
  type EvidenceRecord,
  RECORD_CLASSES,
  type RecordClass,
  type RecordsRecord,
} from './record.ts';
import { RecordBudget, type RecordLimits } from './record-budget.ts';
import type { RecordOutput } from './record-output.ts';
import type { Retention } from './retention.ts';
import { readSecret } from './secret-file.ts';
import { POSITION_NAME, SKETCH_KEY_NAME } from './verify.ts';

/** Between two commits while little happens, milliseconds: what a crash may lose. */
const COMMIT_MS = 250;
/**
 * Between two looks at the rings while much happens, milliseconds: a ring of 4 MiB holds what a worker refuses in an
 * eighth of a second. While little happens there is one look for each commit; what comes all at once rings a bell.
 */
const POLL_MS = 50;
/**
 * Bytes of events that make a commit due at once: some 600. What a batch is made of lives until it is on the disk, and
 * what lives through a collection is copied: larger batches cost more processor time, though fewer writes (measured).
 */
const BACKLOG_BYTES_DUE = 1 << 16;
/** Bytes of events that wake a recorder that sleeps: an eighth of a ring of 4 MiB. */
export const BELL_BYTES = 8 * BACKLOG_BYTES_DUE;
/** Events of one commit: some 1.3 MB of text, 8 ms of work. */
const BATCH_EVENTS_MAX = 4_096;
/** Commits in a row before timers and messages have their turn. */
const BATCHES_MAX = 4;
/** Characters of one change; a report of the probe on all views has a tenth. */
const CHANGE_LENGTH_MAX = 1 << 20;
/** Changes that wait while nothing can be written; the main thread has a bound of its own below it. */
const CHANGES_MAX = 8_192;
/** Between two synchronized notes that the recorder lives, milliseconds: how exactly a crash is dated. */
const HEARTBEAT_MS = 5_000;
/** Pauses after a disk that failed, doubling, milliseconds. */
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 10_000;
/** Between two records of events that were dropped, and of records that an output dropped, milliseconds. */
const DROPS_MS = 10_000;
const OUTPUT_DROPS_MS = 60_000;
const HOUSEKEEPING_MS = 60_000;
/** Between two looks at what all files take, milliseconds; housekeeping may be busy with a check for minutes. */
const MEASURE_MS = 10_000;
/** Attempts to write what is left when the program stops. */
const STOP_ATTEMPTS = 3;

/** Files that are made once both chains have a partition: where one is and no partition, those are gone. */
const MADE_WITH_RECORDS = [POSITION_NAME, PSEUDONYM_KEYS_NAME, SKETCH_KEY_NAME];

/** What the operator can change while the program runs. */
export interface RecordingSettings {
  readonly identity: IdentityPolicy;
  readonly retention: Retention;
  readonly heads: HeadSettings;
  readonly bounds: RecordBounds;
}

/** How much records of queries may take. */
export interface RecordBounds extends RecordLimits {
  /** Equal queries within it are counted in one record, milliseconds; 0: each has its own. */
  readonly repeatMs: number;
  /** Bytes of the disk that are left to changes and the register. */
  readonly reserveBytes: number;
}

/** What a recorder needs. */
export interface RecordingOptions extends RecordingSettings {
  /** Of all records: `records` in the state directory. */
  readonly directory: string;
  readonly readers: readonly EventReader[];
  /** Events of each ring whose loss the recorder before this one has recorded. */
  readonly droppedBefore: readonly number[];
  readonly outputs: readonly RecordOutput[];
  /** Name of this resolver: visible ASCII. */
  readonly resolver: string;
  readonly version: string;
  /** The program has been running, only its recorder is new. */
  readonly isResumed: boolean;
  /** Of a recorder that takes the place of another: until when that one had looked at the rings. */
  readonly watchedUntilMs?: number | undefined;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: RecordLog;
  /** Is called for an event of a generation that is not defined: calls define() for what has arrived since. */
  readonly fetchDefinitions?: () => void;
  /** Awaited between pieces of checks. */
  readonly pause: () => Promise<void>;
  /** One number in shared memory: queries that were counted and are in no record yet. It outlives a recorder. */
  readonly waiting?: Float64Array | undefined;
  /** Free and all bytes of the file system of a directory. */
  readonly diskSpace?: ((directory: string) => DiskSpace) | undefined;
  /** Pages that a partition may have: tests fill a disk with it. */
  readonly pageCountMax?: number | undefined;
}

/** The state of one output. */
export type OutputFacts = Pick<RecordOutput, 'name' | 'written' | 'dropped' | 'queued' | 'trouble'>;

/** The state of the recorder, for metrics. Plain data. */
export interface RecordingFacts {
  /** Records that were written since the start of this recorder, by chain. */
  readonly written: ReadonlyMap<RecordClass, number>;
  /** Sequence number of the last record, by chain. */
  readonly sequence: ReadonlyMap<RecordClass, number>;
  readonly dropped: number;
  readonly droppedOfRings: readonly number[];
  readonly backlogBytes: number;
  readonly lastCommitMs: number | undefined;
  /** Why nothing can be written; undefined while it can. */
  readonly failure: string | undefined;
  readonly oldestSearchableMs: number | undefined;
  readonly isVerified: boolean | undefined;
  readonly verifiedMs: number | undefined;
  readonly isClockTrusted: boolean;
  readonly clockStepMs: number;
  /** From the last sign of life of the program before this one, which ended without recording it, to this start. */
  readonly crashMs: number | undefined;
  readonly partitions: number;
  readonly bytes: number;
  /** Of the disk: undefined before the first look. */
  readonly freeBytes: number | undefined;
  readonly reserveBytes: number | undefined;
  /** Queries since the start of this recorder, by the record that tells of them. */
  readonly queries: ReadonlyMap<string, number>;
  readonly outputs: readonly OutputFacts[];
  /** Group to the estimate of distinct clients whose queries were refused today, or would have been; `*`: all. */
  readonly distinctClients: ReadonlyMap<string, number>;
}

/** Is called when a change is on the disk, or cannot get there. */
export type Written = (error: AppError | undefined) => void;

/** A change as it is stored. */
export interface ChangeText {
  readonly text: string;
  readonly timeMs: number;
}

/** The text of a change. Throws ERR_COMPLIANCE_RECORD_SIZE for one that is too long. */
export const toChangeText = (record: ChangeRecord): ChangeText => {
  const text = JSON.stringify(record);
  const timeMs = Date.parse(record.time);
  assert.ok(!Number.isNaN(timeMs), 'a record has a time');
  if (text.length <= CHANGE_LENGTH_MAX) return { text, timeMs };
  throw new AppError(
    'ERR_COMPLIANCE_RECORD_SIZE',
    `recording ${record.kind}: ${text.length} characters, of at most ${CHANGE_LENGTH_MAX}`,
  );
};

/** A change that waits. */
interface Waiting extends ChangeText {
  readonly done: Written | undefined;
}

/** What is open while the disk works. */
interface Open {
  readonly lock: DirectoryLock;
  readonly stores: Readonly<Record<RecordClass, ChainStore>>;
  readonly position: PositionFile;
  readonly keys: PseudonymKeys;
  readonly encoder: QueryEncoder;
  readonly budget: RecordBudget;
  readonly reserve: DiskReserve;
  readonly heads: HeadKeeper | undefined;
  readonly housekeeping: Housekeeping;
}

/** Records of one state directory. */
export class Recording {
  readonly #options: RecordingOptions;
  readonly #generations: KnownGenerations;
  readonly #clockWatch: ClockWatch;
  #settings: RecordingSettings;
  #outputs: readonly RecordOutput[];
  #open: Open | undefined;
  #crashMs: number | undefined;
  /** Queries that could not be written yet; their events are still in the rings. */
  #pending: Batch | undefined;
  #changes: Waiting[] = [];
  #failure: string | undefined;
  #retryMs = RETRY_MS_MIN;
  #retryAt = Number.NEGATIVE_INFINITY;
  #firstReader = 0;
  /** The last batch was large. */
  #isBusy = false;
  #committedAt = Number.NEGATIVE_INFINITY;
  #heartbeatAt = Number.NEGATIVE_INFINITY;
  #signedAt = Number.NEGATIVE_INFINITY;
  #dropsAt = Number.NEGATIVE_INFINITY;
  #outputDropsAt = Number.NEGATIVE_INFINITY;
  #housekeptAt = Number.NEGATIVE_INFINITY;
  #measuredAt = Number.NEGATIVE_INFINITY;
  /** Known also while the disk fails. */
  #bytes = 0;
  #lastCommitMs: number | undefined;
  readonly #written = new Map<RecordClass, number>(RECORD_CLASSES.map((name) => [name, 0]));
  readonly #lost: LostEvents;
  readonly #outputDrops = new Map<RecordOutput, number>();

  constructor(options: RecordingOptions) {
    this.#options = options;
    this.#generations = new KnownGenerations(options.fetchDefinitions);
    this.#settings = options;
    this.#outputs = options.outputs;
    this.#clockWatch = new ClockWatch(options.clock, options.monotonic);
    const { readers, droppedBefore, watchedUntilMs, clock, waiting } = options;
    this.#lost = new LostEvents(readers, droppedBefore, watchedUntilMs ?? clock(), clock);
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
  writeText({ text, timeMs }: ChangeText, done?: Written): void {
    if (this.#changes.length >= CHANGES_MAX) {
      this.#lost.add(1);
      done?.(this.#unwritable());
      return;
    }
    this.#changes.push({ text, timeMs, done });
  }

  /** Changes that the main thread could not hand over. */
  lost(count: number): void {
    this.#lost.add(count);
  }

  /** Puts other settings in force. The outputs before are the caller's to close. */
  reconfigure(settings: RecordingSettings, outputs: readonly RecordOutput[]): void {
    this.#settings = settings;
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
    const { keys } = this.#requireOpen();
    const address = keys.address(pseudonym);
    await this.#writeOwn({ event: 'reidentified', by, reason, text: pseudonym });
    return address;
  }

  /**
   * The pseudonyms of an address, separated by blanks, once it is on the disk who asked for them and why: with them, its
   * records are found. The address itself is not recorded. Rejects as reidentify() does.
   */
  async pseudonyms(address: string, by: string, reason: string): Promise<string> {
    const { keys } = this.#requireOpen();
    const words = createAddress();
    if (!parseAddress(address, words)) {
      const text = `looking for pseudonyms of ${JSON.stringify(address.slice(0, 64))}: it is no address`;
      throw new AppError('ERR_COMPLIANCE_PSEUDONYM', text);
    }
    const pseudonyms = keys.pseudonymsOf(words);
    const text = `an address whose pseudonyms are ${pseudonyms.length === 0 ? 'none' : pseudonyms.join(', ')}`;
    await this.#writeOwn({ event: 'reidentified', by, reason, text });
    return pseudonyms.join(' ');
  }

  /**
   * Writes what is there. Returns after how many milliseconds it wants to be called again, unless more than BELL_BYTES
   * are in a ring before. Throws for defects only.
   */
  tick(): number {
    const { monotonic } = this.#options;
    this.#watch();
    if (monotonic() < this.#retryAt) return POLL_MS;
    try {
      const isMore = this.#work(false);
      this.#recover();
      if (isMore) return 0;
      return this.#isBusy ? POLL_MS : Math.max(1, Math.ceil(this.#committedAt + COMMIT_MS - monotonic()));
    } catch (thrown) {
      this.#fail(thrown);
      return POLL_MS;
    }
  }

  /** Archives, deletes and checks what is due. */
  async housekeep(): Promise<void> {
    const { monotonic } = this.#options;
    if (this.#open === undefined) return;
    this.#measure(this.#open.housekeeping);
    if (monotonic() < this.#housekeptAt + HOUSEKEEPING_MS) return;
    this.#housekeptAt = monotonic();
    await this.#open.housekeeping.run();
  }

  #measure(housekeeping: Housekeeping): void {
    const nowMs = this.#options.monotonic();
    if (nowMs < this.#measuredAt + MEASURE_MS) return;
    this.#measuredAt = nowMs;
    try {
      housekeeping.measure();
      this.#bytes = housekeeping.facts.bytes;
    } catch (thrown) {
      // What the next commit meets says more.
      if (!isOperational(thrown)) throw thrown;
    }
  }

  facts(): RecordingFacts {
    const open = this.#open;
    const house = open?.housekeeping;
    const counts = open?.encoder.distinct.counts() ?? [];
    return {
      written: this.#written,
      sequence: new Map(RECORD_CLASSES.map((name) => [name, open?.stores[name].end.sequence ?? 0])),
      dropped: this.#lost.total,
      droppedOfRings: this.#lost.recorded,
      backlogBytes: this.#options.readers.reduce((sum, reader) => sum + reader.backlogBytes, 0),
      lastCommitMs: this.#lastCommitMs,
      failure: this.#failure,
      oldestSearchableMs: house?.facts.oldestSearchableMs,
      isVerified: house?.isVerified,
      verifiedMs: house?.verifiedMs,
      isClockTrusted: house?.isClockTrusted ?? true,
      clockStepMs: this.#clockWatch.lastStepMs,
      crashMs: this.#crashMs,
      partitions: house?.facts.partitions ?? 0,
      bytes: this.#bytes,
      freeBytes: open?.reserve.freeBytes,
      reserveBytes: open?.reserve.reserveBytes,
      queries: new Map(Object.entries(open?.encoder.attempts.forms ?? {})),
      outputs: this.#outputs.map(({ name, written, dropped, queued, trouble }) => ({
        ...{ name, written, dropped, queued, trouble },
      })),
      distinctClients: new Map(counts.map(({ group, clients }) => [group, clients])),
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
        this.#fail(thrown);
        await pause();
      }
    }
    for (const { done } of this.#changes.splice(0)) done?.(this.#unwritable());
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
    this.#signAll();
  }

  /** Closes the files without a word, as a crash would. */
  close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    for (const store of Object.values(open.stores)) store.close();
    open.position.close();
    open.lock.release();
  }

  /** True when there is more to do at once. */
  #work(isLast: boolean): boolean {
    this.#open ??= this.#openAll();
    const open = this.#open;
    this.#turnDay(open);
    const { encoder, keys } = open;
    if (encoder.identities.policy !== this.#settings.identity) encoder.identities = this.#identities(keys);
    const isMore = this.#commitQueries(open, isLast);
    if (!isMore) this.#noteDrops(isLast);
    this.#commitChanges(open);
    this.#keepAlive(open);
    this.#signDue(open);
    return isMore;
  }

  #commitQueries(open: Open, isLast: boolean): boolean {
    if (this.#pending !== undefined) this.#commitPending(open);
    const backlogBytes = Math.max(0, ...this.#options.readers.map((reader) => reader.backlogBytes));
    const isDue = this.#options.monotonic() >= this.#committedAt + COMMIT_MS;
    if (!isLast && !isDue && backlogBytes < BACKLOG_BYTES_DUE) return false;
    this.#isBusy = backlogBytes >= BACKLOG_BYTES_DUE;
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const count = this.#drain(open.encoder);
      const isEmpty = count < BATCH_EVENTS_MAX;
      this.#pending = open.encoder.take(this.#options.clock(), isLast && isEmpty);
      this.#committedAt = this.#options.monotonic();
      this.#commitPending(open);
      if (isEmpty) return false;
    }
    return true;
  }

  #drain(encoder: QueryEncoder): number {
    const take = (event: RingEvent): void => encoder.add(event);
    const { readers } = this.#options;
    let count = 0;
    for (let turn = 0; turn < readers.length; turn++) {
      // A ring that is always full must not keep the others from their turn.
      const reader = readers[(this.#firstReader + turn) % readers.length];
      if (reader === undefined) continue;
      count += reader.read(BATCH_EVENTS_MAX - count, take, encoder.attempts);
      if (reader.isDamaged) this.#discard(reader);
    }
    this.#firstReader++;
    return count;
  }

  /** Bytes that no worker wrote: they cannot be read, and the ring has to go on. */
  #discard(reader: EventReader): void {
    const text = `${reader.discard()} bytes of events could not be read`;
    this.#options.log.error({}, text);
    this.#note({ event: 'damaged', text });
  }

  #commitPending(open: Open): void {
    if (this.#pending !== undefined) this.#append(open, 'queries', this.#pending);
    this.#pending = undefined;
    for (const reader of this.#options.readers) reader.release();
    // What is counted has left the rings now, and no record tells of it yet.
    const { waiting } = this.#options;
    if (waiting !== undefined) waiting[0] = open.encoder.waiting;
  }

  #commitChanges(open: Open): void {
    while (this.#changes.length > 0) {
      const { blocks, count } = toBlocks(this.#changes);
      this.#append(open, 'changes', { blocks, rollup: [], risen: [] });
      for (const { done } of this.#changes.splice(0, count)) done?.(undefined);
    }
  }

  #append(open: Open, recordClass: RecordClass, batch: Batch): void {
    const store = open.stores[recordClass];
    const { clock, log } = this.#options;
    let first = store.end.sequence + 1;
    try {
      store.append(batch);
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      log.error({ chain: recordClass, cause: errorText(thrown) }, 'a partition of records is damaged');
      this.#replaceDamaged(open, store, errorText(thrown));
      first = store.end.sequence + 1;
      store.append(batch);
    }
    const count = batch.blocks.reduce((sum, block) => sum + block.count, 0);
    this.#written.set(recordClass, (this.#written.get(recordClass) ?? 0) + count);
    this.#lastCommitMs = clock();
    this.#writePosition(open, false);
    if (this.#outputs.length > 0) this.#hand(recordClass, first, batch.blocks);
  }

  /** Outputs get what was stored, from the very text that was. */
  #hand(recordClass: RecordClass, first: number, blocks: readonly Block[]): void {
    let sequence = first;
    for (const { body } of blocks) {
      // Made here from records of these types.
      const records = JSON.parse(body) as EvidenceRecord[];
      const placed = records.map((record) => ({ record, sequence: sequence++, class: recordClass }));
      for (const output of this.#outputs) output.write(placed);
    }
  }

  #openAll(): Open {
    const { directory, clock, monotonic, log, resolver, version, pause, isResumed, pageCountMax } =
      this.#options;
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    const lock = DirectoryLock.take(join(directory, 'lock'));
    const opened: ChainStore[] = [];
    try {
      const positionPath = join(directory, POSITION_NAME);
      const before = readPosition(positionPath);
      const wasBegun = MADE_WITH_RECORDS.some((name) => existsSync(join(directory, name)));
      const settings = this.#settings.heads;
      const { keeper: heads, last } = openHeadKeeper({ directory, resolver, settings, clock, log });
      if (heads !== undefined) heads.outputs = this.#outputs;
      const openStore = (recordClass: RecordClass): ChainStore => {
        const result = ChainStore.open({
          directory,
          class: recordClass,
          resolver,
          version,
          day: dayOf(clock()),
          nowMs: clock(),
          expected: before?.ends[recordClass],
          wasBegun,
          lastHead: last.byClass.get(recordClass),
          pageCountMax,
        });
        opened.push(result.store);
        for (const fault of result.faults) this.#noteFault(fault);
        return result.store;
      };
      const stores = { changes: openStore('changes'), queries: openStore('queries') };
      if (last.faults.length > 0) this.#noteFault({ file: HEADS_NAME, text: last.faults.join('; ') });
      const keys = PseudonymKeys.open(directory);
      const { bounds } = this.#settings;
      const nowMs = clock();
      const budget = new RecordBudget(bounds, nowMs);
      const identities = this.#identities(keys);
      const encoder = new QueryEncoder(this.#generations, identities, budget, bounds.repeatMs, nowMs);
      const reserve = new DiskReserve(directory, this.#options.diskSpace, log);
      for (const { day, group, registers } of stores.queries.sketches()) {
        encoder.distinct.restore(day, group, registers);
      }
      const housekeeping = new Housekeeping(this.#settings.retention, {
        directory,
        clock,
        monotonic,
        log,
        pause,
        write: ({ time: _, kind: __, ...record }) => this.#writeOwn(record),
      });
      const position = PositionFile.open(positionPath);
      if (isResumed) this.#note({ event: 'restored', text: 'the recorder was started again' });
      else this.#noteStart(stores, before?.timeMs);
      return { lock, stores, position, keys, encoder, budget, reserve, heads, housekeeping };
    } catch (thrown) {
      for (const store of opened) store.close();
      lock.release();
      throw thrown;
    }
  }

  #identities(keys: PseudonymKeys): ClientIdentities {
    this.#noteKeys(this.#rotate(keys));
    const secret = readSecret(join(this.#options.directory, SKETCH_KEY_NAME), SIPHASH_KEY_LENGTH);
    return new ClientIdentities(this.#settings.identity, keys, secret);
  }

  /** That the program starts, and before that how the one before it ended when it did not say so itself. */
  #noteStart(stores: Open['stores'], heartbeatMs: number | undefined): void {
    const { clock, version, log } = this.#options;
    const nowMs = clock();
    const last = stores.changes.lastRecord() as Partial<Record<string, unknown>> | undefined;
    const isFirst = stores.changes.end.sequence === 0;
    const isClean = last?.['kind'] === 'service' && last['event'] === 'stop';
    if (!isFirst && !isClean) {
      const ends = Object.values(stores).map((store) => store.position('running').until);
      const times = [heartbeatMs, ...ends.map((text) => (text === null ? undefined : Date.parse(text)))];
      const lastMs = Math.max(
        ...times.map((ms) => (ms !== undefined && ms <= nowMs ? ms : Number.NEGATIVE_INFINITY)),
      );
      // Nothing from before the clock's time now: it went back while the program was off.
      const aliveMs = Number.isFinite(lastMs) ? lastMs : nowMs;
      const lastWritten = timeText(aliveMs);
      log.warn({ lastWritten }, 'the program before this one ended without recording it');
      this.write({ time: timeText(nowMs), kind: 'service', event: 'unclean-end', lastWritten });
      this.write({ time: lastWritten, kind: 'enforcement', event: 'gap-begin', cause: 'crash' });
      const ms = nowMs - aliveMs;
      this.#crashMs = ms;
      this.write({ time: timeText(nowMs), kind: 'enforcement', event: 'gap-end', cause: 'crash', ms });
    }
    this.write({ time: timeText(nowMs), kind: 'service', event: 'start', version });
  }

  #turnDay(open: Open): void {
    const { clock } = this.#options;
    const day = dayOf(clock());
    for (const recordClass of RECORD_CLASSES) {
      const store = open.stores[recordClass];
      if (store.day === day) continue;
      // What was made for this partition goes into it.
      if (recordClass === 'queries' && this.#pending !== undefined) this.#commitPending(open);
      const ended = store.turn(day, clock());
      open.heads?.close(ended);
      if (recordClass === 'queries') open.encoder.resetEstimates();
    }
  }

  #replaceDamaged(open: Open, store: ChainStore, reason: string): void {
    const { clock } = this.#options;
    const nowMs = clock();
    this.#noteFault(store.replaceDamaged(reason, dayOf(nowMs), nowMs));
    if (store.class === 'queries') open.encoder.resetEstimates();
  }

  #rotateKeys(open: Open): void {
    const changes = this.#rotate(open.keys);
    if (changes.length === 0) return;
    open.encoder.identities.forget();
    this.#noteKeys(changes);
  }

  #rotate(keys: PseudonymKeys): ReturnType<PseudonymKeys['rotate']> {
    const { identity, retention } = this.#settings;
    const { clock } = this.#options;
    const created = identity.kind === 'pseudonym' ? keys.rotate(clock(), identity.rotateMs) : [];
    const isTrusted = this.#open?.housekeeping.isClockTrusted === true;
    const { searchableMs, archivedMs } = retention.queries;
    return isTrusted ? [...created, ...keys.destroyOld(clock(), searchableMs + archivedMs)] : created;
  }

  #noteKeys(changes: ReturnType<PseudonymKeys['rotate']>): void {
    for (const { event, id } of changes)
      this.#note({ event: 'pseudonym-key', text: `key ${id} was ${event}` });
  }

  #noteFault({ file, text, count }: ChainFault): void {
    this.#options.log.error({ file, cause: text }, 'records are damaged');
    this.#note({ event: 'damaged', file, text, ...(count === undefined ? {} : { count }) });
  }

  #note(record: Omit<RecordsRecord, 'time' | 'kind'>): void {
    this.write({ time: timeText(this.#options.clock()), kind: 'records', ...record });
  }

  #writeOwn(record: Omit<RecordsRecord, 'time' | 'kind'>): Promise<void> {
    return new Promise((resolve, reject) => {
      const time = timeText(this.#options.clock());
      this.write({ time, kind: 'records', ...record }, (error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  /** Looks at the clock and at what was dropped, whether or not anything can be written. */
  #watch(): void {
    const stepMs = this.#clockWatch.step();
    if (stepMs !== 0) {
      this.#options.log.warn({ ms: stepMs }, 'the clock was set');
      this.#note({ event: 'clock-step', ms: stepMs });
      this.#open?.housekeeping.doubt(stepMs);
    }
    this.#lost.look();
  }

  #noteDrops(isLast: boolean): void {
    const { monotonic, log } = this.#options;
    const loss = isLast || monotonic() >= this.#dropsAt + DROPS_MS ? this.#lost.take() : undefined;
    if (loss !== undefined) {
      this.#dropsAt = monotonic();
      const { count, fromMs, untilMs } = loss;
      log.warn({ count }, 'events were dropped before they were recorded');
      const record = { event: 'dropped', count, from: timeText(fromMs), until: timeText(untilMs) } as const;
      this.write({ time: timeText(this.#options.clock()), kind: 'records', ...record }, (error) => {
        if (error === undefined) this.#lost.confirm(loss);
      });
    }
    if (!isLast && monotonic() < this.#outputDropsAt + OUTPUT_DROPS_MS) return;
    this.#outputDropsAt = monotonic();
    for (const output of this.#outputs) {
      const count = output.dropped - (this.#outputDrops.get(output) ?? 0);
      this.#outputDrops.set(output, output.dropped);
      if (count > 0) this.#note({ event: 'output-dropped', output: output.name, count });
    }
  }

  #keepAlive(open: Open): void {
    const { monotonic } = this.#options;
    if (monotonic() < this.#heartbeatAt + HEARTBEAT_MS) return;
    this.#heartbeatAt = monotonic();
    this.#writePosition(open, true);
    this.#watchDisk(open);
    this.#rotateKeys(open);
    for (const store of Object.values(open.stores)) {
      if (!store.isInPlace()) this.#replaceDamaged(open, store, 'it was removed while it was written to');
    }
  }

  /** Near its end, the disk is left to changes: queries are recorded as sums. */
  #watchDisk({ reserve, budget }: Open): void {
    const change = reserve.look(this.#settings.bounds.reserveBytes);
    budget.isReserved = reserve.isReached;
    if (change !== undefined) this.#note({ event: change, text: reserve.text });
  }

  #writePosition({ position, stores }: Open, durable: boolean): void {
    const ends = { queries: stores.queries.end, changes: stores.changes.end };
    position.write({ timeMs: this.#options.clock(), ends }, durable);
  }

  #signDue(open: Open): void {
    const { monotonic } = this.#options;
    open.heads?.signClosed();
    if (monotonic() < this.#signedAt + this.#settings.heads.everyMs) return;
    this.#signAll();
    this.#signedAt = monotonic();
  }

  #signAll(): void {
    const open = this.#open;
    if (open?.heads === undefined) return;
    open.heads.signClosed();
    for (const store of Object.values(open.stores)) open.heads.signRunning(store.position('running'));
  }

  #setOutputs(outputs: readonly RecordOutput[]): void {
    this.#outputs = outputs;
    this.#outputDrops.clear();
    if (this.#open?.heads !== undefined) this.#open.heads.outputs = outputs;
  }

  #fail(thrown: unknown): void {
    if (!isOperational(thrown)) throw thrown;
    const { monotonic, log } = this.#options;
    const code = isAppError(thrown) ? thrown.code : systemErrorCode(thrown);
    const hint = isAppError(thrown) ? thrown.hint : undefined;
    if (this.#failure === undefined) {
      log.error({ code, cause: errorText(thrown), hint }, 'records cannot be written; it is tried again');
    }
    this.#failure = errorText(thrown);
    this.#retryAt = monotonic() + this.#retryMs;
    this.#retryMs = Math.min(RETRY_MS_MAX, 2 * this.#retryMs);
  }

  #recover(): void {
    if (this.#failure === undefined) return;
    this.#options.log.info({}, 'records are written again');
    this.#failure = undefined;
    this.#retryMs = RETRY_MS_MIN;
  }

  #requireOpen(): Open {
    if (this.#open === undefined || this.#failure !== undefined) throw this.#unwritable();
    return this.#open;
  }

  #unwritable(): AppError {
    return new AppError(
      'ERR_COMPLIANCE_RECORDS',
      `writing a record: ${this.#failure ?? 'the recorder ends'}`,
    );
  }
}

/** The first changes of a queue as blocks, and how many they are. One batch holds at most a few blocks. */
const toBlocks = (changes: readonly Waiting[]): { blocks: Block[]; count: number } => {
  const blocks: Block[] = [];
  let count = 0;
  while (count < changes.length && blocks.length < BATCHES_MAX) {
    const texts: string[] = [];
    let length = 0;
    let fromMs = Number.POSITIVE_INFINITY;
    let untilMs = Number.NEGATIVE_INFINITY;
    for (; count < changes.length && texts.length < BLOCK_RECORDS_MAX && length < BLOCK_LENGTH_MAX; count++) {
      const change = changes[count];
      assert.ok(change !== undefined);
      texts.push(change.text);
      length += change.text.length;
      fromMs = Math.min(fromMs, change.timeMs);
      untilMs = Math.max(untilMs, change.timeMs);
    }
    blocks.push({ count: texts.length, fromMs, untilMs, body: `[${texts.join(',\n')}]` });
  }
  return { blocks, count };
};
