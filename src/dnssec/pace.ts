// Lets others in between: all validation of a thread together takes a bounded part of each turn of the event loop, and
// when more wants to be done than fits, those who are asked about take turns.
//
// A signature is verified on the loop that answers clients, so that what an attacker's zone costs is what everybody waits.
// With a bound for each turn, a cached answer waits 2 ms behind it whatever it costs; with turns by group, a zone with
// fifty costly questions a second delays its own and not those about other zones. Bounded by number for each group.
import { countLabels, isInZone, labelOffset, nameText } from '../dns/dns.ts';

/** Units (see work.ts) of validation in one turn, 2 ms; what begins below the bound is done to its next pause. */
const TURN_UNITS = 32;
/** Questions of one group that wait. At 2 ms each this is half a second; nobody's clients are helped by more. */
const GROUP_WAITING_MAX = 256;
/** Questions that wait in all. */
const WAITING_MAX = 4096;

/** Takes turns by group. */
export class Pace {
  #spent = 0;
  #isTurnOpen = false;
  #waiting = 0;
  /** In the order of their turns. */
  readonly #groups = new Map<string, ((isGranted: boolean) => void)[]>();

  /** Counts units of this turn. */
  readonly spend = (units: number): void => {
    this.#spent += units;
    this.#open();
  };

  /**
   * Undefined: go on at once, and spend before any promise, or all of a batch find the turn unspent. Otherwise true when
   * it is the group's turn, false at once when too many wait for it.
   */
  enter(group: string): Promise<boolean> | undefined {
    if (this.#waiting === 0 && this.#spent < TURN_UNITS) return undefined;
    const queue = this.#groups.get(group) ?? [];
    if (queue.length >= GROUP_WAITING_MAX || this.#waiting >= WAITING_MAX) return REFUSED;
    return new Promise((resolve) => {
      queue.push(resolve);
      this.#groups.set(group, queue);
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
      this.#next();
      // The one that was let go runs to its next pause before this goes on.
      await Promise.resolve();
    }
    this.#isTurnOpen = false;
    if (this.#waiting > 0) this.#open();
  }

  #next(): void {
    for (const [group, queue] of this.#groups) {
      const resolve = queue.shift();
      this.#groups.delete(group);
      if (queue.length > 0) this.#groups.set(group, queue);
      if (resolve === undefined) continue;
      this.#waiting--;
      resolve(true);
      return;
    }
  }
}

const REFUSED = Promise.resolve(false);

/** Labels of a group as a rule, below a short second label, and of addresses. */
const GROUP_LABELS = 2;
const GROUP_LABELS_SHORT = 3;
const GROUP_LABELS_ARPA = 6;
/** `com`, `gov`, `ac`: where a country has its own kinds of domains, these are not yet somebody's. */
const SHORT_LABEL_BYTES = 3;
const ARPA = Buffer.from('\x04arpa\0', 'latin1');

/**
 * Whose name a folded wire name is, as text: about what was registered. Zones below one another may be of one owner in any
 * number, so that a zone of its own gets nobody more turns.
 */
export const groupOf = (name: Uint8Array): string => {
  const labels = countLabels(name);
  const second = labelOffset(name, labels - GROUP_LABELS);
  let kept = (name[second] ?? 0) <= SHORT_LABEL_BYTES ? GROUP_LABELS_SHORT : GROUP_LABELS;
  if (isInZone(name, ARPA)) kept = GROUP_LABELS_ARPA;
  return nameText(name, labelOffset(name, labels - kept));
};
