// What a node knows of the time by its authority: since when it is cut off, and by how much the clocks differ.
//
// A checkpoint that was kept by the engine tells how far policy had come; only one that comes live tells that the authority is
// heard, and no later than its own time says: one that was kept back is no sign that the authority lives now. Each has a number;
// one whose number was heard before, also before a start, is told again by somebody, and counts for nothing. An authority of
// an older version numbers none: its time is all there is, until it is heard with a number once.
import { CUT_OFF_CHECKPOINTS } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { leave } from './handler.ts';
import type { Membership } from './membership.ts';
import type { PolicyLog } from './policy-log.ts';
import { isStampedBy, type LastSequences, type Stamp } from './signed-message.ts';
import { CHECKPOINT_SUBJECT } from './subjects.ts';

/** Clocks that differ by more are an alarm, milliseconds. */
const OFFSET_MS_MAX = 1_000;
/** A checkpoint that comes late makes this clock look ahead, and none makes it look behind: the least of so many in a row is the clock's. */
const OFFSETS = 3;

/** Under which is kept, with the numbers that were heard, when the authority was: milliseconds since the epoch, by the clock here. */
const CONTACT = 'authority at';

/** What it needs. */
export interface CheckpointWatchOptions {
  readonly acts: FleetActs;
  readonly membership: Membership;
  readonly sequences: LastSequences;
  /** Between two checkpoints, milliseconds. */
  readonly checkpointMs: number;
  /** Infinite: never. */
  readonly suspendAfterMs: number;
  readonly onAlarm: (alarm: FleetAlarm) => void;
  /** The authority hears itself. */
  readonly isAuthority: () => boolean;
  /** Whether policy is here up to that entry. */
  readonly hasEntry: (number: number) => boolean;
  /** A checkpoint that no key of the fleet signed. */
  readonly onForged: (reason: string) => void;
}

/** The checkpoints that one resolver heard. */
export class CheckpointWatch {
  readonly #options: CheckpointWatchOptions;
  #last: Checkpoint | undefined;
  /** It came live, or one after it did. */
  #isLastLive = false;
  #isReplayTold = false;
  /** When the authority was last heard, and all that it had decided by then was here: by the monotonic clock. */
  #contactMs = 0;
  /** A start is no silence: who has just begun is not cut off yet. By the monotonic clock. */
  #startedMs = 0;
  /** When it was last heard, whatever is missing. */
  #signedMs = Number.NEGATIVE_INFINITY;
  #contactTime: string | undefined;
  /** Of the last checkpoints. */
  #offsetsMs: readonly number[] = [];
  #isCutOff = false;
  #isSuspended = false;
  #isClockWrong = false;

  constructor(options: CheckpointWatchOptions) {
    this.#options = options;
    this.#startedMs = options.acts.monotonic();
    this.#contactMs = this.#startedMs;
  }

  /** By how much this clock is ahead, milliseconds; undefined until that is known: one checkpoint may only have come late. */
  get offsetMs(): number | undefined {
    if (this.#options.isAuthority()) return 0;
    const leastMs = Math.min(...this.#offsetsMs);
    return leastMs <= OFFSET_MS_MAX || this.#offsetsMs.length === OFFSETS ? leastMs : undefined;
  }

  /** How far policy had come when the authority last said. */
  get number(): number {
    return this.#last?.number ?? 0;
  }

  /** When the authority was last heard, by its own clock; undefined: never. */
  get lastContact(): string | undefined {
    return this.#contactTime;
  }

  /** Since when it is not heard; undefined while it is. */
  get cutOffSince(): string | undefined {
    if (!this.#isCutOff) return undefined;
    const { clock, monotonic } = this.#options.acts;
    return new Date(clock() - (monotonic() - this.#contactMs)).toISOString();
  }

  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  /** A start is no sign of the authority: when it was heard before is, or the last entry where that is not known. */
  begin(log: PolicyLog): void {
    const { acts, sequences } = this.#options;
    const last = log.at(log.end.number);
    // Of a version that heard the authority and did not keep when: its time begins now, and never again.
    if (sequences.last(CONTACT) === 0 && !sequences.isEmpty) {
      sequences.note(CONTACT, Math.round(acts.clock()));
      sequences.write();
    }
    const knownMs = Math.max(sequences.last(CONTACT), last === undefined ? 0 : Date.parse(last.entry.time));
    if (knownMs > 0) this.#contactMs = acts.monotonic() - Math.max(0, acts.clock() - knownMs);
  }

  /** Whether the key that signed a checkpoint makes policy, as far as is known here. */
  knowsKeyOf(bytes: Uint8Array): boolean {
    const checkpoint = parseCheckpoint(bytes);
    return checkpoint !== undefined && this.#options.membership.hasKey(checkpoint.key);
  }

  /** Takes a checkpoint; gives it when it is one, signed, and not an old one. */
  take(bytes: Uint8Array, stamp: Stamp | undefined, isLive: boolean): Checkpoint | undefined {
    const { membership, sequences } = this.#options;
    const checkpoint = parseCheckpoint(bytes);
    const key = checkpoint === undefined ? undefined : membership.keyOf(checkpoint.key);
    if (checkpoint === undefined || key === undefined || !membership.isTrustedCheckpoint(checkpoint)) {
      this.#options.onForged('a checkpoint that no key of the fleet signed');
      return undefined;
    }
    const sender = `tide ${checkpoint.key}`;
    const last = sequences.last(sender);
    if (stamp === undefined) {
      if (last > 0) {
        this.#refuse('a checkpoint without a number, of an authority that numbers them');
        return undefined;
      }
      if (this.#last !== undefined && Date.parse(checkpoint.time) <= Date.parse(this.#last.time))
        return undefined;
    } else {
      if (!isStampedBy(CHECKPOINT_SUBJECT, bytes, stamp, [key])) {
        this.#options.onForged('a checkpoint whose number no key of the fleet signed');
        return undefined;
      }
      // The last one comes twice to who is connected again: as it is kept, and live.
      const isKnown = stamp.sequence === last && (!isLive || this.#isLastLive);
      if (stamp.sequence < last && isLive) this.#refuseReplay(checkpoint);
      if (stamp.sequence < last || (isKnown && this.#last !== undefined)) return undefined;
      sequences.note(sender, stamp.sequence);
    }
    this.#last = checkpoint;
    this.#isLastLive = isLive;
    if (isLive) this.#receive(checkpoint);
    return checkpoint;
  }

  /** Told once until a new one is heard: who writes at the engine could fill the disk. */
  #refuseReplay(checkpoint: Checkpoint): void {
    if (!this.#isReplayTold) this.#refuse(`a checkpoint of ${checkpoint.time} that was heard before`);
    else this.#options.onAlarm('replayed');
    this.#isReplayTold = true;
  }

  #refuse(reason: string): void {
    const { acts, onAlarm } = this.#options;
    onAlarm('replayed');
    acts.note({ event: 'refused', code: 'ERR_FLEET_SIGNATURE', reason });
    acts.log.error({ reason }, 'fleet: a checkpoint is refused');
  }

  #receive(checkpoint: Checkpoint): void {
    const { acts, onAlarm } = this.#options;
    const aheadMs = acts.clock() - Date.parse(checkpoint.time);
    this.#offsetsMs = [...this.#offsetsMs, aheadMs].slice(-OFFSETS);
    // As old as it says by this clock: it may have been kept back for as long.
    this.#signedMs = Math.max(this.#signedMs, acts.monotonic() - Math.max(0, aheadMs));
    this.#contactTime = checkpoint.time;
    this.#isReplayTold = false;
    const offsetMs = Math.round(this.offsetMs ?? 0);
    const isWrong = Math.abs(offsetMs) > OFFSET_MS_MAX;
    if (isWrong && !this.#isClockWrong) {
      onAlarm('clock');
      acts.note({ event: 'clock', offsetMs, authorityTime: checkpoint.time });
      acts.log.error({ offsetMs }, 'fleet: the clock differs from that of the authority');
    }
    this.#isClockWrong = isWrong;
    leave(this.look(), 'looking at the time', acts.log);
  }

  /** Looks at the time; to be called once a second. */
  async look(): Promise<void> {
    const { acts, sequences, checkpointMs, suspendAfterMs, onAlarm, isAuthority, hasEntry } = this.#options;
    if (isAuthority()) return;
    // Whoever lets checkpoints through and keeps entries back would have a revocation stay unheard for good.
    if (this.#signedMs > this.#contactMs && hasEntry(this.number)) {
      this.#contactMs = this.#signedMs;
      sequences.note(CONTACT, Math.round(acts.clock() - (acts.monotonic() - this.#contactMs)));
    }
    const silentMs = acts.monotonic() - this.#contactMs;
    const isCutOff =
      acts.monotonic() - Math.max(this.#contactMs, this.#startedMs) > CUT_OFF_CHECKPOINTS * checkpointMs;
    if (this.#isCutOff && !isCutOff) {
      this.#isCutOff = false;
      acts.note({ event: 'heard-again', authorityTime: this.#contactTime ?? '' });
      acts.log.info({}, 'fleet: the authority is heard again');
    } else if (isCutOff && !this.#isCutOff) {
      this.#isCutOff = true;
      onAlarm('cut-off');
      const since = this.cutOffSince ?? '';
      const what = hasEntry(this.number) ? 'the authority is not heard' : 'not all that was decided is here';
      acts.note({ event: 'cut-off', reason: `${what} since ${since}` });
      acts.log.error({ since }, 'fleet: the authority is not heard; what it decided last stays in force');
    }
    await this.#suspend(silentMs > suspendAfterMs);
  }

  async #suspend(isSuspended: boolean): Promise<void> {
    if (this.#isSuspended === isSuspended) return;
    const { acts } = this.#options;
    this.#isSuspended = isSuspended;
    await acts.suspend(isSuspended);
    acts.note({ event: isSuspended ? 'suspended' : 'resumed', reason: 'fleet.suspend-exemptions-after' });
    acts.log.warn(
      {},
      `fleet: exemptions are ${isSuspended ? 'taken out until the authority is heard' : 'put back'}`,
    );
  }
}
