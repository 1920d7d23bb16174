// Sends a resolver's records to the collector: idempotently, in order, and again when they are not confirmed.
//
// It runs in a thread of its own, because it reads the disk. What was sent is not what was received: only a confirmation is,
// and from there everything is sent again after a while, whatever engine or collector have lost. A confirmation of something
// that is not on this chain means that other records have these numbers: then nothing is sent, and somebody is told.
import type { KeyObject } from 'node:crypto';
import {
  CHAIN_START,
  ChainFeed,
  headsSizeOf,
  keyIdOf,
  RECORD_CLASSES,
  type RecordClass,
  readOwnHeads,
  readOwnKeys,
} from '../evidence/records/records.ts';
import type { MessageBus } from './bus.ts';
import {
  CONFIRMED_CLASSES,
  type Confirmation,
  type ConfirmedClass,
  parseConfirmation,
} from './confirmation.ts';
import { type EvidencePiece, packEvidence } from './evidence-message.ts';
import type { SigningKey } from './key.ts';
import { isStampedBy, type LastSequences, type Stamp } from './signed-message.ts';
import { confirmedSubject, evidenceSubject, STREAM } from './subjects.ts';

/** Messages that are sent together. */
const SENT_AT_A_TIME = 64;
/** Without a word about what was sent, it is sent again, milliseconds; then after twice that, up to the longest. */
const RESEND_MS_MIN = 20_000;
const RESEND_MS_MAX = 600_000;

/** Blocks and characters that a collector is given again where it lacks them: it holds so many before it puts them back. */
const AGAIN_BLOCKS_MAX = 2_000;
const AGAIN_LENGTH_MAX = 60 << 20;

const GONE_TEXT = 'fleet: the collector lacks records that are not here either, or more than can be put back';

/** What it needs. */
export interface UploaderOptions {
  readonly name: string;
  readonly enrolment: number;
  /** Of the records. */
  readonly directory: string;
  readonly engine: Pick<MessageBus, 'read' | 'store' | 'subscribe'>;
  /** The keys by which the collector signs what it confirms; none while policy does not say. */
  readonly collectors: () => readonly KeyObject[];
  /** What was heard of it. */
  readonly sequences: LastSequences;
  readonly key: () => SigningKey;
  readonly monotonic: () => number;
  /** Something is confirmed. */
  readonly onConfirmed: (recordClass: ConfirmedClass, confirmation: Confirmation) => void;
  /** Something was confirmed that nobody who collects has signed: see Unbelieved. */
  readonly onUnbelieved: (recordClass: ConfirmedClass, why: Unbelieved) => void;
  /** The collector has another chain. */
  readonly onForeign: (recordClass: ConfirmedClass) => void;
  readonly warn: (fields: object, text: string) => void;
}

/**
 * Why a confirmation is not believed: nothing says yet who collects; it is of a collector of an older version, which signs none; its
 * key did not sign it; or it was heard before.
 */
export type Unbelieved = 'unknown' | 'older' | 'forged' | 'replayed';

interface Track {
  feed: ChainFeed | undefined;
  confirmed: Confirmation | undefined;
  /** By the monotonic clock: since when something waits for a confirmation, or when something was last confirmed. */
  movedMs: number;
  resendMs: number;
  isForeign: boolean;
  /** What is confirmed was found on this chain: the collector has no other one. */
  isOwn: boolean;
  /** What the collector lacks amid the chain and was sent again, and from when on it is sent once more. */
  again: { readonly key: string; fromMs: number; pauseMs: number };
}

/** Sends what one resolver has recorded. */
export class Uploader {
  readonly #options: UploaderOptions;
  readonly #tracks = new Map<RecordClass, Track>();
  #headsSent = 0;
  #headsConfirmed = 0;
  #headsMovedMs = 0;
  #areKeysSent = false;
  #headsBytes = -1;
  /** Of sending again: the engine would take what it knows for the same message. */
  #attempt = 0;

  constructor(options: UploaderOptions) {
    this.#options = options;
    for (const recordClass of RECORD_CLASSES) {
      this.#tracks.set(recordClass, {
        feed: undefined,
        confirmed: undefined,
        movedMs: options.monotonic(),
        resendMs: RESEND_MS_MIN,
        isForeign: false,
        isOwn: false,
        again: { key: '', fromMs: 0, pauseMs: RESEND_MS_MIN },
      });
    }
  }

  /** Follows what is confirmed from now on. */
  listen(): void {
    const { engine, name } = this.#options;
    engine.subscribe(confirmedSubject(name, '*'), (bytes, subject, stamp) =>
      this.#take(subject, bytes, stamp),
    );
  }

  /** What the engine last kept: to be called when it is there again. Rejects with ERR_FLEET_ENGINE. */
  async recall(): Promise<void> {
    const { engine, name } = this.#options;
    for (const one of CONFIRMED_CLASSES) {
      const found = await engine.read(STREAM.CONFIRMED, confirmedSubject(name, one));
      if (found !== undefined) this.#take(found.subject, found.bytes, found.stamp);
    }
  }

  /** Sends what is new; gives how many messages. Rejects with ERR_FLEET_ENGINE, and ERR_COMPLIANCE_RECORDS. */
  async send(): Promise<number> {
    let sent = 0;
    if (!this.#areKeysSent) sent += await this.#sendKeys();
    for (const [recordClass, track] of this.#tracks) {
      sent += await this.#sendChain(recordClass, track);
      sent += await this.#sendAgain(recordClass, track);
    }
    return sent + (await this.#sendHeads());
  }

  close(): void {
    this.#options.sequences.write();
    for (const { feed } of this.#tracks.values()) feed?.close();
  }

  /** Retention deletes what is confirmed: only the collector's own word of now counts. */
  #doubt(subject: string, bytes: Uint8Array, stamp: Stamp | undefined): Unbelieved | undefined {
    const { collectors, sequences } = this.#options;
    const keys = collectors();
    const [key] = keys;
    if (key === undefined) return 'unknown';
    const sender = `${subject} ${keyIdOf(key)}`;
    const last = sequences.last(sender);
    if (stamp === undefined) return last === 0 ? 'older' : 'forged';
    if (!isStampedBy(subject, bytes, stamp, keys)) return 'forged';
    // The same one comes again with each connection.
    if (stamp.sequence < last) return 'replayed';
    sequences.note(sender, stamp.sequence);
    return undefined;
  }

  #take(subject: string, bytes: Uint8Array, stamp: Stamp | undefined): void {
    const word = subject.split('.').at(-1) ?? '';
    const recordClass = CONFIRMED_CLASSES.find((one) => one === word);
    const confirmation = parseConfirmation(bytes);
    if (recordClass === undefined) return;
    const doubt = confirmation === undefined ? 'forged' : this.#doubt(subject, bytes, stamp);
    if (confirmation === undefined || doubt !== undefined) {
      this.#options.onUnbelieved(recordClass, doubt ?? 'forged');
      return;
    }
    // What was confirmed of chains before says nothing about this one.
    if (confirmation.enrolment !== this.#options.enrolment) return;
    const track = recordClass === 'heads' ? undefined : this.#tracks.get(recordClass);
    // Of another chain under these numbers: it confirms nothing that is here.
    if (track?.isForeign === true) return;
    this.#options.onConfirmed(recordClass, confirmation);
    // The collector says it again and again: that is no sign that it took any of what was sent since.
    if (recordClass === 'heads') {
      if (confirmation.sequence === this.#headsConfirmed) return;
      // It has lost some, and has not seen their keys either: these are not waited for, as nothing of them was sent in this run.
      if (confirmation.sequence < this.#headsConfirmed) {
        this.#headsSent = Math.min(this.#headsSent, confirmation.sequence);
        this.#headsBytes = -1;
        this.#areKeysSent = false;
        this.#attempt++;
      }
      this.#headsConfirmed = confirmation.sequence;
      this.#headsMovedMs = this.#options.monotonic();
      return;
    }
    if (track === undefined) return;
    const { sequence, hash } = track.confirmed ?? CHAIN_START;
    track.confirmed = confirmation;
    if (confirmation.sequence === sequence && confirmation.hash === hash) return;
    track.movedMs = this.#options.monotonic();
    track.resendMs = RESEND_MS_MIN;
  }

  async #sendChain(recordClass: RecordClass, track: Track): Promise<number> {
    const { monotonic, directory } = this.#options;
    if (track.isForeign) return 0;
    const place = track.confirmed ?? CHAIN_START;
    const isBehind = track.feed !== undefined && track.feed.place.sequence > place.sequence;
    const isStuck = isBehind && monotonic() - track.movedMs > track.resendMs;
    // The collector may have more than was sent in this run, when it goes on.
    const isAhead = track.feed !== undefined && track.feed.place.sequence < place.sequence;
    if (isStuck) this.#attempt++;
    if (isStuck || isAhead) {
      track.feed?.close();
      track.feed = undefined;
      if (isStuck) track.resendMs = Math.min(RESEND_MS_MAX, 2 * track.resendMs);
      track.movedMs = monotonic();
    }
    const isPlaced = track.feed === undefined && place.sequence > 0;
    track.feed ??= new ChainFeed(directory, recordClass, { sequence: place.sequence, hash: place.hash });
    const feed = track.feed;
    try {
      const pieces = await feed.next(SENT_AT_A_TIME);
      if (pieces === undefined) {
        track.isForeign = true;
        this.#options.onForeign(recordClass);
        return 0;
      }
      track.isOwn ||= isPlaced;
      const { confirmed } = track;
      if (feed.place.sequence === confirmed?.sequence) track.isOwn ||= feed.place.hash === confirmed.hash;
      if (pieces.length === 0) return 0;
      await this.#post(recordClass, pieces as readonly EvidencePiece[]);
      // What is sent on top of what waits is no sign that the collector takes any of it.
      if (!isBehind) track.movedMs = monotonic();
      return pieces.length;
    } catch (thrown) {
      // What was read and not sent is read again from what is confirmed.
      feed.close();
      track.feed = undefined;
      throw thrown;
    }
  }

  /** Sends what the collector had and lacks; says so where it is not here either, or more than goes at once. */
  async #sendAgain(recordClass: RecordClass, track: Track): Promise<number> {
    const missing = track.confirmed?.missing;
    if (missing === undefined || track.isForeign) return 0;
    const { ordinal, after, until } = missing;
    const { monotonic, directory } = this.#options;
    const key = `${after.sequence} ${after.hash} ${until}`;
    if (track.again.key !== key) track.again = { key, fromMs: monotonic(), pauseMs: RESEND_MS_MIN };
    const { again } = track;
    if (monotonic() < again.fromMs) return 0;
    again.fromMs = monotonic() + again.pauseMs;
    again.pauseMs = Math.min(RESEND_MS_MAX, 2 * again.pauseMs);
    // The engine would take it for what it was sent before.
    this.#attempt++;
    const feed = new ChainFeed(directory, recordClass, { sequence: after.sequence, hash: after.hash });
    let sent = 0;
    let length = 0;
    try {
      for (;;) {
        const pieces = (await feed.next(SENT_AT_A_TIME)) ?? [];
        const blocks: EvidencePiece[] = [];
        let isEnd = pieces.length < SENT_AT_A_TIME;
        for (const piece of pieces) {
          // Before the first record of all, the feed tells of the beginning again.
          if (piece.kind !== 'block' && after.sequence === 0) continue;
          isEnd ||= piece.kind !== 'block' || piece.block.first > until;
          if (piece.kind !== 'block' || piece.block.first > until) break;
          blocks.push(piece);
          length += piece.block.body.length;
        }
        sent += blocks.length;
        const isWhole = feed.place.sequence >= until && blocks.length > 0;
        const isTooMuch = sent > AGAIN_BLOCKS_MAX || length > AGAIN_LENGTH_MAX;
        if (isTooMuch || (!isWhole && isEnd)) {
          this.#options.warn({ chain: recordClass, after: after.sequence, until }, GONE_TEXT);
          await this.#post(recordClass, [{ kind: 'hole', after, ordinal, first: until + 1 }]);
          return sent + 1;
        }
        await this.#post(recordClass, blocks);
        if (isWhole) return sent;
      }
    } finally {
      feed.close();
    }
  }

  async #sendKeys(): Promise<number> {
    const pems = readOwnKeys(this.#options.directory);
    await this.#post(
      'heads',
      pems.map((pem) => ({ kind: 'key', pem })),
    );
    this.#areKeysSent = pems.length > 0;
    return pems.length;
  }

  async #sendHeads(): Promise<number> {
    const { directory, monotonic } = this.#options;
    // A head of another chain under these numbers would speak against the one that the collector has.
    const tracks = [...this.#tracks.values()];
    if (tracks.some(({ isForeign }) => isForeign) || tracks.every(({ isOwn }) => !isOwn)) return 0;
    const areWaiting = this.#headsSent > this.#headsConfirmed;
    if (areWaiting && monotonic() - this.#headsMovedMs > RESEND_MS_MIN) {
      this.#headsSent = this.#headsConfirmed;
      this.#headsMovedMs = monotonic();
      this.#headsBytes = -1;
      this.#attempt++;
      // First: of a head whose key a collector does not have, it cannot tell who signed it.
      await this.#sendKeys();
    }
    const bytes = headsSizeOf(directory);
    if (bytes === this.#headsBytes) return 0;
    const heads = readOwnHeads(directory, Math.max(this.#headsSent, this.#headsConfirmed)).slice(
      0,
      SENT_AT_A_TIME,
    );
    if (heads.length === 0) {
      this.#headsBytes = bytes;
      return 0;
    }
    await this.#post(
      'heads',
      heads.map((head) => ({ kind: 'head', head })),
    );
    this.#headsSent = Math.max(this.#headsSent, this.#headsConfirmed) + heads.length;
    // As with chains: what is sent on top of what waits is no sign that the collector takes any of it.
    if (!areWaiting) this.#headsMovedMs = monotonic();
    return heads.length;
  }

  async #post(recordClass: ConfirmedClass, pieces: readonly EvidencePiece[]): Promise<void> {
    const { engine, name, enrolment, key } = this.#options;
    const subject = evidenceSubject(name, recordClass);
    const signing = key();
    await Promise.all(
      pieces.map((piece) => {
        const { bytes, signature, id } = packEvidence(subject, enrolment, piece, signing);
        return engine.store(subject, bytes, { id: `${id}.${this.#attempt}`, signature });
      }),
    );
  }
}
