// How many queries each source has in flight, and which is its oldest. Hot file: runs for each miss.
//
// A source is a client's network or a zone, and is known by a bucket, the hash of it. Two sources in one bucket share its
// limits, which matters only when slots are scarce. Members are slots of in-flight queries. All memory is reserved at the
// start. The heaviest source and the oldest member of each source are known at every moment, so eviction takes constant time.
//
//   bucket  count, oldest ⇄ … ⇄ newest            members in order of arrival
//   rank    0 1 2 3 … : buckets with that count    the highest rank with a bucket is the heaviest source

const NONE = -1;

/** In-flight queries by client, by zone, or by age. */
export class InFlightBySource {
  /** Members of the heaviest source. */
  max = 0;
  readonly #counts: Int32Array;
  readonly #oldest: Int32Array;
  readonly #newest: Int32Array;
  readonly #earlier: Int32Array;
  readonly #later: Int32Array;
  readonly #placeOf: Int32Array;
  readonly #rankFirst: Int32Array;
  readonly #rankEarlier: Int32Array;
  readonly #rankLater: Int32Array;

  /** Reserves memory for members 0 to `members` - 1 in buckets 0 to `places` - 1. */
  constructor(places: number, members: number) {
    this.#counts = new Int32Array(places);
    this.#oldest = new Int32Array(places).fill(NONE);
    this.#newest = new Int32Array(places).fill(NONE);
    this.#earlier = new Int32Array(members).fill(NONE);
    this.#later = new Int32Array(members).fill(NONE);
    this.#placeOf = new Int32Array(members).fill(NONE);
    this.#rankFirst = new Int32Array(members + 1).fill(NONE);
    this.#rankEarlier = new Int32Array(places).fill(NONE);
    this.#rankLater = new Int32Array(places).fill(NONE);
  }

  /** Members of a bucket. */
  countOf(place: number): number {
    return this.#counts[place] ?? 0;
  }

  /** The oldest member of a bucket, or -1. */
  oldestOf(place: number): number {
    return this.#oldest[place] ?? NONE;
  }

  /** The bucket with the most members, or -1 when there are none. */
  get greatest(): number {
    return this.max === 0 ? NONE : (this.#rankFirst[this.max] ?? NONE);
  }

  /** The bucket of a member, or -1. */
  placeOf(member: number): number {
    return this.#placeOf[member] ?? NONE;
  }

  /** Adds a member that is in no bucket. */
  add(place: number, member: number): void {
    const newest = this.#newest[place] ?? NONE;
    this.#placeOf[member] = place;
    this.#earlier[member] = newest;
    this.#later[member] = NONE;
    if (newest === NONE) this.#oldest[place] = member;
    else this.#later[newest] = member;
    this.#newest[place] = member;
    this.#setCount(place, this.countOf(place) + 1);
  }

  /** Removes a member from its bucket; does nothing when it is in none. */
  remove(member: number): void {
    const place = this.placeOf(member);
    if (place === NONE) return;
    const earlier = this.#earlier[member] ?? NONE;
    const later = this.#later[member] ?? NONE;
    if (earlier === NONE) this.#oldest[place] = later;
    else this.#later[earlier] = later;
    if (later === NONE) this.#newest[place] = earlier;
    else this.#earlier[later] = earlier;
    this.#placeOf[member] = NONE;
    this.#setCount(place, this.countOf(place) - 1);
  }

  /** Moves a bucket to the rank beside its own. */
  #setCount(place: number, count: number): void {
    const before = this.countOf(place);
    if (before > 0) {
      const earlier = this.#rankEarlier[place] ?? NONE;
      const later = this.#rankLater[place] ?? NONE;
      if (earlier === NONE) this.#rankFirst[before] = later;
      else this.#rankLater[earlier] = later;
      if (later !== NONE) this.#rankEarlier[later] = earlier;
    }
    this.#counts[place] = count;
    if (count > 0) {
      const first = this.#rankFirst[count] ?? NONE;
      this.#rankEarlier[place] = NONE;
      this.#rankLater[place] = first;
      if (first !== NONE) this.#rankEarlier[first] = place;
      this.#rankFirst[count] = place;
    }
    // A count changes by one, so that the rank below has somebody when the highest is left.
    if (count > this.max) this.max = count;
    else if (before === this.max && this.#rankFirst[before] === NONE) this.max = count;
  }
}
