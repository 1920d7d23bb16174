// The penalty list: clients whose connections were closed for misuse wait before they may connect again.
//
// Without it an attacker would reconnect at once, at the cost of a handshake to us. The penalty is short, because many people
// may share an address, and doubles with each repetition.
import { type AddressWords, isIpv4 } from '../../base/base.ts';

/** The first and the longest penalty, milliseconds. */
const WAIT_MS = 1_000;
const WAIT_MS_MAX = 32_000;
/** A client without another offence for so long is removed, milliseconds. */
const FORGET_MS = 60_000;
/** Clients in the list, 400 KiB; the one with the oldest offence is removed first. */
const OFFENDERS_MAX = 4_096;

interface Offender {
  readonly atMs: number;
  readonly waitMs: number;
}

/** The penalty list of one worker. */
export class PenaltyList {
  /** Clients by their last offence, the oldest first. */
  readonly #penalties = new Map<string, Offender>();

  /** Adds a client whose connection was closed for misuse. */
  note(words: AddressWords, nowMs: number): void {
    const client = clientOf(words);
    const before = this.#penalties.get(client);
    const isAgain = before !== undefined && nowMs - before.atMs < FORGET_MS;
    const waitMs = isAgain ? Math.min(2 * before.waitMs, WAIT_MS_MAX) : WAIT_MS;
    this.#penalties.delete(client);
    if (this.#penalties.size === OFFENDERS_MAX) {
      for (const oldest of this.#penalties.keys()) {
        this.#penalties.delete(oldest);
        break;
      }
    }
    // Several connections that are ended together are one offence.
    const isSame = before !== undefined && nowMs - before.atMs < before.waitMs;
    this.#penalties.set(client, { atMs: nowMs, waitMs: isSame ? before.waitMs : waitMs });
  }

  /** True while a client has to wait. */
  mustWait(words: AddressWords, nowMs: number): boolean {
    if (this.#penalties.size === 0) return false;
    const offender = this.#penalties.get(clientOf(words));
    return offender !== undefined && nowMs >= offender.atMs && nowMs - offender.atMs < offender.waitMs;
  }
}

/** An address of IPv4; of IPv6 the /64, all of which one client has. */
const clientOf = (words: AddressWords): string => {
  const [a = 0, b = 0, , d = 0] = words;
  return isIpv4(words) ? `${d}` : `${a}:${b}`;
};
