// The mandates that cordon-proof can ask for: names and what they rest on, and nothing of a resolver.
//
// Written from the packs and lists of a configuration with the readers of Cordon, so that the program asks for the names that Cordon
// refuses: those that ship are within it, those of an agency are a file (`--pack`).
import type { ReadMandate } from '../../config/config.ts';
import type { ProbeLists } from './lists.ts';
import type { Certificate } from './proof-certificate.ts';

/** A name that is prohibited: `name`, and whether what stands below it is, too. */
export type PackedName = readonly [name: string, match: 'suffix' | 'exact' | 'wildcard'];

/** A list of names. */
export interface PackedList {
  readonly id: string;
  readonly names: readonly PackedName[];
  /** Addresses that the list prohibits, which a resolver of somebody else's cannot be asked for. */
  readonly prefixes: number;
}

/** A mandate, as a certificate tells of it. */
export type Pack = Certificate['mandate'];

/** What the program knows. */
export interface Packs {
  /** Of the program that built it. */
  readonly version: string;
  readonly mandates: readonly Pack[];
  readonly lists: readonly PackedList[];
}

/** Names that keep browsers on the network's resolver when they are denied. */
export const CANARY_LIST = 'canary';
/** Names of resolvers of others, over which a client goes past the network's. */
export const BYPASS_LISTS: readonly string[] = ['encrypted-resolvers', 'private-relay'];

/** A mandate with those of its lists that are there. */
export const toPack = (
  { mandate, sha256 }: ReadMandate,
  wanted: readonly string[],
  there: ReadonlySet<string>,
): Pack => {
  const { id, version, title, place, standing, products } = mandate;
  return {
    ...{ id, version, title: title.en, place, standing: standing.value, sha256 },
    lists: wanted.filter((list) => there.has(list)),
    notHeld: [
      ...wanted.filter((list) => !there.has(list)).map((list) => `${list}: the list is not here`),
      ...products.flatMap(({ name, lists, notHeld }) => [
        ...(lists.length === 0 ? [`${name}: no list ships for it`] : []),
        ...(notHeld === undefined ? [] : [`${name}: ${notHeld}`]),
      ]),
    ],
  };
};

/** Lists that were read as the self-probe reads them. */
export const toPackedLists = ({ lists, names }: ProbeLists): PackedList[] =>
  lists.map(({ id, prefixes }, index) => ({
    id,
    names: names.filter(({ list }) => list === index).map(({ name, match }) => [name, match] as const),
    prefixes,
  }));
