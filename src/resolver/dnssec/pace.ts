// Lets others in between: all validation of a thread together takes a bounded part of each turn of the event loop, and
// when more wants to be done than fits, those who are asked about take turns.
//
// A signature is verified on the loop that answers clients, so that what an attacker's zone costs is what everybody waits.
// With a bound for each turn, a cached answer waits 2 ms behind it whatever it costs; with turns by group, a zone with
// fifty costly questions a second delays its own and not those about other zones. Names can be registered without number:
// what a question has cost so far tells more than whose it is, and those that have cost little come first. Bounded by
// number for each group.
import { ownerOf } from './owner.ts';

/** Units (see work.ts) of validation in one turn, 2 ms; what begins below the bound is done to its next pause. */
const TURN_UNITS = 32;
/** Of so many turns that somebody gets one is for costly questions, whatever else waits: nobody waits for ever. */
const COSTLY_TURNS = 4;
/** Questions of one group that wait. At 2 ms each this is half a second; nobody's clients are helped by more. */
const GROUP_WAITING_MAX = 256;
/** Questions that wait in all. */
const WAITING_MAX = 4096;

/** Takes turns by group. */
export class Pace {
  #spent = 0;
  #isTurnOpen = false;
  #waiting = 0;
  #granted = 0;
  readonly #ordinary: Groups = new Map();
  readonly #costly: Groups = new Map();

  /** Counts units of this turn. */
  readonly spend = (units: number): void => {
    this.#spent += units;
    this.#open();
  };

  /**
   * Undefined: go on at once, and spend before any promise, or all of a batch find the turn unspent. Otherwise true when
   * it is the turn of the owner of a folded name, false at once when too many wait for it.
   */
  enter(name: Uint8Array, isCostly = false): Promise<boolean> | undefined {
    if (this.#waiting === 0 && this.#spent < TURN_UNITS) return undefined;
    const groups = isCostly ? this.#costly : this.#ordinary;
    const group = ownerOf(name);
    const queue = groups.get(group) ?? [];
    if (queue.length >= GROUP_WAITING_MAX || this.#waiting >= WAITING_MAX) return REFUSED;
    return new Promise((resolve) => {
      queue.push(resolve);
      groups.set(group, queue);
      this.#waiting++;
      this.#open();
    });
  }

  #open(): void {
    if (this.#isTurnOpen) return;
    this.#isTurnOpen = true;
    // After what the sockets have brought in, so that they come first in every turn.
    setImmediate(() => void this.#turn());
  }

  async #turn(): Promise<void> {
    this.#spent = 0;
    while (this.#waiting > 0 && this.#spent < TURN_UNITS) {
      const isCostlyFirst = this.#granted++ % COSTLY_TURNS === COSTLY_TURNS - 1;
      const [first, second] = isCostlyFirst ? [this.#costly, this.#ordinary] : [this.#ordinary, this.#costly];
      if (!this.#next(first)) this.#next(second);
      // The one that was let go runs to its next pause before this goes on.
      await Promise.resolve();
    }
    this.#isTurnOpen = false;
    if (this.#waiting > 0) this.#open();
  }

  /** Lets one of the first group go; false when nobody waits. */
  #next(groups: Groups): boolean {
    for (const [group, queue] of groups) {
      const resolve = queue.shift();
      groups.delete(group);
      if (queue.length > 0) groups.set(group, queue);
      if (resolve === undefined) continue;
      this.#waiting--;
      resolve(true);
      return true;
    }
    return false;
  }
}

/** Those who wait, in the order of their turns. */
type Groups = Map<string, ((isGranted: boolean) => void)[]>;

const REFUSED = Promise.resolve(false);
