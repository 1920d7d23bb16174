// Who is left out by many scopes together: a few witnesses that prove that they are no blanket, without merging them anew.
//
// Scopes are a blanket when they cover a whole family, every group, or every client that may ask. Each of these needs an
// address or a group that is named here and that none of them covers; as long as a further scope covers no witness either,
// all together are no blanket. A witness stands in the middle of a wide gap: grants that go up address by address meet it
// a few times only, and then others are looked for.
import { type AddressWords, matchesPrefix, type Prefix } from '../../base/base.ts';
import { askingOf, FAMILIES, mergePrefixes, type Network, prefixesOf, type Scope } from './scope.ts';

/** Addresses are kept with so many, those of IPv4 as well. */
const ADDRESS_BITS = 128;
/** A gap of so many addresses is wide enough: no wider one is looked for. */
const GAP_ENOUGH = 1n << 16n;

/** Somebody whom scopes leave out: clients of a group that none of them names, at this address where it has any. */
interface Witness {
  readonly group?: string;
  readonly address?: AddressWords;
}

/** Those whom scopes leave out. */
export interface LeftOut {
  /** True when a further scope leaves all of them out too; false also where scopes leave nobody out for certain. */
  isLeftOutBy(scope: Scope): boolean;
}

/** Looks for witnesses beside scopes. Merges all of them once. */
export const leftOutBy = (scopes: Iterable<Scope>, network: Network): LeftOut => {
  const all = [...scopes];
  const covered = mergePrefixes(all.flatMap((scope) => prefixesOf(scope, network))).map(toRange);
  const named = new Set(all.flatMap(({ groups }) => groups));
  const needed: (Witness | undefined)[] = [
    ofGroups(network, named, covered),
    ofPrefixes([ALL_IPV4], covered),
  ];
  for (const [, isOf] of FAMILIES) {
    const wanted = askingOf(network).filter(isOf);
    if (wanted.length > 0) needed.push(ofPrefixes(wanted, covered));
  }
  const found = needed.filter((witness) => witness !== undefined);
  const isWhole = found.length === needed.length;
  return {
    isLeftOutBy: (scope) => {
      const prefixes = prefixesOf(scope, network);
      const covers = ({ group, address }: Witness) =>
        (group !== undefined && scope.groups.includes(group)) ||
        (address !== undefined && prefixes.some(({ words, bits }) => matchesPrefix(address, words, bits)));
      return isWhole && !found.some(covers);
    },
  };
};

/** A group that is not covered; best one that has no prefixes, which only its name covers. */
const ofGroups = (
  { groups }: Network,
  named: ReadonlySet<string>,
  covered: readonly Range[],
): Witness | undefined => {
  const free = groups.filter(({ name }) => !named.has(name));
  const empty = free.find(({ clients }) => clients.length === 0);
  if (empty !== undefined) return { group: empty.name };
  let widest: { readonly group: string; readonly gap: Range } | undefined;
  for (const { name, clients } of free) {
    const gap = widestGap(clients, covered);
    if (gap === undefined || (widest !== undefined && lengthOf(gap) <= lengthOf(widest.gap))) continue;
    widest = { group: name, gap };
    if (lengthOf(gap) >= GAP_ENOUGH) break;
  }
  return widest && { group: widest.group, address: middleOf(widest.gap) };
};

const ofPrefixes = (wanted: readonly Prefix[], covered: readonly Range[]): Witness | undefined => {
  const gap = widestGap(wanted, covered);
  return gap && { address: middleOf(gap) };
};

/** Addresses from the first to the last, as numbers of 128 bits. */
type Range = readonly [first: bigint, last: bigint];

const lengthOf = ([first, last]: Range): bigint => last - first + 1n;

const middleOf = ([first, last]: Range): AddressWords => {
  const middle = (first + last) / 2n;
  return Uint32Array.from([96n, 64n, 32n, 0n], (shift) => Number((middle >> shift) & 0xffff_ffffn));
};

const toRange = ({ words, bits }: Prefix): Range => {
  let first = 0n;
  for (const word of words) first = (first << 32n) | BigInt(word);
  return [first, first + (1n << BigInt(ADDRESS_BITS - bits)) - 1n];
};

/** The widest run of addresses of some prefixes that ranges, which ascend, leave free; undefined: they leave none. */
const widestGap = (wanted: readonly Prefix[], covered: readonly Range[]): Range | undefined => {
  let widest: Range | undefined;
  const take = (first: bigint, last: bigint): void => {
    if (first <= last && (widest === undefined || last - first > widest[1] - widest[0]))
      widest = [first, last];
  };
  for (const prefix of wanted) {
    const [first, last] = toRange(prefix);
    let next = first;
    for (let at = firstEndingAt(covered, first); at < covered.length; at++) {
      const [start, end] = covered[at] ?? [last + 1n, last];
      if (start > last) break;
      take(next, start - 1n);
      next = end + 1n;
    }
    take(next, last);
    if (widest !== undefined && lengthOf(widest) >= GAP_ENOUGH) break;
  }
  return widest;
};

/** The first of ranges that does not end before an address. */
const firstEndingAt = (ranges: readonly Range[], address: bigint): number => {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.[1] ?? 0n) < address) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** 0.0.0.0/0, as prefixes are kept. */
const ALL_IPV4: Prefix = { words: Uint32Array.of(0, 0, 0xffff, 0), bits: 96 };
