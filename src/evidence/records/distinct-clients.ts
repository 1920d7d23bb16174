// How many distinct clients asked for covered names, by UTC day and group, and over all groups.
//
// A client that asked once and one that asked a thousand times count the same. What is kept are registers of
// HyperLogLog; those that rose go into the chain with each commit, so that a crash loses none that was acknowledged.
import type { RisenRegisters } from './chain.ts';
import { Sketch } from './sketch.ts';

/** The estimate over all groups. */
export const ALL_GROUPS = '*';
/** Groups that have an estimate of their own, 4 KiB each; clients of others count over all groups only. */
const GROUPS_MAX = 256;
/** Today, and yesterday for events that arrive after midnight. */
const DAYS_MAX = 2;

/** The estimate of one day and group. */
export interface DistinctCount {
  readonly day: string;
  readonly group: string;
  readonly clients: number;
}

/** The estimates that are being made. */
export class DistinctClients {
  /** By day, then by group. */
  readonly #days = new Map<string, Map<string, Sketch>>();

  /** The estimate of a day and group; undefined for a group beyond GROUPS_MAX. */
  sketch(day: string, group: string): Sketch | undefined {
    const groups = this.#groupsOf(day);
    const known = groups.get(group);
    if (known !== undefined || (groups.size > GROUPS_MAX && group !== ALL_GROUPS)) return known;
    const sketch = new Sketch();
    groups.set(group, sketch);
    return sketch;
  }

  /** Goes on from what a partition holds. */
  restore(day: string, group: string, registers: Uint8Array): void {
    this.sketch(day, group)?.merge(registers);
  }

  /** Begins anew: a partition holds estimates of its own, which readers merge. */
  reset(): void {
    this.#days.clear();
  }

  /** What rose since the last call. */
  takeRisen(): RisenRegisters[] {
    const risen: RisenRegisters[] = [];
    for (const [day, groups] of this.#days) {
      for (const [group, sketch] of groups) {
        if (sketch.hasRisen) risen.push({ day, group, text: sketch.takeRisen() });
      }
    }
    return risen;
  }

  /** The estimates of the latest day. */
  counts(): DistinctCount[] {
    const day = [...this.#days.keys()].sort().at(-1);
    if (day === undefined) return [];
    return [...this.#groupsOf(day)].map(([group, sketch]) => ({ day, group, clients: sketch.estimate() }));
  }

  #groupsOf(day: string): Map<string, Sketch> {
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    const groups = new Map<string, Sketch>();
    this.#days.set(day, groups);
    for (const [other, sketches] of this.#days) {
      if (this.#days.size <= DAYS_MAX) break;
      // What rose and is not yet written goes with the next commit.
      const isWritten = [...sketches.values()].every((sketch) => !sketch.hasRisen);
      if (other !== day && isWritten) this.#days.delete(other);
    }
    return groups;
  }
}
