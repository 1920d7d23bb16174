// Bounds what is told of clients outside: forged addresses shall not flood the records. Hot file.

/**
 * Events about clients outside of what is allowed, a second; the others are only counted. Enough to name a network that
 * was forgotten, too few to flood the records from forged addresses.
 */
const OUTSIDER_EVENTS_PER_SEC = 10;

/** Bounds the events about clients outside. */
export class OutsiderEvents {
  #second = 0;
  #count = 0;

  /** True when one more may be told of. */
  mayTell(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) this.#count = 0;
    this.#second = second;
    return this.#count++ < OUTSIDER_EVENTS_PER_SEC;
  }
}
