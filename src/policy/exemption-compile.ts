// Compiles exemptions into an index: once per change, by the main thread, for all workers.
//
// A government with ten thousand papers of a hundred names each has a million names: they are numbered by a hash table
// over their bytes, and never become strings.
import { AppError, type Prefix, type PrefixEntry, PrefixTable } from '../base/base.ts';
import { writeU32 } from '../wire/dns/dns.ts';
import {
  ALL_NAMES,
  type ExemptionIndex,
  findNameSet,
  formatExemption,
  HEADER_WORDS,
  layOut,
  NAME_HEAD,
  openIndex,
  type SharedExemption,
} from './exemption-index.ts';
import { measureSets, SetFiller } from './member-sets.ts';
import { hashName } from './name-hash.ts';

/**
 * Exemptions at one time: each is a paper that people wrote and review. A query costs the same with none and with this
 * many; their index takes 5 MB when each has ten names, and making it two tenths of a second.
 */
export const EXEMPTIONS_MAX = 10_000;
/** Groups, prefixes and names of one exemption together: a scope that nobody can read is none. */
const EXEMPTION_SCOPE_MAX = 300;
/** The wire form of the root is one byte. */
const ROOT_LENGTH = 1;
/** Slots of the table of names; at least one stays empty, where a look-up ends. */
const SLOTS_MIN = 16;

/** Throws ERR_POLICY_SIZE when there are more exemptions, or scopes are wider, than may be in force. */
const checkExemptions = (exemptions: readonly SharedExemption[]): void => {
  if (exemptions.length > EXEMPTIONS_MAX) throw tooMany(`more than ${EXEMPTIONS_MAX} exemptions`);
  for (const { number, groups, clients, names = [] } of exemptions) {
    if (groups.length + clients.length + names.length > EXEMPTION_SCOPE_MAX) {
      throw tooMany(
        `${formatExemption(number)} has more than ${EXEMPTION_SCOPE_MAX} groups, clients and names`,
      );
    }
  }
};

const tooMany = (what: string): AppError =>
  new AppError('ERR_POLICY_SIZE', `putting exemptions in force: ${what}`, {
    hint: 'Revoke exemptions that are not needed, or word one more simply.',
  });

/** Compiles exemptions; their order is kept. Throws ERR_POLICY_SIZE when there are too many. */
export const compileExemptions = (exemptions: readonly SharedExemption[]): ExemptionIndex => {
  checkExemptions(exemptions);
  const lists: (readonly string[] | undefined)[] = [];
  const knownLists = new Map<string, number>();
  const listsOf = exemptions.map(({ lists: ids }) => {
    const key = ids === undefined ? '' : JSON.stringify([...ids].sort());
    const known = knownLists.get(key) ?? lists.push(ids) - 1;
    knownLists.set(key, known);
    return known;
  });
  const groups = [...new Set(exemptions.flatMap((exemption) => exemption.groups))];
  const groupSets = new Map(groups.map((name, index) => [name, ALL_NAMES + 1 + index]));
  const prefixes = new DistinctPrefixes(ALL_NAMES + 1 + groups.length);
  for (const { clients } of exemptions) for (const prefix of clients) prefixes.setOf(prefix);
  const names = new DistinctNames(prefixes.nextSet, exemptions);
  const pairs = new Pairs(names.nextSet);
  for (const [index, exemption] of exemptions.entries()) {
    if (isForAllNames(exemption)) pairs.add(ALL_NAMES, index);
    for (const name of exemption.groups) pairs.add(groupSets.get(name) ?? ALL_NAMES, index);
    for (const prefix of exemption.clients) pairs.add(prefixes.setOf(prefix), index);
    for (const name of exemption.names ?? []) pairs.add(names.setOf(name), index);
  }
  const sizes = pairs.sizes();
  const { lists: members, bits } = measureSets(sizes, exemptions.length);
  const header = Uint32Array.of(
    exemptions.length,
    prefixes.entries.length,
    names.slots.length,
    sizes.length,
    bits,
    members,
    names.bytes.length,
  );
  const bytes = new SharedArrayBuffer(layOut(header).end);
  new Uint32Array(bytes, 0, HEADER_WORDS).set(header);
  const open = openIndex(bytes);
  for (const [index, { fromMs, untilMs, number }] of exemptions.entries()) {
    open.times.set([fromMs, untilMs], 2 * index);
    open.facts.set([number, listsOf[index] ?? 0], 2 * index);
  }
  PrefixTable.build(prefixes.entries, open.prefixes.rows);
  open.slots.set(names.slots);
  open.names.set(names.bytes);
  const filler = new SetFiller(open.sets, sizes, exemptions.length);
  pairs.each((set, member) => filler.add(set, member));
  const schedules = exemptions.flatMap(({ schedule }, index) =>
    schedule === undefined ? [] : [{ index, schedule }],
  );
  return { count: exemptions.length, bytes, lists, groups, schedules };
};

/** Every name is at or below the root. */
const isForAllNames = ({ names }: SharedExemption): boolean =>
  names === undefined || names.some(({ length }) => length === ROOT_LENGTH);

/** Which set has which exemption, in the order of the exemptions. */
class Pairs {
  readonly #setCount: number;
  readonly #sets: number[] = [];
  readonly #members: number[] = [];

  constructor(setCount: number) {
    this.#setCount = setCount;
  }

  add(set: number, member: number): void {
    this.#sets.push(set);
    this.#members.push(member);
  }

  /** How many members each set has. */
  sizes(): Uint32Array {
    const sizes = new Uint32Array(this.#setCount);
    this.each((set) => {
      sizes[set] = (sizes[set] ?? 0) + 1;
    });
    return sizes;
  }

  /** Every pair, one that was added twice once. */
  each(take: (set: number, member: number) => void): void {
    const last = new Int32Array(this.#setCount).fill(-1);
    for (let at = 0; at < this.#sets.length; at++) {
      const set = this.#sets[at] ?? 0;
      const member = this.#members[at] ?? 0;
      if (last[set] === member) continue;
      last[set] = member;
      take(set, member);
    }
  }
}

/** Gives each different prefix a set. */
class DistinctPrefixes {
  readonly entries: PrefixEntry[] = [];
  nextSet: number;
  readonly #sets = new Map<string, number>();

  constructor(firstSet: number) {
    this.nextSet = firstSet;
  }

  setOf(prefix: Prefix): number {
    const key = `${prefix.words.join(' ')}/${prefix.bits}`;
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    const value = this.nextSet++;
    this.#sets.set(key, value);
    this.entries.push({ prefix, value });
    return value;
  }
}

/** Gives each different name a set, in the table that look-ups use. */
class DistinctNames {
  readonly slots: Uint32Array;
  nextSet: number;
  /** Room for all names, were they different. */
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(firstSet: number, exemptions: readonly SharedExemption[]) {
    this.nextSet = firstSet;
    let count = 0;
    let bytes = 0;
    for (const { names = [] } of exemptions) {
      count += names.length;
      for (const name of names) bytes += NAME_HEAD + name.length;
    }
    this.slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(SLOTS_MIN, 2 * count + 1))));
    this.#bytes = new Uint8Array(bytes);
    for (const { names = [] } of exemptions) for (const name of names) this.#add(name);
  }

  /** The records of all names. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  setOf(name: Uint8Array): number {
    return findNameSet(this.slots, this.#bytes, hashName(name), name, 0, name.length);
  }

  #add(name: Uint8Array): void {
    if (this.setOf(name) >= 0) return;
    const mask = this.slots.length - 1;
    let slot = hashName(name) & mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
    this.slots[slot] = this.#length + 1;
    writeU32(this.#bytes, this.#length, this.nextSet++);
    this.#bytes[this.#length + NAME_HEAD - 1] = name.length;
    this.#bytes.set(name, this.#length + NAME_HEAD);
    this.#length += NAME_HEAD + name.length;
  }
}
