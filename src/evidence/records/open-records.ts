// What is open while the disk works: the lock of the directory, both chains, keys, heads and what writes into them.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isAppError } from '../../base/base.ts';
import { SIPHASH_KEY_LENGTH } from '../../wire/dns/dns.ts';
import type { ChainFault } from './chain.ts';
import { ChainStore } from './chain-store.ts';
import { CHECKPOINT_NAME, defaultOrigin } from './checkpoint-file.ts';
import { CheckpointLog, type OpenedLog } from './checkpoint-log.ts';
import { readReferenceSecret } from './client-references.ts';
import { takeUpCountingKey } from './counting-key.ts';
import { DirectoryLock } from './directory-lock.ts';
import { DiskReserve } from './disk-reserve.ts';
import type { KnownGenerations } from './facts.ts';
import { type HeadPublisher, openHeadPublisher } from './head-publisher.ts';
import { PUBLIC_NAME, publicKeyFault } from './heads.ts';
import { HEADS_NAME, type LastHeads } from './heads-file.ts';
import { Housekeeping } from './housekeeping.ts';
import { ClientIdentities } from './identity.ts';
import { isStopRecord, type OwnRecords } from './own-records.ts';
import { DIRECTORY_MODE, dayOf, timeText } from './partition.ts';
import { POSITION_NAME, PositionFile, readPosition } from './position-file.ts';
import { PSEUDONYM_KEYS_NAME, PseudonymKeys } from './pseudonym-keys.ts';
import { QueryEncoder } from './query-encoder.ts';
import { RecentRefusals } from './recent-refusals.ts';
import { RECORD_CLASSES, type RecordClass } from './record.ts';
import { RecordBudget } from './record-budget.ts';
import type { RecordOutput } from './record-output.ts';
import type { RecordingOptions, RecordingSettings } from './recording-options.ts';
import type { Unconfirmed } from './retention.ts';
import { readSecret } from './secret-file.ts';
import { SKETCH_KEY_NAME } from './sketch.ts';
import { CRASH_MS } from './taken-up.ts';

/** Files that are made once both chains have a partition: where one is and no partition, those are gone. */
const MADE_WITH_RECORDS = [POSITION_NAME, PSEUDONYM_KEYS_NAME, SKETCH_KEY_NAME];

/** By how much a clock may be behind its last record without a word, milliseconds: checkpoints have seconds. */
const CLOCK_MS = 2_000;

/** What is open while the disk works. */
export interface OpenRecords {
  readonly lock: DirectoryLock;
  readonly stores: Readonly<Record<RecordClass, ChainStore>>;
  readonly position: PositionFile;
  readonly keys: PseudonymKeys;
  readonly encoder: QueryEncoder;
  readonly recent: RecentRefusals;
  readonly budget: RecordBudget;
  readonly reserve: DiskReserve;
  readonly heads: HeadPublisher | undefined;
  /** Undefined while its key cannot be read. */
  readonly checkpoints: CheckpointLog | undefined;
  readonly housekeeping: Housekeeping;
}

/** What records are opened with. */
export interface OpeningParts {
  readonly options: RecordingOptions;
  readonly settings: RecordingSettings;
  readonly outputs: readonly RecordOutput[];
  readonly generations: KnownGenerations;
  readonly own: OwnRecords;
}

/**
 * Opens all of it, or nothing and throws what the system said. Also gives how long the program was gone, milliseconds, when
 * the one before this ended without recording it.
 */
export const openRecords = ({
  options,
  settings,
  outputs,
  generations,
  own,
}: OpeningParts): { readonly open: OpenRecords; readonly crashMs: number | undefined } => {
  const { directory, clock, monotonic, log, resolver, version, pause, isResumed, pageCountMax } = options;
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  const lock = DirectoryLock.take(join(directory, 'lock'));
  const opened: ChainStore[] = [];
  try {
    const positionPath = join(directory, POSITION_NAME);
    const before = readPosition(positionPath);
    const wasBegun = MADE_WITH_RECORDS.some((name) => existsSync(join(directory, name)));
    // A key that somebody puts in place before the first start has none beside it yet.
    const keyFault = existsSync(join(directory, HEADS_NAME)) ? publicKeyFault(directory) : undefined;
    const { keeper: heads, last } = openHeadPublisher({
      directory,
      resolver,
      settings: settings.heads,
      clock,
      log,
    });
    if (heads !== undefined) heads.outputs = outputs;
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
      for (const fault of result.faults) own.fault(fault);
      return result.store;
    };
    const stores = { changes: openStore('changes'), queries: openStore('queries') };
    const { log: checkpoints, aliveMs, faults, unsigned } = openCheckpoints(options, stores);
    faults.push(...headFaults(last, stores));
    const keys = PseudonymKeys.open(directory);
    const { bounds } = settings;
    const nowMs = clock();
    const budget = new RecordBudget(bounds, nowMs);
    const identities = createIdentities(options, settings, keys, own, false);
    const recent = new RecentRefusals(readReferenceSecret(directory));
    const encoder = new QueryEncoder(generations, identities, budget, recent, bounds.repeatMs, nowMs);
    const reserve = new DiskReserve(directory, options.diskSpace, log);
    for (const { day, group, registers } of stores.queries.sketches()) {
      encoder.distinct.restore(day, group, registers);
    }
    const housekeeping = new Housekeeping(settings.retention, {
      directory,
      clock,
      monotonic,
      log,
      pause,
      unconfirmed: unconfirmedOf(options),
      write: ({ time: _, kind: __, ...record }) => own.confirmed(record),
    });
    const position = PositionFile.open(positionPath);
    const open = {
      lock,
      stores,
      position,
      keys,
      encoder,
      recent,
      budget,
      reserve,
      heads,
      checkpoints,
      housekeeping,
    };
    let crashMs: number | undefined;
    const taken = unsigned > 0 ? { unsigned } : {};
    const found = checkpoints && { logSize: checkpoints.size, ...taken };
    if (isResumed) {
      const until = aliveMs === undefined ? {} : { until: timeText(aliveMs) };
      own.note({ event: 'restored', text: 'the recorder was started again', ...found, ...until });
    } else {
      const verifier = checkpoints && { verifier: checkpoints.verifierKey };
      crashMs = own.start(stores, aliveMs, { version, ...verifier, ...found });
    }
    if (keyFault !== undefined) faults.push({ file: PUBLIC_NAME, text: keyFault });
    for (const fault of faults) own.fault(fault);
    housekeeping.isFaulty = faults.length > 0;
    if (!isResumed) noteClock(open, aliveMs, options, own);
    return { open, crashMs };
  } catch (thrown) {
    for (const store of opened) store.close();
    lock.release();
    throw thrown;
  }
};

/** A clock that says less than what was recorded under it before this start: what follows has times from before. */
const noteClock = (
  { stores, housekeeping }: OpenRecords,
  aliveMs: number | undefined,
  { clock, log }: RecordingOptions,
  own: OwnRecords,
): void => {
  const ends = Object.values(stores).map((store) => Date.parse(store.position('running').until ?? ''));
  const lastMs = Math.max(...[aliveMs ?? Number.NaN, ...ends].filter((ms) => !Number.isNaN(ms)));
  const ms = clock() - lastMs;
  if (ms > -CLOCK_MS) return;
  log.warn({ ms, last: timeText(lastMs) }, 'the clock is behind what was recorded before this start');
  own.note({ event: 'clock-step', ms });
  housekeeping.doubt(ms);
};

/** The log of both chains, and until when the program before this one has proven that it lived. */
const openCheckpoints = (
  { directory, resolver, clock, monotonic, log: recordLog, origin }: RecordingOptions,
  stores: Readonly<Record<RecordClass, ChainStore>>,
): Pick<OpenedLog, 'unsigned'> & {
  readonly log: CheckpointLog | undefined;
  readonly aliveMs: number | undefined;
  readonly faults: ChainFault[];
} => {
  try {
    const options = { directory, origin: origin ?? defaultOrigin(resolver), clock, monotonic };
    const { log, before, faults, unsigned, takenFrom } = CheckpointLog.open(options, stores);
    const aliveMs = before.kind === 'signed' ? before.checkpoint.signedMs : undefined;
    const text = unsigned === 0 ? undefined : addedText(stores, takenFrom, aliveMs);
    const added = text === undefined ? [] : [{ file: CHECKPOINT_NAME, text: `${unsigned} blocks ${text}` }];
    return { log, aliveMs, faults: [...faults, ...added], unsigned };
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    recordLog.error({ code: thrown.code, cause: thrown.message }, 'records are not signed');
    return { log: undefined, aliveMs: undefined, faults: [], unsigned: 0 };
  }
};

/** What is wrong with the signed ends, before this start has signed another one. */
const headFaults = (
  { faults, byClass }: LastHeads,
  { changes }: Readonly<Record<RecordClass, ChainStore>>,
): ChainFault[] => {
  const texts = [...faults];
  const isStop = isStopRecord(changes.lastRecord());
  if (isStop && byClass.get('changes')?.last !== changes.end.sequence)
    texts.push('the program had stopped, and no head of its last record is there');
  return texts.length === 0 ? [] : [{ file: HEADS_NAME, text: texts.join('; ') }];
};

/** Why blocks that nobody had signed are more than a crash leaves; undefined where they are not. */
const addedText = (
  stores: Readonly<Record<RecordClass, ChainStore>>,
  takenFrom: number,
  aliveMs: number | undefined,
): string | undefined => {
  if (isStopRecord(stores.changes.lastRecord(takenFrom)))
    return 'stand behind a stop, and nobody has signed them: they are no evidence';
  const untilMs = Math.max(
    ...Object.values(stores).map((store) => Date.parse(store.position('running').until ?? '') || 0),
  );
  if (aliveMs === undefined || untilMs <= aliveMs + CRASH_MS) return undefined;
  return `that nobody has signed go on until ${timeText(untilMs)}, and the last sign of life was at ${timeText(aliveMs)}: they are no evidence`;
};

/** What holds back deletions in a fleet; undefined where there is none. */
const unconfirmedOf = ({ confirmed, unconfirmedMsMax }: RecordingOptions): Unconfirmed | undefined =>
  confirmed === undefined
    ? undefined
    : {
        sequence: (recordClass) => confirmed[RECORD_CLASSES.indexOf(recordClass)] ?? 0,
        keepMs: unconfirmedMsMax ?? 0,
      };

/** Closes the files without a word, as a crash would. */
export const closeRecords = ({ stores, position, checkpoints, lock }: OpenRecords): void => {
  for (const store of Object.values(stores)) store.close();
  checkpoints?.close();
  position.close();
  lock.release();
};

/** Clients as the settings allow, with keys that are young enough. */
const createIdentities = (
  { directory, clock }: RecordingOptions,
  settings: RecordingSettings,
  keys: PseudonymKeys,
  own: OwnRecords,
  isClockTrusted: boolean,
): ClientIdentities => {
  own.keys(rotateKeys(settings, keys, clock(), isClockTrusted));
  return new ClientIdentities(
    settings.identity,
    keys,
    readSecret(join(directory, SKETCH_KEY_NAME), SIPHASH_KEY_LENGTH),
  );
};

/** A day's estimates begin, under the key of the fleet where there is one. */
export const beginEstimates = (
  { encoder, keys, housekeeping, stores }: OpenRecords,
  options: RecordingOptions,
  settings: RecordingSettings,
  own: OwnRecords,
): void => {
  encoder.resetEstimates();
  if (takeUpCountingKey(options, own, stores.queries.day))
    encoder.identities = createIdentities(options, settings, keys, own, housekeeping.isClockTrusted);
};

/** Clients appear as the settings say: they may be others than when records were opened. */
export const keepPolicy = (
  { encoder, keys, housekeeping }: OpenRecords,
  options: RecordingOptions,
  settings: RecordingSettings,
  own: OwnRecords,
): void => {
  if (encoder.identities.policy === settings.identity) return;
  encoder.identities = createIdentities(options, settings, keys, own, housekeeping.isClockTrusted);
};

/** Near its end, the disk is left to changes: queries are recorded as sums. */
export const watchDisk = (
  { reserve, budget }: OpenRecords,
  { bounds }: RecordingSettings,
  own: OwnRecords,
): void => {
  const change = reserve.look(bounds.reserveBytes);
  budget.isReserved = reserve.isReached;
  if (change !== undefined) own.note({ event: change, text: reserve.text });
};

/** Keys of pseudonyms while records are open: made, destroyed and sealed when that is due. */
export const renewKeys = (
  { keys, encoder, housekeeping }: OpenRecords,
  { clock }: RecordingOptions,
  settings: RecordingSettings,
  own: OwnRecords,
): void => {
  const changes = rotateKeys(settings, keys, clock(), housekeeping.isClockTrusted);
  if (changes.length > 0) encoder.identities.forget();
  own.keys(changes);
  if (settings.escrow !== undefined) own.seal(keys, settings.escrow);
};

/** Makes keys that are due, and destroys old ones by a clock that can be trusted; gives what it did. */
const rotateKeys = (
  { identity, retention }: RecordingSettings,
  keys: PseudonymKeys,
  nowMs: number,
  isClockTrusted: boolean,
): ReturnType<PseudonymKeys['rotate']> => {
  const created = identity.kind === 'pseudonym' ? keys.rotate(nowMs, identity.rotateMs) : [];
  const { searchableMs, archivedMs } = retention.queries;
  return isClockTrusted ? [...created, ...keys.destroyOld(nowMs, searchableMs + archivedMs)] : created;
};
