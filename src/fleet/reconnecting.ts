// When a member of a fleet connects to a server of the engine again, and when to another one.
//
// A server that is cut off from the others keeps the connections of its clients and answers reads from its own copy. It acknowledges
// nothing, since more than half of the servers have to have that. Every member says how it is once in ten seconds, and has that kept,
// so that it shows wherever one is connected.
import type { Clock } from '../base/base.ts';

/** Between two tries to connect, milliseconds: a quarter of a second, then longer, where nobody answers or lets in for long. */
const RECONNECT_MS_MIN = 250;
const RECONNECT_MS_MAX = 2_000;
const RECONNECT_GROWTH = 1.1;
const RECONNECT_JITTER = 0.5;

/** From the first message on that nobody acknowledged, milliseconds: a new leader of three took six seconds. */
const SILENT_MS = 20_000;
/** Where the others acknowledge nothing either, twice as long each time, up to this: then nobody gains by moving. */
const SILENT_MS_MAX = 600_000;

/** Counts what is not acknowledged. */
export class Unacknowledged {
  /** Monotonic. */
  readonly #clock: Clock;
  #sinceMs: number | undefined;
  #boundMs = SILENT_MS;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something was acknowledged, or refused by who keeps it. */
  heard(): void {
    this.#sinceMs = undefined;
    this.#boundMs = SILENT_MS;
  }

  /** A message was not; gives whether that is so for too long, once each time. */
  lost(): boolean {
    const nowMs = this.#clock();
    this.#sinceMs ??= nowMs;
    if (nowMs - this.#sinceMs < this.#boundMs) return false;
    this.#sinceMs = undefined;
    this.#boundMs = Math.min(SILENT_MS_MAX, 2 * this.#boundMs);
    return true;
  }
}

/** The time before the next try to connect. */
export class ReconnectDelay {
  #ms = RECONNECT_MS_MIN;

  connected(): void {
    this.#ms = RECONNECT_MS_MIN;
  }

  nextMs(): number {
    const ms = this.#ms * (1 + RECONNECT_JITTER * Math.random());
    this.#ms = Math.min(RECONNECT_MS_MAX, this.#ms * RECONNECT_GROWTH);
    return ms;
  }
}
