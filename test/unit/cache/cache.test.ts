// The answer cache: lifetimes by the caller's clock, a bound in bytes, what makes room for what, and bytes that are
// the process's own.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Answer, AnswerCache, CacheKey, KEY_FLAG } from '../../../src/resolver/cache/cache.ts';
import { nameFrom, parseType, TYPE } from '../../../src/wire/dns/dns.ts';
import { run } from '../../support/process.ts';
import { ARRIVAL_MS, answerOf, formatAnswer } from './setup.ts';

/** Some thirty short answers and their buckets. */
const SMALL_BYTES = 4 * 1024;
/** How far the bytes counted may be from what the process grows by. */
const TOLERANCE = 0.1;

/** An answer with one address, which tells it from others. */
const answerFor = (name: string, changes: { ttl?: number; address?: string; type?: string } = {}): Answer => {
  const { ttl = 60, address = '192.0.2.1', type = 'A' } = changes;
  const answer = answerOf({ question: `${name} ${type}`, answer: [`${name} ${ttl} IN ${type} ${address}`] });
  if (answer === undefined) throw new Error(`no answer for ${name}`);
  return answer;
};

const openCache = (sizeBytes = 1024 * 1024): { cache: AnswerCache; evictions: () => number } => {
  let evictions = 0;
  const observer = { cacheEvicted: () => void evictions++ };
  return { cache: new AnswerCache({ sizeBytes, observer }), evictions: () => evictions };
};

/** Looks a question up. */
const find = (
  cache: AnswerCache,
  name: string,
  { nowMs = ARRIVAL_MS, type = 'A', flags = 0 } = {},
): Answer | undefined => {
  const key = new CacheKey();
  const wire = nameFrom(name);
  key.bytes.set(wire);
  cache.seal(key, wire.length, parseType(type) ?? 0, flags);
  return cache.get(key, nowMs);
};

/** The records under a question, as text. */
const recordsOf = (cache: AnswerCache, name: string, type = 'A'): readonly string[] | undefined =>
  formatAnswer(find(cache, name, { type }))?.answer;

describe('get()', () => {
  test.each([
    [0, true],
    [59_999, true],
    [60_000, false],
    [60_001, false],
    [-1, false],
    [-1_000_000, false],
  ])('%i ms after the answer arrived: %s', (ageMs, isAlive) => {
    const { cache, evictions } = openCache();
    cache.set(answerFor('a.example.'), 0);
    expect(find(cache, 'a.example.', { nowMs: ARRIVAL_MS + ageMs }) !== undefined).toBe(isAlive);
    // An answer that is out of time is forgotten, also when the clock comes back, and that is no eviction.
    expect(find(cache, 'a.example.') !== undefined).toBe(isAlive);
    expect(cache.entries).toBe(isAlive ? 1 : 0);
    expect(evictions()).toBe(0);
  });

  test('finds a folded name, whatever letters the upstream used', () => {
    const { cache } = openCache();
    const answer = answerOf({ question: 'WWW.Example. A', answer: ['WWW.Example. 60 IN A 192.0.2.1'] });
    if (answer !== undefined) cache.set(answer, 0);
    expect(find(cache, 'www.example.')).toBeDefined();
  });

  test('names, types and flags that differ are different keys', () => {
    const { cache } = openCache();
    cache.set(answerFor('a.example.'), 0);
    expect(find(cache, 'a.example.')).toBeDefined();
    for (const name of ['b.example.', 'example.', 'a.example.invalid.', '.'])
      expect(find(cache, name)).toBeUndefined();
    expect(find(cache, 'a.example.', { type: 'AAAA' })).toBeUndefined();
    for (const flags of [1, 2, 3]) expect(find(cache, 'a.example.', { flags })).toBeUndefined();
  });

  test('answers for DO and CD stand beside the plain one', () => {
    const { cache } = openCache();
    const both = KEY_FLAG.DNSSEC_OK | KEY_FLAG.CHECKING_DISABLED;
    for (const flags of [0, both]) cache.set(answerFor('a.example.', { address: `192.0.2.${flags}` }), flags);
    expect(recordsOf(cache, 'a.example.')).toEqual(['a.example. 60 IN A 192.0.2.0']);
    expect(formatAnswer(find(cache, 'a.example.', { flags: both }))?.answer).toEqual([
      'a.example. 60 IN A 192.0.2.3',
    ]);
    expect(cache.entries).toBe(2);
  });
});

describe('set()', () => {
  test('does not keep an answer without a lifetime', () => {
    const { cache } = openCache();
    cache.set(answerFor('a.example.', { ttl: 0 }), 0);
    expect(cache.entries).toBe(0);
  });

  test('replaces an answer', () => {
    const { cache, evictions } = openCache();
    cache.set(answerFor('a.example.'), 0);
    cache.set(answerFor('a.example.', { ttl: 90, address: '192.0.2.2' }), 0);
    expect(cache.entries).toBe(1);
    expect(recordsOf(cache, 'a.example.')).toEqual(['a.example. 90 IN A 192.0.2.2']);
    expect(evictions()).toBe(0);
  });

  test('drops the oldest once the bytes are taken, but not what was used', () => {
    const { cache, evictions } = openCache(SMALL_BYTES);
    cache.set(answerFor('used.example.', { ttl: 3600 }), 0);
    for (let i = 0; i < 1000; i++) {
      cache.set(answerFor(`n${i}.example.`, { ttl: 3600 }), 0);
      expect(find(cache, 'used.example.')).toBeDefined();
      expect(cache.bytes).toBeLessThanOrEqual(SMALL_BYTES);
    }
    expect(find(cache, 'n0.example.')).toBeUndefined();
    expect(find(cache, 'n999.example.')).toBeDefined();
    expect(cache.entries).toBeGreaterThan(20);
    expect(evictions()).toBe(1001 - cache.entries);
  });

  test('what was used once does not stay for ever', () => {
    const { cache } = openCache(SMALL_BYTES);
    cache.set(answerFor('once.example.', { ttl: 3600 }), 0);
    find(cache, 'once.example.');
    for (let i = 0; i < 200; i++) cache.set(answerFor(`n${i}.example.`, { ttl: 3600 }), 0);
    expect(find(cache, 'once.example.')).toBeUndefined();
  });

  test('does not keep an answer over half of the size, and keeps the others', () => {
    const { cache } = openCache(SMALL_BYTES);
    cache.set(answerFor('a.example.'), 0);
    const large = answerOf({
      question: 'b.example. TXT',
      answer: Array.from({ length: 40 }, (_, index) => `b.example. 60 IN TXT "${index}${'x'.repeat(250)}"`),
    });
    if (large === undefined) throw new Error('no answer');
    cache.set(large, 0);
    expect(find(cache, 'b.example.', { type: 'TXT' })).toBeUndefined();
    expect(find(cache, 'a.example.')).toBeDefined();
  });

  test('names that were chosen to fall into one bucket push each other out, and nobody else', () => {
    const { cache, evictions } = openCache();
    const hashOf = (name: string): number => {
      const key = new CacheKey();
      const wire = nameFrom(name);
      key.bytes.set(wire);
      cache.seal(key, wire.length, TYPE.A, 0);
      return key.hash;
    };
    const isChosen = (name: string): boolean => (hashOf(name) & 0xfff) === 0;
    const chosen = Array.from({ length: 300_000 }, (_, i) => `n${i}.example.`).filter(isChosen);
    expect(chosen.length).toBeGreaterThan(40);
    cache.set(answerFor('a.example.'), 0);
    for (const name of chosen) cache.set(answerFor(name), 0);
    expect(evictions()).toBe(chosen.length - 24);
    expect(cache.entries).toBe(25);
    expect(chosen.filter((name) => find(cache, name) !== undefined)).toEqual(chosen.slice(-24));
    expect(find(cache, 'a.example.')).toBeDefined();
  });
});

test('behaves as a map that forgets, whatever is kept, asked, out of time and forgotten in whatever order', () => {
  const names = Array.from({ length: 60 }, (_, i) => `${'n'.repeat(1 + (i % 30))}${i}.example.`);
  const step = fc.record({
    name: fc.nat(names.length - 1),
    kind: fc.constantFrom('set', 'set', 'get', 'get', 'get', 'large', 'clear'),
    laterMs: fc.constantFrom(0, 1, 1000, 30_000, 61_000),
    ttl: fc.constantFrom(1, 30, 60, 3600),
    address: fc.nat(255),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const { cache, evictions } = openCache(SMALL_BYTES);
      /** What may be found: absent from the cache is always allowed, another answer never. */
      const model = new Map<string, { text: string; endMs: number; fromMs: number }>();
      let nowMs = ARRIVAL_MS;
      let kept = 0;
      let dropped = 0;
      for (const { name: index, kind, laterMs, ttl, address } of steps) {
        nowMs += laterMs;
        const name = names[index] ?? '';
        if (kind === 'clear' && address < 10) {
          dropped += cache.entries;
          cache.clear();
          model.clear();
        } else if (kind === 'set' || kind === 'large') {
          const count = kind === 'large' ? 1 + (address % 60) : 1;
          const text = Array.from({ length: count }, (_, i) => `${name} ${ttl} IN A 192.0.${i}.${address}`);
          const answer = answerOf({ question: `${name} A`, answer: text }, { nowMs });
          if (answer === undefined) throw new Error('no answer');
          cache.set(answer, 0);
          if (answer.sizeBytes < SMALL_BYTES / 2 - 300) {
            model.set(name, { text: text.join(), endMs: nowMs + ttl * 1000, fromMs: nowMs });
            kept++;
            // What was kept last is there.
            expect(find(cache, name, { nowMs })).toBeDefined();
          } else {
            model.delete(name);
            if (find(cache, name, { nowMs }) !== undefined) {
              kept++;
              model.set(name, { text: text.join(), endMs: nowMs + ttl * 1000, fromMs: nowMs });
            }
          }
        } else {
          const found = find(cache, name, { nowMs });
          if (found !== undefined) {
            const expected = model.get(name);
            expect(formatAnswer(found)?.answer.join()).toBe(expected?.text);
            expect(nowMs).toBeLessThan(expected?.endMs ?? 0);
          }
        }
        expect(cache.bytes).toBeLessThanOrEqual(SMALL_BYTES);
        expect(cache.entries).toBeGreaterThanOrEqual(0);
      }
      expect(cache.entries).toBeLessThanOrEqual(kept - evictions() - dropped);
    }),
    { numRuns: 300 },
  );
});

test('clear() forgets everything', () => {
  const { cache, evictions } = openCache();
  cache.set(answerFor('a.example.'), 0);
  cache.clear();
  expect(find(cache, 'a.example.')).toBeUndefined();
  expect(cache).toMatchObject({ entries: 0, bytes: 0 });
  expect(evictions()).toBe(0);
});

test('a full cache of 32 MiB makes the process grow by its bytes, and by no more however long it lives', {
  tags: 'night',
}, async () => {
  const script = `${import.meta.dirname}/fill-cache.ts`;
  // V8 gives pages back when it comes to it, later on a busy machine: what grows each time has grown.
  let [growth, figures] = [Number.POSITIVE_INFINITY, ''];
  for (let tries = 0; tries < 3 && growth >= 1 + TOLERANCE; tries++) {
    const { stdout, stderr, code } = await run(process.execPath, ['--expose-gc', script]);
    expect(code, stderr).toBe(0);
    const { bytes = 0, grownBytes = 0, entries } = JSON.parse(stdout) as Record<string, number>;
    figures = `${entries} answers: ${bytes} bytes, grown ${grownBytes}`;
    expect(bytes, figures).toBeGreaterThan(30 * 1024 * 1024);
    growth = grownBytes / bytes;
  }
  expect(growth, figures).toBeLessThan(1 + TOLERANCE);
});
