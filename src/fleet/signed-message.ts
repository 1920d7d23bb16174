// What stands beside a message that is no evidence by itself: a number that only rises, and a signature over both.
//
// Presences, confirmations and checkpoints say what is now. Who has the engine could make one, or tell an old one again; so each has
// a number that its sender never used before, and is signed with the sender's key, in headers, which versions before this one
// overlook. Signed is this text:
//
//   cordon fleet message 1
//   subject $KV.cordon_presence.ns1
//   sequence 1764072000123
//   sha256 64 hexadecimal digits: of the bytes
import { createHash, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { type Clock, replaceFileNow } from '../base/base.ts';
import { isSignature, type SigningKey } from './key.ts';

/** Numbers that are set aside at a time: they follow the clock, so that they are written once a minute. */
const SET_ASIDE = 60_000;
/** Senders whose last number is remembered: twice the largest fleet. */
const SENDERS_MAX = 4_096;
/** Between two times that what was heard is written, milliseconds. */
const WRITE_MS = 10_000;
const FILE_MODE = 0o600;
const SEQUENCE_FORM = /^[1-9]\d{0,15}$/;

/** What stands beside a message. */
export interface Stamp {
  readonly sequence: number;
  /** Base64. */
  readonly signature: string;
}

const stampText = (subject: string, bytes: string | Uint8Array, sequence: number): string =>
  `cordon fleet message 1\nsubject ${subject}\nsequence ${sequence}\nsha256 ${createHash('sha256').update(bytes).digest('hex')}\n`;

/** The stamp of a message. */
export const stampMessage = (
  subject: string,
  bytes: string | Uint8Array,
  sequence: number,
  key: SigningKey,
): Stamp => ({ sequence, signature: key.sign(stampText(subject, bytes, sequence)) });

/** True when one of these keys signed it. */
export const isStampedBy = (
  subject: string,
  bytes: Uint8Array,
  { sequence, signature }: Stamp,
  keys: readonly KeyObject[],
): boolean => {
  const text = stampText(subject, bytes, sequence);
  return keys.some((key) => isSignature(key, text, signature));
};

/** The stamp of two headers; undefined where they hold none. */
export const readStamp = (sequence: string, signature: string): Stamp | undefined =>
  SEQUENCE_FORM.test(sequence) && Number.isSafeInteger(Number(sequence)) && signature !== ''
    ? { sequence: Number(sequence), signature }
    : undefined;

/**
 * The numbers of one sender. A start begins behind all that any run before can have used: behind what was set aside, and behind
 * the clock, because the file may be an older copy. One whose file is gone is behind what it said before by what that had set
 * aside: following the clock, it is heard again some minutes later.
 */
export class Sequence {
  readonly #path: string;
  readonly #clock: Clock;
  #last: number;
  #setAside: number;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    const kept = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
    this.#setAside = SEQUENCE_FORM.test(kept) ? Number(kept) : 0;
    this.#last = Math.max(this.#setAside, clock());
  }

  /** The next number. A disk that takes nothing holds up nobody: the next start begins behind the clock as well. */
  next(): number {
    const next = Math.max(this.#last + 1, Math.floor(this.#clock()));
    if (next > this.#setAside && isWritten(this.#path, `${next + SET_ASIDE}\n`))
      this.#setAside = next + SET_ASIDE;
    this.#last = next;
    return next;
  }
}

/** The highest number that was heard of each sender, also by the runs before: what is told again is known. */
export class LastSequences {
  readonly #path: string;
  readonly #monotonic: Clock;
  readonly #last = new Map<string, number>();
  #writtenMs: number;

  constructor(path: string, monotonic: Clock) {
    this.#path = path;
    this.#monotonic = monotonic;
    this.#writtenMs = monotonic();
    for (const [sender, sequence] of Object.entries(readObject(path)))
      if (Number.isSafeInteger(sequence)) this.#last.set(sender, Number(sequence));
  }

  /** Nobody was ever heard. */
  get isEmpty(): boolean {
    return this.#last.size === 0;
  }

  /** Who was ever heard. */
  get senders(): Iterable<string> {
    return this.#last.keys();
  }

  /** The highest one; 0 for a sender that was never heard. */
  last(sender: string): number {
    return this.#last.get(sender) ?? 0;
  }

  /** A message counts. */
  note(sender: string, sequence: number): void {
    // Those that are heard stay: the ones that were not heard for longest go first.
    this.#last.delete(sender);
    this.#last.set(sender, sequence);
    if (this.#last.size > SENDERS_MAX) {
      const [oldest] = this.#last.keys();
      if (oldest !== undefined) this.#last.delete(oldest);
    }
    if (this.#monotonic() - this.#writtenMs >= WRITE_MS) this.write();
  }

  /** Writes it; on a disk that takes nothing, this run alone knows. */
  write(): void {
    this.#writtenMs = this.#monotonic();
    if (this.#last.size > 0) isWritten(this.#path, `${JSON.stringify(Object.fromEntries(this.#last))}\n`);
  }
}

const isWritten = (path: string, text: string): boolean => {
  try {
    replaceFileNow(path, text, FILE_MODE);
    return true;
  } catch {
    return false;
  }
};

const readObject = (path: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    // Not there, or torn: what is heard from now on is known again.
    return {};
  }
};
