// What a list lets pass, as marks that two contents of it are compared by: how many exceptions, which, and whether any of
// them is new.
//
// An exception is a rule that opens what other rules refuse, so that each new one is for a person to see. The content before
// may be gone (a file of the operator's), so that its marks are kept beside its hash: SHA-256 cut to 72 bits, which nobody
// can make equal for two rules. Of a list with very many only their sum is kept, which tells that they differ and not how.
// An allowlist consists of exceptions; of a mandate list, what its rules answer with is marked as well, because an answer of
// its own may lead anywhere, and each rule that refuses under conditions only, because it is open to everybody else.
import { hash } from 'node:crypto';
import { formatName } from '../../wire/dns/dns.ts';
import { MATCH_NAMES, type Match, type RuleTerms } from '../policy.ts';
import { isConditional, isException } from './rule-terms.ts';

/** Marks that are kept: 160 KB of a saved generation. */
const MARKS_MAX = 10_000;
/** Characters of a mark: 72 bits in Base64. */
const MARK_LENGTH = 12;
/** Hexadecimal digits of a sum: 64 bits. */
const SUM_DIGITS = 16;

/** The exceptions of one content of a list. Plain data. */
export interface ExceptionFacts {
  /** Rules that let names through, or let through over TCP; of an allowlist none, because that is what its rules are. */
  readonly count: number;
  /** Of all marks, whatever their order, 16 hexadecimal digits. */
  readonly sum: string;
  /** Undefined: more than are kept. */
  readonly marks?: readonly string[] | undefined;
}

/** What makes a rule one that is marked. */
export interface Marking {
  /** Every rule of the list lets its names pass. */
  readonly isAllow: boolean;
  /** What its rules answer with is marked. */
  readonly isMandate: boolean;
}

/** The text that a rule is told by: what it is about, or what it answers with. Undefined: it is not marked. */
export const markedText = (
  { isAllow, isMandate }: Marking,
  trigger: () => string,
  terms: RuleTerms | undefined,
): string | undefined => {
  if (isAllow || isException(terms))
    return `${trigger()} ${terms === undefined ? '' : JSON.stringify(terms)}`;
  if (!isMandate || terms === undefined) return undefined;
  if (isConditional(terms)) return `${trigger()} ${JSON.stringify(terms)}`;
  return terms.action.kind === 'data' ? JSON.stringify(terms.action) : undefined;
};

/** A mark of such a text. */
export const markOf = (text: string): string => hash('sha256', text, 'base64').slice(0, MARK_LENGTH);

/** How a name trigger is told. */
export const nameTrigger = (match: Match, name: Uint8Array, length: number): string =>
  `${MATCH_NAMES[match]} ${formatName(name.subarray(0, length))}`;

/** Collects the marks of one content. */
export class ExceptionMarks {
  /** Exceptions, for people. */
  count = 0;
  readonly #marks = new Set<string>();
  #isWhole = true;
  #sum = 0n;

  add(text: string): void {
    const mark = markOf(text);
    if (this.#marks.has(mark)) return;
    this.#sum = BigInt.asUintN(64, this.#sum + Buffer.from(mark, 'base64').readBigUInt64BE());
    if (this.#marks.size < MARKS_MAX) this.#marks.add(mark);
    else this.#isWhole = false;
  }

  get facts(): ExceptionFacts {
    const sum = this.#sum.toString(16).padStart(SUM_DIGITS, '0');
    return { count: this.count, sum, ...(this.#isWhole && { marks: [...this.#marks] }) };
  }
}

/** Of a content without exceptions. */
export const NO_EXCEPTIONS: ExceptionFacts = { count: 0, sum: '0'.repeat(SUM_DIGITS), marks: [] };

/** The marks of `after` that `before` has not; undefined: there may be any, and nobody can tell which. */
export const newMarks = (before: ExceptionFacts, after: ExceptionFacts): ReadonlySet<string> | undefined => {
  if (before.sum === after.sum) return new Set();
  if (before.marks === undefined || after.marks === undefined) return undefined;
  const known = new Set(before.marks);
  return new Set(after.marks.filter((mark) => !known.has(mark)));
};
