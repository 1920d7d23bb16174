// Whether somebody guesses answers of one upstream, and for which zones. Hot file: isGuarded() runs per query.
//
// A forger who does not see the queries sends many answers and hopes that port, ID and letters fit (RFC 5452 section 4).
// Each that reaches a port in use and fits no query is a near miss. An honest server makes none but by a defect: its late
// answers have an ID that was used. From a number of them in a while on, queries below the zone that they are about go over
// TCP, where nobody can guess; so many that the zones do not matter, and all queries do. The question of a forged answer
// is the forger's to choose: what he gains by a wrong one is that other names go over TCP too.
//
// Two zones that fall together are guarded together. Where TCP does not work either, UDP is better than nothing.

/** Places of zones, a power of two. */
const PLACES = 256;
/** Near misses are counted in windows of this length, milliseconds. */
const WINDOW_MS = 10_000;
/** Near misses of a window that make a zone guarded: one or two come of broken networks. A forger needs ten thousands. */
const ZONE_MISSES = 20;
/** Near misses of a window, of all zones, that make everything guarded. */
const ALL_MISSES = 1_000;
/** How long queries go over TCP after the last such window, milliseconds. */
const GUARD_MS = 60_000;

/** The near misses at one upstream. */
export class ForgeryWatch {
  readonly #misses = new Uint16Array(PLACES);
  readonly #guardedUntilMs = new Float64Array(PLACES);
  #allMisses = 0;
  #allUntilMs = 0;
  #windowEndMs = 0;
  /** No place is guarded from here on: nothing has to be looked up. */
  #quietFromMs = 0;
  #relentsUntilMs = 0;

  /** A near miss about a zone, given as a hash; 0 when its question cannot be read. */
  miss(zone: number, nowMs: number): void {
    if (nowMs >= this.#windowEndMs || this.#windowEndMs - nowMs > WINDOW_MS) {
      this.#windowEndMs = nowMs + WINDOW_MS;
      this.#misses.fill(0);
      this.#allMisses = 0;
    }
    const place = zone & (PLACES - 1);
    const count = Math.min(0xffff, (this.#misses[place] ?? 0) + 1);
    this.#misses[place] = count;
    this.#allMisses++;
    if (count >= ZONE_MISSES) this.#guardedUntilMs[place] = nowMs + GUARD_MS;
    if (this.#allMisses >= ALL_MISSES) this.#allUntilMs = nowMs + GUARD_MS;
    if (count >= ZONE_MISSES || this.#allMisses >= ALL_MISSES) this.#quietFromMs = nowMs + GUARD_MS;
  }

  /** False until something was guarded for the first time. */
  get hasAlerted(): boolean {
    return this.#quietFromMs > 0;
  }

  /** True when something may be guarded: only then the hash of a zone has to be known. */
  isAlert(nowMs: number): boolean {
    return nowMs < this.#quietFromMs && nowMs >= this.#relentsUntilMs;
  }

  /** True when queries below a zone shall go over TCP. */
  isGuarded(zone: number, nowMs: number): boolean {
    return nowMs < this.#allUntilMs || nowMs < (this.#guardedUntilMs[zone & (PLACES - 1)] ?? 0);
  }

  /** TCP does not work: UDP is used for as long as a guard would last. */
  relent(nowMs: number): void {
    this.#relentsUntilMs = nowMs + GUARD_MS;
  }
}
