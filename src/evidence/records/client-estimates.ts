// Estimates of distinct clients of one day, for each group and for all, beside the records that they are of. Hot file.
import { DAY_MS } from '../../base/base.ts';
import { ALL_GROUPS, DistinctClients } from './distinct-clients.ts';
import { dayOf } from './partition.ts';
import type { Shape } from './query-shapes.ts';
import type { Sketch } from './sketch.ts';

/** The estimates of one encoder. */
export class ClientEstimates {
  readonly distinct = new DistinctClients();
  #day = -1;
  #allGroups: Sketch | undefined;
  /** Counts days: an entry keeps its sketch for one of them. */
  #era = 0;

  /** Counts a client at its place in the sketches. */
  count(shape: Shape, timeMs: number, place: number): void {
    const day = Math.floor(timeMs / DAY_MS);
    if (day !== this.#day) {
      this.#day = day;
      this.#era++;
      this.#allGroups = this.distinct.sketch(dayOf(timeMs), ALL_GROUPS);
    }
    if (shape.era !== this.#era) {
      shape.era = this.#era;
      shape.sketch = this.distinct.sketch(dayOf(timeMs), shape.group);
    }
    shape.sketch?.add(place);
    this.#allGroups?.add(place);
  }

  /** Begins anew: the partition is another. */
  reset(): void {
    this.distinct.reset();
    this.#day = -1;
  }
}
