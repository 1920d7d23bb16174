// Limits the records about unauthorized clients, so that forged addresses do not flood them. Hot file.

/**
 * Recorded events about clients outside `access.allow`, a second; further ones are only counted. Enough to notice a network
 * that was forgotten, too few to flood the records from forged addresses.
 */
const OUTSIDER_EVENTS_PER_SEC = 10;

/** The limit of events about unauthorized clients. */
export class UnauthorizedClients {
  #second = 0;
  #count = 0;

  /** True when one more event may be recorded. */
  mayTell(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) this.#count = 0;
    this.#second = second;
    return this.#count++ < OUTSIDER_EVENTS_PER_SEC;
  }
}
