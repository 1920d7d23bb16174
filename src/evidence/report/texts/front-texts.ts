// What page one says, in four languages: the eight questions, their answers, and where the rest stands.
/** A value of a sentence, written for people already. */
type Value = string;
/** A lead and what follows it. */
type Statement = readonly [lead: string, rest: string];

/** The eight questions, in their order. */
export const QUESTIONS = [
  ...(['mandate', 'enforcement', 'lists', 'exempt', 'attempts', 'probe', 'evidence', 'unknown'] as const),
] as const;
/** One of QUESTIONS. */
export type QuestionId = (typeof QUESTIONS)[number];

/** The words of page one. */
export interface FrontTexts {
  /** Two words at most: they stand in a narrow column. */
  readonly labels: Readonly<Record<QuestionId, string>>;
  /** Behind what a place on the page has no room for. */
  readonly more: (count: Value, section: number, title: Value) => string;
  readonly answer: {
    readonly inForce: (share: Value) => string;
    readonly notInForce: (share: Value) => string;
    readonly noEvidence: (share: Value) => string;
    readonly networks: (all: Value, inForce: Value, less: Value, unknown: Value) => string;
  };
  /** As narrow as the labels. */
  readonly needs: string;
  readonly findings: (count: Value) => string;
  readonly mandate: {
    readonly none: string;
    readonly undecided: (count: Value) => string;
    readonly from: (day: Value) => string;
    readonly review: (day: Value) => string;
    readonly provisional: string;
    readonly lists: (names: Value) => string;
    readonly others: (count: Value) => string;
  };
  readonly enforcement: {
    readonly never: string;
    readonly first: (time: Value) => string;
    readonly since: (time: Value) => string;
    readonly notAtEnd: string;
    readonly gaps: (count: number, length: Value, missing: Value) => string;
    readonly noGaps: string;
  };
  readonly lists: {
    readonly none: string;
    readonly counts: (mandates: Value, others: Value) => string;
    readonly overdue: (count: Value) => string;
    readonly oldest: (age: Value) => string;
    readonly failing: (count: Value) => string;
    readonly fetched: (time: Value) => string;
    readonly reviewed: (day: Value) => string;
    readonly ended: (time: Value) => string;
  };
  readonly feeds: {
    readonly none: (day: Value) => string;
    readonly state: (feed: Value, state: Value, since: Value, version: Value, until: Value) => string;
    readonly behind: (count: Value, list: Value, since: Value, why: Value) => string;
    readonly more: (count: Value) => string;
  };
  readonly exempt: {
    readonly none: string;
    readonly counts: (count: Value, passed: Value) => string;
    readonly goesOn: string;
  };
  readonly attempts: {
    readonly none: string;
    readonly counts: (count: Value, clients: Value) => string;
    readonly before: (count: Value, change: Value) => string;
    readonly most: (names: Value) => string;
    readonly beside: (passed: Value, signs: Value, others: Value) => string;
  };
  readonly probe: {
    readonly none: string;
    readonly runs: (questions: Value, runs: Value, views: Value, last: Value) => string;
    readonly clean: string;
    readonly leaks: (count: Value, view: Value, time: Value) => string;
    readonly longest: (length: Value) => string;
  };
  readonly evidence: {
    readonly never: string;
    readonly signed: (until: Value, records: Value) => string;
    readonly unsigned: (count: Value) => string;
    readonly nothingBehind: string;
    readonly checkpoint: (blocks: Value, root: Value) => string;
    readonly key: (key: Value) => string;
    readonly head: (number: Value, time: Value, key: Value) => string;
    readonly witnessed: (needed: Value, all: Value, until: Value, names: Value) => string;
    readonly notWitnessed: (needed: Value, cosigned: Value) => string;
    readonly noWitness: string;
  };
  readonly unknown: {
    /** What no record can tell, always. */
    readonly always: string;
    readonly also: string;
  };
  /** What is not known, by code. */
  readonly unknowns: Readonly<Record<string, (...values: Value[]) => string>>;
  readonly timesLead: string;
  readonly seeSection: (number: number) => string;
  /** Behind a lead of what needs a person. */
  readonly need: (statement: Statement) => string;
  /** In the place of the rest of a long cell. */
  readonly cut: (count: Value) => string;
  readonly moreKeys: (count: Value) => string;
  /** Of tables that page one and its annex brought. */
  readonly captions: Readonly<Record<string, string>>;
  readonly empty: Readonly<Record<string, string>>;
  readonly columns: Readonly<Record<string, string>>;
}
