// Who has how many questions in flight, and which of them is the oldest. Hot file: runs for each miss.
//
// Members (slots of the waiting room) stand in the crowd of a place: a hash of a client's network, or of a zone. Two that
// fall together share, which costs them something only when there is little room. All memory is reserved at once; the
// greatest crowd and the oldest member of any are known at every moment, so that room is made in constant time.
//
//   place   count, oldest ⇄ … ⇄ newest           members in the order in which they came
//   rank    0 1 2 3 … : places with that count    the highest rank that has one is the greatest crowd

const NONE = -1;

/** The crowds of one kind. */
export class Crowds {
  /** Members of the greatest crowd. */
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

  /** Room for members 0 to `members` - 1 in places 0 to `places` - 1. */
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

  /** Members of a place. */
  countOf(place: number): number {
    return this.#counts[place] ?? 0;
  }

  /** The member of a place that came first, or -1. */
  oldestOf(place: number): number {
    return this.#oldest[place] ?? NONE;
  }

  /** The place with the most members, or -1 when there are none. */
  get greatest(): number {
    return this.max === 0 ? NONE : (this.#rankFirst[this.max] ?? NONE);
  }

  /** The place of a member, or -1. */
  placeOf(member: number): number {
    return this.#placeOf[member] ?? NONE;
  }

  /** Adds a member that is in no crowd. */
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

  /** Takes a member out of its crowd; does nothing when it is in none. */
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

  /** Moves a place from its rank to the one beside it. */
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
