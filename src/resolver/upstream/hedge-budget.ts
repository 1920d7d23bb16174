// How many questions may go to a second endpoint while the first is silent. Hot file.
//
// A bucket of tokens that questions fill: without it, an upstream that dies under full load would double the queries to
// all others at the moment when they have the most to do.

/** Share of the questions that may be hedged in the long run: slow answers are a few in a hundred. */
const TOKENS_PER_QUESTION = 0.1;
/** Hedges at once, and what a quiet resolver has in store: with few questions each of them may be hedged. */
const TOKENS_MAX = 16;

/** The hedges of one Forwarding. */
export class HedgeBudget {
  #tokens = TOKENS_MAX;

  /** A question came. */
  earn(): void {
    if (this.#tokens < TOKENS_MAX) this.#tokens = Math.min(TOKENS_MAX, this.#tokens + TOKENS_PER_QUESTION);
  }

  /** Takes a token; false when there is none. */
  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
