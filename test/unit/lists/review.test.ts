import { describe, expect, it } from 'vitest';
import {
  type Candidate,
  isMarkup,
  REVIEW_DEFAULTS,
  type ReviewFacts,
  review,
} from '../../../src/policy/lists/review.ts';

const SHA256 = 'a'.repeat(64);
const YESTERDAY: ReviewFacts = {
  entries: 1000,
  rejected: 0,
  guarded: 0,
  sizeBytes: 20_000,
  isMarkup: false,
  endsInLineBreak: true,
  isLengthKnown: true,
};

const today = (change: Partial<ReviewFacts> = {}): Candidate => ({
  ...YESTERDAY,
  sha256: SHA256,
  ...change,
});

const outcomeOf = (previous: ReviewFacts | undefined, candidate: Candidate, thresholds = REVIEW_DEFAULTS) => {
  const { verdict, reasons } = review(previous, candidate, thresholds);
  return [verdict, ...reasons.map(({ code }) => code)].join(' ');
};

const yesterday = (change: Partial<ReviewFacts>): ReviewFacts => ({ ...YESTERDAY, ...change });

describe('review()', () => {
  it.each<[string, Partial<ReviewFacts> | undefined, Partial<Candidate>, string]>([
    ['the same numbers', {}, {}, 'accepted'],
    ['the first content', undefined, {}, 'accepted'],
    ['a fifth less', {}, { entries: 800 }, 'accepted'],
    ['more than a fifth less', {}, { entries: 799 }, 'held shrunk'],
    ['three times as much', {}, { entries: 3000 }, 'accepted'],
    ['more than three times as much', {}, { entries: 3001 }, 'held grown'],
    ['ten times as much', {}, { entries: 10_000 }, 'held grown'],
    ['little of a small list', { entries: 12 }, { entries: 2 }, 'accepted'],
    ['eleven less of a small list', { entries: 12 }, { entries: 1 }, 'held shrunk'],
    ['a small list that grows', { entries: 1 }, { entries: 11 }, 'accepted'],
    ['a small list that grows by more', { entries: 1 }, { entries: 12 }, 'held grown'],
    ['nothing', {}, { entries: 0, sizeBytes: 0, endsInLineBreak: false }, 'held emptied'],
    ['nothing at first', undefined, { entries: 0 }, 'accepted'],
    ['nothing after nothing', { entries: 0 }, { entries: 0 }, 'accepted'],
    ['much after nothing', { entries: 0 }, { entries: 1_000_000 }, 'accepted'],
    ['a mandate of nothing', undefined, { entries: 0, isMandate: true }, 'held emptied'],
    ['what cannot be read', undefined, { entries: 0, isBroken: true }, 'held emptied'],
    ['nothing of a small list', { entries: 1 }, { entries: 0 }, 'held emptied'],
    ['a web page', {}, { isMarkup: true, entries: 0 }, 'held markup emptied'],
    ['a page that holds names', undefined, { isMarkup: true }, 'held markup'],
    ['a twentieth that is not understood', {}, { entries: 950, rejected: 50 }, 'accepted'],
    ['more than that', {}, { entries: 949, rejected: 51 }, 'held rejected-share'],
    ['few lines of a small list', undefined, { entries: 5, rejected: 5 }, 'accepted'],
    ['most lines', undefined, { entries: 5, rejected: 6 }, 'held rejected-share'],
    ['a guard name', {}, { guarded: 1 }, 'held guarded'],
    ['a guard name at first', undefined, { guarded: 1 }, 'held guarded'],
    ['the guard names of yesterday', { guarded: 2 }, { guarded: 2 }, 'accepted'],
    ['one more guard name', { guarded: 2 }, { guarded: 3 }, 'held guarded'],
    ['a lost line break', {}, { endsInLineBreak: false }, 'accepted'],
    ['a lost line break and a lost name', {}, { endsInLineBreak: false, entries: 999 }, 'held truncated'],
    ['an end that nobody announced', {}, { endsInLineBreak: false, isLengthKnown: false }, 'held truncated'],
    [
      'a file that never had a last line break',
      { endsInLineBreak: false },
      { endsInLineBreak: false },
      'accepted',
    ],
  ])('judges %s', (_name, previous, candidate, outcome) => {
    expect(outcomeOf(previous === undefined ? undefined : yesterday(previous), today(candidate))).toBe(
      outcome,
    );
  });

  it('goes by the thresholds of the source', () => {
    const thresholds = { ...REVIEW_DEFAULTS, shrinkShareMax: 0.5, growthShareMax: 0.1, guardedMax: 3 };
    expect(outcomeOf(YESTERDAY, today({ entries: 500, guarded: 3 }), thresholds)).toBe('accepted');
    expect(outcomeOf(YESTERDAY, today({ entries: 1101 }), thresholds)).toBe('held grown');
    const strict = { ...REVIEW_DEFAULTS, slackEntries: 0, slackRejected: 0, rejectedShareMax: 0 };
    expect(outcomeOf(yesterday({ entries: 2 }), today({ entries: 1, rejected: 1 }), strict)).toBe(
      'held rejected-share shrunk',
    );
  });

  it('accepts by hand exactly the content that was named, and keeps the reasons', () => {
    const candidate = today({ entries: 10 });
    const byHand = review(YESTERDAY, candidate, REVIEW_DEFAULTS, { accepted: SHA256 });
    expect(byHand).toMatchObject({ verdict: 'accepted', reasons: [{ code: 'shrunk' }] });
    const other = review(YESTERDAY, candidate, REVIEW_DEFAULTS, { accepted: 'b'.repeat(64) });
    expect(other.verdict).toBe('held');
  });

  it('holds what a person turned away', () => {
    const { verdict, reasons } = review(YESTERDAY, today(), REVIEW_DEFAULTS, { dismissed: [SHA256] });
    expect(verdict).toBe('held');
    expect(reasons).toEqual([{ code: 'dismissed', text: 'this content was rolled back or turned away' }]);
  });

  it('says why in numbers', () => {
    const { reasons } = review(YESTERDAY, today({ entries: 10, rejected: 90 }));
    expect(reasons.map(({ text }) => text)).toEqual([
      '90 of 100 lines not understood, at most 5 %',
      '10 entries after 1000, at most 20 % fewer',
    ]);
  });
});

describe('isMarkup()', () => {
  it.each([
    ['<!DOCTYPE html>', true],
    ['<html>', true],
    ['\n\t <HTML lang="en">', true],
    ['\uFEFF<?xml version="1.0"?>', true],
    ['one.example.com\n<html>', false],
    ['# <html>', false],
    ['', false],
    ['< a', false],
  ])('%j', (text, expected) => {
    expect(isMarkup(Buffer.from(text))).toBe(expected);
  });
});
