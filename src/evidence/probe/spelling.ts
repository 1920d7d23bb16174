// Names and addresses that a rule covers, chosen by a seed: the same seed gives the same ones.
import type { Prefix } from '../../base/base.ts';
import type { ListedName, ProbeView } from './plan-facts.ts';

/** Longest name in presentation form without the final dot (RFC 1035 section 3.1). */
export const NAME_TEXT_MAX = 253;

/** As the rule has it, in mixed letters, or a name below. */
export type Spelling = 'plain' | 'mixed' | 'below';

/** The name that is asked for a rule, in one of the spellings that a client may choose. */
export const spell = (
  listed: ListedName,
  spelling: Spelling,
  view: ProbeView,
  random: () => number,
): string => {
  if (listed.match === 'wildcard') {
    const name = below(listed.name, view, random);
    return spelling === 'mixed' ? mixLetters(name, random) : name;
  }
  if (spelling === 'mixed') return mixLetters(listed.name, random);
  return spelling === 'below' && listed.match === 'suffix' ? below(listed.name, view, random) : listed.name;
};

/** A name below: one that nobody can have cached, or, at a server that may not refuse it, one that mostly exists. */
export const below = (name: string, view: ProbeView, random: () => number): string => {
  const label = view.kind === 'server' ? 'www' : `p${randomHex(random)}`;
  return name.length + label.length + 1 > NAME_TEXT_MAX ? name : `${label}.${name}`;
};

const randomHex = (random: () => number): string =>
  Math.floor(random() * 0x1_0000_0000)
    .toString(16)
    .padStart(8, '0');

const mixLetters = (name: string, random: () => number): string =>
  [...name].map((letter) => (random() < 0.5 ? letter : letter.toUpperCase())).join('');

/** The first address of a prefix, the last one, or any. */
export const addressIn = ({ words, bits }: Prefix, turn: number, random: () => number): Uint32Array =>
  Uint32Array.from(words, (word, index) => {
    const kept = Math.min(32, Math.max(0, bits - 32 * index));
    const free = kept === 32 ? 0 : 0xffff_ffff >>> kept;
    const filling = [0, 0xffff_ffff, Math.floor(random() * 0x1_0000_0000)][turn % 3] ?? 0;
    return (word | (filling & free)) >>> 0;
  });

/** Numbers from 0 to below 1 that follow from a seed (mulberry32). */
export const createRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
};
