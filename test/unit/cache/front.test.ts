// The front of the cache: found by bytes, and never anything that is not in the cache under that very key.
import { expect, test } from 'vitest';
import { type Answer, AnswerCache, createAnswer, keyText } from '../../../src/cache/cache.ts';
import { nameFrom, parseType } from '../../../src/dns/dns.ts';
import { buildResponse } from '../../support/records.ts';

const NOW_MS = 1_000_000;
const LIMITS = { minSec: 0, maxSec: 86_400, negativeMaxSec: 3600 };
/** More names than the front has places, so that many share one. */
const MANY_NAMES = 80_000;

const openCache = (sizeBytes = 256 << 20): AnswerCache =>
  new AnswerCache({ sizeBytes, observer: { cacheEvicted: () => {} } });

const keyOf = (name: string, type = 'A', flags = 0): Buffer => {
  const number = parseType(type) ?? 0;
  return Buffer.from([...nameFrom(name), number >>> 8, number & 0xff, flags]);
};

const answerFor = (name: string, address: string, type = 'A'): Answer => {
  const message = buildResponse({ question: `${name} ${type}`, answer: [`${name} 60 IN A ${address}`] });
  const answer = createAnswer(message, nameFrom(name.toLowerCase()), false, LIMITS, NOW_MS);
  if (answer === undefined) throw new Error(`no answer for ${name}`);
  return answer;
};

const store = (cache: AnswerCache, key: Buffer, answer: Answer): Answer => {
  cache.set(keyText(key, key.length), answer);
  return answer;
};

const find = (cache: AnswerCache, key: Buffer, nowMs = NOW_MS): Answer | undefined =>
  cache.get(key, key.length, nowMs);

test('a second look-up finds the same answer, whatever letters the upstream used', () => {
  const cache = openCache();
  const answer = store(cache, keyOf('www.example.com'), answerFor('WWW.Example.COM', '192.0.2.1'));
  for (let again = 0; again < 3; again++) expect(find(cache, keyOf('www.example.com'))).toBe(answer);
  expect(answer.place).toBeGreaterThanOrEqual(0);
});

test('names, types and flags that differ are different keys', () => {
  const cache = openCache();
  const answer = store(cache, keyOf('a.example.com'), answerFor('a.example.com', '192.0.2.1'));
  expect(find(cache, keyOf('a.example.com'))).toBe(answer);
  for (const other of [
    keyOf('b.example.com'),
    keyOf('example.com'),
    keyOf('a.example.com.invalid'),
    keyOf('a.example.com', 'AAAA'),
    keyOf('a.example.com', 'A', 1),
    keyOf('a.example.com', 'A', 2),
  ])
    expect(find(cache, other)).toBeUndefined();
});

test('an answer that was replaced, that ran out or that was cleared is not found in front', () => {
  const cache = openCache();
  const key = keyOf('a.example.com');
  store(cache, key, answerFor('a.example.com', '192.0.2.1'));
  find(cache, key);
  const second = store(cache, key, answerFor('a.example.com', '192.0.2.2'));
  expect(find(cache, key)).toBe(second);
  expect(find(cache, key, NOW_MS + 60_000)).toBeUndefined();
  expect(find(cache, key)).toBeUndefined();
  const third = store(cache, key, answerFor('a.example.com', '192.0.2.3'));
  expect(find(cache, key)).toBe(third);
  cache.clear();
  expect(find(cache, key)).toBeUndefined();
});

test('an answer that was evicted is not found in front', () => {
  const cache = openCache(16 * 1024);
  const first = keyOf('first.example.com');
  store(cache, first, answerFor('first.example.com', '192.0.2.1'));
  expect(find(cache, first)).toBeDefined();
  for (let i = 0; i < 100; i++)
    store(cache, keyOf(`n${i}.example.com`), answerFor(`n${i}.example.com`, '192.0.2.1'));
  expect(find(cache, first)).toBeUndefined();
});

test('names that share a place are told apart', () => {
  const cache = openCache();
  const answers = Array.from({ length: MANY_NAMES }, (_, i) => {
    const name = `n${i}.example.com`;
    return store(cache, keyOf(name), answerFor(name, '192.0.2.1'));
  });
  for (let round = 0; round < 2; round++) {
    for (const [i, answer] of answers.entries()) {
      if (find(cache, keyOf(`n${i}.example.com`)) !== answer)
        expect.unreachable(`n${i} found another answer`);
    }
  }
  expect(new Set(answers.map(({ place }) => place)).size).toBeLessThan(MANY_NAMES);
});
