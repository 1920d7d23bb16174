// Reads the mandates that the program can ask for: those within it, or those of a file (`--pack`).
import type { Pack, PackedList, Packs } from '../src/evidence/probe/proof-packs.ts';

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
