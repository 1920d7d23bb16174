// Room for the young objects of a worker, which grows when many questions are in flight.
//
// Whenever the young generation is full, V8 copies what is alive in it, and what is alive a second time goes to the old
// one. A question in flight is alive: under many misses a small young generation fills the old one with questions that were
// answered meanwhile. Measured with 2 MB and with 16: 69 k and 82 k misses per CPU second, 308 and 251 MiB resident. Cached
// answers make no objects, and a start makes many that are soon of no use, so that each worker begins small
// (src/cli/main.ts). How it grows is a flag of the whole process; it is set for some seconds only, in which hardly any other
// thread fills its own.
import { setFlagsFromString } from 'node:v8';

/** Questions a second that are worth it: some 5 MB of objects. */
const BUSY_PER_SEC = 2_000;
/** Seconds in which it may grow; under full load one is enough to double it three times. */
const GROWING_SEC = 5;

/** The young generation of this thread. Whoever owns it calls tick() once a second. */
export class YoungGeneration {
  #asked = 0;
  #secondsLeft = GROWING_SEC;
  #isGrowing = false;

  /** Takes the number of questions so far; it may begin anew. */
  tick(asked: number): void {
    const perSec = asked - this.#asked;
    this.#asked = asked;
    const mayGrow = perSec >= BUSY_PER_SEC && this.#secondsLeft > 0;
    if (mayGrow) this.#secondsLeft--;
    // Each second anew, because another worker may have ended its own growing.
    if (mayGrow || this.#isGrowing) setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
    this.#isGrowing = mayGrow;
  }
}
