// Records that the recorder itself writes: of damage, of keys, of how the program before this one ended.
import type { KeyObject } from 'node:crypto';
import { AppError, type Clock, createAddress, isAppError, parseAddress } from '../../base/base.ts';
import type { ChainFault } from './chain.ts';
import type { ChainStore } from './chain-store.ts';
import type { Written } from './change-queue.ts';
import { readEscrowKey, sealKey } from './escrow.ts';
import type { RecordLog } from './head-publisher.ts';
import { timeText } from './partition.ts';
import type { PseudonymKeys } from './pseudonym-keys.ts';
import type { ChangeRecord, RecordClass, RecordsRecord } from './record.ts';
import { sealingKeyId } from './sealing.ts';

/** What a record of the kind `records` says, without its time. */
export type OwnRecord = Omit<RecordsRecord, 'time' | 'kind'>;

/** Whose pseudonyms somebody wants. Plain data. */
export interface SoughtClient {
  readonly kind: 'address' | 'device';
  readonly text: string;
}

/** The recorder's own records. */
export class OwnRecords {
  readonly #clock: Clock;
  readonly #log: RecordLog;
  readonly #write: (record: ChangeRecord, done?: Written) => void;
  /** Keys whose records are on their way. */
  readonly #sealing = new Set<string>();
  #escrow: { readonly pem: string; readonly key: KeyObject; readonly id: string } | undefined;

  constructor(clock: Clock, log: RecordLog, write: (record: ChangeRecord, done?: Written) => void) {
    this.#clock = clock;
    this.#log = log;
    this.#write = write;
  }

  /** Notes something; `done` as for a change. */
  note(record: OwnRecord, done?: Written): void {
    this.#write({ time: timeText(this.#clock()), kind: 'records', ...record }, done);
  }

  /** As note(); resolves when it is on the disk, and rejects when it cannot get there. */
  confirmed(record: OwnRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.note(record, (error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  /** A store found something wrong. */
  fault({ file, text, count }: ChainFault): void {
    this.#log.error({ file, cause: text }, 'records are damaged');
    this.note({ event: 'damaged', file, text, ...(count === undefined ? {} : { count }) });
  }

  /** Keys of pseudonyms came and went. */
  keys(changes: ReturnType<PseudonymKeys['rotate']>): void {
    for (const { event, id } of changes)
      this.note({ event: 'pseudonym-key', text: `key ${id} was ${event}` });
  }

  /** Seals the keys that are not sealed to that key of a privacy officer yet; that they are is noted once it is on the disk. */
  seal(keys: PseudonymKeys, pem: string): void {
    if (this.#escrow?.pem !== pem) {
      const key = readEscrowKey(pem, 'the escrow key');
      this.#escrow = { pem, key, id: sealingKeyId(key) };
    }
    const { key: escrow, id } = this.#escrow;
    for (const { id: key, secret } of keys.unsealed(id)) {
      const about = `${id} ${key}`;
      if (this.#sealing.has(about)) continue;
      this.#sealing.add(about);
      const text = `key ${key} was sealed to ${id}`;
      this.note({ event: 'pseudonym-key', text, ...sealKey(escrow, key, secret) }, (error) => {
        this.#sealing.delete(about);
        if (error === undefined) this.#noteSealed(keys, key, id);
      });
    }
  }

  /** What cannot be noted is sealed once more: two records of one key do no harm. */
  #noteSealed(keys: PseudonymKeys, key: number, escrow: string): void {
    try {
      keys.noteSealed(key, escrow);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      this.#log.warn({ err: thrown }, 'that a key of pseudonyms is sealed could not be noted');
    }
  }

  /** Somebody wants to know whom a pseudonym means; gives the address once it is on the disk who, and why. */
  async reidentified(keys: PseudonymKeys, pseudonym: string, by: string, reason: string): Promise<string> {
    const address = keys.reidentify(pseudonym);
    await this.confirmed({ event: 'reidentified', by, reason, text: pseudonym });
    return address;
  }

  /** Somebody wants the pseudonyms of an address or a device; the record has these, and not whose they are. */
  async listed(keys: PseudonymKeys, sought: SoughtClient, by: string, reason: string): Promise<string> {
    const pseudonyms = pseudonymsOf(keys, sought);
    const what = sought.kind === 'device' ? 'a device' : 'an address';
    const text = `${what} whose pseudonyms are ${pseudonyms.length === 0 ? 'none' : pseudonyms.join(', ')}`;
    await this.confirmed({ event: 'reidentified', by, reason, text });
    return pseudonyms.join(' ');
  }

  /** That the program starts, and before that how the one before it ended when it did not say so itself. */
  start(
    stores: Readonly<Record<RecordClass, ChainStore>>,
    aliveMs: number | undefined,
    facts: {
      readonly version: string;
      readonly verifier?: string;
      readonly logSize?: number;
      readonly unsigned?: number;
    },
  ): number | undefined {
    let crashMs: number | undefined;
    const nowMs = this.#clock();
    const isFirst = stores.changes.end.sequence === 0;
    // A stop is signed; one behind the last signature was put there.
    const isClean = isStopRecord(stores.changes.lastRecord()) && facts.unsigned === undefined;
    if (!isFirst && !isClean) {
      const ends = Object.values(stores).map((store) => store.position('running').until);
      const written = ends.map((text) => (text === null ? undefined : Date.parse(text)));
      // Whoever may write to the directory can put times behind the last signature; where nothing stands behind it, the
      // times of records are signed, and a checkpoint has seconds only.
      const isSigned = aliveMs !== undefined && facts.unsigned === undefined;
      const times = isSigned ? [aliveMs, ...written] : aliveMs === undefined ? written : [aliveMs];
      const lastMs = Math.max(
        ...times.map((ms) => (ms !== undefined && ms <= nowMs ? ms : Number.NEGATIVE_INFINITY)),
      );
      // Nothing from before the clock's time now: it went back while the program was off.
      const endedMs = Number.isFinite(lastMs) ? lastMs : nowMs;
      const lastWritten = timeText(endedMs);
      this.#log.warn({ lastWritten }, 'the program before this one ended without recording it');
      this.#write({ time: timeText(nowMs), kind: 'service', event: 'unclean-end', lastWritten });
      this.#write({ time: lastWritten, kind: 'enforcement', event: 'gap-begin', cause: 'crash' });
      const ms = nowMs - endedMs;
      crashMs = ms;
      this.#write({ time: timeText(nowMs), kind: 'enforcement', event: 'gap-end', cause: 'crash', ms });
    }
    this.#write({ time: timeText(nowMs), kind: 'service', event: 'start', ...facts });
    return crashMs;
  }
}

/** The record with which a run ends. */
export const isStopRecord = (record: object | undefined): boolean => {
  const { kind, event } = (record ?? {}) as Readonly<Record<string, unknown>>;
  return kind === 'service' && event === 'stop';
};

/** Throws ERR_COMPLIANCE_PSEUDONYM for an address that is none. */
const pseudonymsOf = (keys: PseudonymKeys, { kind, text }: SoughtClient): string[] => {
  // As records have the names of devices.
  if (kind === 'device') return keys.pseudonymsOfDevice(text.toLowerCase());
  const words = createAddress();
  if (parseAddress(text, words)) return keys.pseudonymsOf(words);
  throw new AppError(
    'ERR_COMPLIANCE_PSEUDONYM',
    `looking for pseudonyms of ${JSON.stringify(text.slice(0, 64))}: it is no address`,
  );
};
