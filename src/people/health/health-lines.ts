// When a line of the log is due about something that goes wrong and right again: at the change, and not at each one.
//
// What flaps is told at most every PAUSE_MS, with the state that it then has and how often it changed meanwhile.

/** Between two lines about the same thing, milliseconds. */
const PAUSE_MS = 10_000;

interface Subject {
  isTroubled: boolean;
  sinceMs: number;
  isTold: boolean;
  toldAtMs: number;
  changes: number;
}

/** What a line says of a change. */
export interface HealthChange {
  readonly isTroubled: boolean;
  /** How long the state before it lasted, seconds. */
  readonly afterSec: number;
  /** Changes since the line before: more than one for what flaps. */
  readonly changes: number;
}

/** What is known of things that go wrong, by a text for each. */
export class HealthLines {
  readonly #subjects = new Map<string, Subject>();

  /**
   * Takes the state that something has now, on a clock that only goes forward, and calls `tell` when a line is due. What
   * was never seen is taken to have been well.
   */
  update(key: string, isTroubled: boolean, nowMs: number, tell: (change: HealthChange) => void): void {
    let subject = this.#subjects.get(key);
    if (subject === undefined) {
      if (!isTroubled) return;
      subject = { isTroubled: false, sinceMs: nowMs, isTold: false, toldAtMs: -PAUSE_MS, changes: 0 };
      this.#subjects.set(key, subject);
    }
    if (subject.isTroubled !== isTroubled) {
      subject.isTroubled = isTroubled;
      subject.changes++;
    }
    if (subject.isTold === isTroubled) {
      if (!isTroubled && nowMs - subject.toldAtMs > PAUSE_MS) this.#subjects.delete(key);
      return;
    }
    if (nowMs - subject.toldAtMs < PAUSE_MS) return;
    tell({ isTroubled, afterSec: Math.round((nowMs - subject.sinceMs) / 1000), changes: subject.changes });
    subject.isTold = isTroubled;
    subject.toldAtMs = nowMs;
    subject.sinceMs = nowMs;
    subject.changes = 0;
  }

  /** Of what is troubled, or was a moment ago. */
  get keys(): readonly string[] {
    return [...this.#subjects.keys()];
  }
}
