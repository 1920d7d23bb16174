// Keys of the tickets with which clients resume sessions (RFC 5077 section 4), for all workers of a process.
//
// A ticket is made with the newest key and opened with any that is kept. A key is the newest for one rotation and kept for
// one more, and a ticket lives as long as one rotation: so each can be used for all of its life, and who learns the
// keys of a moment learns no older ones. They are made here and never leave the process.
import { randomBytes } from 'node:crypto';

/** Bytes of the name of a key, of the key of its HMAC, and of its AES key, in this order in a TicketKey. */
export const TICKET_PART_BYTES = 16;
const KEY_BYTES = 3 * TICKET_PART_BYTES;
/** The newest and the one before. */
const KEYS_KEPT = 2;

/** Name, HMAC key and AES key; plain bytes that travel between threads. */
export type TicketKey = Uint8Array;

/** The keys of a process. */
export class TicketKeys {
  #keys: readonly TicketKey[] = [createKey()];
  #rotatedAtMs: number;

  constructor(nowMs: number) {
    this.#rotatedAtMs = nowMs;
  }

  /** The newest first. */
  get keys(): readonly TicketKey[] {
    return this.#keys;
  }

  /** Makes another key when the newest is old enough; true when it did. A clock that stepped back makes one, too. */
  rotate(nowMs: number, everyMs: number): boolean {
    const ageMs = nowMs - this.#rotatedAtMs;
    if (ageMs >= 0 && ageMs < everyMs) return false;
    this.#rotatedAtMs = nowMs;
    this.#keys = [createKey(), ...this.#keys].slice(0, KEYS_KEPT);
    return true;
  }
}

const createKey = (): TicketKey => Uint8Array.from(randomBytes(KEY_BYTES));
