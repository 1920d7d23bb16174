// The question that is asked for queries that wait. Hot file: one for each miss.
//
// Used again (PoolByLength: a name is as long as its view) once two have let go of it: the resolver has handed over an answer
// that nobody else has (Resolution.end()), and no query is on its way that may still look at the question (Interest). In any
// other life it ends as garbage. Who looks later all the same finds another number of its use, which ends the thread.
import { ByteSlab, PoolByLength, Reusable } from '../../base/base.ts';
import {
  CLASS,
  HEADER_LENGTH,
  type Interest,
  NAME_LENGTH_MAX,
  NO_QUESTION,
  TYPE,
} from '../../wire/dns/dns.ts';
import { KEY_FLAG, keyText } from '../cache/cache.ts';
import type { InForce } from './in-force.ts';
import type { QueryContext } from './query-context.ts';
import type { Question } from './resolver.ts';
import type { Alias } from './rewrite.ts';
import type { Waiter } from './waiter.ts';

/** Bytes of some 200 names. */
const NAMES_BYTES = 4096;
/** Questions that are kept for the next ones, as waiters are. */
const KEPT_MAX = 1024;

/** A question for the resolver, with its cache key. */
export class Asked extends Reusable implements Interest {
  /** Hash and flags of its cache key. */
  hash = 0;
  flags = 0;
  /** Folded; `question.name` has the letters of the client that asked first. The resolver writes to neither: they may be one. */
  readonly qname: Uint8Array;
  readonly question: { -readonly [K in keyof Question]: Question[K] };
  cancel: (() => void) | undefined = undefined;
  lookers = 0;

  /** Room for a folded name as long as this one. */
  constructor(qname: Uint8Array) {
    super();
    this.qname = qname;
    this.question = {
      name: qname,
      type: TYPE.A,
      class: CLASS.IN,
      dnssecOk: false,
      checkingDisabled: false,
      view: 0,
      wantsAd: false,
      interest: this,
    };
  }
}

/** What stands where no question is. */
export const NOT_ASKED = new Asked(NO_QUESTION.name);

const questions = new PoolByLength<Asked>(NAME_LENGTH_MAX, KEPT_MAX);
const names = new ByteSlab(NAMES_BYTES);

/** The cache key of a question as text; made where it is needed, because most questions are answered. */
export const keyTextOf = ({ qname, question, flags }: Asked): string => keyText(qname, question.type, flags);

/**
 * The question of a turn, under its sealed key, for the name that a rule leads to or the QNAME, in the letters of
 * `waiter`.
 */
export const createAsked = (
  { query, key, asker }: QueryContext,
  { resolver }: InForce,
  alias: Alias | undefined,
  waiter: Waiter | undefined,
): Asked => {
  const { qtype, qclass, qnameLength } = query;
  const folded = alias?.target ?? key.bytes;
  const length = alias?.target.length ?? qnameLength;
  const asked = questions.take(length) ?? new Asked(names.take(length));
  const { qname, question } = asked;
  copy(folded, 0, qname);
  // The letters of the waiter's query come back to it; most have small ones alone.
  const hasOwnLetters = alias === undefined && waiter !== undefined && !isFolded(waiter, qname);
  question.name = hasOwnLetters ? copy(waiter.bytes, HEADER_LENGTH, names.take(length)) : qname;
  question.type = qtype;
  question.class = qclass;
  question.dnssecOk = query.opt.dnssecOk || resolver.joinsVariants?.(qtype) === true;
  question.checkingDisabled = (key.flags & KEY_FLAG.CHECKING_DISABLED) !== 0;
  question.view = asker.client.view;
  asked.hash = key.hash;
  asked.flags = key.flags;
  return asked;
};

/** Gives back a question that the resolver does not have, or whose answer was its own. Nobody else may look at it any more. */
export const endAsked = (asked: Asked): void => {
  if (asked.lookers === 0) questions.give(asked, asked.qname.length);
};

/** Cheaper than set() of a view, for a name. */
const copy = (bytes: Uint8Array, start: number, to: Uint8Array): Uint8Array => {
  for (let i = 0; i < to.length; i++) to[i] = bytes[start + i] ?? 0;
  return to;
};

/** True when the name of a query has no letters but those of its folded form. */
const isFolded = ({ bytes }: Waiter, qname: Uint8Array): boolean => {
  for (let i = 0; i < qname.length; i++) if (bytes[HEADER_LENGTH + i] !== qname[i]) return false;
  return true;
};
