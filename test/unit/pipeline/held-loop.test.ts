import { expect, test } from 'vitest';
import type { Resolution } from '../../../src/resolver/pipeline/pipeline.ts';
import { buildResponse } from '../../support/records.ts';
import { Bench } from './setup.ts';

const QUESTION = 'www.example.com. A';
const message = buildResponse({ question: QUESTION, answer: ['www.example.com. 300 IN A 192.0.2.1'] });

/** What a resolver says, which takes the reader so many milliseconds. */
const slow = (ms: number): Resolution => ({
  kind: 'answer',
  get message() {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return message;
  },
});

/** What is counted of an answer that takes so many milliseconds. */
const countsOf = (ms: number): string[] => {
  const bench = new Bench();
  bench.ask(QUESTION);
  bench.asked[0]?.done(slow(ms));
  return bench.counts.filter((count) => count === 'held-loop');
};

test('an answer that takes more than 5 ms to be read is counted', () => {
  expect(countsOf(6)).toEqual(['held-loop']);
});

test('any other answer is not', () => {
  // A busy machine may take the processor away in the middle of one; not of each.
  const all = Array.from({ length: 20 }, () => countsOf(0));
  expect(all).toContainEqual([]);
});
