// Rules as lists state them: a trigger (a name or an address prefix) of one list at one line.
//
// Rules are streamed into a RuleSink instead of being collected: a list of a million names never exists as a
// million objects. Names arrive in wire form with letters folded.
import type { Prefix } from '../base/base.ts';
import { MATCH } from '../base/words/words.ts';

export { MATCH } from '../base/words/words.ts';

/** One of the values of MATCH. */
export type Match = (typeof MATCH)[keyof typeof MATCH];

/** The word of each match kind, as lists, metrics and explain write it. */
export const MATCH_NAMES: Readonly<Record<Match, string>> = {
  [MATCH.SUFFIX]: 'suffix',
  [MATCH.EXACT]: 'exact',
  [MATCH.WILDCARD]: 'wildcard',
  [MATCH.PREFIX]: 'prefix',
  [MATCH.PATTERN]: 'pattern',
};

/** What a rule does, by number. */
export const ACTION = {
  LIST: 0,
  PASSTHRU: 1,
  NXDOMAIN: 2,
  NODATA: 3,
  DROP: 4,
  TCP_ONLY: 5,
  DATA: 6,
} as const;

/** The same in the words of RPZ. `list` is the answer that the list is configured with. */
export const ACTION_OF = {
  list: ACTION.LIST,
  passthru: ACTION.PASSTHRU,
  nxdomain: ACTION.NXDOMAIN,
  nodata: ACTION.NODATA,
  drop: ACTION.DROP,
  'tcp-only': ACTION.TCP_ONLY,
  data: ACTION.DATA,
} as const;

/** Those that a response policy zone has a word for: `rpz-drop` and so on, the target of a CNAME. */
export const RPZ_WORDS = ['passthru', 'drop', 'tcp-only'] as const satisfies (keyof typeof ACTION_OF)[];

/** What a rule does. */
export type RuleAction =
  | { readonly kind: Exclude<keyof typeof ACTION_OF, 'data'> }
  | { readonly kind: 'data'; readonly records: readonly LocalRecord[] };

/** A record that a rule answers with; its owner is the name that was asked. */
export interface LocalRecord {
  readonly type: number;
  readonly ttlSec: number;
  /**
   * Wire form, names in it whole. For a CNAME whose target begins with `*`, the asked name stands in place of the
   * asterisk (RPZ "wildcard rewriting").
   */
  readonly rdata: Uint8Array;
}

/** The types of questions that a rule concerns. */
export interface RuleTypes {
  readonly types: readonly number[];
  /** True: all types but these. */
  readonly isExcluding: boolean;
}

/** The clients that a rule concerns. */
export interface RuleClients {
  readonly prefixes: readonly Prefix[];
  /** True: all clients but these. */
  readonly isExcluding: boolean;
}

/** What a rule says beyond its trigger. A plain rule, of which lists hold millions, has none. */
export interface RuleTerms {
  readonly action: RuleAction;
  /** Goes before every rule of the list without this mark, a passthru as well. */
  readonly isImportant?: boolean;
  readonly types?: RuleTypes;
  readonly clients?: RuleClients;
  /** Wire form, folded: names at or below which the rule does not apply. */
  readonly exceptBelow?: readonly Uint8Array[];
}

/**
 * Where a list weighs actions first (see PolicyList.precedence): an important passthru, an important refusal, a passthru, a
 * refusal. The greater goes first.
 */
export const weightOf = ({ action, isImportant = false }: RuleTerms): number =>
  (isImportant ? 2 : 0) + (action.kind === 'passthru' ? 1 : 0);

/** Takes the rules of one list, in any order. */
export interface RuleSink {
  /**
   * A name trigger. `name` holds `length` bytes of wire form, folded; it is only valid during the call.
   * `line` is the rule's line in its source, from 1. Rules that share the same `terms` object share its memory.
   */
  addName(match: Match, name: Uint8Array, length: number, line: number, terms?: RuleTerms): void;
  /** A response-address trigger. */
  addPrefix(prefix: Prefix, line: number, terms?: RuleTerms): void;
  /** A client-address trigger (rpz-client-ip). */
  addClientPrefix(prefix: Prefix, line: number, terms?: RuleTerms): void;
  /** A name trigger by regular expression over the folded presentation form without the last dot. */
  addPattern(pattern: RegExp, line: number, terms?: RuleTerms): void;
}
