// Exemptions: for some clients, some names and a time, lists do not count. Hot file.
//
// Asked only when a list refuses, so that a client that is refused nothing pays nothing. An exemption takes a list out of
// the judging of one question with all that its answer leads to; other lists still decide, also those that go after
// it. It begins and ends by the clock that is passed in, to the millisecond; only its hours of the week are looked at
// by setTime(). Who may grant one, and for how long, is no matter of this file: it takes what the register says.
//
// A client belongs to a few sets of exemptions (its group, the prefixes that it lies in), a name to a few others (it and
// the names above it, and all names). The exemption is the first that both have and that is valid for the list now;
// what is valid is kept as bits and made anew when an exemption begins or ends.
import type { AddressWords, Clock, PrefixTable } from '../base/base.ts';
import { ALL_NAMES, type ExemptionIndex, findNameSet, type OpenIndex, openIndex } from './exemption-index.ts';
import { bitWords, MemberSets } from './member-sets.ts';
import { findLabels, HASH_START, hashLabel, labelStarts, mix } from './name-hash.ts';
import { isInForce } from './schedule.ts';
import type { PolicyList } from './verdict.ts';

/** Sets of one client: its group, and prefixes of each length that it can lie in. */
const CLIENT_SETS_MAX = 130;

/** The exemptions of one policy, ready to be asked. They are known by their index in the order in which they came. */
export class ExemptionTable {
  /** True when setTime() changes anything. */
  readonly isScheduled: boolean;
  readonly #index: ExemptionIndex;
  readonly #open: OpenIndex;
  readonly #prefixes: PrefixTable;
  readonly #sets: MemberSets;
  readonly #clock: Clock;
  /** By group: the set of exemptions that name it; -1: none does. */
  readonly #ofGroup: Int32Array;
  /** By exemption: the lists that do not count. */
  readonly #lists: Uint32Array;
  /** By exemption: 1 while its schedule, if it has one, says so. */
  readonly #isOn: Uint8Array;
  /** By list: bits of the exemptions that take it out, from #validFromMs until #validUntilMs. */
  readonly #valid: readonly Uint32Array[];
  #validFromMs = Number.POSITIVE_INFINITY;
  #validUntilMs = Number.NEGATIVE_INFINITY;
  readonly #clientSets = new Int32Array(CLIENT_SETS_MAX);

  /** Once per policy and per change of exemptions. @cold */
  constructor(
    index: ExemptionIndex,
    lists: readonly PolicyList[],
    groups: readonly { readonly name: string }[],
    clock: Clock,
  ) {
    const open = openIndex(index.bytes);
    this.#index = index;
    this.#open = open;
    this.#prefixes = open.prefixes;
    this.#sets = new MemberSets(open.sets, open.count);
    this.#clock = clock;
    this.isScheduled = index.schedules.length > 0;
    const sets = new Map(index.groups.map((name, at) => [name, ALL_NAMES + 1 + at]));
    this.#ofGroup = Int32Array.from(groups, ({ name }) => sets.get(name) ?? -1);
    const masks = index.lists.map((ids) => maskOf(ids, lists));
    this.#lists = Uint32Array.from(
      { length: open.count },
      (_, at) => masks[open.facts[2 * at + 1] ?? 0] ?? 0,
    );
    this.#isOn = new Uint8Array(open.count).fill(1);
    this.#valid = lists.map(() => new Uint32Array(bitWords(open.count)));
    this.setTime(clock());
  }

  /** Puts in force what the schedules say for a time. Once per second. */
  setTime(nowMs: number): void {
    let hasChanged = false;
    for (const { index, schedule } of this.#index.schedules) {
      const isOn = isInForce(schedule, nowMs) ? 1 : 0;
      if (this.#isOn[index] === isOn) continue;
      this.#isOn[index] = isOn;
      hasChanged = true;
    }
    if (hasChanged) this.#validUntilMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * Index of the first exemption that takes a list out of the judging of a question, now; -1 when there is none. The
   * QNAME is folded and stands in the first `length` bytes.
   */
  find(list: number, client: AddressWords, group: number, qname: Uint8Array, length: number): number {
    const clientSets = this.#collectClientSets(client, group);
    const nowMs = this.#clock();
    if (nowMs < this.#validFromMs || nowMs >= this.#validUntilMs) this.#lookAtTime(nowMs);
    const valid = this.#valid[list];
    if (clientSets === 0 || valid === undefined) return -1;
    const { slots, names, count } = this.#open;
    let first = this.#firstOf(ALL_NAMES, clientSets, valid, count);
    let hash = HASH_START;
    for (let i = findLabels(qname, 0, length) - 1; i >= 0; i--) {
      const start = labelStarts[i] ?? 0;
      hash = hashLabel(hash, qname, start);
      const set = findNameSet(slots, names, mix(hash), qname, start, length - start);
      if (set >= 0) first = this.#firstOf(set, clientSets, valid, first);
    }
    return first === count ? -1 : first;
  }

  /** The number of the exemption in the register. */
  numberOf(index: number): number {
    return this.#open.facts[2 * index] ?? 0;
  }

  /** When the exemption ends, milliseconds since the epoch. */
  untilMsOf(index: number): number {
    return this.#open.times[2 * index + 1] ?? 0;
  }

  #collectClientSets(client: AddressWords, group: number): number {
    let count = 0;
    const ofGroup = this.#ofGroup[group] ?? -1;
    if (ofGroup >= 0) this.#clientSets[count++] = ofGroup;
    const prefixes = this.#prefixes;
    for (let row = prefixes.find(client); row >= 0 && count < CLIENT_SETS_MAX; row = prefixes.next(row)) {
      this.#clientSets[count++] = prefixes.value(row);
    }
    return count;
  }

  /** The first exemption below `limit` that is in a set of names and in one of the client's; `limit`: none. */
  #firstOf(set: number, clientSets: number, valid: Uint32Array, limit: number): number {
    let first = limit;
    for (let i = 0; i < clientSets; i++) {
      first = this.#sets.firstCommon(set, this.#clientSets[i] ?? 0, valid, first);
    }
    return first;
  }

  /** Notes what is valid at a time and for how long that holds. Once per beginning and end of an exemption. */
  #lookAtTime(nowMs: number): void {
    for (const bits of this.#valid) bits.fill(0);
    let sinceMs = Number.NEGATIVE_INFINITY;
    let untilMs = Number.POSITIVE_INFINITY;
    const { times, count } = this.#open;
    for (let index = 0; index < count; index++) {
      const fromMs = times[2 * index] ?? 0;
      const endMs = times[2 * index + 1] ?? 0;
      if (fromMs <= nowMs) sinceMs = Math.max(sinceMs, fromMs);
      else untilMs = Math.min(untilMs, fromMs);
      if (endMs <= nowMs) sinceMs = Math.max(sinceMs, endMs);
      else untilMs = Math.min(untilMs, endMs);
      if (nowMs < fromMs || nowMs >= endMs || this.#isOn[index] === 0) continue;
      const lists = this.#lists[index] ?? 0;
      for (let list = 0; list < this.#valid.length; list++) {
        const bits = this.#valid[list];
        if ((lists & (1 << list)) !== 0 && bits !== undefined) {
          bits[index >>> 5] = (bits[index >>> 5] ?? 0) | (1 << (index & 31));
        }
      }
    }
    this.#validFromMs = sinceMs;
    this.#validUntilMs = untilMs;
  }
}

/** Once per change. @cold */
const maskOf = (ids: readonly string[] | undefined, lists: readonly PolicyList[]): number =>
  lists.reduce((mask, { id }, bit) => (ids?.includes(id) === false ? mask : mask | (1 << bit)), 0);
