// DO and CD do not split a name while validation is in force: one question and one entry serve all four kinds of clients,
// each of whom gets what it asked for.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { PipelineRules, Resolution } from '../../../src/resolver/pipeline/pipeline.ts';
import { EDE, EDNS_DO, FLAG, RCODE } from '../../../src/wire/dns/dns.ts';
import { buildQuery, buildResponse, type ParsedMessage } from '../../support/records.ts';
import { type Asked, Bench, createRules, edeOf, onlyAnswer, rcodeOf } from './setup.ts';

const QUESTION = 'a.example. A';
const RECORD = 'a.example. 60 IN A 203.0.113.1';
const SIGNATURE =
  'a.example. 60 IN RRSIG A 13 2 60 20300101000000 20200101000000 1 example. AAAAAAAAAAAAAAAAAAAAAA==';
const SOA = 'example. 60 IN SOA ns.example. host.example. 1 2 3 4 60';
const NSEC = 'example. 60 IN NSEC z.example. NS SOA RRSIG NSEC';
const NS = 'example. 60 IN NS ns.example.';
const PROOF = 'example. 60 IN NSEC b.example. NS SOA';

const VARIANTS = [
  { dnssecOk: false, cd: false },
  { dnssecOk: true, cd: false },
  { dnssecOk: false, cd: true },
  { dnssecOk: true, cd: true },
] as const;
type Variant = (typeof VARIANTS)[number];

let lastId = 0;
/** Each with an ID of its own: a query that is repeated is answered once. */
const queryOf = ({ dnssecOk, cd }: Variant): Uint8Array =>
  buildQuery(QUESTION, {
    id: ++lastId,
    flags: FLAG.RD | FLAG.AD | (cd ? FLAG.CD : 0),
    edns: { ttl: dnssecOk ? EDNS_DO : 0 },
  });

let asked: Asked[];
/** The first answer is asked for in a bench whose resolver joins variants. */
const open = (rules: Partial<PipelineRules> = {}): Bench => {
  asked = [];
  const bench = new Bench(
    { ...createRules(), ...rules },
    {
      joinsVariants: () => true,
      resolve: (question, done) => void asked.push({ question, done }),
    },
  );
  bench.cache.setStale(3_600_000);
  return bench;
};

const secure = (answer: readonly string[], authority: readonly string[] = []): Resolution => ({
  kind: 'answer',
  message: buildResponse({ question: QUESTION, answer, authority }),
  security: 'secure',
});
const ask = (bench: Bench, variant: Variant): ParsedMessage =>
  onlyAnswer(bench.send(queryOf(variant)).answers);
const sectionsOf = ({ answer, authority }: ParsedMessage): unknown => [answer, authority];
const isAuthentic = ({ flags }: ParsedMessage): boolean => (flags & FLAG.AD) !== 0;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe.each(VARIANTS)('the first client asks with DO=$dnssecOk CD=$cd', (first) => {
  test('all four get what they asked for of one question, those who wait and those who come later', () => {
    const bench = open();
    const waiting = [first, ...VARIANTS].map((variant) => ({
      variant,
      answers: bench.send(queryOf(variant)).answers,
    }));
    expect(asked).toHaveLength(1);
    expect(asked[0]?.question).toMatchObject({ dnssecOk: true, checkingDisabled: false });
    asked[0]?.done(secure([RECORD, SIGNATURE], [PROOF]));
    const check = ({ dnssecOk }: Variant, message: ParsedMessage): void => {
      expect(sectionsOf(message)).toEqual(dnssecOk ? [[RECORD, SIGNATURE], [PROOF]] : [[RECORD], []]);
      expect(isAuthentic(message)).toBe(true);
    };
    for (const { variant, answers } of waiting) check(variant, onlyAnswer(answers));
    for (const variant of VARIANTS) check(variant, ask(bench, variant));
    expect(asked).toHaveLength(1);
    expect(bench.cache.entries).toBe(1);
  });

  test('what is bogus is data for those with CD, and SERVFAIL for the others, of one question', () => {
    const bench = open();
    const waiting = [first, ...VARIANTS].map((variant) => ({
      variant,
      answers: bench.send(queryOf(variant)).answers,
    }));
    const message = buildResponse({ question: QUESTION, answer: [RECORD, SIGNATURE] });
    asked[0]?.done({ kind: 'bogus', code: EDE.DNSSEC_BOGUS, text: 'wrong', message });
    const check = ({ dnssecOk, cd }: Variant, reply: ParsedMessage): void => {
      expect(rcodeOf(reply)).toBe(cd ? RCODE.NOERROR : RCODE.SERVFAIL);
      expect(isAuthentic(reply)).toBe(false);
      if (cd) expect(reply.answer).toHaveLength(dnssecOk ? 2 : 1);
      else expect(edeOf(reply)).toEqual([EDE.DNSSEC_BOGUS]);
    };
    for (const { variant, answers } of waiting) check(variant, onlyAnswer(answers));
    for (const variant of VARIANTS) check(variant, ask(bench, variant));
    expect(asked).toHaveLength(1);
    // Mended: nobody with or without CD is told of the old data.
    bench.nowMs += 10_000;
    expect(bench.send(queryOf(first)).answers).toEqual([]);
    expect(asked).toHaveLength(2);
  });

  test('a stale answer is given to all four, and one question fetches the fresh one', () => {
    const bench = open({ stale: { afterMs: 1800, ttlSec: 30 } });
    bench.send(queryOf(first));
    asked.shift()?.done(secure([RECORD, SIGNATURE]));
    bench.nowMs += 60_000;
    const waiting = VARIANTS.map((variant) => ({ variant, answers: bench.send(queryOf(variant)).answers }));
    expect(asked).toHaveLength(1);
    asked[0]?.done({ kind: 'failure', reason: 'timeout' });
    for (const { variant, answers } of waiting) {
      const reply = onlyAnswer(answers);
      expect(reply.answer).toHaveLength(variant.dnssecOk ? 2 : 1);
      expect(edeOf(reply)).toEqual([EDE.STALE_ANSWER]);
    }
  });
});

test('a bogus answer of many records is not gone through: a client with CD has it asked for anew', () => {
  const bench = open();
  const wrong = Array.from({ length: 100 }, (_, i) => SIGNATURE.replace(' 1 example', ` ${i + 1} example`));
  const message = buildResponse({ question: QUESTION, answer: [RECORD, ...wrong] });
  const { answers } = bench.send(queryOf(VARIANTS[0]));
  asked[0]?.done({ kind: 'bogus', code: EDE.DNSSEC_BOGUS, text: 'wrong', message });
  expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.SERVFAIL);
  expect(bench.cache.entries).toBe(0);
  const unchecked = bench.send(queryOf(VARIANTS[2]));
  expect(asked[1]?.question).toMatchObject({ checkingDisabled: true });
  asked[1]?.done({ kind: 'answer', message, security: 'insecure' });
  expect(onlyAnswer(unchecked.answers).answer).toEqual([RECORD]);
});

test('a negative answer keeps its SOA for all, and its proof for those who ask for it', () => {
  const bench = open();
  bench.send(queryOf(VARIANTS[0]));
  asked[0]?.done(secure([], [SOA, NSEC]));
  for (const variant of VARIANTS)
    expect(sectionsOf(ask(bench, variant))).toEqual([[], variant.dnssecOk ? [SOA, NSEC] : [SOA]]);
});

test('an entry of an unsigned zone is as long as one that was asked for without DO', () => {
  const bench = open();
  bench.send(queryOf(VARIANTS[1]));
  asked[0]?.done(secure([RECORD], [NS]));
  const { bytes } = bench.cache;
  const plain = new Bench();
  plain.send(queryOf(VARIANTS[0]));
  plain.asked[0]?.done(secure([RECORD], [NS]));
  expect(bytes).toBe(plain.cache.bytes);
  expect(sectionsOf(ask(bench, VARIANTS[3]))).toEqual([[RECORD], []]);
});

test('TTLs of both forms age, and stay within what signatures allow', () => {
  const bench = open();
  bench.send(queryOf(VARIANTS[0]));
  asked[0]?.done({ ...secure([RECORD, SIGNATURE]), ttlMaxSec: 50 } as Resolution);
  bench.nowMs += 20_000;
  for (const variant of VARIANTS) expect(ask(bench, variant).answer[0]).toBe(RECORD.replace(' 60 ', ' 30 '));
});

test('who asks with CD is asked for without validation when that could not be done', () => {
  const bench = open();
  const { answers } = bench.send(queryOf(VARIANTS[3]));
  asked[0]?.done({ kind: 'failure', reason: 'timeout' });
  expect(asked).toHaveLength(2);
  expect(asked[1]?.question).toMatchObject({ dnssecOk: true, checkingDisabled: true });
  asked[1]?.done({
    kind: 'answer',
    message: buildResponse({ question: QUESTION, answer: [RECORD, SIGNATURE] }),
  });
  expect(onlyAnswer(answers).answer).toHaveLength(2);
  // And not asked again and again where that fails too.
  const other = open();
  const failed = other.send(queryOf(VARIANTS[2])).answers;
  asked[0]?.done({ kind: 'failure', reason: 'timeout' });
  asked[1]?.done({ kind: 'failure', reason: 'timeout' });
  expect(rcodeOf(onlyAnswer(failed))).toBe(RCODE.SERVFAIL);
  expect(asked).toHaveLength(2);
});

test('a listed name behind an alias is refused for all four', () => {
  const rules = createRules({ lists: [['listed.example']] });
  const bench = open(rules);
  bench.send(queryOf(VARIANTS[1]));
  asked[0]?.done(
    secure(['a.example. 60 IN CNAME listed.example.', SIGNATURE, 'listed.example. 60 IN A 203.0.113.1']),
  );
  for (const variant of VARIANTS) expect(ask(bench, variant).answer).not.toContain(RECORD);
  for (const variant of VARIANTS)
    expect(JSON.stringify(ask(bench, variant).answer)).not.toContain('203.0.113.1');
});

test('what is bogus and leads to where a rule leads elsewhere is resolved there, for a client with CD', () => {
  const bench = open(createRules({ lists: [['203.0.113.1/32 => CNAME b.example.']] }));
  const { answers } = bench.send(queryOf({ dnssecOk: false, cd: true }));
  const message = buildResponse({ question: QUESTION, answer: [RECORD] });
  asked[0]?.done({ kind: 'bogus', code: EDE.DNSSEC_BOGUS, text: 'wrong', message });
  expect(asked).toHaveLength(2);
  const end = { question: 'b.example. A', answer: ['b.example. 60 IN A 192.0.2.1'] };
  asked[1]?.done({ kind: 'answer', message: buildResponse(end), security: 'secure' });
  expect(onlyAnswer(answers).answer).toEqual(['a.example. 5 IN CNAME b.example.', ...end.answer]);
});
