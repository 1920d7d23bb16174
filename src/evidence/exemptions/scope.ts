// Whom an exemption covers, and when that is too many.
//
// A blanket exemption is one that covers everybody, however it is worded: by 0.0.0.0/0, by many prefixes that together
// are all of the network, by all groups, or by several exemptions of which each looks narrow. Prefixes are merged
// until none can be, so that what a set covers is seen whatever its pieces are.
import {
  formatPrefix,
  isIpv4,
  MAPPED_BITS,
  matchesPrefix,
  type Prefix,
  PrefixTable,
  parsePrefix,
} from '../../base/base.ts';

/** Clients and groups of the configuration in force. */
export interface Network {
  /** The first holds every client that no other group names. */
  readonly groups: readonly { readonly name: string; readonly clients: readonly Prefix[] }[];
  /** Who may ask at all. */
  readonly allow: readonly Prefix[];
  /** Ids of all lists. */
  readonly lists: readonly string[];
}

/** Whom an exemption names. */
export interface Scope {
  readonly groups: readonly string[];
  /** Prefixes. */
  readonly clients: readonly string[];
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** Prefixes of their texts; what is none is left out. */
export const toPrefixes = (texts: readonly string[]): Prefix[] =>
  texts.map(parsePrefix).filter((prefix) => prefix !== undefined);

/** True when the first prefix holds all addresses of the second. */
const holds = (outer: Prefix, inner: Prefix): boolean =>
  outer.bits <= inner.bits && matchesPrefix(inner.words, outer.words, outer.bits);

/** The fewest prefixes that cover the same addresses. */
export const mergePrefixes = (prefixes: readonly Prefix[]): Prefix[] => {
  const merged: Prefix[] = [];
  for (const prefix of [...prefixes].sort(byAddress)) {
    let next = prefix;
    for (let last = merged.at(-1); last !== undefined; last = merged.at(-1)) {
      if (holds(last, next)) break;
      const parent = parentOf(next);
      // Both halves of their parent are there, since the first one ends where the second begins.
      if (last.bits !== next.bits || !holds(parent, last)) break;
      merged.pop();
      next = parent;
    }
    const last = merged.at(-1);
    if (last === undefined || !holds(last, next)) merged.push(next);
  }
  return merged;
};

/** True when every address of `wanted` is in one of the prefixes, which were merged: at most one holds an address. */
const coversAll = (merged: PrefixTable, wanted: readonly Prefix[]): boolean =>
  wanted.every(({ words, bits }) => {
    const row = merged.find(words);
    return row >= 0 && merged.bits(row) <= bits;
  });

const byAddress = (a: Prefix, b: Prefix): number => {
  for (let i = 0; i < 4; i++) {
    const difference = (a.words[i] ?? 0) - (b.words[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.bits - b.bits;
};

/** The prefix that is one bit shorter; the whole of it for a length of 0. */
const parentOf = ({ words, bits }: Prefix): Prefix => {
  if (bits === 0) return { words, bits };
  const parent = Uint32Array.from(words);
  const word = (bits - 1) >>> 5;
  parent[word] = (parent[word] ?? 0) & ~(0x80000000 >>> ((bits - 1) & 31));
  return { words: parent, bits: bits - 1 };
};

const isIpv4Prefix = ({ words, bits }: Prefix): boolean => isIpv4(words) && bits >= MAPPED_BITS;

/** Prefixes of a scope that are shorter than the profile allows, each as its text, of its own clients and its groups'. */
export const findWide = (
  prefixes: readonly Prefix[],
  lengths: { readonly ipv4: number; readonly ipv6: number },
): string[] =>
  prefixes
    .filter((prefix) =>
      isIpv4Prefix(prefix) ? prefix.bits - MAPPED_BITS < lengths.ipv4 : prefix.bits < lengths.ipv6,
    )
    .map(formatPrefix);

/** All prefixes of a scope: its own and those of its groups. The default group counts as everybody. */
export const prefixesOf = (scope: Scope, network: Network): Prefix[] => {
  const [fallback] = network.groups;
  return [
    ...toPrefixes(scope.clients),
    ...network.groups
      .filter(({ name }) => scope.groups.includes(name))
      .flatMap((group) =>
        group === fallback && network.groups.length === 1 ? network.allow : group.clients,
      ),
  ];
};

/** In words, why scopes together are everybody; undefined when they are not. */
export const blanketReason = (scopes: readonly Scope[], network: Network): string | undefined => {
  const merged = mergePrefixes(scopes.flatMap((scope) => prefixesOf(scope, network)));
  if (merged.some(({ words, bits }) => bits === 0 || (isIpv4(words) && bits === MAPPED_BITS))) {
    return 'covers every address of a family';
  }
  const table = PrefixTable.build(merged.map((prefix) => ({ prefix, value: 0 })));
  const named = new Set(scopes.flatMap(({ groups }) => groups));
  const isCovered = ({ name, clients }: Network['groups'][number]): boolean =>
    named.has(name) || (clients.length > 0 && coversAll(table, clients));
  if (network.groups.every(isCovered)) {
    return network.groups.length === 1
      ? 'covers the group of all clients'
      : 'covers every group of the configuration';
  }
  const asking = askingOf(network);
  for (const [family, isOf] of FAMILIES) {
    const wanted = asking.filter(isOf);
    if (wanted.length > 0 && coversAll(table, wanted)) {
      return `covers every ${family} client that may ask (access.allow)`;
    }
  }
  return undefined;
};

/** Who may ask, without this machine itself where others may. */
export const askingOf = ({ allow }: Network): readonly Prefix[] => {
  const loopback = toPrefixes(LOOPBACK);
  const others = allow.filter((prefix) => !loopback.some((outer) => holds(outer, prefix)));
  return others.length > 0 ? others : allow;
};

/** Each with what its prefixes are told by. */
export const FAMILIES = [
  ['IPv4', isIpv4Prefix],
  ['IPv6', (prefix: Prefix) => !isIpv4Prefix(prefix)],
] as const;
