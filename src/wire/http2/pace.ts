// How much a client may do that asks for nothing, or takes back what it asked. Hot file.
//
// Both cost work that no count of connections or streams bounds: PING and SETTINGS want to be answered, and a stream that is
// reset at once leaves its place to the next (CVE-2023-44487). Streams that we end because of what the client sent count
// as well (CVE-2025-8671).

/** Streams that may be reset at once, and how many a second after that: a page that is left resets what it asked for. */
const RESET_BURST = 100;
const RESETS_A_SECOND = 33;
/** Frames beside requests in a second: a client answers our frames, asks whether we live, and opens windows. */
const IDLE_FRAMES_MAX = 500;
/** Frames that may come with each request: content in pieces, a window for its answer, its priority, its end. */
const FRAMES_OF_REQUEST = 16;
const SECOND_MS = 1_000;

/** The account of one connection. */
export class Pace {
  #resets = RESET_BURST;
  #resetsAtMs: number;
  #frames = IDLE_FRAMES_MAX;
  #framesAtMs: number;

  constructor(nowMs: number) {
    this.#resetsAtMs = nowMs;
    this.#framesAtMs = nowMs;
  }

  /** A frame that is no request. False: too many. */
  takeFrame(nowMs: number): boolean {
    if (--this.#frames >= 0) return true;
    if (nowMs - this.#framesAtMs < SECOND_MS) return false;
    this.#framesAtMs = nowMs;
    this.#frames = IDLE_FRAMES_MAX;
    return true;
  }

  /** A request came. */
  noteRequest(): void {
    this.#frames += FRAMES_OF_REQUEST;
  }

  /** A stream ended before its time. False: too many. */
  takeReset(nowMs: number): boolean {
    const passedMs = Math.max(0, nowMs - this.#resetsAtMs);
    this.#resets = Math.min(RESET_BURST, this.#resets + (passedMs * RESETS_A_SECOND) / SECOND_MS);
    this.#resetsAtMs = nowMs;
    return --this.#resets >= 0;
  }
}
