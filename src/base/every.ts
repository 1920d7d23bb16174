// What is looked at every so often: all looks of a thread come in one waking.
//
// A waking of a thread that has nothing else to do costs more than most looks: the kernel, and code that is cold. Timers
// that begin when their parts do wake it at as many moments as there are parts. Here one timer of the thread counts
// quarters of a second; a look that was begun amid a period comes early the first time.

/** Between two wakings, milliseconds; every period is a multiple. */
const BEAT_MS = 250;

interface Looking {
  readonly beats: number;
  readonly look: () => void;
}

/** Looks that one timer wakes for. */
export class Looks {
  readonly #lookings = new Set<Looking>();
  #timer: NodeJS.Timeout | undefined;
  #beats = 0;

  /** Looks again and again, and keeps nothing alive for that; what it returns ends it. */
  every(periodMs: 250 | 500 | 1000, look: () => void): () => void {
    const looking = { beats: periodMs / BEAT_MS, look };
    this.#lookings.add(looking);
    this.#timer ??= setInterval(() => this.#beat(), BEAT_MS).unref();
    return () => {
      this.#lookings.delete(looking);
      if (this.#lookings.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#beats = 0;
    };
  }

  #beat(): void {
    this.#beats++;
    for (const looking of [...this.#lookings]) {
      // One that was ended by a look before it looks no more.
      if (this.#beats % looking.beats === 0 && this.#lookings.has(looking)) looking.look();
    }
  }
}

const looks = new Looks();

/** As Looks.every(), by the timer of this thread. Not for what has to be on the millisecond. */
export const every: Looks['every'] = (periodMs, look) => looks.every(periodMs, look);
