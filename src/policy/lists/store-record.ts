// What the store writes about one list: which contents are kept, what they are, and what was decided.
//
// The record is the truth: a content is in force because the record says so, and the record is replaced as a whole.
// The history is evidence for people; a decision that it lacks is still in the record (`unwritten`).
import { z } from 'zod';
import type { ReviewFacts } from './review.ts';
import type { SourceValidators } from './source-fetch.ts';

/** Earlier contents that are kept, beside the one in force. */
export const PREVIOUS_MAX = 3;
/** Contents that persons turned away, of which the source may serve the latest again. */
export const DISMISSED_MAX = 16;
/** Decisions that wait for a disk with room: weeks of refreshes that change nothing. */
export const UNWRITTEN_MAX = 100;
/** Decisions of the history: forty days of hourly refreshes, some 250 KiB. */
export const HISTORY_MAX = 1000;
/** Characters of a reason or of the name of the person who decided. */
const TEXT_LENGTH_MAX = 500;

/** What was done to a list. */
export const STORE_ACTIONS = ['fetched', 'unchanged', 'accepted', 'held', 'rejected', 'rolled-back'] as const;

const orUndefined = <Value>(value: Value | null | undefined): Value | undefined => value ?? undefined;
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const factsSchema = z.object({
  entries: z.number(),
  exceptions: z.number().optional(),
  rejected: z.number(),
  guarded: z.number(),
  sizeBytes: z.number(),
  isMarkup: z.boolean(),
  endsInLineBreak: z.boolean(),
  isLengthKnown: z.boolean(),
}) satisfies z.ZodType<ReviewFacts>;

const contentSchema = z.object({ sha256, storedAtMs: z.number(), facts: factsSchema });

const validatorsSchema = z.object({
  etag: z.string().nullish().transform(orUndefined),
  lastModified: z.string().nullish().transform(orUndefined),
  source: z.string(),
}) satisfies z.ZodType<SourceValidators>;

const decisionSchema = z.object({
  sequence: z.number(),
  time: z.string(),
  action: z.enum(STORE_ACTIONS),
  sha256: sha256.nullable(),
  entries: z.number().nullable(),
  reason: z.string(),
  by: z.string(),
});

const recordSchema = z.object({
  version: z.literal(1),
  sequence: z.number(),
  current: contentSchema.nullable(),
  previous: z.array(contentSchema),
  held: contentSchema.extend({ reasons: z.array(z.string()) }).nullable(),
  dismissed: z.array(sha256),
  validators: validatorsSchema.nullable(),
  checkedAtMs: z.number().nullable(),
  failures: z.number(),
  unwritten: z.array(decisionSchema),
});

/** One content of a list in the store: plain data. */
export type StoredContent = Readonly<z.infer<typeof contentSchema>>;

/** One line of the history; `time` is ISO 8601 in UTC, `sha256` and `entries` are null when there is no content. */
export type StoreDecision = Readonly<z.infer<typeof decisionSchema>>;

/** Everything about one list but its history. */
export interface StoreRecord {
  readonly version: 1;
  /** Of the last decision. */
  readonly sequence: number;
  /** In force; null before the first one. */
  readonly current: StoredContent | null;
  /** Were in force, the latest first. */
  readonly previous: readonly StoredContent[];
  /** Waits for a person. */
  readonly held: (StoredContent & { readonly reasons: readonly string[] }) | null;
  /** SHA-256 of contents that persons turned away, the latest first. */
  readonly dismissed: readonly string[];
  /** Of the content that was fetched last. */
  readonly validators: SourceValidators | null;
  /** When the source was last reached and gave something usable, or said that nothing changed. */
  readonly checkedAtMs: number | null;
  /** Failures since then. */
  readonly failures: number;
  /** Decisions that the history may lack. */
  readonly unwritten: readonly StoreDecision[];
}

/** Of a list that the store has not seen. */
export const EMPTY_RECORD: StoreRecord = {
  version: 1,
  sequence: 0,
  current: null,
  previous: [],
  held: null,
  dismissed: [],
  validators: null,
  checkedAtMs: null,
  failures: 0,
  unwritten: [],
};

/** Parses a record; undefined when it is damaged or of another version. */
export const parseRecord = (text: string): StoreRecord | undefined =>
  recordSchema.safeParse(parseJson(text)).data;

/** Parses a history; lines that are damaged are left out. */
export const parseHistory = (text: string): StoreDecision[] =>
  text.split('\n').flatMap((line) => decisionSchema.safeParse(parseJson(line)).data ?? []);

/** The text that parseHistory() reads back: JSON lines. */
export const formatHistory = (decisions: readonly StoreDecision[]): string =>
  decisions.map((decision) => `${JSON.stringify(decision)}\n`).join('');

/** A text of foreign origin for a decision: bounded, on one line. */
export const boundText = (text: string): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, TEXT_LENGTH_MAX);

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
