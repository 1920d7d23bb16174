// The slots of questions in flight. Hot file: runs for each miss.
//
// Each in-flight query takes one of a fixed number of slots and counts for two sources: the first client and the zone. All
// memory is reserved at the start.
import { InFlightBySource } from './in-flight-by-source.ts';
import type { FairnessLimit } from './in-force.ts';
import { PLACES } from './places.ts';

/** Questions in flight where no limit is given. */
const INFLIGHT_MAX = 10_000;
/** Below this part of the slots no source is limited: bursts of a single client are normal then. */
export const SCARCE_PART = 0.5;
/** The only bucket of `ages`. */
export const MAY_GIVE_WAY = 0;

/** The slots of in-flight queries, and the sources that they count for. */
export class Slots<Pending extends { slot: number }> {
  taken = 0;
  readonly room: number;
  readonly clients: InFlightBySource;
  readonly zones: InFlightBySource;
  /** Queries that arrived after half of the slots were taken: only these can be evicted when no source dominates. */
  readonly ages: InFlightBySource;
  readonly #pendings: (Pending | undefined)[];
  readonly #free: Int32Array;

  /** What one client, and names below one zone, may have of them when they are scarce. */
  clientMax = 1;
  zoneMax = 1;

  /** There may be more slots than the limit allows, `size`, for questions from before it was lowered. */
  constructor(limit: FairnessLimit | undefined, size = limit?.inflightMax ?? INFLIGHT_MAX) {
    this.room = limit?.inflightMax ?? INFLIGHT_MAX;
    this.clients = new InFlightBySource(PLACES + 1, size);
    this.zones = new InFlightBySource(PLACES, size);
    this.ages = new InFlightBySource(1, size);
    this.#pendings = new Array<Pending | undefined>(size).fill(undefined);
    this.#free = new Int32Array(size);
    for (let i = 0; i < size; i++) this.#free[i] = size - 1 - i;
    this.#setShares(limit);
  }

  #setShares(limit: FairnessLimit | undefined): void {
    this.clientMax = Math.max(1, Math.floor(this.room * (limit?.share ?? 1)));
    this.zoneMax = Math.max(1, Math.floor(this.room * (limit?.zoneShare ?? 1)));
  }

  get isScarce(): boolean {
    return this.taken >= this.room * SCARCE_PART;
  }

  get isFull(): boolean {
    return this.taken >= this.room;
  }

  at(slot: number): Pending | undefined {
    return this.#pendings[slot];
  }

  /** Takes a slot, of which there is one. */
  take(pending: Pending, client: number, zone: number): number {
    const slot = this.#free[this.#pendings.length - 1 - this.taken] ?? 0;
    if (this.isScarce) this.ages.add(MAY_GIVE_WAY, slot);
    this.clients.add(client, slot);
    this.zones.add(zone, slot);
    this.taken++;
    this.#pendings[slot] = pending;
    return slot;
  }

  free(slot: number): void {
    this.clients.remove(slot);
    this.zones.remove(slot);
    this.ages.remove(slot);
    this.taken--;
    this.#free[this.#pendings.length - 1 - this.taken] = slot;
    this.#pendings[slot] = undefined;
  }

  /** The same questions within other bounds. Once per reload; where there is other room, the order of ages is lost. */
  within(limit: FairnessLimit | undefined): Slots<Pending> {
    const room = limit?.inflightMax ?? INFLIGHT_MAX;
    if (room === this.room) {
      this.#setShares(limit);
      return this;
    }
    const slots = new Slots<Pending>(limit, Math.max(room, this.taken));
    for (const [slot, pending] of this.#pendings.entries()) {
      if (pending === undefined) continue;
      pending.slot = slots.take(pending, this.clients.placeOf(slot), this.zones.placeOf(slot));
    }
    return slots;
  }
}
