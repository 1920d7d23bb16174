// The mandates that the program can ask for, as its build writes them: names and what they rest on, and nothing of a resolver.
//
// Written by build.ts from lists/mandates and lists, with the readers of Cordon, so that the program asks for the names that
// Cordon refuses. An agency's own pack is a file of the same form (`--pack`).
import type { Certificate } from '../src/evidence/probe/proof-certificate.ts';

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

const MATCHES: readonly unknown[] = ['suffix', 'exact', 'wildcard'];
const NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/** Reads packs; throws TypeError for what has another form. */
export const readPacks = (text: string): Packs => {
  const packs = JSON.parse(text) as Packs;
  const isOfForm =
    isArrayOf(packs.mandates, isPack) &&
    isArrayOf(packs.lists, isList) &&
    packs.mandates.every(({ lists }) => lists.every((id) => packs.lists.some((list) => list.id === id)));
  if (!isOfForm) throw new TypeError('it has no packs of mandates with their lists');
  return packs;
};

const isArrayOf = <Item>(
  value: unknown,
  isItem: (item: Partial<Item>) => boolean,
): value is readonly Item[] =>
  Array.isArray(value) &&
  value.every((item) => typeof item === 'object' && item !== null && isItem(item as Item));

const isPack = (pack: Partial<Pack>): boolean =>
  [pack.id, pack.version, pack.title, pack.place, pack.standing, pack.sha256].every(isText) &&
  [pack.lists, pack.notHeld].every((texts) => Array.isArray(texts) && texts.every(isText));

const isList = ({ id, names, prefixes }: Partial<PackedList>): boolean =>
  isText(id) &&
  Number.isInteger(prefixes) &&
  Array.isArray(names) &&
  names.every((row) => Array.isArray(row) && NAME.test(String(row[0])) && MATCHES.includes(row[1]));

const isText = (value: unknown): boolean => typeof value === 'string';
