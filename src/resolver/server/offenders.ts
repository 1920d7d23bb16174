// Clients whose connections were ended for what they did: they wait before they may connect again.
//
// Otherwise the end of a connection would cost an attacker nothing: it would come again at once, with a handshake at our
// expense, and go on. The time is short, because one address may be many people, and doubles while it goes on.
import { type AddressWords, isIpv4 } from '../../base/base.ts';

/** How long a client waits at first, and at most, milliseconds. */
const WAIT_MS = 1_000;
const WAIT_MS_MAX = 32_000;
/** Without another offence so long, all is forgotten, milliseconds. */
const FORGET_MS = 60_000;
/** Clients that are remembered, 400 KiB; the one whose offence is oldest goes. */
const OFFENDERS_MAX = 4_096;

interface Offender {
  readonly atMs: number;
  readonly waitMs: number;
}

/** The offenders of one worker. */
export class Offenders {
  /** Those whose last offence is oldest first. */
  readonly #offenders = new Map<string, Offender>();

  /** A connection of this client was ended for what it did. */
  note(words: AddressWords, nowMs: number): void {
    const client = clientOf(words);
    const before = this.#offenders.get(client);
    const isAgain = before !== undefined && nowMs - before.atMs < FORGET_MS;
    const waitMs = isAgain ? Math.min(2 * before.waitMs, WAIT_MS_MAX) : WAIT_MS;
    this.#offenders.delete(client);
    if (this.#offenders.size === OFFENDERS_MAX) {
      for (const oldest of this.#offenders.keys()) {
        this.#offenders.delete(oldest);
        break;
      }
    }
    // Several connections that are ended together are one offence.
    const isSame = before !== undefined && nowMs - before.atMs < before.waitMs;
    this.#offenders.set(client, { atMs: nowMs, waitMs: isSame ? before.waitMs : waitMs });
  }

  /** True while it has to wait. */
  mustWait(words: AddressWords, nowMs: number): boolean {
    if (this.#offenders.size === 0) return false;
    const offender = this.#offenders.get(clientOf(words));
    return offender !== undefined && nowMs >= offender.atMs && nowMs - offender.atMs < offender.waitMs;
  }
}

/** An address of IPv4; of IPv6 the /64, all of which one client has. */
const clientOf = (words: AddressWords): string => {
  const [a = 0, b = 0, , d = 0] = words;
  return isIpv4(words) ? `${d}` : `${a}:${b}`;
};
