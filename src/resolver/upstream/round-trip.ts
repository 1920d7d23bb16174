// How long an endpoint takes to answer: an estimate for the choice of the fastest and for the next try. Hot file.
//
// A smoothed mean and a smoothed deviation, as TCP has them (RFC 6298 section 2). Silence is no round trip and stays out
// of both, otherwise a frozen server would be waited for longer and longer; it counts as a penalty that answers take
// away again.

/** Weights of a new round trip in mean and deviation (RFC 6298 section 2.3). */
const MEAN_WEIGHT = 1 / 8;
const DEVIATION_WEIGHT = 1 / 4;
/** Deviations that an answer may be late without being missed (RFC 6298 section 2.3). */
const DEVIATIONS = 4;
/** Until the next try at an endpoint that has not answered yet, and its supposed round trip: longer than almost any path. */
const UNMEASURED_MS = 300;
/** The shortest time until the next try: below, the second query costs more than it saves, because a resolver that recurses needs time. */
const RETRY_MS_MIN = 50;
/** Times of a try that are waited for an endpoint that always needs longer than one. */
const PATIENCE_TRIES = 3;
/** What of the penalty an answer leaves. */
const PENALTY_KEPT = 1 / 2;

/** The estimate of one endpoint. */
export class RoundTrip {
  /** Time of one try at an endpoint that is not known to be slow. */
  readonly #tryTimeoutMs: number;
  #meanMs = UNMEASURED_MS;
  #deviationMs = 0;
  #penaltyMs = 0;
  #isMeasured = false;

  constructor(tryTimeoutMs: number) {
    this.#tryTimeoutMs = tryTimeoutMs;
  }

  /** False until the first answer or the first silence. */
  get isKnown(): boolean {
    return this.#isMeasured || this.#penaltyMs > 0;
  }

  /** What the choice of the fastest compares. */
  get costMs(): number {
    return this.#meanMs + this.#penaltyMs;
  }

  /** Silence after which another endpoint is asked as well. */
  get hedgeMs(): number {
    return Math.min(this.retryMs, this.#tryTimeoutMs / 2);
  }

  /** Silence after which the question is asked once more, here or elsewhere (RFC 6298 section 2: RTO). */
  get retryMs(): number {
    if (!this.#isMeasured) return Math.min(UNMEASURED_MS, this.#tryTimeoutMs / 2);
    const retryMs = this.#meanMs + DEVIATIONS * this.#deviationMs;
    return Math.min(
      Math.max(retryMs, Math.min(RETRY_MS_MIN, this.#tryTimeoutMs / 2)),
      PATIENCE_TRIES * this.#tryTimeoutMs,
    );
  }

  /** Silence after which the try counts as lost: the time of a try, more where answers usually take longer. */
  get patienceMs(): number {
    return this.#isMeasured ? Math.max(this.#tryTimeoutMs, this.retryMs) : this.#tryTimeoutMs;
  }

  /** True when the server needs so long for whatever it is asked that a slow answer says nothing about its zone. */
  get isSlow(): boolean {
    return this.#isMeasured && this.#meanMs > this.#slowMs;
  }

  /** True when an answer took so long that its zone may be the reason. */
  isSlowAnswer(rttMs: number): boolean {
    return rttMs > this.#slowMs;
  }

  get #slowMs(): number {
    return this.#tryTimeoutMs / 2;
  }

  /** An answer came that says nothing about how long answers take. */
  forgive(): void {
    this.#penaltyMs = this.#penaltyMs < 1 ? 0 : this.#penaltyMs * PENALTY_KEPT;
  }

  /**
   * An answer came after so long; a clock that stepped counts as a bound. One that is far off counts as one that is a little
   * later than any was expected: several of them are believed, one alone is not.
   */
  measure(rttMs: number): void {
    const limitMs = PATIENCE_TRIES * this.#tryTimeoutMs;
    const expectedMs = this.#isMeasured
      ? this.#meanMs + DEVIATIONS * this.#deviationMs + RETRY_MS_MIN
      : limitMs;
    const sampleMs = Math.min(Math.max(rttMs, 0), limitMs, expectedMs);
    this.forgive();
    if (this.#isMeasured) {
      const error = sampleMs - this.#meanMs;
      this.#deviationMs += DEVIATION_WEIGHT * (Math.abs(error) - this.#deviationMs);
      this.#meanMs += MEAN_WEIGHT * error;
    } else {
      this.#isMeasured = true;
      this.#meanMs = sampleMs;
      this.#deviationMs = sampleMs / 2;
    }
  }

  /** A try was met with silence or with a fault of the network. */
  penalize(): void {
    this.#penaltyMs = Math.min(this.#penaltyMs + this.#tryTimeoutMs / 4, this.#tryTimeoutMs);
  }
}
