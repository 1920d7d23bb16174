// What a report says, in four languages: one typed dictionary each, so that a missing sentence does not compile.
//
// Codes of the model are the keys. Texts of records stay as they are: nobody translates what a person wrote.
import type { Language } from '../../../base/words/words.ts';
import type { FrontTexts } from './front-texts.ts';

/** A value of a sentence, written for people already. */
export type Value = string;

/** A lead and what follows it. */
export type Statement = readonly [lead: string, rest: string];

/** The words of one language. */
export interface ReportTexts {
  readonly language: Language;
  /** Between three digits, and before decimals. */
  readonly thousands: string;
  readonly decimal: string;
  readonly months: readonly string[];
  readonly quarter: (number: number, year: number) => string;
  readonly month: (name: string, year: number) => string;
  /** `1 July 2026`. */
  readonly day: (day: number, month: string, year: number) => string;
  readonly range: (from: Value, to: Value) => string;
  readonly times: (from: Value, until: Value) => string;
  readonly soFar: (until: Value) => string;
  readonly all: string;
  readonly none: string;
  readonly atLeast: string;
  readonly about: string;
  readonly atMost: string;
  readonly attention: string;
  readonly page: (page: number, count: number) => string;
  readonly skip: string;
  readonly contents: string;
  readonly moreRows: (count: Value, table: string) => string;

  readonly kicker: string;
  readonly title: string;
  readonly networks: { readonly all: string; readonly one: (name: string) => string };
  readonly meta: {
    readonly made: string;
    readonly by: string;
    readonly resolver: string;
    readonly program: string;
    readonly mandate: string;
    readonly records: string;
  };
  readonly notKnown: string;

  readonly verdict: {
    readonly yes: string;
    readonly yesBut: (length: Value) => string;
    readonly no: string;
    readonly notShown: string;
    readonly soFar: string;
    readonly gaps: (count: number, causes: Value) => string;
    readonly noGaps: string;
    readonly evidence: (missing: Value | undefined) => string;
    readonly tested: (questions: Value, isLeaking: boolean) => string;
    readonly untested: string;
    readonly reasons: Readonly<Record<string, string>>;
  };
  readonly strip: {
    readonly title: string;
    readonly inForce: string;
    readonly notInForce: string;
    readonly noEvidence: string;
    readonly wider: string;
    readonly words: (inForce: Value, not: Value, without: Value) => string;
  };
  readonly front: FrontTexts;
  readonly figures: Readonly<
    Record<
      'inForce' | 'notInForce' | 'noEvidence' | 'proofGap' | 'refusals' | 'clients' | 'passed' | 'signals',
      string
    >
  >;
  /** What needs attention, by code. */
  readonly needs: Readonly<Record<string, (...values: Value[]) => Statement>>;
  /** Before the command that checks the signature. */
  readonly checkSignature: string;
  readonly exemptionScope: {
    readonly names: (count: number) => string;
    readonly clients: (count: number) => string;
  };
  readonly upgraded: (version: Value) => string;

  readonly sections: Readonly<Record<SectionId, string>>;
  readonly leads: {
    readonly attempts: (count: Value, clients: Value) => string;
    readonly attemptsNone: string;
    readonly proof: (runs: Value, views: Value, questions: Value) => string;
    readonly proofNone: string;
    readonly lists: (mandates: Value, others: Value) => string;
    readonly exemptions: (count: Value, inForce: Value, passed: Value) => string;
    readonly changes: (count: Value) => string;
    readonly records: (count: Value) => string;
  };
  readonly captions: Readonly<Record<string, string>>;
  readonly empty: Readonly<Record<string, string>>;
  readonly columns: Readonly<Record<string, string>>;
  /** Codes that stand in cells. */
  readonly terms: Readonly<Record<string, string>>;
  readonly signalMeanings: Readonly<Record<string, string>>;
  readonly chart: {
    readonly title: Readonly<Record<'hour' | 'day' | 'week' | 'month', string>>;
    readonly week: (number: number) => string;
    readonly words: (most: Value, when: Value) => string;
    readonly nothing: string;
    readonly proof: string;
    readonly proofWords: string;
    readonly stroke: string;
  };
  readonly paper: Readonly<Record<string, string>>;
  readonly paperAbsent: string;
  readonly notes: Readonly<Record<string, (...values: Value[]) => string>>;
  readonly facts: Readonly<
    Record<'from' | 'until' | 'chain' | 'dropped' | 'uncleanEnds' | 'never' | 'inForce' | 'passed', string>
  >;
  readonly chain: (count: Value, findings: number) => string;
  readonly warning: {
    readonly title: (count: Value) => string;
    readonly concerns: string;
    readonly outside: string;
    readonly told: string;
    readonly check: string;
    readonly first: (shown: Value, all: Value) => string;
  };
  readonly inDoubt: (count: Value) => string;
  /** Paragraphs of the last section. */
  readonly how: readonly string[];
}

/** Sections behind page one. */
export type SectionId =
  | 'times'
  | 'proof'
  | 'attempts'
  | 'lists'
  | 'exemptions'
  | 'changes'
  | 'records'
  | 'how';
