// Rules as lists state them: a trigger (a name or an address prefix) of one list at one line.
//
// Rules are streamed into a RuleSink instead of being collected: a list of a million names never exists as a
// million objects. Names arrive in wire form with letters folded.
import type { Prefix } from '../base/base.ts';

/** How a name trigger matches. Bits, so that one table row can hold several. */
export const MATCH = {
  /** The name and everything below it. */
  SUFFIX: 1,
  /** The name only. */
  EXACT: 2,
  /** Everything below the name, not the name itself (`*.example.com`). */
  WILDCARD: 4,
  /** An address inside a prefix. */
  PREFIX: 8,
} as const;

/** One of the values of MATCH. */
export type Match = (typeof MATCH)[keyof typeof MATCH];

/** The word of each match kind, as lists, metrics and explain write it. */
export const MATCH_NAMES: Readonly<Record<Match, string>> = {
  [MATCH.SUFFIX]: 'suffix',
  [MATCH.EXACT]: 'exact',
  [MATCH.WILDCARD]: 'wildcard',
  [MATCH.PREFIX]: 'prefix',
};

/** Takes the rules of one list, in any order. */
export interface RuleSink {
  /**
   * A name trigger. `name` holds `length` bytes of wire form, folded; it is only valid during the call.
   * `line` is the rule's line in its source, from 1.
   */
  addName(match: Match, name: Uint8Array, length: number, line: number): void;
  /** A response-address trigger. */
  addPrefix(prefix: Prefix, line: number): void;
}
